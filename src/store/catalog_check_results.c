/*
 * catalog_check_results.c - what checks found in data.
 *
 * The results of one run are written together and have the run's number and
 * moment in common. A check that compares with the past reads its own results
 * backwards by their index; results older than the suite, or of a check of
 * another kind under the same name, are not its past.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "store/suites.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* So many results are written by one statement. */
#define ML_CHECK_RESULTS_PART	1000

/* ---- writing ---- */

/* The number that the results of a run have in common. */
static int64
ml_check_run(void)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_catalog_execute("SELECT pg_catalog.nextval('ml.check_results_result_id_seq')", &args, &row);
	return ml_row_int64(&row, 0);
}

/* Adds a bigint[] parameter: n or n_failed of each result. */
static void
ml_check_arg_counts(MlArgs *args, const MlCheckResult *const *results, int n, bool failed)
{
	Datum	   *values = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(failed ? results[i]->outcome.n_failed : results[i]->outcome.n);
	ml_arg(args, INT8ARRAYOID,
		   PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

/* Adds the texts of results as parameters, one array a column, in the order of the statement below. */
static void
ml_check_arg_columns(MlArgs *args, const MlCheckResult *const *results, int n)
{
	enum
	{
		NAME, KIND, COLUMN, SEVERITY, ENVIRONMENT, STATUS, OBSERVED, EXPECTED, COLUMNS
	};
	char	  **texts = palloc(sizeof(char *) * COLUMNS * n);

	for (int i = 0; i < n; i++)
	{
		const MlCheck *check = results[i]->check;
		const MlCheckOutcome *outcome = &results[i]->outcome;

		texts[NAME * n + i] = check->name;
		texts[KIND * n + i] = unconstify(char *, check->kind->name);
		texts[COLUMN * n + i] = check->ncolumns > 0 ? check->columns[0] : NULL;
		texts[SEVERITY * n + i] = unconstify(char *, ml_severity_name(check->severity));
		texts[ENVIRONMENT * n + i] = unconstify(char *, ml_environment_name(check->environment));
		texts[STATUS * n + i] = unconstify(char *, ml_check_status_name(outcome->status, check->severity));
		texts[OBSERVED * n + i] = outcome->observed;
		texts[EXPECTED * n + i] = outcome->expected;
	}
	for (int k = 0; k < COLUMNS; k++)
		ml_bind_arg_texts(args, n, texts + k * n);
	ml_check_arg_counts(args, results, n, false);
	ml_check_arg_counts(args, results, n, true);
}

/* Records the results of a run; false where nothing can be written. */
bool
ml_catalog_check_results(const char *suite, const char *source, List *results)
{
	const MlCheckResult **all = palloc(sizeof(MlCheckResult *) * Max(list_length(results), 1));
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext part;
	TimestampTz at = GetCurrentTimestamp();
	ListCell   *lc;
	int			n = 0;
	int64		run;

	if (XactReadOnly || RecoveryInProgress())
		return false;
	if (results == NIL)
		return true;
	foreach(lc, results)
		all[n++] = lfirst(lc);
	run = ml_check_run();
	part = AllocSetContextCreate(caller, "pg_mlops check results", ALLOCSET_DEFAULT_SIZES);
	for (int from = 0; from < n; from += ML_CHECK_RESULTS_PART)
	{
		MlArgs		args = {0};

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(part);
		ml_bind_arg_text(&args, suite);
		ml_bind_arg_text(&args, source);
		ml_bind_arg_int8(&args, run);
		ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(at), false);
		ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
		ml_check_arg_columns(&args, all + from, Min(n - from, ML_CHECK_RESULTS_PART));
		ml_catalog_execute("INSERT INTO ml.check_results (suite, source, run, at, actor, name, kind, column_name, severity, "
						   "environment, success, status, observed, expected, n, n_failed) SELECT $1, $2, $3, $4, $5, "
						   "u.name, u.kind, u.column_name, u.severity, u.environment, "
						   "u.status NOT IN ('warn', 'fail', 'error'), u.status, u.observed::jsonb, u.expected::jsonb, "
						   "u.n, u.n_failed FROM ROWS FROM (pg_catalog.unnest($6), pg_catalog.unnest($7), "
						   "pg_catalog.unnest($8), pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11), "
						   "pg_catalog.unnest($12), pg_catalog.unnest($13), pg_catalog.unnest($14), "
						   "pg_catalog.unnest($15)) WITH ORDINALITY AS u (name, kind, column_name, severity, environment, "
						   "status, observed, expected, n, n_failed, place) ORDER BY u.place", &args, NULL);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(part);
	}
	MemoryContextDelete(part);
	return true;
}

/* ---- reading back ---- */

/* The number under "value" in what a check observed, or NaN. */
static double
ml_check_observed_number(Jsonb *observed)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(observed) ||
		getKeyJsonValueFromContainer(&observed->root, "value", strlen("value"), &value) == NULL ||
		value.type != jbvNumeric)
		return get_float8_nan();
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
}

