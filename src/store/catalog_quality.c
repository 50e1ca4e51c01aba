/*
 * catalog_quality.c - what is known of the quality of deployed versions.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/quality.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static void
ml_bind_arg_time(MlArgs *args, TimestampTz t)
{
	ml_arg(args, TIMESTAMPTZOID, TimestampTzGetDatum(t), t == DT_NOBEGIN);
}

static void
ml_bind_arg_number(MlArgs *args, double x)
{
	ml_arg(args, FLOAT8OID, Float8GetDatum(x), isnan(x));
}

static double
ml_row_number(const MlRow *row, int column)
{
	return row->column[column] == NULL ? NAN :
		DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(row->column[column])));
}

/* Times come as microseconds since 2000, so that no setting of the session shows in them. */
#define ML_AS_MICROSECONDS(t)	"(EXTRACT(epoch FROM (" t ") - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint"

static TimestampTz
ml_row_time(const MlRow *row, int column)
{
	return row->column[column] == NULL ? DT_NOBEGIN : (TimestampTz) ml_row_int64(row, column);
}

static Jsonb *
ml_row_json(const MlRow *row, int column)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(row->column[column])));
}

static bytea *
ml_row_bytes(const MlRow *row, int column)
{
	return DatumGetByteaP(DirectFunctionCall1(byteain, CStringGetDatum(row->column[column])));
}

/* A text array as JSON: a List of char *. */
static List *
ml_row_texts(const MlRow *row, int column)
{
	Jsonb	   *json = row->column[column] == NULL ? NULL : ml_row_json(row, column);
	List	   *items = NIL;

	for (uint32 i = 0; json != NULL && i < JB_ROOT_COUNT(json); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(&json->root, i);

		items = lappend(items, pnstrdup(item->val.string.val, item->val.string.len));
	}
	return items;
}

void
ml_catalog_set_truth(const char *model_name, const char *source, const char *search_path, const Interval *wait,
					 Jsonb *detectors)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	if (source == NULL)
	{
		if (ml_catalog_execute("DELETE FROM ml.truth_sources WHERE model = $1", &args, NULL) == 0)
			return;
	}
	else
	{
		ml_bind_arg_text(&args, source);
		ml_bind_arg_text(&args, search_path);
		ml_arg(&args, INTERVALOID, PointerGetDatum(wait), wait == NULL);
		ml_arg(&args, JSONBOID, PointerGetDatum(detectors), detectors == NULL);
		ml_bind_arg_text(&args, model.actor);
		ml_catalog_execute("INSERT INTO ml.truth_sources AS t (model, source, search_path, truth_wait, detectors, set_by) "
						   "VALUES ($1, $2, $3, coalesce($4, interval '30 days'), coalesce($5, "
						   "'{\"adwin\": {}, \"hddm_w\": {\"drift_confidence\": 1e-6, \"warning_confidence\": 1e-5}}'), $6) "
						   "ON CONFLICT (model) DO UPDATE SET source = excluded.source, search_path = excluded.search_path, "
						   "truth_wait = coalesce($4, t.truth_wait), detectors = coalesce($5, t.detectors), "
						   "set_by = excluded.set_by, set_at = excluded.set_at, read_at = NULL, read_ms = NULL, error = NULL",
						   &args, NULL);
	}
	initStringInfo(&detail);
	ml_detail_text(&detail, "source", source);
	ml_catalog_event("set_truth", &model, 0, &detail);
}

bool
ml_catalog_truth(const char *model, MlTruthSource *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT m.owner, t.source, t.search_path, t.detectors, "
						   ML_AS_MICROSECONDS("pg_catalog.clock_timestamp() - t.truth_wait") ", "
						   "(EXTRACT(epoch FROM coalesce(m.window_length, interval '1 hour')) * 1000000)::bigint, "
						   "pg_catalog.to_jsonb(m.slices), "
						   "(SELECT d.version FROM ml.deployments d WHERE d.model = m.model AND d.role = 'production' "
						   "AND d.ended_at IS NULL), "
						   "(SELECT pg_catalog.max(v.version) FROM ml.versions v WHERE v.model = m.model) "
						   "FROM ml.models m LEFT JOIN ml.truth_sources t ON t.model = m.model WHERE m.model = $1",
						   &args, &row) == 0)
		return false;
	memset(out, 0, sizeof *out);
	out->model = pstrdup(model);
	out->owner = row.column[0];
	out->source = row.column[1];
	out->search_path = row.column[2];
	out->detectors = row.column[3] ? ml_row_json(&row, 3) : NULL;
	out->since = ml_row_time(&row, 4);
	out->window_length = ml_row_int64(&row, 5);
	out->slices = ml_row_texts(&row, 6);
	out->production = row.column[7] ? (int32) ml_row_int64(&row, 7) : 0;
	out->newest = row.column[8] ? (int32) ml_row_int64(&row, 8) : 0;
	return true;
}

