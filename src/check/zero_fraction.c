/*
 * zero_fraction.c - checks the share of the values of a column of numbers that are 0.
 *
 * In SQL: avg((x = 0)::int). NULLs do not count; NaN is a value that is not 0.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static void
ml_zero_fraction_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 1);
	ml_check_plan_rows(check, columns, scan);
}

static double
ml_zero_fraction_number(const MlCheck *check, const MlCollected *scan)
{
	MlRowCounts counts = ml_collected_counts(scan, check->columns[0]);

	return ml_check_ratio(counts.zeros, counts.rows - counts.nulls);
}

const MlCheckKind ml_check_zero_fraction = {
	.name = "zero_fraction",
	.summary = "the share of zeros among the values lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_zero_fraction_plan,
	.judge = ml_check_judge_bounds,
	.number = ml_zero_fraction_number
};
