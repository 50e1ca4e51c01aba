/*
 * guard_define.c - makes, finds and drops guards, and says whose rows they set aside.
 *
 * The server's catalog of triggers is the only place where guards are kept:
 * so they are dumped and renamed with their tables, and there is nothing that
 * could disagree. Whoever owns a table can write a trigger's arguments by hand,
 * also another guard's number. So a number counts for the guard that has had
 * it longest, ml.guard hands out none that is taken, and rows that were set
 * aside are shown by the owner that the table had then, too.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/text.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "flow/guard.h"
#include "flow/moment.h"
#include "flow/suite.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "store/quarantine.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* Triggers fire in the order of their names, bytewise; this one is to see what the others have made of a row. */
#define ML_GUARD_TRIGGER	"zzz_ml_guard"

static const char *const ml_guard_actions[] = {
	[ML_GUARD_REJECT] = "reject",
	[ML_GUARD_QUARANTINE] = "quarantine",
	[ML_GUARD_FLAG] = "flag",
};

const char *
ml_guard_action_name(MlGuardAction action)
{
	return ml_guard_actions[action];
}

bool
ml_guard_action_parse(const char *name, MlGuardAction *action)
{
	for (int i = 0; i < (int) lengthof(ml_guard_actions); i++)
	{
		if (strcmp(ml_guard_actions[i], name) == 0)
		{
			*action = (MlGuardAction) i;
			return true;
		}
	}
	return false;
}

/* ---- finding ---- */

bool
ml_guard_arguments(int n, char **args, MlGuarding *out)
{
	char	   *end;

	if (n != 3 || args[0][0] == '\0' || !ml_guard_action_parse(args[1], &out->action))
		return false;
	errno = 0;
	out->id = strtoi64(args[2], &end, 10);
	if (errno != 0 || end == args[2] || *end != '\0' || out->id < 1)
		return false;
	out->suite = pstrdup(args[0]);
	return true;
}

/* The trigger function. */
static Oid
ml_guard_function(void)
{
	Oid			schema = get_namespace_oid("ml", true);
	Oid			function = InvalidOid;

	if (OidIsValid(schema))
		function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("guard_row"),
								   PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_mlops\" is not installed in this database"),
				 errdetail("Function ml.guard_row() does not exist."),
				 errhint("Run CREATE EXTENSION pg_mlops, or ALTER EXTENSION pg_mlops UPDATE.")));
	return function;
}

/* Reads a guard of its tuple; false for a trigger whose arguments are none of a guard's. */
static bool
ml_guard_read(Relation triggers, HeapTuple tuple, MlGuarding *out)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	char	   *args[3];
	bool		isnull;
	Datum		value = heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(triggers), &isnull);
	char	   *next;

	if (isnull || form->tgnargs != lengthof(args))
		return false;
	next = VARDATA_ANY(DatumGetByteaPP(value));
	for (int i = 0; i < (int) lengthof(args); i++)
	{
		args[i] = next;
		next += strlen(next) + 1;
	}
	out->trigger = form->oid;
	out->relid = form->tgrelid;
	out->name = pstrdup(NameStr(form->tgname));
	out->enabled = form->tgenabled != TRIGGER_DISABLED;
	return ml_guard_arguments(lengthof(args), args, out);
}

static int
ml_guard_compare(const ListCell *a, const ListCell *b)
{
	Oid			x = ((const MlGuarding *) lfirst(a))->trigger;
	Oid			y = ((const MlGuarding *) lfirst(b))->trigger;

	return x < y ? -1 : x > y;
}

List *
ml_guards_find(Oid relid, int64 id)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *guards = NIL;

	ScanKeyInit(&keys[0], Anum_pg_trigger_tgfoid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(ml_guard_function()));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgparentid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(InvalidOid));
	scan = systable_beginscan(triggers, InvalidOid, false, NULL, lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MlGuarding	guard;

		if (OidIsValid(relid) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid != relid)
			continue;
		if (!ml_guard_read(triggers, tuple, &guard) || (id != 0 && guard.id != id))
			continue;
		guards = lappend(guards, memcpy(palloc(sizeof guard), &guard, sizeof guard));
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	list_sort(guards, ml_guard_compare);
	return guards;
}

Oid
ml_guard_root(Oid trigger, Oid *root_trigger)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	Oid			relid = InvalidOid;

	while (OidIsValid(trigger))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
		scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "could not find trigger %u", trigger);
		*root_trigger = trigger;
		relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		trigger = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
		systable_endscan(scan);
	}
	table_close(triggers, AccessShareLock);
	return relid;
}

