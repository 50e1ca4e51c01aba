/*
 * unique.c - checks that no two rows have the same value, or combination of values; and primary_key: and that none is NULL.
 *
 * All rows of a value that occurs more than once fail. In SQL: count(*) OVER
 * (PARTITION BY a, b) > 1, of the rows where neither is NULL: as in a UNIQUE
 * constraint, rows with a NULL among the columns pass. Of primary_key they
 * fail.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static void
ml_unique_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_plan_groups(check, columns, scan);
	ml_collect(scan, ML_COLLECT_ROWS, 0, NULL);
}

static void
ml_unique_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	ml_check_judge_rows(check, ml_collected_rows(scan), ml_check_groups(check, scan).repeated, out);
}

static void
ml_primary_key_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlGroupFigures figures = ml_check_groups(check, scan);
	int64		rows = ml_collected_rows(scan);

	ml_check_judge_rows(check, rows, rows - figures.rows + figures.repeated, out);
}

/* The condition, true of rows without a NULL whose values occur more than once. */
static void
ml_unique_failing(const MlCheck *check, StringInfo out)
{
	ml_check_append_present(check, out);
	appendStringInfoString(out, " AND pg_catalog.count(*) OVER (PARTITION BY ");
	ml_check_append_columns(check->columns, check->ncolumns, out);
	appendStringInfoString(out, ") > 1");
}

static void
ml_primary_key_failing(const MlCheck *check, StringInfo out)
{
	appendStringInfoString(out, "NOT (");
	ml_check_append_present(check, out);
	appendStringInfoString(out, ") OR (");
	ml_unique_failing(check, out);
	appendStringInfoChar(out, ')');
}

const MlCheckKind ml_check_unique = {
	.name = "unique",
	.summary = "no two rows have the same value or combination of values",
	.flags = ML_CHECK_MOSTLY,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.expect = ml_check_expect_mostly,
	.plan = ml_unique_plan,
	.judge = ml_unique_judge,
	.failing = ml_unique_failing
};

const MlCheckKind ml_check_primary_key = {
	.name = "primary_key",
	.summary = "values or combinations of values are unique and none is NULL",
	.flags = ML_CHECK_MOSTLY,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.expect = ml_check_expect_mostly,
	.plan = ml_unique_plan,
	.judge = ml_primary_key_judge,
	.failing = ml_primary_key_failing
};
