/*
 * catalog_policies.c - keeps policies and what they have done.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/policies.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* A moment as microseconds of the server's own epoch: text would depend on DateStyle. */
#define ML_MICROSECONDS(moment) \
	"(extract(epoch FROM (" moment ") - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint"

/* What counts as fired. */
#define ML_FIRED	"(f.outcome IN ('started', 'done', 'deployed', 'undeployed', 'cancelled') OR f.job_id IS NOT NULL)"

/* A moment of a result row; 0 for SQL NULL. */
static TimestampTz
ml_row_moment(const MlRow *row, int column)
{
	return row->column[column] == NULL ? 0 : ml_row_int64(row, column);
}

static double
ml_row_double(const MlRow *row, int column)
{
	return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(row->column[column])));
}

/* Adds a moment as a parameter; 0 is SQL NULL. */
static void
ml_bind_arg_moment(MlArgs *args, TimestampTz at)
{
	ml_arg(args, TIMESTAMPTZOID, TimestampTzGetDatum(at), at == 0);
}

/* ---- definitions ---- */

static void
ml_policy_event(const char *kind, const MlModelRow *model, int64 id, const MlRow *policy)
{
	StringInfoData detail;

	initStringInfo(&detail);
	ml_detail_json(&detail, "policy_id", psprintf(INT64_FORMAT, id));
	ml_detail_text(&detail, "trigger", policy->column[0]);
	ml_detail_text(&detail, "action", policy->column[1]);
	ml_detail_json(&detail, "params", policy->column[2]);
	ml_detail_text(&detail, "cooldown", policy->column[3]);
	ml_detail_json(&detail, "budget", policy->column[4]);
	ml_catalog_event(kind, model, 0, &detail);
}

int64
ml_catalog_set_policy(const MlPolicyDefinition *d)
{
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	int64		id;

	ml_catalog_lock(d->model, &model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, d->trigger);
	ml_bind_arg_text(&args, d->action);
	ml_bind_arg_json(&args, d->params);
	ml_arg(&args, INTERVALOID, IntervalPGetDatum(d->cooldown), false);
	ml_arg(&args, INT4OID, Int32GetDatum(d->budget), d->budget == 0);
	ml_bind_arg_text(&args, model.actor);
	ml_bind_arg_moment(&args, d->due);
	ml_catalog_execute("INSERT INTO ml.policies AS p (model, trigger, action, params, cooldown, budget, created_by, next_due) "
					   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (model, trigger, action) DO UPDATE "
					   "SET params = excluded.params, cooldown = excluded.cooldown, budget = excluded.budget, "
					   "enabled = true, created_by = excluded.created_by, created_at = excluded.created_at, "
					   "next_due = excluded.next_due "
					   "RETURNING p.trigger, p.action, p.params, p.cooldown, p.budget, p.policy_id", &args, &row);
	id = ml_row_int64(&row, 5);
	ml_policy_event("set_policy", &model, id, &row);
	return id;
}

static ML_NORETURN void
ml_policy_missing(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("policy " INT64_FORMAT " does not exist", id),
			 errhint("Table ml.policies lists the policies.")));
}

char *
ml_catalog_policy_model(int64 id)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_int8(&args, id);
	if (ml_catalog_execute("SELECT p.model FROM ml.policies p WHERE p.policy_id = $1", &args, &row) == 0)
		ml_policy_missing(id);
	return row.column[0];
}

int64
ml_catalog_policy_find(const char *model, const char *trigger, const char *action)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_text(&args, trigger);
	ml_bind_arg_text(&args, action);
	ml_catalog_execute("SELECT max(p.policy_id) FILTER (WHERE p.trigger = $2 AND p.action = $3), "
					   "pg_catalog.string_agg(pg_catalog.format('%s: %s', p.trigger, p.action), ', ' ORDER BY p.policy_id) "
					   "FROM ml.policies p WHERE p.model = $1", &args, &row);
	if (row.column[0] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no policy that answers %s by %s", model, trigger, action),
				 errdetail("Its policies: %s.", row.column[1] ? row.column[1] : "none"),
				 errhint("Table ml.policies lists the policies.")));
	return ml_row_int64(&row, 0);
}

