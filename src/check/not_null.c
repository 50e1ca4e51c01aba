/*
 * not_null.c - checks that columns hold a value.
 *
 * With several columns each of them must. NaN is a value here; kind not_nan is about it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"

static bool
ml_not_null_passes(const MlRowCheck *row, const NullableDatum *values)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (values[row->columns[i].index].isnull)
			return false;
	return true;
}

static void
ml_not_null_prepare(MlRowCheck *row)
{
	row->passes = ml_not_null_passes;
}

static void
ml_not_null_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	appendStringInfoString(out, "is NULL");
}

const MlCheckKind ml_check_not_null = {
	.name = "not_null",
	.summary = "columns hold a value",
	.flags = ML_CHECK_ROWS | ML_CHECK_NULLS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.prepare = ml_not_null_prepare,
	.explain = ml_not_null_explain
};
