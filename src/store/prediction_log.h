/*
 * prediction_log.h - the table of logged rows, ml.prediction_log, and its partitions of a day each.
 */
#ifndef ML_PREDICTION_LOG_H
#define ML_PREDICTION_LOG_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "store/catalog.h"
#include "utils/jsonb.h"

/* So much of an artifact's digest tells whether the version of a row is the one of that number still. */
#define ML_LOG_DIGEST_BYTES	8

/* One row that a version scored. */
typedef struct MlLogEntry
{
	TimestampTz at;
	const char *model;
	int32		version;
	MlServingRole role;
	uint8		digest[ML_LOG_DIGEST_BYTES];	/* the first bytes of the artifact's */
	uint64		row_key;
	const char *prediction;
	double		probability;	/* of the predicted class; NaN where there are no classes */
	Jsonb	   *features;
} MlLogEntry;

/* The day of a moment, in days since 2000-01-01 of UTC: rows of one day are in one partition. */
extern int32 ml_log_day(TimestampTz at);

/* Makes the partition of a day unless it is there. */
extern void ml_catalog_log_partition(int32 day);

/*
 * Writes rows (MlLogEntry *), whose partitions are there; returns how many.
 * Those of versions that have been dropped meanwhile are left out.
 */
extern int64 ml_catalog_log_write(List *entries);

/*
 * Drops the partitions of days before the given one; false when some are left
 * for the next time, because somebody had them in use for longer than a moment.
 */
extern bool ml_catalog_log_expire(int32 day);

#endif							/* ML_PREDICTION_LOG_H */
