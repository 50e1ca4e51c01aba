/*
 * median.c - checks the median of a column of numbers.
 *
 * In SQL: percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FILTER (WHERE x <> 'NaN').
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_median_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_check_quantile_of(check, scan, 0.5);
}

const MlCheckKind ml_check_median = {
	.name = "median",
	.summary = "the median lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_numbers,
	.judge = ml_check_judge_bounds,
	.number = ml_median_number
};
