/*
 * support.h - what the planner gets to know about scoring.
 */
#ifndef ML_SUPPORT_H
#define ML_SUPPORT_H

#include "nodes/supportnodes.h"

/*
 * A call of ml.predict, ml.probability, ml.probabilities or ml.is_valid on a whole row as
 * a call that gets the row's columns one by one; NULL where it has to stay
 * as it is. whole: every column counts, whatever its type, and expressions
 * outside queries do too, as CHECK constraints are.
 */
extern Node *ml_support_simplify(const SupportRequestSimplify *request, bool whole);

#endif							/* ML_SUPPORT_H */
