/*
 * stddev.c - checks the standard deviation of a column of numbers, with n - 1.
 *
 * In SQL: stddev_samp(x) FILTER (WHERE x <> 'NaN'). Nothing with fewer than
 * two values, or with infinite ones.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "utils/float.h"

static double
ml_stddev_number(const MlCheck *check, const MlCollected *scan)
{
	MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

	return f.n > 1 && f.finite ? f.stddev : get_float8_nan();
}

const MlCheckKind ml_check_stddev = {
	.name = "stddev",
	.summary = "the standard deviation lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_moments,
	.judge = ml_check_judge_bounds,
	.number = ml_stddev_number
};
