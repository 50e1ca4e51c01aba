/*
 * support.h - what the planner gets to know about scoring.
 */
#ifndef ML_SUPPORT_H
#define ML_SUPPORT_H

#include "nodes/supportnodes.h"

/* The typmod of a NULL in place of a column that no model can use and no check looks at: it was not fetched. */
#define ML_SUPPORT_LEFT_OUT	(-2)

/*
 * A call of ml.predict, ml.probability, ml.probabilities or ml.is_valid on a whole row as
 * a call that gets the row's columns one by one; NULL where it has to stay
 * as it is. whole: every column counts, whatever its type, and expressions
 * outside queries do too, as CHECK constraints are. A call that a constraint
 * rests on is made one that says what failed.
 */
extern Node *ml_support_simplify(const SupportRequestSimplify *request, bool whole);

/* Has the plans of all sessions that score rows column by column made anew when the transaction commits. */
extern void ml_support_forget_plans(void);

#endif							/* ML_SUPPORT_H */
