/*
 * completeness.c - checks the share of rows in which a column is not NULL.
 *
 * In SQL: avg((x IS NOT NULL)::int).
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_completeness_number(const MlCheck *check, const MlCollected *scan)
{
	MlRowCounts counts = ml_collected_counts(scan, check->columns[0]);

	return ml_check_ratio(counts.rows - counts.nulls, counts.rows);
}

const MlCheckKind ml_check_completeness = {
	.name = "completeness",
	.summary = "the share of rows that hold a value lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_rows,
	.judge = ml_check_judge_bounds,
	.number = ml_completeness_number
};
