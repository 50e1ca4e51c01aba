/*
 * stored.h - the copies of rows that trainings made: where they are, and how a source differs from one.
 */
#ifndef ML_STORED_H
#define ML_STORED_H

#include "flow/load.h"
#include "store/catalog.h"

/* Why a copy cannot be read as a role, for people; NULL when it can: it is a table that is there and that is the role's. */
extern char *ml_stored_problem(const MlStored *stored, const char *role);

/* The query that gives the rows of a snapshot back, by its number or a version's; raises an error when there is none. */
extern char *ml_stored_query(int64 snapshot);
extern char *ml_stored_query_of(const char *ref);

/*
 * How many rows of a copy a source does not have that was just loaded, and how
 * many of its rows the copy does not have. False when a column of the copy is
 * not there or of another type.
 */
extern bool ml_stored_unmatched(const MlStored *stored, const MlLoad *load, int64 *gone, int64 *come);

#endif							/* ML_STORED_H */
