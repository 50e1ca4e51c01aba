/*
 * floats.h - floating-point columns, for the kinds that ask about NaN and infinity.
 */
#ifndef ML_FLOATS_H
#define ML_FLOATS_H

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/check.h"
#include "utils/array.h"

/* Whether all elements of an array of floating-point numbers that are not NULL meet a condition; true of other types. */
static inline bool
ml_floats_all(const MlCheckColumn *column, Datum value, bool (*holds) (double))
{
	bool		wide = column->convert.kind == ML_CONVERT_FLOAT8_ARRAY;
	ArrayType  *array;
	const char *p;
	const bits8 *nulls;
	int			n;

	if (!wide && column->convert.kind != ML_CONVERT_FLOAT4_ARRAY)
		return true;
	array = DatumGetArrayTypeP(value);
	n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	p = ARR_DATA_PTR(array);
	nulls = ARR_NULLBITMAP(array);
	for (int i = 0; i < n; i++)
	{
		if (nulls && !(nulls[i / 8] & (1 << (i % 8))))
			continue;
		if (!holds(wide ? *(const float8 *) p : *(const float4 *) p))
			return false;
		p += wide ? sizeof(float8) : sizeof(float4);
	}
	return true;
}

/* Whether every column is float8. */
static inline bool
ml_floats_only_float8(const MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (row->columns[i].convert.type != FLOAT8OID)
			return false;
	return true;
}

#endif							/* ML_FLOATS_H */
