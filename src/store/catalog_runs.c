/*
 * catalog_runs.c - runs of outside code, and runs of models that have ended.
 *
 * Who logs metrics holds the row of the run FOR SHARE: they do not wait for
 * each other, and whoever ends the run waits for them. Parameters are one
 * column, so those who log them queue. The roles that began runs of outside
 * code have rights by name (catalog_rights.c).
 */
#include "postgres.h"

#include "base/compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "store/runs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ML_RUN_EXTERNAL		"external"

/* Metrics written by one statement. */
#define ML_RUN_METRICS_PART	1000

/* ---- reading ---- */

bool
ml_catalog_run(int64 run, MlRunHead *head)
{
	MlScan		scan;
	HeapTuple	tuple;
	bool		isnull;
	Datum		model;

	if (run <= 0)
		return false;
	ml_scan_begin(&scan, ML_SCAN_RUN, NULL, run, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		head->kind = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_RUNS_KIND, NULL));
		head->status = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_RUNS_STATUS, NULL));
		head->actor = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_RUNS_ACTOR, NULL))));
		model = ml_scan_get(&scan, tuple, ML_RUNS_MODEL, &isnull);
		head->model = isnull ? NULL : TextDatumGetCString(model);
	}
	ml_scan_end(&scan);
	return tuple != NULL;
}

static bool
ml_run_external(const MlRunHead *head)
{
	return strcmp(head->kind, ML_RUN_EXTERNAL) == 0;
}

bool
ml_catalog_run_seen(const MlRunHead *head)
{
	char	   *owner;

	if (ml_run_external(head) && ml_access_is_member(head->actor))
		return true;
	return head->model != NULL && ml_catalog_model_exists(head->model, &owner) &&
		ml_access_allowed(head->model, owner, ML_PRIV_READ);
}

/* Raises the error that there is no such run. */
static ML_NORETURN void ml_report_no_run(int64 run);

static void
ml_report_no_run(int64 run)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("run %lld does not exist", (long long) run),
			 errhint("Give the number of a run; ml.runs lists them.")));
}

void
ml_catalog_require_run(int64 run)
{
	MlRunHead	head;

	if (!ml_catalog_run(run, &head))
		ml_report_no_run(run);
	if (ml_catalog_run_seen(&head))
		return;
	if (head.model != NULL)
		ml_access_require(head.model, ml_catalog_owner(head.model), ML_PRIV_READ);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for run %lld", (long long) run),
			 errdetail("It belongs to role \"%s\"; the current user is \"%s\".", head.actor,
					   GetUserNameFromId(GetUserId(), false)),
			 errhint("Ask to become a member of role \"%s\".", head.actor)));
}

/* ---- metrics ---- */

/* Metrics as parameters: names, steps, slices, values. */
static void
ml_run_bind_metrics(MlArgs *args, const MlRunMetric *metrics, int n)
{
	Datum	   *steps = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);
	Datum	   *values = palloc(sizeof(Datum) * n);
	char	  **texts = palloc(sizeof(char *) * 3 * n);
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		texts[i] = unconstify(char *, metrics[i].name);
		texts[n + i] = unconstify(char *, metrics[i].slice_key);
		texts[2 * n + i] = unconstify(char *, metrics[i].slice_value);
		steps[i] = Int32GetDatum(metrics[i].step);
		nulls[i] = metrics[i].step == 0;
		values[i] = Float8GetDatum(metrics[i].value);
	}
	for (int k = 0; k < 3; k++)
		ml_bind_arg_texts(args, n, texts + k * n);
	ml_arg(args, INT4ARRAYOID,
		   PointerGetDatum(construct_md_array(steps, nulls, 1, &n, &lower, INT4OID, sizeof(int32), true, TYPALIGN_INT)),
		   false);
	ml_arg(args, FLOAT8ARRAYOID,
		   PointerGetDatum(construct_array(values, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
		   false);
}

/* Writes the metrics of a run, part by part. */
void
ml_catalog_run_metrics(int64 run, const MlRunMetric *metrics, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext part = AllocSetContextCreate(caller, "pg_mlops run metrics", ALLOCSET_DEFAULT_SIZES);

	for (int from = 0; from < n; from += ML_RUN_METRICS_PART)
	{
		MlArgs		args = {0};

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(part);
		ml_bind_arg_int8(&args, run);
		ml_run_bind_metrics(&args, metrics + from, Min(n - from, ML_RUN_METRICS_PART));
		ml_catalog_execute("INSERT INTO ml.run_metrics (run_id, name, slice_key, slice_value, step, value) "
						   "SELECT $1, u.* FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), "
						   "pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6)) AS u", &args, NULL);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(part);
	}
	MemoryContextDelete(part);
}

/* ---- runs that have ended ---- */

int64
ml_catalog_record_run(const MlRunRecord *record)
{
	MlArgs		args = {0};
	MlRow		row;
	int64		run;

	ml_bind_arg_text(&args, record->model);
	/* as the foreign key will; a model that is being dropped is waited for */
	if (ml_catalog_execute("SELECT FROM ml.models m WHERE m.model = $1 FOR KEY SHARE", &args, NULL) == 0)
		return 0;
	ml_bind_arg_text(&args, record->kind);
	ml_arg(&args, INT4OID, Int32GetDatum(record->version), record->version == 0);
	ml_bind_arg_text(&args, record->experiment);
	ml_arg(&args, INT8OID, Int64GetDatum(record->parent), record->parent == 0);
	ml_bind_arg_text(&args, record->status != NULL ? record->status : "succeeded");
	ml_bind_arg_text(&args, record->error);
	ml_bind_arg_json(&args, record->params);
	ml_arg(&args, INT8OID, Int64GetDatum(record->seed ? *record->seed : 0), record->seed == NULL);
	ml_bind_arg_text(&args, record->code);
	ml_bind_arg_json(&args, record->environment);
	ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(record->started_at), false);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(record->finished_at), record->finished_at == 0);
	ml_catalog_execute("INSERT INTO ml.runs (model, kind, version, experiment, parent_run_id, status, error, params, seed, "
					   "code, environment, actor, started_at, finished_at) VALUES ($1, $2, $3, $4, coalesce($5, "
					   "(SELECT v.run_id FROM ml.versions v WHERE v.model = $1 AND v.version = $3)), $6, $7, $8, $9, $10, "
					   "$11, $12, $13, greatest($13, coalesce($14, pg_catalog.clock_timestamp()))) RETURNING run_id",
					   &args, &row);
	run = ml_row_int64(&row, 0);
	ml_catalog_run_metrics(run, record->metrics, record->nmetrics);
	return run;
}

