/*
 * quantile.c - checks a quantile of a column of numbers.
 *
 * In SQL: percentile_cont(q) WITHIN GROUP (ORDER BY x) FILTER (WHERE x <> 'NaN').
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "check/number.h"

static double
ml_quantile_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_check_quantile_of(check, scan, ml_check_number(check, "q"));
}

static const MlParam ml_quantile_params[] = {
	{"q", ML_PARAM_NUMBER, "0.5", 0, 1, NULL, "which one: the share of values below it; 0.5 is the median"},
	ML_CHECK_BOUNDS
};

const MlCheckKind ml_check_quantile = {
	.name = "quantile",
	.summary = "a quantile lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_quantile_params,
	.nparams = lengthof(ml_quantile_params),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_numbers,
	.judge = ml_check_judge_bounds,
	.number = ml_quantile_number
};
