/*
 * load_copy.h - the rows that a training reads, kept as they are and written to a table.
 *
 * They are taken while the load reads them: there is no second reading, which
 * could find others. The table is whoever's it is made as, an ordinary one
 * that pg_dump takes. It has the rows in blocks, an array for each column, so
 * that the server's compression of large values works on many values of one
 * kind.
 */
#ifndef ML_LOAD_COPY_H
#define ML_LOAD_COPY_H

#include "flow/load.h"

typedef struct MlLoadCopy MlLoadCopy;

/* What became of it; palloc'd. */
typedef struct MlStoredCopy
{
	char	   *table;			/* qualified */
	char	   *query;			/* a SELECT that gives the rows back, under their names and with their types */
} MlStoredCopy;

/*
 * The schema that a copy of the current user's would be made in: the first one
 * of the search_path where he may create. Raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE when there is none.
 */
extern Oid	ml_load_copy_schema(void);

/* Begins the copy of the columns of a load, in its context; rows go to memory, and beyond work_mem to a temporary file. */
extern MlLoadCopy *ml_load_copy_begin(const MlLoad *load, TupleDesc desc);

/* Keeps a row of the source. */
extern void ml_load_copy_row(MlLoadCopy *copy, TupleTableSlot *slot);

/* Writes the table as the current user; the number of the snapshot names it. */
extern void ml_load_copy_write(MlLoadCopy *copy, const char *model, int64 snapshot, MlStoredCopy *out);

extern void ml_load_copy_end(MlLoadCopy *copy);

#endif							/* ML_LOAD_COPY_H */
