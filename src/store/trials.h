/*
 * trials.h - what was tried for a training: child runs of the training's run.
 */
#ifndef ML_TRIALS_H
#define ML_TRIALS_H

#include "store/catalog.h"

/* A trial, as it is written; texts are JSON where it says so. */
typedef struct MlTrialRecord
{
	const char *params;			/* json */
	const char *status;
	const char *error;			/* NULL: it succeeded */
	TimestampTz started_at;
	TimestampTz finished_at;
	int			nmetrics;
	MlRunMetric *metrics;
} MlTrialRecord;

/* Writes a trial as a run of kind trial; model, experiment, seed, code, actor and environment are those of the run it belongs to. */
extern void ml_catalog_trial(int64 run, const MlTrialRecord *trial);

#endif							/* ML_TRIALS_H */
