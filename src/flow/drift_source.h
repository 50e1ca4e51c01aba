/*
 * drift_source.h - drift of the rows of a source: against a version's training rows, or those of another source.
 */
#ifndef ML_DRIFT_SOURCE_H
#define ML_DRIFT_SOURCE_H

#include "store/drift.h"

/* Receives a comparison; model is NULL and version 0 where there is none. */
typedef void (*MlDriftSink) (void *ctx, const char *model, int32 version, const MlDriftRow *row);

/* Judges the rows of a source as one window of a version, as the model is watched; needs the rights to use and to read it. */
extern void ml_drift_of_source(const char *ref, const char *source, MlDriftSink sink, void *ctx);

/* Judges the rows of a source in bins made of those of another; methods are names (char *), NIL: by the kind of column. */
extern void ml_drift_of_sources(const char *reference, const char *current, List *methods, MlDriftSink sink, void *ctx);

/* Raises ERRCODE_UNDEFINED_OBJECT for a method that does not exist. */
extern void ml_drift_check_methods(List *methods);

#endif							/* ML_DRIFT_SOURCE_H */