/* ---- runs of outside code ---- */

/* Refuses what is not a run of outside code of the current user's. */
static void
ml_run_require_own(int64 run, const MlRunHead *head)
{
	if (!ml_access_is_member(head->actor) && !ml_catalog_run_seen(head))
		ml_catalog_require_run(run);
	if (!ml_run_external(head))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("run %lld is not a run of outside code", (long long) run),
				 errdetail("It is of kind \"%s\".", head->kind),
				 errhint("Only runs that ml.start_run began can be changed; other runs stay as they were recorded.")));
	if (!ml_access_is_member(head->actor))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for run %lld", (long long) run),
				 errdetail("It belongs to role \"%s\"; the current user is \"%s\".", head->actor,
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Ask a member of role \"%s\" to do it.", head->actor)));
}

/* Locks a run of the current user's by one of the statements below, after a look that makes nobody wait. */
static void
ml_run_lock(int64 run, const char *statement, MlRunHead *head)
{
	MlArgs		args = {0};
	MlRow		row;

	if (ml_catalog_run(run, head))
		ml_run_require_own(run, head);
	ml_bind_arg_int8(&args, run);
	/* a run that this very statement began is not under its snapshot */
	if (ml_catalog_execute(statement, &args, &row) == 0)
		ml_report_no_run(run);
	head->kind = row.column[0];
	head->model = row.column[1];
	head->actor = row.column[2];
	head->status = row.column[3];
	ml_run_require_own(run, head);
}

#define ML_RUN_LOCK	"SELECT r.kind, r.model, r.actor, r.status FROM ml.runs r WHERE r.run_id = $1 "

/* The same, for a run that has to be running still. */
static void
ml_run_lock_running(int64 run, const char *statement)
{
	MlRunHead	head;

	ml_run_lock(run, statement, &head);
	if (strcmp(head.status, "running") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run %lld has ended", (long long) run),
				 errdetail("Its status is \"%s\".", head.status),
				 errhint("A run that has ended stays as it is: begin another with ml.start_run.")));
}

/* Raises an error unless there is a model that the current user may train; it stays until the transaction ends. */
static void
ml_run_require_model(const char *model)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_TRAIN);
	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT m.owner FROM ml.models m WHERE m.model = $1 FOR KEY SHARE", &args, &row) > 0)
		return;
	ml_report_as_of_now();
	ml_report_no_model(model);
}

/* Raises an error unless there is a parent that the current user may see; it stays until the transaction ends. */
static void
ml_run_require_parent(int64 parent)
{
	MlArgs		args = {0};
	MlRow		row;
	MlRunHead	head;

	if (ml_catalog_run(parent, &head))
		ml_catalog_require_run(parent);
	ml_bind_arg_int8(&args, parent);
	if (ml_catalog_execute(ML_RUN_LOCK "FOR KEY SHARE", &args, &row) == 0)
		ml_report_no_run(parent);
	head.kind = row.column[0];
	head.model = row.column[1];
	head.actor = row.column[2];
	if (!ml_catalog_run_seen(&head))
		ml_catalog_require_run(parent);
}

