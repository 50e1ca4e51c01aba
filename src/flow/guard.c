/*
 * guard.c - the trigger of a guard: judges a row, and rejects, sets aside or flags it.
 *
 * What a call site knows hangs on its fn_extra and lives as long as the
 * statement; each partition has a site of its own. Values are read from the
 * slot that the executor holds the row in, so a row is taken apart once for
 * the guard and for whoever looks at it afterwards. A row that passes costs
 * its checks and nothing else; what setting aside needs is made for the first
 * row that fails. The current context is reset by the executor after each row.
 */
#include "postgres.h"

#include "access/genam.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/row_json.h"
#include "catalog/pg_attribute.h"
#include "commands/trigger.h"
#include "flow/constraint.h"
#include "flow/guard.h"
#include "flow/program.h"
#include "miscadmin.h"
#include "store/quarantine.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct MlGuardSite
{
	MemoryContext context;
	Relation	rel;			/* for messages; open as long as the statement runs */
	MlGuarding	guard;
	bool		after;
	int			suite_length;
	MlRowType	type;
	NullableDatum *values;
	MlProgram  *program;

	/* For rows that fail; NULL before the first one. */
	MlRowJson  *json;
	bool	   *key;			/* the columns that tell which row an UPDATE was of */
	char	   *relation;
	char	   *owner;
} MlGuardSite;

/* The guard of which a row is being released, or 0. */
static int64 ml_guard_releasing = 0;

int64
ml_guard_set_releasing(int64 id)
{
	int64		before = ml_guard_releasing;

	ml_guard_releasing = id;
	return before;
}

/* ---- the call site ---- */

/* That of a generated column there is only when the row is stored, and it with it. */
bool
ml_guard_sees(Form_pg_attribute att, bool after)
{
	return !att->attisdropped &&
		(att->attgenerated == '\0' || (after && att->attgenerated == ATTRIBUTE_GENERATED_STORED));
}

/* The columns that a guard can see; generated ones have no value before the row is stored. */
static void
ml_guard_columns(MlGuardSite *site, TupleDesc desc)
{
	const char **names;

	ml_row_type_of(desc, &site->type);
	names = palloc(sizeof(char *) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
		names[i] = ml_guard_sees(TupleDescAttr(desc, i), site->after) ? site->type.names[i] : NULL;
	site->type.names = names;
	site->values = palloc0(sizeof(NullableDatum) * Max(desc->natts, 1));
}

static MlGuardSite *
ml_guard_site_create(TriggerData *trigger, FmgrInfo *flinfo)
{
	MemoryContext old = MemoryContextSwitchTo(flinfo->fn_mcxt);
	MlGuardSite *site = palloc0(sizeof(MlGuardSite));
	Trigger    *t = trigger->tg_trigger;

	site->context = flinfo->fn_mcxt;
	site->after = TRIGGER_FIRED_AFTER(trigger->tg_event);
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!ml_guard_arguments(t->tgnargs, t->tgargs, &site->guard) ||
		site->after != (site->guard.action == ML_GUARD_FLAG))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" is no guard", t->tgname,
						RelationGetRelationName(trigger->tg_relation)),
				 errdetail("A guard fires for each row, on INSERT or UPDATE, and has a suite, an action and a number as "
						   "arguments; it fires AFTER where the action is flag, else BEFORE."),
				 errhint("Drop the trigger, and make the guard with ml.guard.")));
	site->rel = trigger->tg_relation;
	site->guard.trigger = t->tgoid;
	site->suite_length = strlen(site->guard.suite);
	ml_guard_columns(site, RelationGetDescr(trigger->tg_relation));
	flinfo->fn_extra = site;
	MemoryContextSwitchTo(old);
	return site;
}

