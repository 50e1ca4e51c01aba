/*
 * interquartile_range.c - checks how far the quartiles of a column of numbers are apart.
 *
 * In SQL: the difference of percentile_cont(0.75) and percentile_cont(0.25), over
 * x <> 'NaN'. Nothing where it is the difference of two infinities.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_interquartile_range_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_check_quantile_of(check, scan, 0.75) - ml_check_quantile_of(check, scan, 0.25);
}

const MlCheckKind ml_check_interquartile_range = {
	.name = "interquartile_range",
	.summary = "the distance of the quartiles lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_numbers,
	.judge = ml_check_judge_bounds,
	.number = ml_interquartile_range_number
};