List *
ml_catalog_quality_due(bool asked)
{
	MlArgs		args = {0};
	List	   *models = NIL;
	ListCell   *lc;

	/* a source is read again after the window's length, but five minutes at most, and takes at most a twentieth of the time */
	ml_arg(&args, BOOLOID, BoolGetDatum(asked), false);
	foreach(lc, ml_catalog_rows("SELECT m.model FROM ml.models m LEFT JOIN ml.truth_sources t ON t.model = m.model "
								"WHERE (t.model IS NOT NULL AND (t.read_at IS NULL OR $1 OR t.read_at + greatest("
								"least(coalesce(m.window_length, interval '1 hour'), interval '5 minutes'), "
								"t.read_ms * 20 * interval '1 millisecond') <= pg_catalog.clock_timestamp())) "
								"OR EXISTS (SELECT FROM ml.windows w WHERE w.model = m.model "
								"AND w.written_at > pg_catalog.clock_timestamp() - interval '1 hour' AND w.written_at > coalesce("
								"(SELECT pg_catalog.max(q.written_at) FROM ml.quality q WHERE q.model = w.model "
								"AND q.version = w.version AND q.role = w.role AND q.window_start = w.window_start "
								"AND q.kind = 'estimated'), '-infinity') AND EXISTS ("
								"SELECT FROM ml.versions v WHERE v.model = w.model AND v.version = w.version "
								"AND v.task = 'classification')) ORDER BY m.model", &args))
		models = lappend(models, ((MlRow *) lfirst(lc))->column[0]);
	return models;
}

bool
ml_catalog_quality_claim(const char *model, bool wait)
{
	MlArgs		args = {0};
	MlRow		row;

	/* two keys, so that it is nobody else's lock */
	ml_bind_arg_text(&args, model);
	if (wait)
	{
		ml_catalog_execute("SELECT pg_catalog.pg_advisory_xact_lock(1838265625, pg_catalog.hashtext($1))", &args, NULL);
		return true;
	}
	ml_catalog_execute("SELECT pg_catalog.pg_try_advisory_xact_lock(1838265625, pg_catalog.hashtext($1))", &args, &row);
	return row.column[0][0] == 't';
}

bool
ml_catalog_truth_read(const char *model, int64 ms, int64 labelled, int64 unanswered, const char *error)
{
	MlArgs		args = {0};
	MlRow		row;
	bool		fresh;

	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT t.error FROM ml.truth_sources t WHERE t.model = $1 FOR UPDATE", &args, &row) == 0)
		return false;
	fresh = error != NULL && (row.column[0] == NULL || strcmp(row.column[0], error) != 0);
	ml_bind_arg_int8(&args, ms);
	ml_bind_arg_int8(&args, labelled);
	ml_bind_arg_int8(&args, unanswered);
	ml_bind_arg_text(&args, error);
	ml_catalog_execute("UPDATE ml.truth_sources SET read_at = pg_catalog.clock_timestamp(), read_ms = $2, "
					   "labelled = CASE WHEN $5::text IS NULL THEN $3 ELSE labelled END, "
					   "unanswered = CASE WHEN $5::text IS NULL THEN $4 ELSE unanswered END, error = $5 WHERE model = $1",
					   &args, NULL);
	return fresh;
}

List *
ml_catalog_answering(const char *model, TimestampTz since)
{
	MlArgs		args = {0};
	List	   *times = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_time(&args, since);
	foreach(lc, ml_catalog_rows("SELECT d.version, d.role = 'canary', d.traffic, "
								ML_AS_MICROSECONDS("d.deployed_at") ", " ML_AS_MICROSECONDS("d.ended_at") " "
								"FROM ml.deployments d JOIN ml.versions v ON v.model = d.model AND v.version = d.version "
								"WHERE d.model = $1 AND d.role IN ('production', 'canary') "
								"AND (d.ended_at IS NULL OR d.ended_at > $2) ORDER BY d.deployed_at, d.version", &args))
	{
		MlRow	   *row = lfirst(lc);
		MlAnswering *a = palloc(sizeof(MlAnswering));

		a->version = (int32) ml_row_int64(row, 0);
		a->canary = row->column[1][0] == 't';
		a->traffic = a->canary ? ml_row_number(row, 2) : 0;
		a->from = ml_row_time(row, 3);
		a->until = row->column[4] ? ml_row_time(row, 4) : DT_NOEND;
		times = lappend(times, a);
	}
	return times;
}

