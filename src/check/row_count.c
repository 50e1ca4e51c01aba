/*
 * row_count.c - checks the number of rows: those that meet its condition (where), if it has one.
 *
 * In SQL: count(*).
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_row_count_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_collected_rows(scan);
}

const MlCheckKind ml_check_row_count = {
	.name = "row_count",
	.summary = "the number of rows lies between min and max",
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_rows,
	.judge = ml_check_judge_bounds,
	.number = ml_row_count_number
};
