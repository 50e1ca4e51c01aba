/*
 * catalog_alerts.c - opens, touches, clears and reopens alerts, as signals come and go.
 *
 * The unique index on open alerts decides between two sessions that raise the
 * same signal: who comes second waits, and touches what the first has opened.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "mb/pg_wchar.h"
#include "store/alerts.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Longer slices are kept as their beginning and a hash: an index cannot hold them. */
#define ML_ALERT_SLICE_BYTES	1024
#define ML_ALERT_HASH_CHARS		16

/* What a payload tells of an alert, in this order. */
#define ML_ALERT_COLUMNS \
	"a.alert_id, a.model, a.version, a.rule, a.severity, a.slice, pg_catalog.to_jsonb(a.opened_at) #>> '{}', a.state"

/* ---- notifications ---- */

void
ml_alert_notify_text(const char *payload)
{
	Async_Notify("ml_alert", payload);
}

/*
 * Sends NOTIFY ml_alert for an alert that was opened or reopened. Its texts are
 * bounded by the table's checks, so that the payload stays below 8000 bytes.
 */
static void
ml_alert_notify(const MlRow *row)
{
	static const char *const names[] = {"alert_id", "model", "version", "rule", "severity", "slice", "opened_at", "state"};
	StringInfoData payload;

	if (strcmp(row->column[7], "muted") == 0)
		return;
	initStringInfo(&payload);
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		appendStringInfo(&payload, "%s\"%s\": ", i == 0 ? "{" : ", ", names[i]);
		if (i == 0 || i == 2)
			appendStringInfoString(&payload, row->column[i]);
		else
			ml_json_text(&payload, row->column[i]);
	}
	appendStringInfoString(&payload, ", \"kind\": \"alert\"}");
	ml_alert_notify_text(payload.data);
}

/* ---- signals ---- */

/* A slice as the table has it. */
static const char *
ml_alert_slice(const char *slice)
{
	int			bytes = slice ? (int) strlen(slice) : 0;
	bytea	   *digest;
	char		hash[ML_ALERT_HASH_CHARS + 1];
	int			kept;

	if (bytes <= ML_ALERT_SLICE_BYTES)
		return slice;
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(slice)));
	hash[hex_encode(VARDATA_ANY(digest), ML_ALERT_HASH_CHARS / 2, hash)] = '\0';
	kept = pg_mbcliplen(slice, bytes, ML_ALERT_SLICE_BYTES - ML_ALERT_HASH_CHARS - 4);
	return psprintf("%.*s... %s", kept, slice, hash);
}

/* Binds what names a signal: $1 to $4. */
static void
ml_alert_bind(MlArgs *args, const char *model, int32 version, const char *rule, const char *slice)
{
	ml_bind_arg_text(args, model);
	ml_bind_arg_int4(args, version);
	ml_bind_arg_text(args, rule);
	ml_bind_arg_text(args, ml_alert_slice(slice));
}

int64
ml_alert_find(const char *model, int32 version, const char *rule, const char *slice)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_alert_bind(&args, model, version, rule, slice);
	if (ml_catalog_execute("SELECT a.alert_id FROM ml.alerts a WHERE a.model = $1 AND a.version = $2 AND a.rule = $3 "
						   "AND a.slice IS NOT DISTINCT FROM $4 AND a.closed_at IS NULL", &args, &row) == 0)
		return 0;
	return ml_row_int64(&row, 0);
}

/*
 * Touches the open alert unless another transaction has it; a mute whose time
 * is over ends. Notifies for that.
 */
static bool
ml_alert_touch(MlArgs *args)
{
	MlRow		row;

	if (ml_catalog_execute("WITH o AS (SELECT a.alert_id, a.muted_until FROM ml.alerts a WHERE a.model = $1 "
						   "AND a.version = $2 AND a.rule = $3 AND a.slice IS NOT DISTINCT FROM $4 "
						   "AND a.closed_at IS NULL FOR UPDATE SKIP LOCKED) "
						   "UPDATE ml.alerts a SET last_seen_at = greatest(a.last_seen_at, pg_catalog.clock_timestamp()), "
						   "seen = a.seen + 1, severity = $5, detail = a.detail || $6, "
						   "muted_until = CASE WHEN a.muted_until > pg_catalog.clock_timestamp() THEN a.muted_until END "
						   "FROM o WHERE a.alert_id = o.alert_id RETURNING " ML_ALERT_COLUMNS
						   ", o.muted_until IS NOT NULL", args, &row) == 0)
		return false;
	if (strcmp(row.column[8], "t") == 0)
		ml_alert_notify(&row);
	return true;
}

