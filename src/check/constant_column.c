/*
 * constant_column.c - checks that a column is not constant, or nearly so.
 *
 * It fails with fewer than two different values in two rows or more, and
 * where the commonest value's share of the values is above max_share. In SQL:
 * count(DISTINCT x) < 2, and mode()'s count / count(x). A column of NULLs alone
 * has no value to learn from, and fails.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"

static void
ml_constant_column_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_plan_groups(check, columns, scan);
	ml_collect(scan, ML_COLLECT_ROWS, 0, NULL);
}

static double
ml_constant_column_number(const MlCheck *check, const MlCollected *scan)
{
	MlGroupFigures figures = ml_check_groups(check, scan);

	return ml_check_ratio(figures.commonest, figures.rows);
}

static void
ml_constant_column_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlGroupFigures figures = ml_check_groups(check, scan);
	double		share = ml_check_ratio(figures.commonest, figures.rows);
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, share);
	appendStringInfo(&observed, ", \"distinct\": " INT64_FORMAT "}", figures.distinct);
	out->observed = observed.data;
	out->status = ml_collected_rows(scan) < 2 ? ML_CHECK_INSUFFICIENT :
		figures.distinct < 2 || share > ml_check_number(check, "max_share") ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static void
ml_constant_column_expect(const MlCheck *check, StringInfo out)
{
	appendStringInfo(out, "{\"max_share\": %s}", ml_text_number(ml_check_number(check, "max_share")));
}

static const MlParam ml_constant_column_params[] = {
	{"max_share", ML_PARAM_NUMBER, "1", 0, 1, NULL, "the share of the commonest among the values that passes"}
};

const MlCheckKind ml_check_constant_column = {
	.name = "constant_column",
	.summary = "a column has two different values or more, and none with a share above max_share",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_constant_column_params,
	.nparams = lengthof(ml_constant_column_params),
	.expect = ml_constant_column_expect,
	.plan = ml_constant_column_plan,
	.judge = ml_constant_column_judge,
	.number = ml_constant_column_number
};
