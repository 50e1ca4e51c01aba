/*
 * catalog_attach.c - attaches models to the relations they read: guards that keep used columns as they are.
 *
 * A guard is a function of schema ml that is never run. Its body selects the
 * columns, so the server itself refuses to drop or retype them and names the
 * function, and with it the model. Renaming goes through: the body follows.
 * Each column carries the name it was recorded under, so the body also tells
 * what a recorded name is called now. A guard is no member of the extension,
 * so that pg_dump takes it, but goes away with it. DROP ... CASCADE removes it:
 * then the recorded names are what is left.
 *
 * Each verb locks the model row first and writes one event. Rights are already
 * checked.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "base/names.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "nodes/value.h"
#include "store/catalog_internal.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* A row of ml.attachments. */
typedef struct MlAttachment
{
	char	   *relation;		/* as it was called when it was attached */
	char	   *mode;
	char	   *guard;			/* NULL in mode report */
	char	   *attached_by;
} MlAttachment;

/* A column that a guard keeps. */
typedef struct MlGuardColumn
{
	char	   *name;			/* as it was recorded */
	AttrNumber	attno;
} MlGuardColumn;

typedef struct MlGuard
{
	Oid			relid;
	List	   *columns;		/* MlGuardColumn * */
} MlGuard;

/* ---- reading ---- */

/* The function of a guard's name, to be released, or NULL when there is none. */
static HeapTuple
ml_guard_tuple(const char *guard)
{
	oidvector  *nothing = buildoidvector(NULL, 0);
	Oid			schema = get_namespace_oid("ml", true);

	return SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(guard), PointerGetDatum(nothing), ObjectIdGetDatum(schema));
}

static bool
ml_guard_exists(const char *guard)
{
	HeapTuple	tuple = ml_guard_tuple(guard);

	if (!HeapTupleIsValid(tuple))
		return false;
	ReleaseSysCache(tuple);
	return true;
}

/* Reads a guard; false when it is gone. */
static bool
ml_guard_read(const char *guard, MlGuard *out)
{
	HeapTuple	tuple = guard ? ml_guard_tuple(guard) : NULL;
	Datum		body;
	bool		none;
	Node	   *node;
	Query	   *query;
	ListCell   *lc;

	memset(out, 0, sizeof *out);
	if (!HeapTupleIsValid(tuple))
		return false;
	body = SysCacheGetAttr(PROCNAMEARGSNSP, tuple, Anum_pg_proc_prosqlbody, &none);
	node = none ? NULL : stringToNode(TextDatumGetCString(body));
	ReleaseSysCache(tuple);
	/* a body of BEGIN ATOMIC is a list of a list of statements */
	while (node != NULL && IsA(node, List) && (List *) node != NIL)
		node = linitial((List *) node);
	if (node == NULL || !IsA(node, Query) || ((Query *) node)->rtable == NIL)
		return false;
	query = (Query *) node;
	out->relid = linitial_node(RangeTblEntry, query->rtable)->relid;
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		MlGuardColumn *column = palloc(sizeof(MlGuardColumn));

		if (!IsA(entry->expr, Var))
			continue;
		column->name = pstrdup(entry->resname);
		column->attno = ((Var *) entry->expr)->varattno;
		out->columns = lappend(out->columns, column);
	}
	return OidIsValid(out->relid);
}

/* The relation of a recorded name, whatever schemas the current user may use. */
static Oid
ml_attached_by_name(const char *relation)
{
	List	   *names = ml_compat_qualified_name(relation);
	Oid			schema;

	if (list_length(names) != 2)
		return InvalidOid;
	schema = get_namespace_oid(strVal(linitial(names)), true);
	return OidIsValid(schema) ? get_relname_relid(strVal(lsecond(names)), schema) : InvalidOid;
}

/* The relation of an attachment as it is now. */
Oid
ml_catalog_attached_relation(const char *guard, const char *relation)
{
	MlGuard		kept;

	return ml_guard_read(guard, &kept) ? kept.relid : ml_attached_by_name(relation);
}

/* The number that a column recorded under a name has, by the guard or else by its name; 0 when it is gone. */
static AttrNumber
ml_guard_column(const MlGuard *guard, Oid relid, const char *name)
{
	AttrNumber	attno;
	ListCell   *lc;

	foreach(lc, guard->columns)
	{
		const MlGuardColumn *column = lfirst(lc);

		if (strcmp(column->name, name) == 0)
			return column->attno;
	}
	attno = get_attnum(relid, name);
	return attno > 0 ? attno : 0;
}