void
ml_catalog_enable_policy(int64 id, bool enabled)
{
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;

	ml_catalog_lock(ml_catalog_policy_model(id), &model);
	ml_bind_arg_int8(&args, id);
	ml_arg(&args, BOOLOID, BoolGetDatum(enabled), false);
	if (ml_catalog_execute("UPDATE ml.policies p SET enabled = $2 WHERE p.policy_id = $1 AND p.enabled <> $2 "
						   "RETURNING p.trigger, p.action, p.params, p.cooldown, p.budget", &args, &row) == 0)
	{
		ereport(NOTICE,
				(errmsg(enabled ? "policy " INT64_FORMAT " is already enabled" : "policy " INT64_FORMAT " already rests", id)));
		return;
	}
	ml_policy_event(enabled ? "enable_policy" : "disable_policy", &model, id, &row);
}

void
ml_catalog_drop_policy(int64 id)
{
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;

	ml_catalog_lock(ml_catalog_policy_model(id), &model);
	ml_bind_arg_int8(&args, id);
	if (ml_catalog_execute("DELETE FROM ml.policies p WHERE p.policy_id = $1 "
						   "RETURNING p.trigger, p.action, p.params, p.cooldown, p.budget", &args, &row) == 0)
		ml_policy_missing(id);
	ml_policy_event("drop_policy", &model, id, &row);
}

/* ---- running ---- */

List *
ml_policies_due(void)
{
	MlArgs		args = {0};
	List	   *policies = NIL;
	ListCell   *lc;

	/* policies that answer alerts are due where there is one */
	foreach(lc, ml_catalog_rows("SELECT p.policy_id, p.model, p.trigger, p.action, p.params, m.owner, d.version, "
								ML_MICROSECONDS("p.next_due") ", m.target "
								"FROM ml.policies p JOIN ml.models m ON m.model = p.model "
								"LEFT JOIN ml.deployments d ON d.model = p.model AND d.role = 'production' AND d.ended_at IS NULL "
								"WHERE p.enabled AND (p.next_due IS NULL OR p.next_due <= pg_catalog.clock_timestamp()) "
								"AND (p.trigger IN ('age', 'new_rows', 'schedule') OR p.params ->> 'drop' IS NOT NULL OR EXISTS ("
								"SELECT FROM ml.alerts a WHERE a.model = p.model AND a.version = d.version "
								"AND a.closed_at IS NULL AND a.muted_until IS NULL)) ORDER BY p.policy_id", &args))
	{
		const MlRow *row = lfirst(lc);
		MlPolicy   *policy = palloc0(sizeof(MlPolicy));

		policy->id = ml_row_int64(row, 0);
		policy->model = row->column[1];
		policy->trigger = row->column[2];
		policy->action = row->column[3];
		policy->params = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(row->column[4])));
		policy->owner = row->column[5];
		policy->version = row->column[6] ? (int32) ml_row_int64(row, 6) : 0;
		policy->due = ml_row_moment(row, 7);
		policy->target = row->column[8];
		policies = lappend(policies, policy);
	}
	return policies;
}

bool
ml_policy_lock(const MlPolicy *policy)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, policy->model);
	if (ml_catalog_execute("SELECT FROM ml.models m WHERE m.model = $1 FOR NO KEY UPDATE SKIP LOCKED", &args, NULL) == 0)
		return false;
	args.n = 0;
	ml_bind_arg_int8(&args, policy->id);
	return ml_catalog_execute("SELECT FROM ml.policies p WHERE p.policy_id = $1 AND p.enabled "
							  "AND (p.next_due IS NULL OR p.next_due <= pg_catalog.clock_timestamp())", &args, NULL) > 0;
}

void
ml_policy_checked(const MlPolicy *policy, TimestampTz due)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, policy->id);
	ml_bind_arg_moment(&args, due);
	ml_catalog_execute("UPDATE ml.policies SET last_checked_at = pg_catalog.clock_timestamp(), next_due = $2 "
					   "WHERE policy_id = $1", &args, NULL);
}

