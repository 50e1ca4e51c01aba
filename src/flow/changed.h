/*
 * changed.h - how the source of a version differs today from what its training read.
 */
#ifndef ML_CHANGED_H
#define ML_CHANGED_H

/* Receives one difference; column is NULL for the whole source, recorded or today for what is on one side only. */
typedef void (*MlChangedSink) (void *ctx, const char *column, const char *statistic,
							   const char *recorded, const char *today);

/* Reads the recorded source of a version again; needs the privilege to read the model. */
extern void ml_changed_run(const char *ref, MlChangedSink sink, void *ctx);

#endif							/* ML_CHANGED_H */
