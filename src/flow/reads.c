/*
 * reads.c - which relations and columns a source reads, as the planner sees it.
 *
 * The query is planned once more with two hooks of the planner set: one is
 * told of every relation that is scanned, with the columns that the plan takes
 * out of it; the other keeps queries out that functions run while the planner
 * evaluates them. Views are gone by then, so what is asked of them comes from
 * the rights that the statement needs. The hooks are put back however the
 * planning ends.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/text.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "flow/reads.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "store/catalog.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* What is read of one relation. */
typedef struct MlReadRelation
{
	Oid			relid;
	char	   *name;
	Bitmapset  *columns;		/* attribute numbers that the plan needs, offset as in pull_varattnos() */
	Bitmapset  *asked;			/* those that the statement names, offset alike */
} MlReadRelation;

/* One planning whose relations are collected. */
typedef struct MlReads
{
	List	   *relations;		/* MlReadRelation * */
	MemoryContext context;		/* where they are */
	bool		begun;			/* the query itself is being planned */
	planner_hook_type planner;	/* what the hooks were before */
	set_rel_pathlist_hook_type pathlist;
} MlReads;

static MlReads *ml_reads_current;

/* Whether it collects now: not while a function runs queries of its own. */
static bool ml_reads_collecting;

static MlReadRelation *
ml_reads_relation(MlReads *reads, Oid relid)
{
	MlReadRelation *relation;
	ListCell   *lc;

	foreach(lc, reads->relations)
		if (((MlReadRelation *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	relation = palloc0(sizeof(MlReadRelation));
	relation->relid = relid;
	reads->relations = lappend(reads->relations, relation);
	return relation;
}

/* ---- the hooks ---- */

/*
 * Notes the columns that the plan takes out of a relation: those that leave
 * the scan and those of its conditions. Partitions and inheritance children
 * count as their parent; members of a UNION ALL count as themselves.
 */
static void
ml_reads_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	MlReadRelation *relation;
	MemoryContext old;
	ListCell   *lc;

	if (ml_reads_current->pathlist)
		ml_reads_current->pathlist(root, rel, rti, rte);
	if (!ml_reads_collecting || rte->rtekind != RTE_RELATION)
		return;
	if (rel->reloptkind == RELOPT_OTHER_MEMBER_REL && OidIsValid(root->append_rel_array[rti]->parent_reloid))
		return;
	old = MemoryContextSwitchTo(ml_reads_current->context);
	relation = ml_reads_relation(ml_reads_current, rte->relid);
	pull_varattnos((Node *) rel->reltarget->exprs, rti, &relation->columns);
	foreach(lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rti, &relation->columns);
	MemoryContextSwitchTo(old);
}

static PlannedStmt *
ml_reads_planner(Query *parse, const char *query_string, int cursor_options, ParamListInfo params)
{
	planner_hook_type planner = ml_reads_current->planner ? ml_reads_current->planner : standard_planner;
	PlannedStmt *volatile stmt = NULL;
	bool		collecting = ml_reads_collecting;

	ml_reads_collecting = !ml_reads_current->begun;
	ml_reads_current->begun = true;
	PG_TRY();
	{
		stmt = planner(parse, query_string, cursor_options, params);
	}
	PG_FINALLY();
	{
		ml_reads_collecting = collecting;
	}
	PG_END_TRY();
	return stmt;
}

static PlannedStmt *
ml_reads_plan(MlReads *reads, const char *query)
{
	MlReads    *outer = ml_reads_current;
	bool		collecting = ml_reads_collecting;
	List	   *raw = pg_parse_query(query);
	List	   *queries;
	PlannedStmt *volatile stmt = NULL;

	if (list_length(raw) != 1)
		elog(ERROR, "source has %d statements", list_length(raw));
	queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, raw), query, NULL, 0, NULL);
	if (list_length(queries) != 1 || linitial_node(Query, queries)->commandType != CMD_SELECT)
		elog(ERROR, "source is no SELECT");
	/* a training inside of a training's planning must not call its own hooks as those before it */
	reads->planner = outer ? outer->planner : planner_hook;
	reads->pathlist = outer ? outer->pathlist : set_rel_pathlist_hook;
	PG_TRY();
	{
		ml_reads_current = reads;
		ml_reads_collecting = false;
		planner_hook = ml_reads_planner;
		set_rel_pathlist_hook = ml_reads_pathlist;
		stmt = pg_plan_query(linitial_node(Query, queries), query, 0, NULL);
	}
	PG_FINALLY();
	{
		ml_reads_current = outer;
		ml_reads_collecting = collecting;
		if (outer == NULL)
		{
			planner_hook = reads->planner;
			set_rel_pathlist_hook = reads->pathlist;
		}
	}
	PG_END_TRY();
	return stmt;
}