bool
ml_policy_alerts(const MlPolicy *policy, int nkinds, char *const *kinds, List *columns, bool errors_only,
				 MlPolicyAlerts *out)
{
	MlArgs		args = {0};
	char	  **names = palloc(sizeof(char *) * Max(list_length(columns), 1));
	List	   *rules = NIL;
	List	   *seen = NIL;
	StringInfoData json;
	ListCell   *lc;

	foreach(lc, columns)
		names[foreach_current_index(lc)] = lfirst(lc);
	ml_bind_arg_text(&args, policy->model);
	ml_bind_arg_int4(&args, policy->version);
	ml_bind_arg_texts(&args, nkinds, kinds);
	ml_bind_arg_texts(&args, list_length(columns), names);
	ml_arg(&args, BOOLOID, BoolGetDatum(errors_only), false);
	memset(out, 0, sizeof *out);
	initStringInfo(&json);
	/* the kind is what stands before the first colon: names of columns may hold colons too */
	foreach(lc, ml_catalog_rows("SELECT a.alert_id, a.rule, coalesce(nullif(pg_catalog.substr(a.rule, "
								"pg_catalog.length(pg_catalog.split_part(a.rule, ':', 1)) + 2), ''), a.rule) AS name, "
								ML_MICROSECONDS("a.opened_at")
								" FROM ml.alerts a WHERE a.model = $1 AND a.version = $2 AND a.closed_at IS NULL "
								"AND a.muted_until IS NULL AND pg_catalog.split_part(a.rule, ':', 1) = ANY ($3) "
								"AND (pg_catalog.cardinality($4) = 0 OR pg_catalog.substr(a.rule, "
								"pg_catalog.length(pg_catalog.split_part(a.rule, ':', 1)) + 2) = ANY ($4)) "
								"AND (a.severity = 'error' OR NOT $5) ORDER BY a.alert_id", &args))
	{
		const MlRow *row = lfirst(lc);
		int64	   *id = palloc(sizeof(int64));
		TimestampTz opened = ml_row_moment(row, 3);

		*id = ml_row_int64(row, 0);
		out->ids = lappend(out->ids, id);
		if (out->since == 0 || opened < out->since)
			out->since = opened;
		if (!ml_text_listed(rules, row->column[1]))
		{
			appendStringInfoString(&json, rules == NIL ? "[" : ", ");
			ml_json_text(&json, row->column[1]);
			rules = lappend(rules, row->column[1]);
		}
		if (!ml_text_listed(seen, row->column[2]))
			seen = lappend(seen, row->column[2]);
	}
	appendStringInfoString(&json, rules == NIL ? "[]" : "]");
	out->ncolumns = list_length(seen);
	out->columns = ml_text_list(seen, 10);
	out->rules = json.data;
	return out->ids != NIL;
}

List *
ml_policy_figures(const MlPolicy *policy, TimestampTz since)
{
	MlArgs		args = {0};
	List	   *figures = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, policy->model);
	ml_bind_arg_int4(&args, policy->version);
	ml_bind_arg_moment(&args, since);
	foreach(lc, ml_catalog_rows("SELECT DISTINCT ON (q.metric, q.kind) q.metric, q.kind, q.value, coalesce(q.low, q.value), "
								"coalesce(q.high, q.value), (v.metrics ->> q.metric)::double precision, q.n "
								"FROM ml.quality q JOIN ml.versions v ON v.model = q.model AND v.version = q.version "
								"JOIN ml.models m ON m.model = q.model WHERE q.model = $1 AND q.version = $2 "
								"AND q.role = 'production' AND q.slice_key IS NULL "
								"AND pg_catalog.jsonb_typeof(v.metrics -> q.metric) = 'number' "
								"AND ($3 IS NULL OR q.window_end > $3 - coalesce(m.window_length, interval '1 hour')) "
								"ORDER BY q.metric, q.kind, q.window_end DESC", &args))
	{
		const MlRow *row = lfirst(lc);
		MlPolicyFigure *figure = palloc(sizeof(MlPolicyFigure));

		figure->metric = row->column[0];
		figure->kind = row->column[1];
		figure->value = ml_row_double(row, 2);
		figure->low = ml_row_double(row, 3);
		figure->high = ml_row_double(row, 4);
		figure->trained = ml_row_double(row, 5);
		figure->n = ml_row_int64(row, 6);
		figures = lappend(figures, figure);
	}
	return figures;
}

