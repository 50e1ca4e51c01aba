/*
 * correlation.c - checks Pearson's correlation of two columns of numbers.
 *
 * In SQL: corr(a, b), over the rows that have both. Nothing where one of them
 * is constant.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static void
ml_correlation_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 2);
	ml_collect(scan, ML_COLLECT_PRODUCTS, 2, columns);
}

static double
ml_correlation_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_collected_products(scan, check->columns[0], check->columns[1]).correlation;
}

const MlCheckKind ml_check_correlation = {
	.name = "correlation",
	.summary = "the correlation of two columns lies between min and max",
	.min_columns = 2,
	.max_columns = 2,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_correlation_plan,
	.judge = ml_check_judge_bounds,
	.number = ml_correlation_number
};
