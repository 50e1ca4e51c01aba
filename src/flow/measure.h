/*
 * measure.h - the metrics of a version on any rows that carry the truth, overall and by slice.
 */
#ifndef ML_MEASURE_H
#define ML_MEASURE_H

#include "metric/sample.h"
#include "nodes/pg_list.h"

/* Receives one metric of n rows; key and value are NULL for all rows. */
typedef void (*MlMeasureSink) (void *ctx, const char *key, const char *value, const char *metric,
							   const MlInterval *figure, int64 n);

/*
 * Scores the rows of a source and hands over every metric that is defined
 * for them. slices are column names (char *); target is NULL for the column
 * the version was trained on.
 */
extern void ml_measure_run(const char *ref, const char *source, List *slices, const char *target,
						   MlMeasureSink sink, void *ctx);

#endif							/* ML_MEASURE_H */