/* Reopens the newest alert of the signal when it went away a short while ago, or is muted still. */
static bool
ml_alert_come_back(MlArgs *args)
{
	MlRow		row;

	if (ml_catalog_execute("WITH l AS (SELECT a.alert_id FROM ml.alerts a LEFT JOIN ml.models m ON m.model = a.model "
						   "WHERE a.model = $1 AND a.version = $2 AND a.rule = $3 AND a.slice IS NOT DISTINCT FROM $4 "
						   "AND a.closed_at IS NOT NULL AND a.closed_by IS NULL "
						   "AND (a.muted_until > pg_catalog.clock_timestamp() OR a.closed_at > pg_catalog.clock_timestamp() "
						   "- greatest(interval '1 hour', 2 * coalesce(m.window_length, interval '1 hour'))) "
						   "ORDER BY a.closed_at DESC LIMIT 1) "
						   "UPDATE ml.alerts a SET closed_at = NULL, close_reason = NULL, reopened = a.reopened + 1, "
						   "last_seen_at = greatest(a.last_seen_at, pg_catalog.clock_timestamp()), seen = a.seen + 1, "
						   "severity = $5, detail = a.detail || $6, "
						   "muted_until = CASE WHEN a.muted_until > pg_catalog.clock_timestamp() THEN a.muted_until END "
						   "FROM l WHERE a.alert_id = l.alert_id AND a.closed_at IS NOT NULL RETURNING " ML_ALERT_COLUMNS,
						   args, &row) == 0)
		return false;
	ml_alert_notify(&row);
	return true;
}

/* Opens an alert; false when another session has just done so. */
static bool
ml_alert_open(MlArgs *args)
{
	MlRow		row;

	if (ml_catalog_execute("INSERT INTO ml.alerts AS a (model, version, rule, slice, severity, detail) "
						   "VALUES ($1, $2, $3, $4, $5, $6) "
						   "ON CONFLICT (model, version, rule, slice) WHERE closed_at IS NULL DO NOTHING "
						   "RETURNING " ML_ALERT_COLUMNS, args, &row) == 0)
		return false;
	ml_alert_notify(&row);
	return true;
}

void
ml_alert_raise(const MlAlertSignal *signal)
{
	MlArgs		args = {0};

	ml_alert_bind(&args, signal->model, signal->version, signal->rule, signal->slice);
	ml_bind_arg_text(&args, signal->severity);
	ml_bind_arg_json(&args, signal->detail ? signal->detail : "{}");
	if (ml_alert_touch(&args))
		return;
	/* it may be open, and locked by who changes it */
	if (ml_alert_find(signal->model, signal->version, signal->rule, signal->slice) != 0)
		return;
	if (!ml_alert_come_back(&args) && !ml_alert_open(&args))
		(void) ml_alert_touch(&args);
}

void
ml_alert_clear(const char *model, int32 version, const char *rule, const char *slice)
{
	MlArgs		args = {0};

	ml_alert_bind(&args, model, version, rule, slice);
	ml_catalog_execute("UPDATE ml.alerts a SET closed_at = greatest(pg_catalog.clock_timestamp(), a.opened_at), "
					   "close_reason = 'cleared' WHERE a.model = $1 AND a.version = $2 AND a.rule = $3 "
					   "AND a.slice IS NOT DISTINCT FROM $4 AND a.closed_at IS NULL", &args, NULL);
}