/* Says of an error which guard it comes from, and what a guard does not see. */
static void
ml_guard_context(void *arg)
{
	const MlGuardSite *site = arg;
	TupleDesc	desc = RelationGetDescr(site->rel);

	errcontext("guard of table \"%s\", suite \"%s\", action %s", RelationGetRelationName(site->rel), site->guard.suite,
			   ml_guard_action_name(site->guard.action));
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && !ml_guard_sees(TupleDescAttr(desc, i), site->after))
			errcontext("generated column \"%s\" has no value yet when the guard looks at a row",
					   NameStr(TupleDescAttr(desc, i)->attname));
}

/* A suite without checks would let everything pass, and nobody would see it. */
static ML_NORETURN pg_noinline void
ml_guard_judges_nothing(const MlProgram *program)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("suite \"%s\" has no check that judges rows", ml_program_suite(program)),
			 errdetail("Its checks were dropped, judge data only, or have the environment training."),
			 errhint("Add one with ml.add_check, or remove the guard with ml.unguard.")));
}

static MlProgram *
ml_guard_program(MlGuardSite *site)
{
	ErrorContextCallback context = {error_context_stack, ml_guard_context, site};
	MlProgram  *program;

	error_context_stack = &context;
	program = ml_program_for(&site->program, site->context, site->guard.suite, site->suite_length, &site->type);
	if (unlikely(!ml_program_judges(program)))
		ml_guard_judges_nothing(program);
	error_context_stack = context.previous;
	return program;
}

void
ml_guard_compile(Relation rel, const char *suite, MlGuardAction action, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	MlGuardSite site = {0};

	site.context = context;
	site.rel = rel;
	site.after = action == ML_GUARD_FLAG;
	site.guard.suite = pstrdup(suite);
	site.guard.action = action;
	site.suite_length = strlen(suite);
	ml_guard_columns(&site, RelationGetDescr(rel));
	(void) ml_guard_program(&site);
	MemoryContextSwitchTo(old);
}

/* The row in a slot, as values. */
static void
ml_guard_fill(NullableDatum *values, TupleTableSlot *slot)
{
	int			n = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(slot);
	for (int i = 0; i < n; i++)
	{
		values[i].value = slot->tts_values[i];
		values[i].isnull = slot->tts_isnull[i];
	}
}

/* ---- rows that fail ---- */

/* The columns of the primary key, or all that are not generated. */
static bool *
ml_guard_key(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool	   *wanted = palloc0(sizeof(bool) * Max(desc->natts, 1));
	Oid			key;

	key = ml_compat_primary_key(rel);
	for (int i = 0; i < desc->natts; i++)
		wanted[i] = !OidIsValid(key) && !TupleDescAttr(desc, i)->attisdropped && !TupleDescAttr(desc, i)->attgenerated;
	if (OidIsValid(key))
	{
		Relation	index = index_open(key, AccessShareLock);

		for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
			wanted[index->rd_index->indkey.values[i] - 1] = true;
		index_close(index, AccessShareLock);
	}
	return wanted;
}

/* Refuses a trigger made by hand with another guard's number: rows of the one would be taken for the other's. */
static void
ml_guard_require_own(const MlGuardSite *site, Oid trigger)
{
	MlGuarding *first = linitial(ml_guards_find(InvalidOid, site->guard.id));

	if (first->trigger != trigger)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("guard of table %s has the number of another table's", site->relation),
				 errdetail("Guard " INT64_FORMAT " is that of table %s.", site->guard.id, ml_name_relation(first->relid)),
				 errhint("Remove it with ml.unguard, and make it anew with ml.guard.")));
}

/* Makes what setting aside needs. */
static void
ml_guard_prepare(MlGuardSite *site)
{
	MemoryContext old = MemoryContextSwitchTo(site->context);
	Oid			trigger;
	Oid			root = ml_guard_root(site->guard.trigger, &trigger);

	site->relation = ml_name_relation(root);
	site->owner = GetUserNameFromId(ml_guard_owner(root), false);
	ml_guard_require_own(site, trigger);
	site->key = ml_guard_key(site->rel);
	site->json = ml_row_json_create(RelationGetDescr(site->rel));
	MemoryContextSwitchTo(old);
}

