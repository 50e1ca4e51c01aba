/*
 * distinct_count.c - checks how many different values a column, or combinations several columns, have.
 *
 * In SQL: count(DISTINCT x), or count(DISTINCT (a, b)) FILTER (WHERE a IS NOT
 * NULL AND b IS NOT NULL).
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_distinct_count_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_check_groups(check, scan).distinct;
}

const MlCheckKind ml_check_distinct_count = {
	.name = "distinct_count",
	.summary = "the number of different values lies between min and max",
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_groups,
	.judge = ml_check_judge_bounds,
	.number = ml_distinct_count_number
};
