/*
 * gate_behaviour.h - how a version's prediction answers to one column alone.
 */
#ifndef ML_GATE_BEHAVIOUR_H
#define ML_GATE_BEHAVIOUR_H

#include "base/frame.h"
#include "flow/gate_metric.h"

/*
 * Each row is scored again with other values of the column in the place of
 * its own: every level of a category the model knows, every whole number
 * where there are few, else eleven numbers from the least to the greatest of
 * the rows, equally far apart. Rows are cells of the model's inputs.
 *
 * Gives for ML_GATE_INVARIANCE the greatest distance of a prediction from
 * that of the row as it is (of a probability where there are classes), for the
 * others the share of rows in which the prediction goes the wrong way between
 * neighbouring values. A column that the version does not read moves nothing:
 * 0, and read is false. Returns NULL, or why there is no such figure.
 */
extern const char *ml_gate_behaviour(const MlModel *model, const MlGateMetric *metric, MlFrame *rows,
									 double *value, bool *read);

#endif							/* ML_GATE_BEHAVIOUR_H */