Oid
ml_guard_table(int64 id, const char *relation)
{
	List	   *guards = ml_guards_find(InvalidOid, id);
	List	   *names;
	Oid			schema;
	Oid			relid = InvalidOid;

	if (guards != NIL)
		return ((MlGuarding *) linitial(guards))->relid;

	/* Not through RangeVarGetRelid, which raises an error where the schema is not the user's to look into. */
	names = ml_compat_qualified_name(relation);
	if (list_length(names) != 2)
		return InvalidOid;
	schema = get_namespace_oid(strVal(linitial(names)), true);
	if (OidIsValid(schema))
		relid = get_relname_relid(strVal(lsecond(names)), schema);
	return OidIsValid(relid) && (get_rel_relkind(relid) == RELKIND_RELATION ||
								 get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE) ? relid : InvalidOid;
}

Oid
ml_guard_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

bool
ml_guard_owned(Oid relid)
{
	return has_privs_of_role(GetUserId(), ml_guard_owner(relid));
}

bool
ml_guard_may_mend(int64 id, const char *relation, const char *owner)
{
	Oid			relid;
	Oid			now;
	Oid			then;

	if (superuser())
		return true;
	relid = ml_guard_table(id, relation);
	then = get_role_oid(owner, true);
	if (!OidIsValid(relid) || !OidIsValid(then))
		return false;
	now = ml_guard_owner(relid);
	return has_privs_of_role(GetUserId(), now) && has_privs_of_role(then, now);
}

/* ---- making ---- */

/* Opens a table that its owner wants to guard, under the lock that making a trigger takes. */
static Relation
ml_guard_open(Oid relid, LOCKMODE lock)
{
	Relation	rel = ml_compat_owns_relation(relid, GetUserId()) ? try_relation_open(relid, lock) : NULL;
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Name a table, as in 'public.customers'.")));
	if (rel == NULL || !ml_compat_owns_relation(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", name),
				 errdetail("The table belongs to role \"%s\"; the current user is \"%s\".",
						   GetUserNameFromId(ml_guard_owner(relid), false), GetUserNameFromId(GetUserId(), false)),
				 errhint("Ask a member of that role to do it.")));
	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be guarded", name),
				 errdetail("It is no table."),
				 errhint("Guard the tables whose rows it shows.")));
	if (rel->rd_rel->relnamespace == get_namespace_oid("ml", true))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be guarded", name),
				 errdetail("It is a table of the extension."),
				 errhint("Guard tables of your own.")));
	return rel;
}

/* The guard of a table, or NULL; raises an error for a partition that is guarded with the table it is a part of. */
static MlGuarding *
ml_guard_existing(Relation rel)
{
	List	   *guards = ml_guards_find(RelationGetRelid(rel), 0);
	Oid			function = ml_guard_function();

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *t = &rel->trigdesc->triggers[i];
		Oid			trigger;

		if (t->tgfoid == function && t->tgisclone)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" is guarded as a part of table %s", RelationGetRelationName(rel),
							ml_name_relation(ml_guard_root(t->tgoid, &trigger))),
					 errhint("Change or remove the guard of that table.")));
	}
	return guards != NIL ? linitial(guards) : NULL;
}

/* Refuses partitions that have guards of their own, which would be replaced; says which rows are not looked at. */
static void
ml_guard_check_children(Relation rel)
{
	List	   *children = find_all_inheritors(RelationGetRelid(rel), ShareRowExclusiveLock, NULL);
	ListCell   *lc;

	foreach(lc, children)
	{
		Oid			child = lfirst_oid(lc);

		if (child == RelationGetRelid(rel) || rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
			continue;
		if (ml_guards_find(child, 0) != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition %s of table \"%s\" has a guard of its own", ml_name_relation(child),
							RelationGetRelationName(rel)),
					 errhint("Remove it: SELECT ml.unguard(%s);", quote_literal_cstr(ml_name_relation(child)))));
	}
	if (rel->rd_rel->relkind == RELKIND_RELATION && list_length(children) > 1)
		ereport(NOTICE,
				(errmsg("tables that inherit from \"%s\" are not guarded", RelationGetRelationName(rel)),
				 errdetail("There are %d of them; rows are written to them directly.", list_length(children) - 1),
				 errhint("Guard each of them with ml.guard.")));
}

