/*
 * floats.h - floating-point columns, for the kinds that ask about NaN and infinity.
 */
#ifndef ML_FLOATS_H
#define ML_FLOATS_H

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/check.h"

/* Whether all elements of an array of numbers that are not NULL meet a condition; true of other types. */
static inline bool
ml_floats_all(const MlCheckColumn *column, Datum value, bool (*holds) (double))
{
	MlArrayReader reader;
	double		x;

	if (column->convert.class != ML_TYPE_ARRAY)
		return true;
	ml_convert_array(unconstify(MlConvert *, &column->convert), value, &reader);
	while (reader.at < reader.length)
		if (ml_array_next(&reader, &x) && !holds(x))
			return false;
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
