/*
 * distinctness.c - checks how many different values there are for each row that has one.
 *
 * In SQL: count(DISTINCT x)::float8 / count(x). Of several columns their
 * combinations; rows with a NULL among them do not count.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_distinctness_number(const MlCheck *check, const MlCollected *scan)
{
	MlGroupFigures figures = ml_check_groups(check, scan);

	return ml_check_ratio(figures.distinct, figures.rows);
}

const MlCheckKind ml_check_distinctness = {
	.name = "distinctness",
	.summary = "the share of different values lies between min and max",
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_groups,
	.judge = ml_check_judge_bounds,
	.number = ml_distinctness_number
};