AttrNumber
ml_catalog_attached_column(const char *guard, const char *relation, const char *column)
{
	MlGuard		kept;
	Oid			relid = ml_guard_read(guard, &kept) ? kept.relid : ml_attached_by_name(relation);

	return OidIsValid(relid) ? ml_guard_column(&kept, relid, column) : 0;
}

/* The attachments (MlAttachment *) of a model. */
static List *
ml_attachments_read(const MlModelRow *model)
{
	MlArgs		args = {0};
	List	   *attachments = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model->model);
	foreach(lc, ml_catalog_rows("SELECT a.relation, a.mode, a.guard, a.attached_by FROM ml.attachments a "
								"WHERE a.model = $1 ORDER BY a.relation", &args))
	{
		MlRow	   *row = lfirst(lc);
		MlAttachment *attachment = palloc(sizeof(MlAttachment));

		attachment->relation = row->column[0];
		attachment->mode = row->column[1];
		attachment->guard = row->column[2];
		attachment->attached_by = row->column[3];
		attachments = lappend(attachments, attachment);
	}
	return attachments;
}

/* The attachment of a model to a relation, or NULL. */
static MlAttachment *
ml_attachments_find(List *attachments, Oid relid)
{
	ListCell   *lc;

	foreach(lc, attachments)
	{
		MlAttachment *attachment = lfirst(lc);

		if (ml_catalog_attached_relation(attachment->guard, attachment->relation) == relid)
			return attachment;
	}
	return NULL;
}

/*
 * The names (char *) of the columns that versions of a model read of a
 * relation, under the name it had and the one it has; archived ones do not
 * count. Says whether any of them reads it at all.
 */
static List *
ml_attached_names(const MlModelRow *model, const char *relation, Oid relid, bool *reads)
{
	MlArgs		args = {0};
	List	   *names = NIL;
	ListCell   *lc;

	*reads = false;
	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_text(&args, relation);
	ml_bind_arg_text(&args, ml_name_relation(relid));
	foreach(lc, ml_catalog_rows("SELECT DISTINCT c.column_name FROM ml.source_columns c "
								"JOIN ml.versions v ON v.model = c.model AND v.version = c.version "
								"WHERE c.model = $1 AND c.relation IN ($2, $3) AND v.archived_at IS NULL "
								"ORDER BY c.column_name", &args))
	{
		char	   *name = ((MlRow *) lfirst(lc))->column[0];

		*reads = true;
		if (name != NULL)
			names = lappend(names, name);
	}
	return names;
}

/* ---- guards ---- */

static void
ml_guard_drop(const char *guard)
{
	if (ml_guard_exists(guard))
		ml_catalog_command(psprintf("DROP FUNCTION ml.%s()", quote_identifier(guard)));
}

/* A name for a guard that no function has. */
static char *
ml_guard_name(const char *model, const char *relation)
{
	char	   *whole = psprintf("model %s reads %s", model, relation);

	for (int n = 1;; n++)
	{
		char	   *suffix = n > 1 ? psprintf(" (%d)", n) : "";
		int			room = NAMEDATALEN - 1 - strlen(suffix);
		char	   *name = psprintf("%.*s%s", pg_mbcliplen(whole, strlen(whole), room), whole, suffix);

		if (!ml_guard_exists(name))
			return name;
	}
}

/* Creates a guard of columns (MlGuardColumn *). */
static void
ml_guard_create(const char *guard, const char *model, Oid relid, List *columns)
{
	const char *name = quote_identifier(guard);
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FUNCTION ml.%s() RETURNS pg_catalog.void LANGUAGE sql BEGIN ATOMIC SELECT", name);
	foreach(lc, columns)
	{
		const MlGuardColumn *column = lfirst(lc);

		appendStringInfo(&sql, "%s c.%s AS %s", lc == list_head(columns) ? "" : ",",
						 quote_identifier(get_attname(relid, column->attno, false)), quote_identifier(column->name));
	}
	appendStringInfo(&sql, " FROM %s c; END", ml_name_relation(relid));
	ml_catalog_command(sql.data);
	ml_catalog_command(psprintf("REVOKE EXECUTE ON FUNCTION ml.%s() FROM PUBLIC", name));
	ml_catalog_command(psprintf("ALTER FUNCTION ml.%s() DEPENDS ON EXTENSION pg_mlops", name));
	ml_catalog_command(psprintf("COMMENT ON FUNCTION ml.%s() IS %s", name,
								quote_literal_cstr(psprintf("never run: keeps what model \"%s\" reads as it is; "
															"see ml.attach and ml.detach", model))));
}

