/*
 * max.c - checks the greatest value of a column of numbers, dates or times.
 *
 * In SQL: max(x), of numbers FILTER (WHERE x <> 'NaN').
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/extreme.h"
#include "utils/float.h"

static double
ml_max_number(const MlCheck *check, const MlCollected *scan)
{
	MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

	return f.n > 0 ? f.max : get_float8_nan();
}

static const MlParam ml_max_params[] = {ML_EXTREME_BOUNDS};

const MlCheckKind ml_check_max = {
	.name = "max",
	.summary = "the greatest value lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_max_params,
	.nparams = lengthof(ml_max_params),
	.validate = ml_extreme_validate,
	.expect = ml_check_expect_range,
	.plan = ml_extreme_plan,
	.judge = ml_extreme_judge,
	.number = ml_max_number
};