int64
ml_catalog_start_run(const MlRunStart *start)
{
	MlArgs		args = {0};
	MlRow		row;
	char	   *actor = GetUserNameFromId(GetUserId(), false);

	if (start->model != NULL)
		ml_run_require_model(start->model);
	if (start->has_parent)
		ml_run_require_parent(start->parent);
	ml_rights_own_run(actor);
	ml_bind_arg_text(&args, start->experiment);
	ml_bind_arg_text(&args, start->name);
	ml_bind_arg_json(&args, start->params);
	ml_arg(&args, INT8OID, Int64GetDatum(start->parent), !start->has_parent);
	ml_bind_arg_text(&args, start->model);
	ml_arg(&args, INT8OID, Int64GetDatum(start->seed ? *start->seed : 0), start->seed == NULL);
	ml_bind_arg_text(&args, start->code);
	ml_bind_arg_json(&args, start->tags);
	ml_bind_arg_json(&args, start->environment);
	ml_bind_arg_text(&args, actor);
	ml_catalog_execute("INSERT INTO ml.runs (kind, status, experiment, name, params, parent_run_id, model, seed, code, "
					   "tags, environment, actor) VALUES ('external', 'running', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
					   "RETURNING run_id", &args, &row);
	return ml_row_int64(&row, 0);
}

void
ml_catalog_log_metric(int64 run, const char *name, double value, const int32 *step)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_run_lock_running(run, ML_RUN_LOCK "FOR SHARE");
	ml_bind_arg_int8(&args, run);
	ml_bind_arg_text(&args, name);
	ml_arg(&args, INT4OID, Int32GetDatum(step ? *step : 0), step == NULL);
	ml_arg(&args, FLOAT8OID, Float8GetDatum(value), false);
	if (ml_catalog_execute("INSERT INTO ml.run_metrics (run_id, name, step, value) VALUES ($1, $2, $3, $4) "
						   "ON CONFLICT DO NOTHING", &args, NULL) > 0)
		return;
	args.n = 3;
	ml_catalog_execute("SELECT m.value FROM ml.run_metrics m WHERE m.run_id = $1 AND m.name = $2 "
					   "AND m.step IS NOT DISTINCT FROM $3 AND m.slice_key IS NULL", &args, &row);
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 step != NULL ? errmsg("run %lld has metric \"%s\" at step %d already", (long long) run, name, *step) :
			 errmsg("run %lld has metric \"%s\" already", (long long) run, name),
			 row.column[0] != NULL ? errdetail("Its value is %s.", row.column[0]) : 0,
			 errhint("A metric is logged once%s.", step != NULL ? " for each step: give the next step" :
					 ": give a step for a value that changes")));
}

void
ml_catalog_log_param(int64 run, const char *name, const char *json)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_run_lock_running(run, ML_RUN_LOCK "FOR NO KEY UPDATE");
	ml_bind_arg_int8(&args, run);
	ml_bind_arg_text(&args, name);
	ml_bind_arg_json(&args, json);
	if (ml_catalog_execute("UPDATE ml.runs SET params = params || pg_catalog.jsonb_build_object($2, $3) "
						   "WHERE run_id = $1 AND NOT params ? $2", &args, NULL) > 0)
		return;
	ml_catalog_execute("SELECT r.params -> $2, r.params -> $2 = $3 FROM ml.runs r WHERE r.run_id = $1", &args, &row);
	if (strcmp(row.column[1], "t") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("run %lld has parameter \"%s\" already", (long long) run, name),
				 errdetail("Its value is %s.", row.column[0]),
				 errhint("A parameter has one value in a run: begin another run, or log a metric by step.")));
}

void
ml_catalog_end_run(int64 run, const char *status, const char *error)
{
	MlArgs		args = {0};

	ml_run_lock_running(run, ML_RUN_LOCK "FOR NO KEY UPDATE");
	ml_bind_arg_int8(&args, run);
	ml_bind_arg_text(&args, status);
	ml_bind_arg_text(&args, error);
	ml_catalog_execute("UPDATE ml.runs SET status = $2, error = $3, "
					   "finished_at = greatest(started_at, pg_catalog.clock_timestamp()) WHERE run_id = $1", &args, NULL);
}

void
ml_catalog_drop_run(int64 run)
{
	MlArgs		args = {0};
	MlRow		row;
	MlRunHead	head;

	ml_run_lock(run, ML_RUN_LOCK "FOR UPDATE", &head);
	ml_bind_arg_int8(&args, run);
	ml_catalog_execute("SELECT pg_catalog.string_agg(c.run_id::text, ', ' ORDER BY c.run_id) FROM ("
					   "SELECT r.run_id FROM ml.runs r WHERE r.parent_run_id = $1 ORDER BY r.run_id LIMIT 10) c", &args, &row);
	if (row.column[0] != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop run %lld", (long long) run),
				 errdetail("It is the parent of: %s.", row.column[0]),
				 errhint("Drop those runs first.")));
	ml_catalog_execute("DELETE FROM ml.run_metrics WHERE run_id = $1", &args, NULL);
	ml_catalog_execute("DELETE FROM ml.runs WHERE run_id = $1", &args, NULL);
	ml_rights_lose(head.actor);
}
