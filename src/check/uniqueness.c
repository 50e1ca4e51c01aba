/*
 * uniqueness.c - checks the share of values that occur once.
 *
 * In SQL, over SELECT count(*) AS c ... WHERE x IS NOT NULL GROUP BY x:
 * count(*) FILTER (WHERE c = 1) / sum(c), or of "values" / count(*). Of several
 * columns their combinations; rows with a NULL among them do not count.
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "check/number.h"

static double
ml_uniqueness_number(const MlCheck *check, const MlCollected *scan)
{
	MlGroupFigures figures = ml_check_groups(check, scan);
	bool		values = strcmp(ml_check_param(check, "of")->text, "values") == 0;

	return ml_check_ratio(figures.once, values ? figures.distinct : figures.rows);
}

static const MlParam ml_uniqueness_params[] = {
	{"of", ML_PARAM_TEXT, "rows", 0, 0, "rows|values", "the share of rows, or of different values"},
	ML_CHECK_BOUNDS
};

const MlCheckKind ml_check_uniqueness = {
	.name = "uniqueness",
	.summary = "the share of rows whose value occurs once lies between min and max",
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_uniqueness_params,
	.nparams = lengthof(ml_uniqueness_params),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_groups,
	.judge = ml_check_judge_bounds,
	.number = ml_uniqueness_number
};