TimestampTz
ml_policy_trained(const char *model, int32 version, int64 *rows)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	if (ml_catalog_execute("SELECT " ML_MICROSECONDS("v.created_at") ", s.rows FROM ml.versions v LEFT JOIN ml.snapshots s "
						   "ON s.snapshot_id = v.snapshot_id WHERE v.model = $1 AND v.version = $2", &args, &row) == 0)
		elog(ERROR, "version %d of model \"%s\" is gone", version, model);
	*rows = row.column[1] ? ml_row_int64(&row, 1) : -1;
	return ml_row_moment(&row, 0);
}

TimestampTz
ml_policy_later(TimestampTz at, Interval *span)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(at),
												   IntervalPGetDatum(span)));
}

void
ml_policy_brake(const MlPolicy *policy, MlBrake *out)
{
	MlArgs		args = {0};
	MlRow		row;

	memset(out, 0, sizeof *out);
	ml_bind_arg_int8(&args, policy->id);
	ml_catalog_execute("SELECT p.last_fired_at + p.cooldown > pg_catalog.clock_timestamp(), "
					   "pg_catalog.to_jsonb(p.last_fired_at) #>> '{}', p.cooldown, " ML_MICROSECONDS("p.last_fired_at + p.cooldown")
					   ", w.n >= p.budget, w.n, p.budget, " ML_MICROSECONDS("w.first + interval '7 days'")
					   " FROM ml.policies p, LATERAL (SELECT count(*) AS n, min(r.fired_at) AS first FROM ("
					   "SELECT f.fired_at FROM ml.policy_firings f WHERE f.policy_id = p.policy_id "
					   "AND f.fired_at > pg_catalog.clock_timestamp() - interval '7 days' AND " ML_FIRED
					   " ORDER BY f.fired_at DESC LIMIT p.budget) r) w WHERE p.policy_id = $1", &args, &row);
	if (row.column[0] != NULL && strcmp(row.column[0], "t") == 0)
	{
		out->name = "cooldown";
		out->reason = psprintf("it fired at %s, and the cool-down is %s", row.column[1], row.column[2]);
		out->until = ml_row_moment(&row, 3);
	}
	else if (row.column[4] != NULL && strcmp(row.column[4], "t") == 0)
	{
		out->name = "budget";
		out->reason = psprintf("it fired %s times in the last seven days, and the budget is %s", row.column[5], row.column[6]);
		out->until = ml_row_moment(&row, 7);
	}
}

int64
ml_policy_job(const char *model)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_catalog_execute("SELECT min(j.job_id) FROM ml.job_queue j WHERE j.model = $1 AND j.status IN ('queued', 'running')",
					   &args, &row);
	return row.column[0] ? ml_row_int64(&row, 0) : 0;
}

void
ml_policy_deployment(const char *model, MlPolicyDeployment *out)
{
	MlArgs		args = {0};
	MlRow		row;

	memset(out, 0, sizeof *out);
	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT d.deployment_id, d.version, EXISTS (SELECT FROM ml.policy_firings f "
						   "WHERE f.model = d.model AND f.action = 'rollback' AND f.outcome = 'done' "
						   "AND f.evidence ->> 'deployment_id' = d.deployment_id::text) FROM ml.deployments d "
						   "WHERE d.model = $1 AND d.role = 'production' ORDER BY d.deployment_id DESC LIMIT 1",
						   &args, &row) == 0)
		return;
	out->id = ml_row_int64(&row, 0);
	out->version = (int32) ml_row_int64(&row, 1);
	out->rolled_back = strcmp(row.column[2], "t") == 0;
}

