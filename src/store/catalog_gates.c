/*
 * catalog_gates.c - gates and what they found.
 *
 * A result names the gate by its id, so a gate that is dropped and added again
 * has none. Verdicts are judged without a lock; they are written, and asked
 * for at a deployment, under the model's row lock.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* So many results are written by one statement. */
#define ML_GATE_RESULTS_PART	1000

const char *
ml_verdict_name(MlVerdict verdict)
{
	static const char *const names[] = {"pass", "fail", "inconclusive"};

	return names[verdict];
}

/* ---- the definitions ---- */

static void
ml_gate_arg_number(MlArgs *args, bool has, double value)
{
	ml_arg(args, FLOAT8OID, Float8GetDatum(value), !has);
}

/* Adds a gate; raises ERRCODE_DUPLICATE_OBJECT when the model has one of that name. */
void
ml_catalog_add_gate(const char *model_name, const MlGate *gate)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;
	Datum	   *slices = palloc(sizeof(Datum) * Max(list_length(gate->slices), 1));
	ListCell   *lc;
	int			n = 0;

	ml_catalog_lock(model_name, &model);
	foreach(lc, gate->slices)
		slices[n++] = CStringGetTextDatum(lfirst(lc));
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, gate->name);
	ml_bind_arg_text(&args, gate->metric);
	ml_gate_arg_number(&args, gate->has_min, gate->min);
	ml_gate_arg_number(&args, gate->has_max, gate->max);
	ml_bind_arg_text(&args, gate->versus);
	ml_gate_arg_number(&args, true, gate->margin);
	ml_arg(&args, TEXTARRAYOID,
		   PointerGetDatum(construct_array(slices, n, TEXTOID, -1, false, TYPALIGN_INT)), false);
	ml_bind_arg_int8(&args, gate->min_rows);
	ml_bind_arg_text(&args, gate->role);
	ml_bind_arg_text(&args, model.actor);
	if (ml_catalog_execute("INSERT INTO ml.gates (model, name, metric, min, max, versus, margin, slices, min_rows, role, "
						   "created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
						   "ON CONFLICT (model, name) DO NOTHING", &args, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already has a gate \"%s\"", model.model, gate->name),
				 errhint("Drop it first: SELECT ml.drop_gate(%s, %s);", quote_literal_cstr(model.model),
						 quote_literal_cstr(gate->name))));
	initStringInfo(&detail);
	ml_detail_text(&detail, "gate", gate->name);
	ml_detail_text(&detail, "metric", gate->metric);
	ml_detail_json(&detail, "min", gate->has_min ? ml_text_number(gate->min) : NULL);
	ml_detail_json(&detail, "max", gate->has_max ? ml_text_number(gate->max) : NULL);
	ml_detail_text(&detail, "versus", gate->versus);
	ml_detail_text(&detail, "role", gate->role);
	ml_catalog_event("add_gate", &model, 0, &detail);
}

/* Drops a gate; its results stay. */
void
ml_catalog_drop_gate(const char *model_name, const char *name)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, name);
	if (ml_catalog_execute("DELETE FROM ml.gates WHERE model = $1 AND name = $2", &args, NULL) == 0)
	{
		MlRow		row;

		args.n = 1;
		ml_catalog_execute("SELECT pg_catalog.string_agg(pg_catalog.quote_ident(g.name), ', ' ORDER BY g.name) "
						   "FROM ml.gates g WHERE g.model = $1", &args, &row);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no gate \"%s\"", model.model, name),
				 row.column[0] != NULL
				 ? errdetail("Its gates are: %s.", row.column[0])
				 : errdetail("It has no gates."),
				 errhint("Table ml.gates lists the gates of all models.")));
	}
	initStringInfo(&detail);
	ml_detail_text(&detail, "gate", name);
	ml_catalog_event("drop_gate", &model, 0, &detail);
}

