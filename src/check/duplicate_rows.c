/*
 * duplicate_rows.c - checks how many rows repeat another one.
 *
 * Every copy but the first counts, by the columns named, or by all. NULL equals
 * NULL here. In SQL: count(*) minus the number of groups of GROUP BY a, b.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"

typedef struct MlCopies
{
	int64		rows;
	int64		surplus;
} MlCopies;

static void
ml_copies_add(void *ctx, double value, int64 count)
{
	MlCopies   *copies = ctx;

	copies->rows += count;
	copies->surplus += count - 1;
}

static void
ml_duplicate_rows_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_equality(check, columns, check->ncolumns);
	ml_collect(scan, ML_COLLECT_COPIES, check->ncolumns, columns);
}

static double
ml_duplicate_rows_number(const MlCheck *check, const MlCollected *scan)
{
	MlCopies	copies = {0};

	ml_collected_copies(scan, check->ncolumns, check->columns, ml_copies_add, &copies);
	return copies.surplus;
}

/*
 * The share that passes among so many rows. The more rows, the more of them
 * repeat others: of the first so many rows more than the share was learned of,
 * growth are new, and of those behind them none need be.
 */
static double
ml_duplicate_rows_limit(const MlCheck *check, int64 n)
{
	double		max_share = ml_check_number(check, "max_share");
	double		rows = ml_check_number(check, "rows");

	if (isnan(rows) || n <= rows)
		return max_share;
	return 1 - ((1 - max_share) * rows + ml_check_number(check, "growth") * Min(n - rows, rows)) / n;
}

static void
ml_duplicate_rows_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlCopies	copies = {0};
	double		max_share = ml_check_number(check, "max_share");
	double		share;

	ml_collected_copies(scan, check->ncolumns, check->columns, ml_copies_add, &copies);
	share = copies.rows > 0 ? (double) copies.surplus / copies.rows : 0;
	out->n_failed = copies.surplus;
	out->observed = psprintf("{\"value\": " INT64_FORMAT ", \"share\": %s}", copies.surplus, ml_text_number(share));
	if (copies.rows == 0)
		out->status = ML_CHECK_INSUFFICIENT;
	else if (!isnan(max_share))
		out->status = share <= ml_duplicate_rows_limit(check, copies.rows) ? ML_CHECK_PASS : ML_CHECK_FAIL;
	else
		out->status = copies.surplus <= ml_check_number(check, "max") ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_duplicate_rows_expect(const MlCheck *check, StringInfo out)
{
	double		max_share = ml_check_number(check, "max_share");

	if (isnan(max_share))
		appendStringInfo(out, "{\"max\": %s}", ml_text_number(ml_check_number(check, "max")));
	else
		appendStringInfo(out, "{\"max_share\": %s}", ml_text_number(max_share));
}

static void
ml_duplicate_rows_validate(const MlCheck *check)
{
	if (!isnan(ml_check_number(check, "max_share")) && ml_check_number(check, "max") > 0)
		ml_check_refuse(check, "both max and max_share are given", NULL, "Give the number of rows or their share.");
}

static void
ml_duplicate_rows_failing(const MlCheck *check, StringInfo out)
{
	appendStringInfoString(out, "pg_catalog.row_number() OVER (PARTITION BY ");
	ml_check_append_columns(check->columns, check->ncolumns, out);
	appendStringInfoString(out, ") > 1");
}

static const MlParam ml_duplicate_rows_params[] = {
	{"max", ML_PARAM_INTEGER, "0", 0, DBL_MAX, NULL, "how many surplus rows pass"},
	{"max_share", ML_PARAM_NUMBER, NULL, 0, 1, NULL, "the share of surplus rows that passes, in place of max"},
	{"rows", ML_PARAM_INTEGER, NULL, 1, DBL_MAX, NULL, "of how many rows max_share was learned; of more it grows"},
	{"growth", ML_PARAM_NUMBER, "0", 0, 1, NULL, "how much of a row beyond those is new at least"}
};

const MlCheckKind ml_check_duplicate_rows = {
	.name = "duplicate_rows",
	.summary = "rows that repeat another one, by the columns named or by all, are no more than max",
	.flags = ML_CHECK_ALL_COLUMNS,
	.min_columns = 0,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_duplicate_rows_params,
	.nparams = lengthof(ml_duplicate_rows_params),
	.validate = ml_duplicate_rows_validate,
	.expect = ml_duplicate_rows_expect,
	.plan = ml_duplicate_rows_plan,
	.judge = ml_duplicate_rows_judge,
	.failing = ml_duplicate_rows_failing,
	.number = ml_duplicate_rows_number
};
