/*
 * columns.h - what the kinds that judge the columns of a source share.
 */
#ifndef ML_COLUMNS_H
#define ML_COLUMNS_H

#include "check/kinds.h"

/* The place of a column in a source, or -1. */
extern int	ml_columns_find(const MlSourceColumns *source, const char *name);

/* The columns named that the source lacks, and those of the source that are not named: Lists of char *. */
extern List *ml_columns_missing(const MlCheck *check, const MlSourceColumns *source);
extern List *ml_columns_unexpected(const MlCheck *check, const MlSourceColumns *source);

/* {"columns": [...]} of the columns named. */
extern void ml_columns_expect(const MlCheck *check, StringInfo out);

/* Judges by one list that must be empty, shown under a name beside its length. */
extern void ml_columns_judge(const char *name, List *wrong, MlCheckOutcome *out);

#endif							/* ML_COLUMNS_H */