/* The columns a guard is to keep for recorded names; those that are gone go to missing. */
static List *
ml_guard_columns(const MlGuard *guard, Oid relid, List *names, List **missing)
{
	List	   *columns = NIL;
	ListCell   *lc;

	*missing = NIL;
	foreach(lc, names)
	{
		MlGuardColumn *column = palloc(sizeof(MlGuardColumn));
		AttrNumber	now = get_attnum(relid, lfirst(lc));

		column->name = lfirst(lc);
		column->attno = ml_guard_column(guard, relid, column->name);
		if (column->attno == 0)
		{
			*missing = lappend(*missing, column->name);
			continue;
		}
		columns = lappend(columns, column);
		/* the column was renamed and another one has its name now: newer versions may mean that */
		if (now > 0 && now != column->attno)
		{
			column = palloc(sizeof(MlGuardColumn));
			column->name = lfirst(lc);
			column->attno = now;
			columns = lappend(columns, column);
		}
	}
	return columns;
}

/* Whether a guard keeps just these columns. */
static bool
ml_guard_keeps(const MlGuard *guard, List *columns)
{
	ListCell   *a;
	ListCell   *b;

	if (list_length(guard->columns) != list_length(columns))
		return false;
	forboth(a, guard->columns, b, columns)
	{
		const MlGuardColumn *x = lfirst(a);
		const MlGuardColumn *y = lfirst(b);

		if (x->attno != y->attno || strcmp(x->name, y->name) != 0)
			return false;
	}
	return true;
}

/*
 * Brings the guards of a model up to date with what its versions read. One
 * that DROP ... CASCADE took along is made anew, but not on a relation that
 * has just the name and is not whose owner had it attached.
 */
void
ml_attachments_refresh(const MlModelRow *model)
{
	ListCell   *lc;

	foreach(lc, ml_attachments_read(model))
	{
		const MlAttachment *attachment = lfirst(lc);
		MlGuard		guard;
		Relation	rel;
		List	   *columns;
		List	   *missing;
		bool		reads;

		if (attachment->guard == NULL)
			continue;
		if (!ml_guard_read(attachment->guard, &guard))
		{
			Oid			owner = get_role_oid(attachment->attached_by, true);

			guard.relid = ml_attached_by_name(attachment->relation);
			if (!OidIsValid(guard.relid) || !OidIsValid(owner) || !ml_compat_owns_relation(guard.relid, owner))
				continue;
		}
		rel = try_relation_open(guard.relid, AccessShareLock);
		if (rel == NULL)
			continue;
		relation_close(rel, NoLock);
		columns = ml_guard_columns(&guard, guard.relid,
								   ml_attached_names(model, attachment->relation, guard.relid, &reads), &missing);
		if (ml_guard_exists(attachment->guard) && ml_guard_keeps(&guard, columns))
			continue;
		ml_guard_drop(attachment->guard);
		ml_guard_create(attachment->guard, model->model, guard.relid, columns);
	}
}

void
ml_attachments_drop_guards(const MlModelRow *model)
{
	ListCell   *lc;

	foreach(lc, ml_attachments_read(model))
	{
		const MlAttachment *attachment = lfirst(lc);

		if (attachment->guard != NULL)
			ml_guard_drop(attachment->guard);
	}
}

/* ---- the verbs ---- */

static ML_NORETURN void
ml_attach_reads_nothing(const MlModelRow *model, const char *relation)
{
	MlArgs		args = {0};
	List	   *names = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model->model);
	foreach(lc, ml_catalog_rows("SELECT DISTINCT c.relation FROM ml.source_columns c "
								"JOIN ml.versions v ON v.model = c.model AND v.version = c.version "
								"WHERE c.model = $1 AND v.archived_at IS NULL ORDER BY c.relation", &args))
		names = lappend(names, ((MlRow *) lfirst(lc))->column[0]);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no version of model \"%s\" reads relation %s", model->model, relation),
			 errdetail("Its versions that are not archived read: %s.", ml_text_list(names, 20)),
			 errhint("Attach one of these relations; a partition is read under the name of its table.")));
}