/* Says which triggers see a row later and may still change it. */
static void
ml_guard_note_later(Relation rel, const char *name)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *t = &rel->trigdesc->triggers[i];

		if (TRIGGER_FOR_ROW(t->tgtype) && TRIGGER_FOR_BEFORE(t->tgtype) && strcmp(t->tgname, name) > 0)
			ereport(NOTICE,
					(errmsg("trigger \"%s\" of table \"%s\" fires after the guard", t->tgname, RelationGetRelationName(rel)),
					 errdetail("Triggers fire in the order of their names; what it changes in a row is not checked."),
					 errhint("Rename it with ALTER TRIGGER, or guard with action 'flag', which sees rows as they are stored.")));
	}
}

/* Refuses a check of a column that has no value yet when the guard looks at a row. */
static void
ml_guard_check_generated(Relation rel, const char *suite, const MlCheck *check, bool after)
{
	for (int i = 0; i < check->ncolumns; i++)
	{
		AttrNumber	attno = get_attnum(RelationGetRelid(rel), check->columns[i]);
		Form_pg_attribute att = attno > 0 ? TupleDescAttr(RelationGetDescr(rel), attno - 1) : NULL;

		if (att == NULL || att->attgenerated == '\0' || ml_guard_sees(att, after))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("check \"%s\" of suite \"%s\" needs generated column \"%s\", which a guard cannot see", check->name,
						suite, check->columns[i]),
				 errdetail("A row is looked at before the server generates its columns%s.",
						   att->attgenerated == ATTRIBUTE_GENERATED_STORED ? "" : "; this one is never stored"),
				 att->attgenerated == ATTRIBUTE_GENERATED_STORED
				 ? errhint("Check the columns that it is made from, or guard with action 'flag', which looks at rows as they "
						   "are stored.")
				 : errhint("Check the columns that it is made from.")));
	}
}

/* Compiles the suite for the table, which raises an error for whatever does not fit. */
static void
ml_guard_try(Relation rel, const char *suite, MlGuardAction action)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops guard", ALLOCSET_DEFAULT_SIZES);
	MlSuites	suites;
	MlMoment	moment;
	ListCell   *lc;

	ml_moment_now(&moment);
	ml_suites_find(suite, &moment, &suites);
	foreach(lc, ml_suites_checks(&suites, context))
	{
		const MlCheck *check = lfirst(lc);

		if ((check->kind->flags & ML_CHECK_ROWS) != 0 && check->environment != ML_ENVIRONMENT_TRAINING)
			ml_guard_check_generated(rel, suite, check, action == ML_GUARD_FLAG);
	}
	ml_guard_compile(rel, suite, action, context);
	MemoryContextDelete(context);
}

/* A number that no guard has. */
static int64
ml_guard_number(void)
{
	int64		id;

	do
	{
		CHECK_FOR_INTERRUPTS();
		id = ml_catalog_guard_id();
	} while (ml_guards_find(InvalidOid, id) != NIL);
	return id;
}

void
ml_guard_set(Oid relid, const char *suite, MlGuardAction action)
{
	Relation	rel = ml_guard_open(relid, ShareRowExclusiveLock);
	MlGuarding *existing = ml_guard_existing(rel);
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	int64		id;

	ml_guard_check_children(rel);
	ml_guard_try(rel, suite, action);
	id = existing ? existing->id : ml_guard_number();
	stmt->replace = existing != NULL;
	stmt->trigname = existing ? existing->name : ML_GUARD_TRIGGER;
	stmt->relation = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel), -1);
	stmt->funcname = list_make2(makeString("ml"), makeString("guard_row"));
	stmt->args = list_make3(makeString(pstrdup(suite)), makeString(pstrdup(ml_guard_action_name(action))),
							makeString(psprintf(INT64_FORMAT, id)));
	stmt->row = true;
	stmt->timing = action == ML_GUARD_FLAG ? TRIGGER_TYPE_AFTER : TRIGGER_TYPE_BEFORE;
	stmt->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE;

	/* Always: rows that replication brings are written by nobody who could check them. */
	(void) CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid, ml_guard_function(), InvalidOid,
								 NULL, false, false, TRIGGER_FIRES_ALWAYS);
	if (action != ML_GUARD_FLAG)
		ml_guard_note_later(rel, stmt->trigname);
	relation_close(rel, NoLock);
}

void
ml_guard_drop(Oid relid)
{
	Relation	rel = ml_guard_open(relid, AccessExclusiveLock);
	List	   *guards;
	ListCell   *lc;

	(void) ml_guard_existing(rel);
	guards = ml_guards_find(relid, 0);
	if (guards == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not guarded", RelationGetRelationName(rel)),
				 errhint("View ml.guards lists the guarded tables.")));
	relation_close(rel, NoLock);
	foreach(lc, guards)
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, ((MlGuarding *) lfirst(lc))->trigger);
		performDeletion(&address, DROP_RESTRICT, 0);
	}
}
