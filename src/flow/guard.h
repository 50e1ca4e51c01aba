/*
 * guard.h - guards: triggers that judge every row that is written to a table.
 *
 * A guard is one trigger, on the table itself; the server clones it to
 * partitions. Its arguments are the suite, the action and a number, by which
 * rows that were set aside know it.
 */
#ifndef ML_GUARD_H
#define ML_GUARD_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

struct TriggerData;

typedef enum MlGuardAction
{
	ML_GUARD_REJECT,			/* a row that fails is an error */
	ML_GUARD_QUARANTINE,		/* it is set aside in place of being stored */
	ML_GUARD_FLAG				/* it is stored, and set aside too */
} MlGuardAction;

/* A guard, as the server's catalog has it. */
typedef struct MlGuarding
{
	Oid			trigger;
	Oid			relid;			/* the table it was made for, of which partitions have clones */
	char	   *name;			/* the trigger's */
	char	   *suite;
	MlGuardAction action;
	int64		id;
	bool		enabled;
} MlGuarding;

extern const char *ml_guard_action_name(MlGuardAction action);

/* Finds an action by its name; false when there is none of that name. */
extern bool ml_guard_action_parse(const char *name, MlGuardAction *action);

/* Reads a trigger's arguments; false unless they are those of a guard. */
extern bool ml_guard_arguments(int n, char **args, MlGuarding *out);

/* Guards (MlGuarding *) by table and by number, in the order in which they were made; InvalidOid and 0 stand for all. */
extern List *ml_guards_find(Oid relid, int64 id);

/* The table for which a trigger was made that may be a clone of it, and that trigger. */
extern Oid	ml_guard_root(Oid trigger, Oid *root_trigger);

/* The table that rows belong to that a guard has set aside: by its number, else by name; InvalidOid when it is gone. */
extern Oid	ml_guard_table(int64 id, const char *relation);

/* Whether the current user may see and mend such rows; owner is who owned the table then. */
extern bool ml_guard_may_mend(int64 id, const char *relation, const char *owner);

/* The role that owns a table. */
extern Oid	ml_guard_owner(Oid relid);

/* Whether the current user may act as that role. */
extern bool ml_guard_owned(Oid relid);

/* ml.guard, ml.unguard. */
extern void ml_guard_set(Oid relid, const char *suite, MlGuardAction action);
extern void ml_guard_drop(Oid relid);

/* ml.release. */
extern void ml_guard_release(int64 quarantine_id);

/* What the trigger does with a row: the tuple to go on with, or NULL. */
extern HeapTuple ml_guard_row_judge(struct TriggerData *trigger, FmgrInfo *flinfo);

/*
 * While a row of a guard is released (0: none) the guard lets it pass or
 * raises an error. Returns what was set before.
 */
extern int64 ml_guard_set_releasing(int64 id);

/* Whether a guard that fires before or after a row is stored sees a column's value. */
extern bool ml_guard_sees(Form_pg_attribute att, bool after);

/* Compiles a suite for the rows of a table, in a context; raises an error for whatever does not fit. */
extern void ml_guard_compile(Relation rel, const char *suite, MlGuardAction action, MemoryContext context);

#endif							/* ML_GUARD_H */
