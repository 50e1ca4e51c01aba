/*
 * baseline.h - what a version was trained on, in bins that stay.
 */
#ifndef ML_BASELINE_H
#define ML_BASELINE_H

#include "drift/profile.h"
#include "flow/load.h"
#include "store/codec.h"

/* What the held-out rows are predicted. */
typedef struct MlHeldOut MlHeldOut;

/* Starts to collect, in the given context. */
extern MlHeldOut *ml_held_out_begin(const MlModel *model, MemoryContext context);

/* Adds a held-out row: its truth is a number or a class (-1: none that the model knows), out what the learner gave. */
extern void ml_held_out_add(MlHeldOut *held_out, double truth, const double *out);

/*
 * The number of a prediction that is counted: a number; the probability of the
 * positive class of two; of more classes, the code of the chosen one. And the
 * bin of the score, with the score: of two classes the same probability, where
 * bins from the middle on are those of predicted positives; of more, the
 * probability of the chosen class. -1: there is no score.
 */
extern double ml_baseline_output(const MlModel *model, const double *out, int *score_bin, double *score);

/*
 * The baseline of a model that was trained on rows of this load. Features come
 * from the load's profile; elements of arrays have no bins.
 */
extern MlBaseline *ml_baseline_make(const MlLoad *load, const MlModel *model, const MlHeldOut *held_out);

#endif							/* ML_BASELINE_H */