/* Adds what the statement needs the right to: of views and of relations the plan does without, nothing else tells. */
static void
ml_reads_permissions(MlReads *reads, PlannedStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, ml_compat_permissions(stmt))
	{
		MlCompatPermission *permission = lfirst(lc);
		MlReadRelation *relation;

		if (!OidIsValid(permission->relid) || !(permission->requiredPerms & ACL_SELECT))
			continue;
		relation = ml_reads_relation(reads, permission->relid);
		relation->asked = bms_add_members(relation->asked, permission->selectedCols);
	}
}

/* ---- from numbers to names ---- */

static List *
ml_reads_add(List *columns, const MlReadRelation *relation, Form_pg_attribute att)
{
	MlSourceColumn *column = palloc0(sizeof(MlSourceColumn));

	column->relation = relation->name;
	if (att)
	{
		column->name = pstrdup(NameStr(att->attname));
		column->type = ml_name_type(att->atttypid, att->atttypmod);
	}
	return lappend(columns, column);
}

/* Whether a column is in a set, or the whole row is. */
static bool
ml_reads_has(const Bitmapset *columns, AttrNumber attno)
{
	return bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, columns) ||
		bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, columns);
}

/* Appends the columns of one relation; one without stands for the relation where none is read. */
static List *
ml_reads_columns(List *columns, const MlReadRelation *relation)
{
	Relation	rel = relation_open(relation->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		view = rel->rd_rel->relkind == RELKIND_VIEW;
	bool		any = false;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		/* of views, and of columns computed when they are read, the plan shows what they are made of */
		if (!ml_reads_has(relation->columns, att->attnum) &&
			!((view || att->attgenerated == 'v') && ml_reads_has(relation->asked, att->attnum)))
			continue;
		columns = ml_reads_add(columns, relation, att);
		any = true;
	}
	relation_close(rel, NoLock);
	return any ? columns : ml_reads_add(columns, relation, NULL);
}

static int
ml_reads_compare(const ListCell *a, const ListCell *b)
{
	return strcmp(((MlReadRelation *) lfirst(a))->name, ((MlReadRelation *) lfirst(b))->name);
}

List *
ml_reads_of(const char *query)
{
	MlReads    *reads = palloc0(sizeof(MlReads));
	List	   *named = NIL;
	List	   *columns = NIL;
	ListCell   *lc;

	reads->context = CurrentMemoryContext;
	ml_reads_permissions(reads, ml_reads_plan(reads, query));
	foreach(lc, reads->relations)
	{
		MlReadRelation *relation = lfirst(lc);

		relation->name = ml_name_relation(relation->relid);
		if (relation->name)
			named = lappend(named, relation);
	}
	list_sort(named, ml_reads_compare);
	foreach(lc, named)
		columns = ml_reads_columns(columns, lfirst(lc));
	return columns;
}

/* ---- who else shows the rows of a relation ---- */

/* The relations that a relation is directly a child of. */
static List *
ml_reads_parents(Oid relid)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parents;
}

List *
ml_reads_ancestors(Oid relid)
{
	List	   *found = list_make1_oid(relid);

	for (int i = 0; i < list_length(found); i++)
		found = list_concat_unique_oid(found, ml_reads_parents(list_nth_oid(found, i)));
	return found;
}

void
ml_reads_check_column(Oid relid, const char *column)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	List	   *names = NIL;
	bool		found = column == NULL;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation %u does not exist", relid),
				 errhint("Name a table or view, such as 'public.customers'.")));
	for (int i = 0; i < RelationGetDescr(rel)->natts && !found; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (att->attisdropped)
			continue;
		found = strcmp(NameStr(att->attname), column) == 0;
		names = lappend(names, pstrdup(NameStr(att->attname)));
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"%s\" has no column \"%s\"", RelationGetRelationName(rel), column),
				 errdetail("Its columns are: %s.", ml_text_list(names, 50)),
				 errhint("%s", ml_text_hint(column, names, "Name one of these columns."))));
	relation_close(rel, AccessShareLock);
}
