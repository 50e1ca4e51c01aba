/*
 * tracking.h - the verbs on runs of outside code, with the rules of their arguments.
 *
 * Each checks that the transaction may write, that the arguments are legal,
 * and has the catalog check the rights. Text arguments are NULL for SQL NULL.
 */
#ifndef ML_TRACKING_H
#define ML_TRACKING_H

#include "store/runs.h"
#include "utils/jsonb.h"

/* Begins a run and returns its number; params and tags are NULL for none. */
extern int64 ml_tracking_start(MlRunStart *start, Jsonb *params, Jsonb *tags);

/* Records a figure; step is NULL for the final one. */
extern void ml_tracking_metric(int64 run, const char *name, const double *value, const int32 *step);

/* Records a parameter. */
extern void ml_tracking_param(int64 run, const char *name, Jsonb *value);

/* Ends a run. */
extern void ml_tracking_end(int64 run, const char *status, const char *error);

/* Deletes a run. */
extern void ml_tracking_drop(int64 run);

#endif							/* ML_TRACKING_H */
