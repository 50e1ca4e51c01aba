/*
 * retention.h - deletes what was recorded and has become old.
 */
#ifndef ML_RETENTION_H
#define ML_RETENTION_H

#include "datatype/timestamp.h"

/* How many kinds of rows there are. */
extern int	ml_retention_kinds(void);

/* Deletes rows of one kind from before a moment, at most max of them; returns how many. */
extern int64 ml_retention_trim(int kind, TimestampTz before, int max);

#endif							/* ML_RETENTION_H */
