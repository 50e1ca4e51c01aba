/*
 * cost.h - what the planner gets to know about the time that scoring takes.
 */
#ifndef ML_COST_H
#define ML_COST_H

#include "nodes/supportnodes.h"

/*
 * Fills in the cost of a scoring call whose model is a constant; NULL where
 * the model is not known or not the user's to score with, so that the
 * function's own COST holds.
 */
extern Node *ml_cost_answer(SupportRequestCost *request);

#endif							/* ML_COST_H */
