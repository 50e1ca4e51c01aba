/*
 * sum.c - checks the sum of a column of numbers. Of no values there is none.
 *
 * In SQL: sum(x) FILTER (WHERE x <> 'NaN').
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "utils/float.h"

static double
ml_sum_number(const MlCheck *check, const MlCollected *scan)
{
	MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

	if (f.n == 0)
		return get_float8_nan();
	/* with infinities it is the infinite one of the least and the greatest, or nothing */
	return f.finite ? f.sum : f.min + f.max;
}

const MlCheckKind ml_check_sum = {
	.name = "sum",
	.summary = "the sum lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_moments,
	.judge = ml_check_judge_bounds,
	.number = ml_sum_number
};
