/*
 * search.h - the argument search of ml.train: parameters, pipelines and learners are tried on training rows.
 *
 * A trial is one learner with its parameters and a pipeline, judged by
 * cross-validation over the training rows. Trials are proposed in rounds; what
 * a round proposes depends on the rounds before it alone, so that the number of
 * processes that judge has no part in the outcome.
 */
#ifndef ML_SEARCH_H
#define ML_SEARCH_H

#include "flow/training.h"

/* Raises the errors of the argument that need no data. */
extern void ml_search_check(const MlTraining *t);

/*
 * Runs the search over the training rows that were loaded, which stay as they
 * are, and makes the best trial's learner, parameters and pipeline those of
 * the training; what was tried stays with it (t->search).
 */
extern void ml_search_run(MlTraining *t);

/* Records what was tried as child runs of the training's run. */
extern void ml_search_record(const MlTraining *t, int64 run_id);

#endif							/* ML_SEARCH_H */
