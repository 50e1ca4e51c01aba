/*
 * column_count.c - checks how many columns a source has.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"

static void
ml_column_count_schema(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	ml_check_judge_number(check, source->n, out);
}

const MlCheckKind ml_check_column_count = {
	.name = "column_count",
	.summary = "the number of columns lies between min and max",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.schema = ml_column_count_schema
};