/* When the suite was made; what is older belongs to another one of its name. */
static TimestampTz
ml_suite_created(const char *suite)
{
	TimestampTz created = DT_NOBEGIN;
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_SUITES, suite, 0, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple != NULL)
		created = DatumGetTimestampTz(ml_scan_get(&scan, tuple, ML_SUITES_CREATED, NULL));
	ml_scan_end(&scan);
	return created;
}

/* The kind that a check has now, or NULL when there is no such check. */
static char *
ml_check_current_kind(const char *suite, const char *name)
{
	char	   *kind = NULL;
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_CHECK, suite, 0, name);
	tuple = ml_scan_next(&scan);
	if (tuple != NULL)
		kind = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_CHECKS_KIND, NULL));
	ml_scan_end(&scan);
	return kind;
}

/* Whether a text column of the current row of a scan holds a text. */
static bool
ml_scan_is(MlScan *scan, HeapTuple tuple, int column, const char *wanted)
{
	char	   *value = TextDatumGetCString(ml_scan_get(scan, tuple, column, NULL));
	bool		same = strcmp(value, wanted) == 0;

	pfree(value);
	return same;
}

/* The numbers that a check observed on a source before, newest first, at most max. */
MlCheckPast *
ml_catalog_check_past(const char *suite, const char *name, const char *source, int max)
{
	MlCheckPast *past = palloc0(sizeof(MlCheckPast));
	double	   *values = palloc(sizeof(double) * Max(max, 1));
	TimestampTz *moments = palloc(sizeof(TimestampTz) * Max(max, 1));
	char	   *kind = ml_check_current_kind(suite, name);
	TimestampTz created = ml_suite_created(suite);
	char	   *actor = GetUserNameFromId(GetUserId(), false);
	MlScan		scan;
	HeapTuple	tuple;

	past->value = values;
	past->at = moments;
	if (kind == NULL)
		return past;
	ml_scan_begin(&scan, ML_SCAN_CHECK_RESULTS, suite, 0, name);
	while (past->n < max && (tuple = ml_scan_previous(&scan)) != NULL)
	{
		TimestampTz at = DatumGetTimestampTz(ml_scan_get(&scan, tuple, ML_RESULTS_AT, NULL));
		bool		isnull;
		Datum		observed;

		/* the same source may mean other rows to another user, who must not make up somebody's past */
		if (at < created ||
			strcmp(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_RESULTS_ACTOR, NULL))), actor) != 0 ||
			!ml_scan_is(&scan, tuple, ML_RESULTS_KIND, kind) ||
			!ml_scan_is(&scan, tuple, ML_RESULTS_SOURCE, source))
			continue;
		observed = ml_scan_get(&scan, tuple, ML_RESULTS_OBSERVED, &isnull);
		values[past->n] = isnull ? get_float8_nan() : ml_check_observed_number(DatumGetJsonbP(observed));
		moments[past->n++] = at;
	}
	ml_scan_end(&scan);
	return past;
}