char *
ml_catalog_logged_truth(const char *model, const char *source, const char *label, const char *inputs)
{
	return psprintf("(SELECT f.*, s.%s, l.predicted_at AS \":at\", l.version AS \":version\", l.role AS \":role\" "
					"FROM (%s\n) AS s JOIN ml.prediction_log AS l "
					"ON l.row_key OPERATOR(pg_catalog.=) s.row_key::pg_catalog.text "
					"CROSS JOIN LATERAL pg_catalog.jsonb_to_record(l.features) AS f(%s) "
					"WHERE l.model OPERATOR(pg_catalog.=) %s AND l.role OPERATOR(pg_catalog.<>) 'shadow')",
					label, source, inputs, quote_literal_cstr(model));
}

static void
ml_bind_window(MlArgs *args, const MlQualityWindow *window)
{
	ml_bind_arg_text(args, window->model);
	ml_bind_arg_int4(args, window->version);
	ml_bind_arg_text(args, window->role);
	ml_bind_arg_time(args, window->start);
}

bool
ml_catalog_truth_window(const MlQualityWindow *window, int64 *rows, int64 *digest)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_window(&args, window);
	if (ml_catalog_execute("SELECT t.rows, t.digest FROM ml.truth_windows t WHERE t.model = $1 AND t.version = $2 "
						   "AND t.role = $3 AND t.window_start = $4", &args, &row) == 0)
		return false;
	*rows = ml_row_int64(&row, 0);
	*digest = ml_row_int64(&row, 1);
	return true;
}

void
ml_catalog_truth_window_write(const MlQualityWindow *window, int64 rows, int64 digest, int64 late)
{
	MlArgs		args = {0};

	ml_bind_window(&args, window);
	ml_bind_arg_time(&args, window->end);
	ml_bind_arg_int8(&args, rows);
	ml_bind_arg_int8(&args, digest);
	ml_bind_arg_int8(&args, late);
	ml_catalog_execute("INSERT INTO ml.truth_windows AS t (model, version, role, window_start, window_end, rows, digest, late) "
					   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (model, version, role, window_start) "
					   "DO UPDATE SET window_end = excluded.window_end, rows = excluded.rows, digest = excluded.digest, "
					   "late = t.late + excluded.late", &args, NULL);
}

void
ml_catalog_quality_write(const MlQualityWindow *window, const char *kind, int nrows, const MlQualityRow *rows)
{
	MlArgs		args = {0};

	ml_bind_window(&args, window);
	ml_bind_arg_text(&args, kind);
	ml_catalog_execute("DELETE FROM ml.quality WHERE model = $1 AND version = $2 AND role = $3 AND window_start = $4 "
					   "AND kind = $5", &args, NULL);
	for (int i = 0; i < nrows; i++)
	{
		MlArgs		row = args;

		ml_bind_arg_time(&row, window->end);
		ml_bind_arg_text(&row, rows[i].slice_key);
		ml_bind_arg_text(&row, rows[i].slice_value);
		ml_bind_arg_text(&row, rows[i].metric);
		ml_bind_arg_number(&row, rows[i].value);
		ml_bind_arg_number(&row, rows[i].low);
		ml_bind_arg_number(&row, rows[i].high);
		ml_bind_arg_int8(&row, rows[i].n);
		ml_bind_arg_text(&row, rows[i].note);
		ml_catalog_execute("INSERT INTO ml.quality (model, version, role, window_start, kind, window_end, slice_key, "
						   "slice_value, metric, value, low, high, n, note) "
						   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", &row, NULL);
	}
}

List *
ml_catalog_scored_windows(const char *model)
{
	MlArgs		args = {0};
	List	   *windows = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model);
	foreach(lc, ml_catalog_rows("SELECT w.version, w.role, " ML_AS_MICROSECONDS("w.window_start") ", "
								ML_AS_MICROSECONDS("w.window_end") ", pg_catalog.to_jsonb(w.slices), w.counts "
								"FROM ml.windows w JOIN ml.versions v ON v.model = w.model AND v.version = w.version "
								"WHERE w.model = $1 AND v.task = 'classification' "
								"AND w.written_at > pg_catalog.clock_timestamp() - interval '1 hour' AND w.written_at > coalesce("
								"(SELECT pg_catalog.max(q.written_at) FROM ml.quality q WHERE q.model = w.model "
								"AND q.version = w.version AND q.role = w.role AND q.window_start = w.window_start "
								"AND q.kind = 'estimated'), '-infinity') ORDER BY w.window_start, w.version, w.role", &args))
	{
		MlRow	   *row = lfirst(lc);
		MlScoredWindow *w = palloc(sizeof(MlScoredWindow));

		w->window.model = model;
		w->window.version = (int32) ml_row_int64(row, 0);
		w->window.role = row->column[1];
		w->window.start = ml_row_time(row, 2);
		w->window.end = ml_row_time(row, 3);
		w->slices = ml_row_texts(row, 4);
		w->counts = ml_row_bytes(row, 5);
		windows = lappend(windows, w);
	}
	return windows;
}

