/*
 * condition.h - where conditions over rows run: a tuple of the columns, and memory that is reset with each row.
 */
#ifndef ML_CONDITION_H
#define ML_CONDITION_H

#include "access/tupdesc.h"
#include "nodes/execnodes.h"

typedef struct MlConditionRoom
{
	TupleDesc	desc;
	ExprContext *econtext;
	TupleTableSlot *slot;
} MlConditionRoom;

/* Makes the room in the current context, which frees it. */
extern void ml_condition_room(MlConditionRoom *room, TupleDesc desc);

/* Puts a row where conditions find it. */
extern void ml_condition_fill(MlConditionRoom *room, const NullableDatum *values);

/* Whether a condition is true of that row; null_means: what NULL is. what is named in the context of errors. */
extern bool ml_condition_holds(MlConditionRoom *room, ExprState *condition, bool null_means, const char *what);

#endif							/* ML_CONDITION_H */
