/*
 * kurtosis.c - checks the kurtosis of a column of numbers in excess of a normal distribution's, without correction.
 *
 * In SQL, with m = avg(x): avg((x - m)^4) / avg((x - m)^2)^2 - 3. Nothing where
 * the values are all equal. Infinite ones do not count.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_kurtosis_number(const MlCheck *check, const MlCollected *scan)
{
	MlShapeFigures f = ml_collected_shape(scan, check->columns[0]);

	return f.kurtosis;
}

const MlCheckKind ml_check_kurtosis = {
	.name = "kurtosis",
	.summary = "the excess kurtosis lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_shape,
	.judge = ml_check_judge_bounds,
	.number = ml_kurtosis_number
};
