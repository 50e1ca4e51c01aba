/*
 * retrain.h - a model's newest training once more, on today's rows.
 */
#ifndef ML_RETRAIN_H
#define ML_RETRAIN_H

#include "flow/train.h"

/*
 * Fills in the call that the newest version, archived ones aside, was trained
 * by. The source will be read as whose it was. Raises an error when the
 * current user may not train the model, or nothing is recorded that could be
 * repeated. Needs an active snapshot; all is palloc'd in the current context.
 */
extern void ml_retrain_prepare(const char *model, const char *deploy, MlTrainSpec *spec);

/* The same, and trains. login and detached as in MlTrainSpec; a detached one needs no snapshot. */
extern void ml_retrain_run(const char *model, const char *deploy, const char *login, bool detached,
						   MlTrainResult *result);

#endif							/* ML_RETRAIN_H */
