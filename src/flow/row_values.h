/*
 * row_values.h - a row or JSON object taken apart into the columns that checks look at.
 */
#ifndef ML_ROW_VALUES_H
#define ML_ROW_VALUES_H

#include "access/htup.h"
#include "flow/program.h"
#include "utils/jsonb.h"

typedef struct MlRowValues
{
	MemoryContext context;		/* of what is kept from row to row */
	MlRowType	type;			/* as of the row taken apart last */
	bool		changed;		/* it is another than before: what was compiled is of no use; the caller clears it */
	NullableDatum *values;
	char	  **names;			/* those of the type */
	Oid		   *types;

	/* rows */
	TupleDesc	desc;
	Datum	   *datums;
	bool	   *nulls;
	bool		literals;		/* some column is a literal of no type, as ROW(...) has them */

	/* JSON objects */
	int			capacity;
} MlRowValues;

/* Takes a row apart. An untyped literal becomes a text, or stays of type unknown where it is NULL. */
extern void ml_row_values_tuple(MlRowValues *row, HeapTupleHeader tuple);

/*
 * Takes a JSON object apart: a key is a column of the type of its value, and of
 * type unknown while it has been null. Raises ERRCODE_INVALID_PARAMETER_VALUE
 * for another value.
 */
extern void ml_row_values_json(MlRowValues *row, Jsonb *json);

#endif							/* ML_ROW_VALUES_H */
