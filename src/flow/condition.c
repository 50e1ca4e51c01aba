/*
 * condition.c - where conditions over rows run: a tuple of the columns, and memory that is reset with each row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "executor/executor.h"
#include "flow/condition.h"
#include "miscadmin.h"

void
ml_condition_room(MlConditionRoom *room, TupleDesc desc)
{
	room->desc = desc;
	room->econtext = CreateStandaloneExprContext();
	room->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	room->econtext->ecxt_scantuple = room->slot;
}

void
ml_condition_fill(MlConditionRoom *room, const NullableDatum *values)
{
	ResetExprContext(room->econtext);
	ExecClearTuple(room->slot);
	for (int i = 0; i < room->desc->natts; i++)
	{
		room->slot->tts_values[i] = values[i].value;
		room->slot->tts_isnull[i] = values[i].isnull || TupleDescAttr(room->desc, i)->attisdropped;
	}
	ExecStoreVirtualTuple(room->slot);
}

/* Says of an error while a condition runs whose it is. */
static void
ml_condition_context(void *what)
{
	errcontext("%s", (const char *) what);
}

bool
ml_condition_holds(MlConditionRoom *room, ExprState *condition, bool null_means, const char *what)
{
	ErrorContextCallback context = {error_context_stack, ml_condition_context, unconstify(char *, what)};
	bool		isnull;
	Datum		value;

	check_stack_depth();
	error_context_stack = &context;
	value = ExecEvalExprSwitchContext(condition, room->econtext, &isnull);
	error_context_stack = context.previous;
	return isnull ? null_means : DatumGetBool(value);
}