void
ml_alerts_sweep(void)
{
	MlArgs		args = {0};
	ListCell   *lc;

	foreach(lc, ml_catalog_rows("WITH o AS (SELECT a.alert_id FROM ml.alerts a WHERE a.closed_at IS NULL "
								"AND a.muted_until <= pg_catalog.clock_timestamp() FOR UPDATE SKIP LOCKED) "
								"UPDATE ml.alerts a SET muted_until = NULL FROM o WHERE a.alert_id = o.alert_id "
								"RETURNING " ML_ALERT_COLUMNS, &args))
		ml_alert_notify((const MlRow *) lfirst(lc));
	ml_catalog_execute("WITH o AS (SELECT a.alert_id FROM ml.alerts a WHERE a.closed_at IS NULL AND NOT EXISTS ("
					   "SELECT FROM ml.deployments d WHERE d.model = a.model AND d.version = a.version "
					   "AND d.ended_at IS NULL AND d.role IN ('production', 'canary', 'shadow')) "
					   "FOR UPDATE SKIP LOCKED) "
					   "UPDATE ml.alerts a SET closed_at = greatest(pg_catalog.clock_timestamp(), a.opened_at), "
					   "close_reason = 'the version is no longer deployed' FROM o WHERE a.alert_id = o.alert_id",
					   &args, NULL);
}

/* ---- verbs ---- */

void
ml_catalog_alert(int64 id, MlAlertName *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_int8(&args, id);
	if (ml_catalog_execute("SELECT a.model, a.version, a.rule, a.slice FROM ml.alerts a WHERE a.alert_id = $1",
						   &args, &row) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("alert " INT64_FORMAT " does not exist", id),
				 errhint("Table ml.alerts lists the alerts.")));
	out->model = row.column[0];
	out->version = (int32) ml_row_int64(&row, 1);
	out->rule = row.column[2];
	out->slice = row.column[3];
}

/* An alert that a verb changes, with its model locked. */
typedef struct MlAlertRow
{
	int64		id;
	MlAlertName name;
	MlModelRow	model;
	char	   *state;
	char	   *closed_at;
	char	   *acknowledged_by;
} MlAlertRow;

/* Locks the model, then the alert, and reads that. */
static void
ml_alert_lock(int64 id, MlAlertRow *alert)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_catalog_alert(id, &alert->name);
	ml_catalog_lock(alert->name.model, &alert->model);
	ml_bind_arg_int8(&args, id);
	if (ml_catalog_execute("SELECT a.state, pg_catalog.to_jsonb(a.closed_at) #>> '{}', a.acknowledged_by "
						   "FROM ml.alerts a WHERE a.alert_id = $1 FOR UPDATE", &args, &row) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("alert " INT64_FORMAT " does not exist any more", id),
				 errhint("Table ml.alerts lists the alerts.")));
	alert->id = id;
	alert->state = row.column[0];
	alert->closed_at = row.column[1];
	alert->acknowledged_by = row.column[2];
}

/* Raises an error when the alert is closed; doing says what was tried. */
static void
ml_alert_refuse_closed(const MlAlertRow *alert, const char *doing)
{
	if (alert->closed_at != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s alert " INT64_FORMAT, doing, alert->id),
				 errdetail("It was closed at %s.", alert->closed_at),
				 errhint("Open it again with ml.reopen_alert if it should stand.")));
}

/* Writes the event of a verb. */
static void
ml_alert_event(const char *kind, const MlAlertRow *alert, const char *comment, const char *until)
{
	StringInfoData detail;

	initStringInfo(&detail);
	ml_detail_json(&detail, "alert_id", psprintf(INT64_FORMAT, alert->id));
	ml_detail_text(&detail, "rule", alert->name.rule);
	ml_detail_text(&detail, "slice", alert->name.slice);
	ml_detail_text(&detail, "comment", comment);
	ml_detail_text(&detail, "until", until);
	ml_catalog_event(kind, &alert->model, alert->name.version, &detail);
}

