/*
 * not_nan.c - checks that numbers are numbers: no NaN, alone or in an array.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/floats.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/numeric.h"

static inline bool
ml_not_nan_double(double x)
{
	return !isnan(x);
}

static inline bool
ml_not_nan_float8(const MlRowCheck *row, int i, Datum value)
{
	return ml_not_nan_double(DatumGetFloat8(value));
}

static bool
ml_not_nan_any(const MlRowCheck *row, int i, Datum value)
{
	switch (row->columns[i].convert.type)
	{
		case FLOAT8OID:
			return ml_not_nan_double(DatumGetFloat8(value));
		case FLOAT4OID:
			return ml_not_nan_double(DatumGetFloat4(value));
		case NUMERICOID:
			return !numeric_is_nan(DatumGetNumeric(value));
		default:
			return ml_floats_all(&row->columns[i], value, ml_not_nan_double);
	}
}

ML_EACH_COLUMN(ml_not_nan_passes_float8, ml_not_nan_float8)
ML_EACH_COLUMN(ml_not_nan_passes, ml_not_nan_any)

static void
ml_not_nan_prepare(MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (!ml_value_is_number(&row->columns[i]) && row->columns[i].convert.class != ML_TYPE_ARRAY)
			ml_check_refuse_type(row->check, &row->columns[i], "a number or an array of floating-point numbers");
	row->passes = ml_floats_only_float8(row) ? ml_not_nan_passes_float8 : ml_not_nan_passes;
}

static void
ml_not_nan_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_not_nan_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_at(row, i, out);
	appendStringInfoString(out, row->columns[i].convert.class == ML_TYPE_ARRAY ? "has an element NaN" : "is NaN");
}

const MlCheckKind ml_check_not_nan = {
	.name = "not_nan",
	.summary = "numbers, also those in arrays, are not NaN",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.prepare = ml_not_nan_prepare,
	.explain = ml_not_nan_explain
};
