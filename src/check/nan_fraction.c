/*
 * nan_fraction.c - checks the share of the values of a column of numbers that are NaN.
 *
 * In SQL: avg((x = 'NaN')::int). NULLs do not count.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static void
ml_nan_fraction_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 1);
	ml_check_plan_rows(check, columns, scan);
}

static double
ml_nan_fraction_number(const MlCheck *check, const MlCollected *scan)
{
	MlRowCounts counts = ml_collected_counts(scan, check->columns[0]);

	return ml_check_ratio(counts.nans, counts.rows - counts.nulls);
}

const MlCheckKind ml_check_nan_fraction = {
	.name = "nan_fraction",
	.summary = "the share of NaN among the values lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_nan_fraction_plan,
	.judge = ml_check_judge_bounds,
	.number = ml_nan_fraction_number
};