/* The columns that a guard is to keep; all that versions read must be there. */
static List *
ml_attach_columns(const MlModelRow *model, const MlGuard *guard, Oid relid, List *names)
{
	List	   *missing;
	List	   *columns = ml_guard_columns(guard, relid, names, &missing);

	if (missing != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation %s has lost columns that model \"%s\" reads", ml_name_relation(relid), model->model),
				 errdetail("These are gone: %s.", ml_text_list(missing, 20)),
				 errhint("Archive the versions that read them, or use SET pg_mlops.attach_mode = 'report'.")));
	return columns;
}

/* Writes the row of an attachment; guard is NULL for mode report. */
static void
ml_attach_write(const MlModelRow *model, const char *relation, const char *mode, const char *guard)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_text(&args, relation);
	ml_bind_arg_text(&args, mode);
	ml_bind_arg_text(&args, guard);
	ml_bind_arg_text(&args, model->actor);
	ml_catalog_execute("INSERT INTO ml.attachments (model, relation, mode, guard, attached_by) VALUES ($1, $2, $3, $4, $5) "
					   "ON CONFLICT (model, relation) DO UPDATE SET mode = excluded.mode, guard = excluded.guard, "
					   "attached_by = excluded.attached_by, attached_at = pg_catalog.clock_timestamp()", &args, NULL);
}

/* The name an attachment to a relation goes by: the one it has got, or else the relation's. */
static char *
ml_attach_name(const MlModelRow *model, List *attachments, const MlAttachment *found, Oid relid)
{
	char	   *name = found ? found->relation : ml_name_relation(relid);
	ListCell   *lc;

	foreach(lc, attachments)
	{
		const MlAttachment *other = lfirst(lc);

		if (other != found && strcmp(other->relation, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("model \"%s\" is attached to another relation as %s", model->model, name),
					 errdetail("That relation is called %s now.",
							   ml_name_relation(ml_catalog_attached_relation(other->guard, other->relation))),
					 errhint("Detach it first with ml.detach.")));
	}
	return name;
}

/* Attaches a model to a relation, or changes the mode. */
void
ml_catalog_attach(const char *model_name, Oid relid, const char *mode)
{
	bool		refuse = strcmp(mode, "refuse") == 0;
	MlModelRow	model;
	List	   *attachments;
	MlAttachment *found;
	MlGuard		guard = {0};
	char	   *relation;
	char	   *name = NULL;
	List	   *names;
	List	   *columns;
	bool		reads;
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	relation_close(relation_open(relid, AccessShareLock), NoLock);
	attachments = ml_attachments_read(&model);
	found = ml_attachments_find(attachments, relid);
	relation = ml_attach_name(&model, attachments, found, relid);
	names = ml_attached_names(&model, relation, relid, &reads);
	if (!reads)
		ml_attach_reads_nothing(&model, relation);
	if (found)
		(void) ml_guard_read(found->guard, &guard);
	if (refuse)
	{
		columns = ml_attach_columns(&model, &guard, relid, names);
		if (found && found->guard)
			ml_guard_drop(found->guard);
		name = found && found->guard ? found->guard : ml_guard_name(model.model, relation);
		ml_guard_create(name, model.model, relid, columns);
	}
	else if (found && found->guard)
		ml_guard_drop(found->guard);
	ml_attach_write(&model, relation, mode, name);
	initStringInfo(&detail);
	ml_detail_text(&detail, "relation", relation);
	ml_detail_text(&detail, "mode", mode);
	ml_detail_text(&detail, "guard", name);
	ml_catalog_event("attach", &model, 0, &detail);
}

/* Ends an attachment. */
void
ml_catalog_detach(const char *model_name, Oid relid)
{
	MlModelRow	model;
	MlArgs		args = {0};
	List	   *attachments;
	List	   *names = NIL;
	MlAttachment *found;
	ListCell   *lc;
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	attachments = ml_attachments_read(&model);
	found = ml_attachments_find(attachments, relid);
	foreach(lc, attachments)
		names = lappend(names, ((MlAttachment *) lfirst(lc))->relation);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" is not attached to relation %s", model.model, ml_name_relation(relid)),
				 errdetail("It is attached to: %s.", ml_text_list(names, 20)),
				 errhint("View ml.attached_columns lists what is attached.")));
	if (found->guard)
		ml_guard_drop(found->guard);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, found->relation);
	ml_catalog_execute("DELETE FROM ml.attachments WHERE model = $1 AND relation = $2", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "relation", found->relation);
	ml_catalog_event("detach", &model, 0, &detail);
}