static char *
ml_gate_text(MlScan *scan, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = ml_scan_get(scan, tuple, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static double
ml_gate_number(MlScan *scan, HeapTuple tuple, int column, bool *has)
{
	bool		isnull;
	Datum		value = ml_scan_get(scan, tuple, column, &isnull);

	if (has != NULL)
		*has = !isnull;
	return isnull ? 0.0 : DatumGetFloat8(value);
}

/* The gates (MlGate *) of a model in the order of their names, of one role or of all (NULL). */
List *
ml_catalog_gates(const char *model, const char *role)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *gates = NIL;

	ml_scan_begin(&scan, ML_SCAN_GATES, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		MlGate	   *gate;
		char	   *gate_role = ml_gate_text(&scan, tuple, ML_GATES_ROLE);
		Datum	   *slices;
		int			n;

		if (role != NULL && strcmp(role, gate_role) != 0)
			continue;
		gate = palloc0(sizeof(MlGate));
		gate->role = gate_role;
		gate->name = ml_gate_text(&scan, tuple, ML_GATES_NAME);
		gate->metric = ml_gate_text(&scan, tuple, ML_GATES_METRIC);
		gate->min = ml_gate_number(&scan, tuple, ML_GATES_MIN, &gate->has_min);
		gate->max = ml_gate_number(&scan, tuple, ML_GATES_MAX, &gate->has_max);
		gate->versus = ml_gate_text(&scan, tuple, ML_GATES_VERSUS);
		gate->margin = ml_gate_number(&scan, tuple, ML_GATES_MARGIN, NULL);
		gate->min_rows = DatumGetInt64(ml_scan_get(&scan, tuple, ML_GATES_MIN_ROWS, NULL));
		gate->id = DatumGetInt64(ml_scan_get(&scan, tuple, ML_GATES_ID, NULL));
		deconstruct_array(DatumGetArrayTypePCopy(ml_scan_get(&scan, tuple, ML_GATES_SLICES, NULL)),
						  TEXTOID, -1, false, TYPALIGN_INT, &slices, NULL, &n);
		for (int i = 0; i < n; i++)
			gate->slices = lappend(gate->slices, TextDatumGetCString(slices[i]));
		gates = lappend(gates, gate);
	}
	ml_scan_end(&scan);
	return gates;
}

/* ---- the results ---- */

/* Writes the run of a judgement and returns its number. */
static int64
ml_gate_run(const MlModelRow *model, const MlGateJudgement *judgement)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, judgement->version);
	ml_bind_arg_json(&args, judgement->params);
	ml_bind_arg_text(&args, model->actor);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(judgement->started_at), false);
	ml_bind_arg_json(&args, judgement->environment);
	ml_catalog_execute("INSERT INTO ml.runs (kind, model, version, status, params, actor, started_at, finished_at, "
					   "environment, parent_run_id) VALUES ('gate', $1, $2, 'succeeded', $3, $4, $5, "
					   "greatest($5, pg_catalog.clock_timestamp()), $6, "
					   "(SELECT v.run_id FROM ml.versions v WHERE v.model = $1 AND v.version = $2)) RETURNING run_id",
					   &args, &row);
	return ml_row_int64(&row, 0);
}