static void
ml_guard_set_aside(MlGuardSite *site, TriggerData *trigger, List *failures, MlGuardAction action, const char *reason)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	MlSetAside	aside = {0};

	if (site->json == NULL)
		ml_guard_prepare(site);
	aside.relation = site->relation;
	aside.owner = site->owner;
	aside.guard_id = site->guard.id;
	aside.suite = site->guard.suite;
	aside.action = ml_guard_action_name(action);
	aside.operation = update ? "UPDATE" : "INSERT";
	aside.row = ml_row_json_write(site->json, site->values, NULL);
	if (update)
	{
		NullableDatum *old = palloc(sizeof(NullableDatum) * RelationGetDescr(site->rel)->natts);

		ml_guard_fill(old, trigger->tg_trigslot);
		aside.key = ml_row_json_write(site->json, old, site->key);
	}
	aside.failed_checks = ml_failures_json(failures);
	aside.reason = reason;
	ml_catalog_set_aside(&aside);
}

/* Raises ERRCODE_CHECK_VIOLATION with all checks of severity error that the row fails. */
static void
ml_guard_reject(const MlGuardSite *site, bool update, List *failures)
{
	Oid			trigger;
	const MlCheck *first = NULL;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, failures)
	{
		const MlFailure *failure = lfirst(lc);

		if (failure->check->severity != ML_SEVERITY_ERROR)
			continue;
		first = first ? first : failure->check;
		n++;
	}
	/* who inserts a row knows it; of one that is changed there are values that not everybody may read */
	if (update)
		ml_constraint_hide(failures, ml_guard_root(site->guard.trigger, &trigger));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg_plural("row for table \"%s\" fails %d check of suite \"%s\"",
						   "row for table \"%s\" fails %d checks of suite \"%s\"", n,
						   RelationGetRelationName(site->rel), n, ml_program_suite(site->program)),
			 errdetail("%s", ml_failures_text(failures)),
			 ml_guard_releasing == site->guard.id
			 ? errhint("Mend column \"row\" of ml.quarantine, and release the row again.")
			 : errhint("Correct the row; view ml.guards shows which suite guards which table."),
			 errtableconstraint(site->rel, first ? first->name : "")));
}

static pg_noinline HeapTuple
ml_guard_fail(MlGuardSite *site, TriggerData *trigger, HeapTuple tuple)
{
	List	   *failures = ml_program_failures(site->program, site->values);

	if (site->guard.action == ML_GUARD_REJECT || ml_guard_releasing == site->guard.id)
		ml_guard_reject(site, TRIGGER_FIRED_BY_UPDATE(trigger->tg_event), failures);
	if (site->guard.action == ML_GUARD_FLAG)
	{
		ml_guard_set_aside(site, trigger, failures, ML_GUARD_FLAG, NULL);
		return tuple;
	}

	/* The server's own UPDATE for a foreign key: without it the row would refer to nothing. */
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && InNoForceRLSOperation())
	{
		ml_guard_set_aside(site, trigger, failures, ML_GUARD_FLAG,
						   "a foreign key's action changed the row, which cannot be left out");
		return tuple;
	}
	ml_guard_set_aside(site, trigger, failures, ML_GUARD_QUARANTINE, NULL);
	return NULL;
}

HeapTuple
ml_guard_row_judge(TriggerData *trigger, FmgrInfo *flinfo)
{
	MlGuardSite *site = flinfo->fn_extra;
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	tuple = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	MlProgram  *program;

	if (unlikely(site == NULL))
		site = ml_guard_site_create(trigger, flinfo);
	site->rel = trigger->tg_relation;
	program = ml_guard_program(site);
	ml_guard_fill(site->values, update ? trigger->tg_newslot : trigger->tg_trigslot);
	if (likely(ml_program_passes(program, site->values)))
		return tuple;
	return ml_guard_fail(site, trigger, tuple);
}
