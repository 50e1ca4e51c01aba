/*
 * most_common_share.c - checks the share of the commonest among the values.
 *
 * In SQL, over SELECT count(*) AS c ... WHERE x IS NOT NULL GROUP BY x:
 * max(c) / sum(c). Of several columns their combinations.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static double
ml_most_common_share_number(const MlCheck *check, const MlCollected *scan)
{
	MlGroupFigures figures = ml_check_groups(check, scan);

	return ml_check_ratio(figures.commonest, figures.rows);
}

const MlCheckKind ml_check_most_common_share = {
	.name = "most_common_share",
	.summary = "the share of the commonest value lies between min and max",
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_groups,
	.judge = ml_check_judge_bounds,
	.number = ml_most_common_share_number
};