void
ml_catalog_acknowledge_alert(int64 id, const char *comment)
{
	MlAlertRow	alert;
	MlArgs		args = {0};

	ml_alert_lock(id, &alert);
	ml_alert_refuse_closed(&alert, "acknowledge");
	if (alert.acknowledged_by != NULL && comment == NULL)
	{
		ereport(NOTICE,
				(errmsg("alert " INT64_FORMAT " was already acknowledged by \"%s\"", id, alert.acknowledged_by)));
		return;
	}
	ml_bind_arg_int8(&args, id);
	ml_bind_arg_text(&args, alert.model.actor);
	ml_bind_arg_text(&args, comment);
	ml_catalog_execute("UPDATE ml.alerts SET acknowledged_by = $2, acknowledged_at = pg_catalog.clock_timestamp(), "
					   "comment = coalesce($3, comment) WHERE alert_id = $1", &args, NULL);
	ml_alert_event("acknowledge_alert", &alert, comment, NULL);
}

void
ml_catalog_mute_alert(int64 id, TimestampTz until, const char *comment)
{
	MlAlertRow	alert;
	MlArgs		args = {0};

	ml_alert_lock(id, &alert);
	ml_alert_refuse_closed(&alert, "mute");
	ml_bind_arg_int8(&args, id);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(until), false);
	ml_bind_arg_text(&args, comment);
	ml_catalog_execute("UPDATE ml.alerts SET muted_until = $2, comment = coalesce($3, comment) WHERE alert_id = $1",
					   &args, NULL);
	ml_alert_event("mute_alert", &alert, comment, timestamptz_to_str(until));
}

void
ml_catalog_unmute_alert(int64 id)
{
	MlAlertRow	alert;
	MlArgs		args = {0};

	ml_alert_lock(id, &alert);
	ml_bind_arg_int8(&args, id);
	if (ml_catalog_execute("UPDATE ml.alerts SET muted_until = NULL WHERE alert_id = $1 AND muted_until IS NOT NULL",
						   &args, NULL) == 0)
	{
		ereport(NOTICE,
				(errmsg("alert " INT64_FORMAT " is not muted", id)));
		return;
	}
	ml_alert_event("unmute_alert", &alert, NULL, NULL);
}

void
ml_catalog_close_alert(int64 id, const char *comment)
{
	MlAlertRow	alert;
	MlArgs		args = {0};

	ml_alert_lock(id, &alert);
	if (alert.closed_at != NULL)
	{
		ereport(NOTICE,
				(errmsg("alert " INT64_FORMAT " was already closed at %s", id, alert.closed_at)));
		return;
	}
	ml_bind_arg_int8(&args, id);
	ml_bind_arg_text(&args, alert.model.actor);
	ml_bind_arg_text(&args, comment);
	ml_catalog_execute("UPDATE ml.alerts SET closed_at = greatest(pg_catalog.clock_timestamp(), opened_at), closed_by = $2, "
					   "close_reason = 'closed', muted_until = NULL, comment = coalesce($3, comment) WHERE alert_id = $1",
					   &args, NULL);
	ml_alert_event("close_alert", &alert, comment, NULL);
}

void
ml_catalog_reopen_alert(int64 id, const char *comment)
{
	MlAlertRow	alert;
	MlArgs		args = {0};
	MlRow		row;
	int64		other;

	ml_alert_lock(id, &alert);
	if (alert.closed_at == NULL)
	{
		ereport(NOTICE,
				(errmsg("alert " INT64_FORMAT " is not closed", id)));
		return;
	}
	other = ml_alert_find(alert.name.model, alert.name.version, alert.name.rule, alert.name.slice);
	if (other != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("cannot reopen alert " INT64_FORMAT, id),
				 errdetail("Alert " INT64_FORMAT " of the same model, version, rule and slice is open.", other),
				 errhint("Use that one.")));
	ml_bind_arg_int8(&args, id);
	ml_bind_arg_text(&args, comment);
	ml_catalog_execute("UPDATE ml.alerts a SET closed_at = NULL, closed_by = NULL, close_reason = NULL, muted_until = NULL, "
					   "acknowledged_by = NULL, acknowledged_at = NULL, reopened = a.reopened + 1, "
					   "comment = coalesce($2, a.comment) WHERE a.alert_id = $1 RETURNING " ML_ALERT_COLUMNS, &args, &row);
	ml_alert_notify(&row);
	ml_alert_event("reopen_alert", &alert, comment, NULL);
}
