/*
 * lookup.h - a condition over a row that looks into other tables, with the rights of whoever asks.
 */
#ifndef ML_LOOKUP_H
#define ML_LOOKUP_H

#include "access/tupdesc.h"

typedef struct MlLookup MlLookup;

/*
 * Prepares the condition, whose columns are qualified by the alias "rows", for
 * rows of a descriptor of which it needs the columns given (from 0). Lives in
 * the context, which frees the plan too.
 */
extern MlLookup *ml_lookup_create(const char *condition, TupleDesc desc, int ncolumns, const int *columns,
								  MemoryContext context);

/* Whether the condition is not false of a row; under the active snapshot. */
extern bool ml_lookup_holds(MlLookup *lookup, const NullableDatum *values);

#endif							/* ML_LOOKUP_H */
