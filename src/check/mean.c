/*
 * mean.c - checks the mean of a column of numbers.
 *
 * In SQL: avg(x) FILTER (WHERE x <> 'NaN').
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_mean_number(const MlCheck *check, const MlCollected *scan)
{
	MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

	/* with infinities it is the infinite one of the least and the greatest, or nothing */
	return f.n == 0 || f.finite ? f.mean : f.min + f.max;
}

const MlCheckKind ml_check_mean = {
	.name = "mean",
	.summary = "the mean lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_moments,
	.judge = ml_check_judge_bounds,
	.number = ml_mean_number
};
