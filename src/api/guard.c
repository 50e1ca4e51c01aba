/*
 * guard.c - ml.guard, ml.unguard, ml.release, what stands behind ml.guards and ml.quarantine.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"

#include "api/arguments.h"
#include "commands/trigger.h"
#include "flow/guard.h"
#include "flow/rights.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/quarantine.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

static Oid
ml_guard_arg_table(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target must not be null"),
				 errhint("Name a table, as in 'public.customers'.")));
	return PG_GETARG_OID(0);
}

/* ml.guard(target, suite, action) */
ML_FUNCTION(ml_guard)
{
	Oid			target = ml_guard_arg_table(fcinfo);
	char	   *suite = ml_arg_required(fcinfo, 1, "suite");
	char	   *name = ml_arg_required(fcinfo, 2, "action");
	MlGuardAction action;

	PreventCommandIfReadOnly("ml.guard()");
	if (!ml_guard_action_parse(name, &action))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown action \"%s\"", name),
				 errhint("Actions are reject, quarantine and flag.")));
	ml_guard_set(target, suite, action);
	PG_RETURN_VOID();
}

/* ml.unguard(target) */
ML_FUNCTION(ml_unguard)
{
	Oid			target = ml_guard_arg_table(fcinfo);

	PreventCommandIfReadOnly("ml.unguard()");
	ml_guard_drop(target);
	PG_RETURN_VOID();
}

/* ml.release(quarantine_id) */
ML_FUNCTION(ml_release)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("quarantine_id must not be null"),
				 errhint("Table ml.quarantine lists the rows that are set aside.")));
	PreventCommandIfReadOnly("ml.release()");
	ml_guard_release(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

/* ml.guard_row(): the trigger. */
ML_FUNCTION(ml_guard_row)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ml.guard_row\" was not called by trigger manager"),
				 errhint("Guard a table with ml.guard.")));
	return PointerGetDatum(ml_guard_row_judge((TriggerData *) fcinfo->context, fcinfo->flinfo));
}

/* ml.may_mend(guard_id, relation, owner) */
ML_FUNCTION(ml_may_mend)
{
	PG_RETURN_BOOL(ml_rights_mend(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
								  NameStr(*PG_GETARG_NAME(2))));
}

/* ml.keep_quarantined(): a row as it was goes to "was" when "row" changes for the first time. */
ML_FUNCTION(ml_keep_quarantined)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	int			row;
	int			was;
	Datum		before;
	Datum		after;
	bool		isnull;
	bool		kept;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ml.keep_quarantined\" is for UPDATE of rows of ml.quarantine")));
	desc = RelationGetDescr(trigger->tg_relation);
	row = ML_QUARANTINE_ROW;
	was = ML_QUARANTINE_WAS;
	before = heap_getattr(trigger->tg_trigtuple, row, desc, &isnull);
	after = heap_getattr(trigger->tg_newtuple, row, desc, &isnull);
	(void) heap_getattr(trigger->tg_trigtuple, was, desc, &kept);
	kept = !kept;
	if (kept || isnull || datum_image_eq(before, after, false, -1))
		return PointerGetDatum(trigger->tg_newtuple);
	isnull = false;
	return PointerGetDatum(heap_modify_tuple_by_cols(trigger->tg_newtuple, desc, 1, &was, &before, &isnull));
}

/* ml.list_guards() */
ML_FUNCTION(ml_list_guards)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_guards_find(InvalidOid, 0))
	{
		const MlGuarding *guard = lfirst(lc);
		Datum		values[6] = {0};
		bool		nulls[6] = {false};

		values[0] = ObjectIdGetDatum(guard->relid);
		ml_put_text(values, nulls, 1, guard->suite);
		ml_put_text(values, nulls, 2, ml_guard_action_name(guard->action));
		values[3] = Int64GetDatum(guard->id);
		values[4] = BoolGetDatum(guard->enabled);
		values[5] = BoolGetDatum(ml_guard_owned(guard->relid));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
