/*
 * finite.c - checks that numbers, dates and times are finite: neither NaN nor infinite.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/floats.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/date.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

static inline bool
ml_finite_double(double x)
{
	return isfinite(x);
}

static inline bool
ml_finite_float8(const MlRowCheck *row, int i, Datum value)
{
	return ml_finite_double(DatumGetFloat8(value));
}

static bool
ml_finite_any(const MlRowCheck *row, int i, Datum value)
{
	switch (row->columns[i].convert.type)
	{
		case FLOAT8OID:
			return ml_finite_double(DatumGetFloat8(value));
		case FLOAT4OID:
			return ml_finite_double(DatumGetFloat4(value));
		case NUMERICOID:
			return !numeric_is_nan(DatumGetNumeric(value)) && !numeric_is_inf(DatumGetNumeric(value));
		case DATEOID:
			return !DATE_NOT_FINITE(DatumGetDateADT(value));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return !TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value));
		case INTERVALOID:
			return !ML_INTERVAL_NOT_FINITE(DatumGetIntervalP(value));
		default:
			return ml_floats_all(&row->columns[i], value, ml_finite_double);
	}
}

ML_EACH_COLUMN(ml_finite_passes_float8, ml_finite_float8)
ML_EACH_COLUMN(ml_finite_passes, ml_finite_any)

static void
ml_finite_prepare(MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
	{
		MlTypeClass class = row->columns[i].convert.class;

		if (class == ML_TYPE_UNSUPPORTED || class == ML_TYPE_TEXT || row->columns[i].convert.type == BOOLOID)
			ml_check_refuse_type(row->check, &row->columns[i],
								 "a number, a date, a time or an array of floating-point numbers");
	}
	row->passes = ml_floats_only_float8(row) ? ml_finite_passes_float8 : ml_finite_passes;
}

static void
ml_finite_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_finite_passes_failing(row, values);

	if (i < 0)
		return;
	if (row->columns[i].convert.class == ML_TYPE_ARRAY)
	{
		ml_value_at(row, i, out);
		appendStringInfoString(out, "has an element that is not finite");
	}
	else
	{
		ml_value_is(row, i, values, out);
		appendStringInfoString(out, ", which is not finite");
	}
}

const MlCheckKind ml_check_finite = {
	.name = "finite",
	.summary = "numbers, dates and times are neither NaN nor infinite",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.prepare = ml_finite_prepare,
	.explain = ml_finite_explain
};