/* The column of results that a part of them has, as an array of numbers; NaN is SQL NULL. */
static void
ml_gate_arg_numbers(MlArgs *args, MlGateResult *const *results, int n, size_t offset)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		double		x = *(const double *) ((const char *) results[i] + offset);

		nulls[i] = isnan(x);
		values[i] = Float8GetDatum(x);
	}
	ml_arg(args, FLOAT8ARRAYOID,
		   PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, FLOAT8OID, sizeof(float8),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

static void
ml_gate_arg_counts(MlArgs *args, const int64 *counts, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(counts[i]);
	ml_arg(args, INT8ARRAYOID,
		   PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

/* The figures of results as metrics of the run. */
static void
ml_gate_metrics(MlGateResult *const *results, int n, int64 run_id)
{
	MlArgs		args = {0};
	char	  **names = palloc(sizeof(char *) * n);
	char	  **keys = palloc(sizeof(char *) * n);
	char	  **values = palloc(sizeof(char *) * n);

	for (int i = 0; i < n; i++)
	{
		names[i] = psprintf("%s.%s", results[i]->gate->name, results[i]->gate->metric);
		keys[i] = results[i]->slice_key;
		values[i] = results[i]->slice_value;
	}
	ml_bind_arg_int8(&args, run_id);
	ml_bind_arg_texts(&args, n, names);
	ml_bind_arg_texts(&args, n, keys);
	ml_bind_arg_texts(&args, n, values);
	ml_gate_arg_numbers(&args, results, n, offsetof(MlGateResult, value));
	ml_catalog_execute("INSERT INTO ml.run_metrics (run_id, name, slice_key, slice_value, value) "
					   "SELECT $1, u.name, u.slice_key, u.slice_value, u.value FROM ROWS FROM (pg_catalog.unnest($2), "
					   "pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5)) "
					   "AS u (name, slice_key, slice_value, value) WHERE u.value IS NOT NULL", &args, NULL);
}

/* Writes results, all in one statement. */
static void
ml_gate_results(const MlModelRow *model, const MlGateJudgement *judgement, MlGateResult *const *results, int n,
				int64 run_id)
{
	MlArgs		args = {0};
	char	  **texts = palloc(sizeof(char *) * 5 * n);
	int64	   *counts = palloc(sizeof(int64) * 2 * n);

	for (int i = 0; i < n; i++)
	{
		texts[i] = results[i]->gate->name;
		texts[n + i] = results[i]->slice_key;
		texts[2 * n + i] = results[i]->slice_value;
		texts[3 * n + i] = unconstify(char *, ml_verdict_name(results[i]->verdict));
		texts[4 * n + i] = results[i]->reason;
		counts[i] = results[i]->gate->id;
		counts[n + i] = results[i]->n;
	}
	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, judgement->version);
	ml_bind_arg_int8(&args, run_id);
	ml_bind_arg_text(&args, judgement->source);
	ml_bind_arg_text(&args, judgement->source_digest);
	ml_bind_arg_text(&args, judgement->fingerprint);
	ml_arg(&args, INT4OID, Int32GetDatum(judgement->versus_version), judgement->versus_version == 0);
	ml_bind_arg_text(&args, judgement->reader);
	ml_bind_arg_text(&args, judgement->search_path);
	for (int k = 0; k < 5; k++)
		ml_bind_arg_texts(&args, n, texts + k * n);
	ml_gate_arg_counts(&args, counts, n);
	ml_gate_arg_counts(&args, counts + n, n);
	ml_gate_arg_numbers(&args, results, n, offsetof(MlGateResult, value));
	ml_gate_arg_numbers(&args, results, n, offsetof(MlGateResult, low));
	ml_gate_arg_numbers(&args, results, n, offsetof(MlGateResult, high));
	ml_gate_arg_numbers(&args, results, n, offsetof(MlGateResult, limit));
	ml_catalog_execute("INSERT INTO ml.gate_results (model, version, run_id, source, source_digest, fingerprint, "
					   "versus_version, actor, search_path, gate, slice_key, slice_value, verdict, reason, gate_id, n, "
					   "value, low, high, limit_value) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, u.* FROM ROWS FROM ("
					   "pg_catalog.unnest($10), pg_catalog.unnest($11), pg_catalog.unnest($12), pg_catalog.unnest($13), "
					   "pg_catalog.unnest($14), pg_catalog.unnest($15), pg_catalog.unnest($16), pg_catalog.unnest($17), "
					   "pg_catalog.unnest($18), pg_catalog.unnest($19), pg_catalog.unnest($20)) AS u", &args, NULL);
	ml_gate_metrics(results, n, run_id);
}

/* The results whose gate is still defined as it was when it was judged. */
static int
ml_gate_standing(const MlModelRow *model, const List *results, MlGateResult **standing)
{
	MlArgs		args = {0};
	List	   *rows;
	const MlGate *asked = NULL;
	bool		stands = false;
	int			n = 0;
	ListCell   *lc;
	ListCell   *row;

	ml_bind_arg_text(&args, model->model);
	rows = ml_catalog_rows("SELECT g.gate_id FROM ml.gates g WHERE g.model = $1", &args);
	foreach(lc, results)
	{
		MlGateResult *result = lfirst(lc);

		/* results of one gate follow each other */
		if (result->gate != asked)
		{
			asked = result->gate;
			stands = false;
			foreach(row, rows)
				stands |= ml_row_int64(lfirst(row), 0) == asked->id;
		}
		if (stands)
			standing[n++] = result;
	}
	return n;
}

/* The names of the gates with a result other than a pass, as a JSON array. */
static char *
ml_gate_not_passed(MlGateResult *const *results, int n)
{
	StringInfoData out;
	const MlGate *last = NULL;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < n; i++)
	{
		if (results[i]->verdict == ML_VERDICT_PASS || results[i]->gate == last)
			continue;
		appendStringInfoString(&out, last != NULL ? ", " : "");
		last = results[i]->gate;
		ml_json_text(&out, last->name);
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

/* Writes what the gates found; results of gates that were dropped meanwhile are left out. */
void
ml_catalog_gate_results(const char *model_name, const MlGateJudgement *judgement, const List *results)
{
	MlModelRow	model;
	MlGateResult **standing = palloc_extended(sizeof(MlGateResult *) * Max(list_length(results), 1), MCXT_ALLOC_HUGE);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext part = AllocSetContextCreate(caller, "pg_mlops gate results", ALLOCSET_DEFAULT_SIZES);
	StringInfoData detail;
	bool		archived;
	char	   *role;
	int64		run_id;
	int			n;

	ml_catalog_lock(model_name, &model);
	ml_catalog_version_state(&model, judgement->version, &archived, &role);
	run_id = ml_gate_run(&model, judgement);
	n = ml_gate_standing(&model, results, standing);
	for (int from = 0; from < n; from += ML_GATE_RESULTS_PART)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(part);
		ml_gate_results(&model, judgement, standing + from, Min(n - from, ML_GATE_RESULTS_PART), run_id);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(part);
	}
	MemoryContextDelete(part);
	initStringInfo(&detail);
	ml_detail_json(&detail, "run_id", psprintf(INT64_FORMAT, run_id));
	ml_detail_json(&detail, "not_passed", ml_gate_not_passed(standing, n));
	ml_catalog_event("run_gates", &model, judgement->version, &detail);
}

/* A result as text, in the order of the columns that are asked for below. */
static MlGateRecord *
ml_gate_record(const MlRow *row)
{
	MlGateRecord *record = palloc0(sizeof(MlGateRecord));

	record->slice_key = row->column[0];
	record->slice_value = row->column[1];
	record->verdict = row->column[2];
	record->reason = row->column[3];
	record->source = row->column[4];
	record->source_digest = row->column[5];
	record->fingerprint = row->column[6];
	record->versus_version = row->column[7] != NULL ? (int32) ml_row_int64(row, 7) : 0;
	record->reader = row->column[8];
	record->search_path = row->column[9];
	return record;
}

#define ML_GATE_RECORD	"SELECT r.slice_key, r.slice_value, r.verdict, r.reason, r.source, r.source_digest, " \
	"r.fingerprint, r.versus_version, r.actor, r.search_path FROM ml.gate_results r "

/*
 * What the run that judged a version last by a gate found (MlGateRecord *):
 * its first result, and all that are no pass. NIL when there is none.
 */
List *
ml_catalog_gate_records(const char *model, int32 version, int64 gate_id)
{
	MlArgs		args = {0};
	List	   *records = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_int8(&args, gate_id);
	foreach(lc, ml_catalog_rows("WITH last AS MATERIALIZED (SELECT r.run_id FROM ml.gate_results r "
								"WHERE r.model = $1 AND r.version = $2 AND r.gate_id = $3 ORDER BY r.result_id DESC LIMIT 1), "
								"first AS MATERIALIZED (SELECT min(r.result_id) AS result_id FROM ml.gate_results r "
								"WHERE r.run_id = (SELECT l.run_id FROM last l) AND r.gate_id = $3) "
								ML_GATE_RECORD
								"WHERE r.run_id = (SELECT l.run_id FROM last l) AND r.gate_id = $3 "
								"AND (r.verdict <> 'pass' OR r.result_id = (SELECT f.result_id FROM first f)) "
								"ORDER BY r.result_id", &args))
		records = lappend(records, ml_gate_record(lfirst(lc)));
	return records;
}

/* A result of the run that judged a version last by any gate; NULL when there is none. */
MlGateRecord *
ml_catalog_gate_record(const char *model, int32 version)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	if (ml_catalog_execute(ML_GATE_RECORD
						   "WHERE r.run_id = (SELECT u.run_id FROM ml.runs u WHERE u.model = $1 AND u.version = $2 "
						   "AND u.kind = 'gate' AND EXISTS (SELECT FROM ml.gate_results e WHERE e.run_id = u.run_id) "
						   "ORDER BY u.run_id DESC LIMIT 1) ORDER BY r.result_id LIMIT 1", &args, &row) == 0)
		return NULL;
	return ml_gate_record(&row);
}

/* ---- at a deployment ---- */

/*
 * Under the model's lock: whether the gates of the role are those that were
 * found to pass, and production is the version they were compared with.
 */
void
ml_catalog_gates_confirm(const MlModelRow *model, const char *role, const MlGatePass *pass)
{
	MlArgs		args = {0};
	MlRow		row;
	int64	   *ids = palloc(sizeof(int64) * Max(list_length(pass->gate_ids), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, pass->gate_ids)
		ids[n++] = *(const int64 *) lfirst(lc);
	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_text(&args, role);
	ml_gate_arg_counts(&args, ids, n);
	ml_catalog_execute("SELECT count(*) FROM ml.gates g WHERE g.model = $1 AND g.role = $2 AND g.gate_id <> ALL ($3)",
					   &args, &row);
	if (ml_row_int64(&row, 0) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("gates of model \"%s\" were added while they were judged", model->model),
				 errhint("Try again.")));
	if (!pass->compared)
		return;
	args.n = 1;
	if (ml_catalog_execute("SELECT d.version FROM ml.deployments d WHERE d.model = $1 AND d.role = 'production' "
						   "AND d.ended_at IS NULL", &args, &row) == 0
		? pass->versus_version != 0 : ml_row_int64(&row, 0) != pass->versus_version)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("production of model \"%s\" changed while gates compared with it", model->model),
				 errhint("Try again.")));
}
