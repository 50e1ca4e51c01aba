/*
 * any_not_null.c - checks that at least one of several columns holds a value.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"

static bool
ml_any_not_null_passes(const MlRowCheck *row, const NullableDatum *values)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (!values[row->columns[i].index].isnull)
			return true;
	return false;
}

static void
ml_any_not_null_prepare(MlRowCheck *row)
{
	row->passes = ml_any_not_null_passes;
}

static void
ml_any_not_null_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	appendStringInfoString(out, "are all NULL");
}

const MlCheckKind ml_check_any_not_null = {
	.name = "any_not_null",
	.summary = "at least one of the columns holds a value",
	.flags = ML_CHECK_ROWS | ML_CHECK_NULLS,
	.min_columns = 2,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.prepare = ml_any_not_null_prepare,
	.explain = ml_any_not_null_explain
};