/* ---- what was done ---- */

/* Counts a refusal or failure that is the newest firing of the policy once more. */
static bool
ml_policy_repeat(const MlPolicy *policy, const MlFiring *firing)
{
	MlArgs		args = {0};

	if (strcmp(firing->outcome, "refused") != 0 && strcmp(firing->outcome, "failed") != 0)
		return false;
	ml_bind_arg_int8(&args, policy->id);
	ml_bind_arg_text(&args, firing->outcome);
	ml_bind_arg_text(&args, firing->brake);
	ml_bind_arg_text(&args, firing->reason);
	/* how a brake words it may hold figures that change */
	return ml_catalog_execute("UPDATE ml.policy_firings f SET times = f.times + 1, reason = $4, "
							  "last_at = greatest(pg_catalog.clock_timestamp(), f.last_at) "
							  "WHERE f.firing_id = (SELECT l.firing_id FROM ml.policy_firings l WHERE l.policy_id = $1 "
							  "ORDER BY l.firing_id DESC LIMIT 1) AND f.outcome = $2 AND f.job_id IS NULL "
							  "AND f.brake IS NOT DISTINCT FROM $3 AND ($3 IS NOT NULL OR f.reason = $4)", &args, NULL) > 0;
}

/* Tells the alerts of a firing what was done about them; a refusal only those that nothing was done about. */
static void
ml_policy_tell_alerts(const MlPolicy *policy, const MlFiring *firing, int64 id)
{
	StringInfoData detail;
	ListCell   *lc;

	initStringInfo(&detail);
	ml_detail_json(&detail, "policy_id", psprintf(INT64_FORMAT, policy->id));
	ml_detail_json(&detail, "firing_id", psprintf(INT64_FORMAT, id));
	ml_detail_text(&detail, "action", policy->action);
	ml_detail_text(&detail, "outcome", firing->outcome);
	ml_detail_text(&detail, "reason", firing->reason);
	appendStringInfoChar(&detail, '}');
	foreach(lc, firing->alerts)
	{
		MlArgs		args = {0};

		ml_bind_arg_int8(&args, *(int64 *) lfirst(lc));
		ml_bind_arg_json(&args, detail.data);
		ml_arg(&args, BOOLOID, BoolGetDatum(strcmp(firing->outcome, "refused") == 0), false);
		ml_catalog_execute("UPDATE ml.alerts SET detail = detail || pg_catalog.jsonb_build_object('policy', $2) "
						   "WHERE alert_id = $1 AND NOT ($3 AND detail ? 'policy')", &args, NULL);
	}
}

/* Writes the event of a policy that acted. */
static void
ml_policy_fired_event(const MlPolicy *policy, const MlFiring *firing, int64 id)
{
	MlModelRow	model;
	StringInfoData detail;

	ml_catalog_lock(policy->model, &model);
	initStringInfo(&detail);
	ml_detail_json(&detail, "policy_id", psprintf(INT64_FORMAT, policy->id));
	ml_detail_json(&detail, "firing_id", psprintf(INT64_FORMAT, id));
	ml_detail_text(&detail, "trigger", policy->trigger);
	ml_detail_text(&detail, "action", policy->action);
	ml_detail_text(&detail, "why", firing->why);
	ml_detail_json(&detail, "job_id", firing->job != 0 ? psprintf(INT64_FORMAT, firing->job) : NULL);
	ml_catalog_event("fire_policy", &model, policy->version, &detail);
}

