/*
 * support.h - what the planner gets to know about scoring.
 */
#ifndef ML_SUPPORT_H
#define ML_SUPPORT_H

#include "nodes/supportnodes.h"

/*
 * A call of ml.predict, ml.probability or ml.probabilities on a whole row as
 * a call that gets the row's columns one by one; NULL where it has to stay
 * as it is.
 */
extern Node *ml_support_simplify(const SupportRequestSimplify *request);

#endif							/* ML_SUPPORT_H */
