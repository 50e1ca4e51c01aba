/*
 * evaluate.h - the metrics of a version on any rows that carry the truth, overall and by slice.
 */
#ifndef ML_EVALUATE_H
#define ML_EVALUATE_H

#include "nodes/pg_list.h"

/* Receives one metric; key and value are NULL for all rows. */
typedef void (*MlEvaluateSink) (void *ctx, const char *key, const char *value, const char *metric,
								double figure, int64 n);

/*
 * Scores the rows of a source and hands over every metric that is defined
 * for them. slices are column names (char *); target is NULL for the column
 * the version was trained on.
 */
extern void ml_evaluate_run(const char *ref, const char *source, List *slices, const char *target,
							MlEvaluateSink sink, void *ctx);

#endif							/* ML_EVALUATE_H */