bool
ml_catalog_quality_now(const char *model, int32 version, const char *metric, const char *kind, int64 n, MlQualityNow *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, metric);
	ml_bind_arg_text(&args, kind);
	ml_bind_arg_int8(&args, n);
	if (ml_catalog_execute("SELECT " ML_AS_MICROSECONDS("q.window_start") ", q.value, q.low, q.high, q.n, q.kind "
						   "FROM ml.quality q WHERE q.model = $1 AND q.version = $2 AND q.role = 'production' "
						   "AND q.metric = $3 AND q.kind = $4 AND q.slice_key IS NULL AND q.n >= $5 "
						   "ORDER BY q.window_start DESC LIMIT 1", &args, &row) == 0)
		return false;
	out->start = ml_row_time(&row, 0);
	out->value = ml_row_number(&row, 1);
	out->low = ml_row_number(&row, 2);
	out->high = ml_row_number(&row, 3);
	out->n = ml_row_int64(&row, 4);
	out->kind = row.column[5];
	return true;
}

List *
ml_catalog_detectors(const char *model, int32 version)
{
	MlArgs		args = {0};
	List	   *detectors = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	foreach(lc, ml_catalog_rows("SELECT d.detector, " ML_AS_MICROSECONDS("d.consumed_until") ", d.n, d.drifts, "
								ML_AS_MICROSECONDS("d.last_drift_at") ", d.level, d.params, d.state "
								"FROM ml.detector_states d WHERE d.model = $1 AND d.version = $2", &args))
	{
		MlRow	   *row = lfirst(lc);
		MlDetectorRow *d = palloc(sizeof(MlDetectorRow));

		d->detector = row->column[0];
		d->consumed_until = ml_row_time(row, 1);
		d->n = ml_row_int64(row, 2);
		d->drifts = ml_row_int64(row, 3);
		d->last_drift_at = ml_row_time(row, 4);
		d->level = ml_row_number(row, 5);
		d->params = ml_row_json(row, 6);
		d->state = ml_row_bytes(row, 7);
		detectors = lappend(detectors, d);
	}
	return detectors;
}

void
ml_catalog_detector_write(const char *model, int32 version, const MlDetectorRow *d)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, d->detector);
	ml_bind_arg_time(&args, d->consumed_until);
	ml_bind_arg_int8(&args, d->n);
	ml_bind_arg_int8(&args, d->drifts);
	ml_bind_arg_time(&args, d->last_drift_at);
	ml_bind_arg_number(&args, d->level);
	ml_arg(&args, JSONBOID, JsonbPGetDatum(d->params), false);
	ml_arg(&args, BYTEAOID, PointerGetDatum(d->state), false);
	ml_catalog_execute("INSERT INTO ml.detector_states (model, version, detector, consumed_until, n, drifts, last_drift_at, "
					   "level, params, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
					   "ON CONFLICT (model, version, detector) DO UPDATE SET consumed_until = excluded.consumed_until, "
					   "n = excluded.n, drifts = excluded.drifts, last_drift_at = excluded.last_drift_at, "
					   "level = excluded.level, params = excluded.params, state = excluded.state", &args, NULL);
}