int64
ml_policy_record(const MlPolicy *policy, const MlFiring *firing)
{
	bool		fired = strcmp(firing->outcome, "refused") != 0 && strcmp(firing->outcome, "failed") != 0;
	MlArgs		args = {0};
	MlRow		row;
	int64		id;

	ml_bind_arg_int8(&args, policy->id);
	ml_bind_arg_text(&args, firing->reason ? psprintf("%s: %s", firing->outcome, firing->reason) : firing->outcome);
	ml_arg(&args, BOOLOID, BoolGetDatum(fired), false);
	ml_catalog_execute("UPDATE ml.policies p SET last_outcome = $2, "
					   "last_fired_at = CASE WHEN $3 THEN pg_catalog.clock_timestamp() ELSE p.last_fired_at END "
					   "WHERE p.policy_id = $1", &args, NULL);
	if (ml_policy_repeat(policy, firing))
		return 0;
	args.n = 0;
	ml_bind_arg_int8(&args, policy->id);
	ml_bind_arg_text(&args, policy->model);
	ml_bind_arg_text(&args, policy->trigger);
	ml_bind_arg_text(&args, policy->action);
	ml_bind_arg_text(&args, firing->why);
	ml_bind_arg_json(&args, firing->evidence);
	ml_bind_arg_text(&args, firing->outcome);
	ml_bind_arg_text(&args, firing->reason);
	ml_bind_arg_text(&args, firing->brake);
	ml_arg(&args, INT8OID, Int64GetDatum(firing->job), firing->job == 0);
	ml_arg(&args, INT4OID, Int32GetDatum(firing->version), firing->version == 0);
	ml_catalog_execute("INSERT INTO ml.policy_firings (policy_id, model, trigger, action, why, evidence, outcome, reason, "
					   "brake, job_id, version, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
					   "CASE WHEN $7 <> 'started' THEN pg_catalog.clock_timestamp() END) RETURNING firing_id", &args, &row);
	id = ml_row_int64(&row, 0);
	if (fired)
		ml_policy_fired_event(policy, firing, id);
	ml_policy_tell_alerts(policy, firing, id);
	return id;
}

void
ml_policies_settle(void)
{
	MlArgs		args = {0};

	/* a job is gone when its row was not dumped, or was deleted */
	ml_catalog_execute("WITH e AS (SELECT f.firing_id, f.policy_id, f.action, f.evidence, (j.result ->> 'version')::integer AS version, "
					   "CASE WHEN j.job_id IS NULL THEN 'failed' WHEN j.status <> 'succeeded' THEN j.status "
					   "WHEN (j.result ->> 'deployed')::boolean THEN 'deployed' ELSE 'undeployed' END AS outcome, "
					   "CASE WHEN j.job_id IS NULL THEN 'its job is gone' "
					   "WHEN j.status = 'succeeded' AND (j.result ->> 'deployed')::boolean THEN NULL "
					   "WHEN j.status = 'succeeded' THEN coalesce((SELECT pg_catalog.string_agg("
					   "pg_catalog.regexp_replace(n.note, '^the version was not deployed: ', ''), '; ' ORDER BY n.i) "
					   "FROM pg_catalog.jsonb_array_elements_text(j.result -> 'notes') WITH ORDINALITY AS n (note, i) "
					   "WHERE n.note LIKE 'the version was not deployed: %'), 'it was not to be deployed') "
					   "ELSE coalesce(j.error, j.message) END AS reason "
					   "FROM ml.policy_firings f LEFT JOIN ml.job_queue j ON j.job_id = f.job_id "
					   "WHERE f.outcome = 'started' AND (j.job_id IS NULL OR j.finished_at IS NOT NULL)), "
					   "u AS (UPDATE ml.policy_firings f SET outcome = e.outcome, reason = e.reason, version = e.version, "
					   "finished_at = greatest(pg_catalog.clock_timestamp(), f.fired_at) FROM e WHERE f.firing_id = e.firing_id), "
					   "p AS (UPDATE ml.policies p SET last_outcome = pg_catalog.concat_ws(': ', e.outcome, e.reason) "
					   "FROM e WHERE p.policy_id = e.policy_id) "
					   "UPDATE ml.alerts a SET detail = a.detail || pg_catalog.jsonb_build_object('policy', "
					   "pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('policy_id', e.policy_id, "
					   "'firing_id', e.firing_id, 'action', e.action, 'outcome', e.outcome, 'reason', e.reason, "
					   "'version', e.version))) FROM e, pg_catalog.jsonb_array_elements_text(e.evidence -> 'alerts') AS i (id) "
					   "WHERE a.alert_id = i.id::bigint", &args, NULL);
}
