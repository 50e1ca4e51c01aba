/*
 * support.c - scoring a whole row becomes scoring its columns.
 *
 * To form the value of a whole row and to take it apart again costs more than
 * most models do. So ml.predict('m', t) is planned as
 *
 *	   ml.predict_columns('m', NULL::float8, '{a,b}', t.a, t.b)
 *
 * with every column of t: the plan says nothing of the model, whose inputs
 * are found by name when the query runs. Everything here must be certain to
 * give the same as the call it replaces, and leaves the call alone if not.
 * Memory is the planner's.
 *
 * One thing of the model is in the plan: while it has no policy for invalid
 * rows, columns of types that no model can use are not fetched. Plans depend on
 * the function they call, so a change of a policy has the server forget them by
 * an invalidation of that function.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/convert.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "flow/constraint.h"
#include "flow/resolve.h"
#include "flow/support.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Columns of a row: List of char * and of Node *, of one length. */
typedef struct MlRowColumns
{
	List	   *names;
	List	   *values;
} MlRowColumns;

/* ---- the functions ---- */

/* Whether everybody may execute a function, so that it does not matter which of two is called. */
static bool
ml_support_public(HeapTuple tuple)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proacl, &isnull);
	Acl		   *acl;
	bool		granted = false;

	if (isnull)
		return true;
	acl = DatumGetAclPCopy(datum);
	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		granted |= item->ai_grantee == ACL_ID_PUBLIC && (ACLITEM_GET_PRIVS(*item) & ACL_EXECUTE) != 0;
	}
	pfree(acl);
	return granted;
}

/*
 * The function that takes columns in place of the row that a function takes,
 * by what is added to its name, or InvalidOid when there is none.
 */
static Oid
ml_support_function(Oid row_function, const char *suffix)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(row_function));
	Form_pg_proc form;
	CatCList   *list;
	char	   *name;
	Oid			found = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (!ml_support_public(tuple))
	{
		ReleaseSysCache(tuple);
		return InvalidOid;
	}
	name = psprintf("%s_%s", NameStr(form->proname), suffix);
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	member = &list->members[i]->tuple;
		Form_pg_proc candidate = (Form_pg_proc) GETSTRUCT(member);

		if (candidate->pronamespace == form->pronamespace && candidate->provariadic == ANYOID &&
			candidate->proowner == form->proowner && ml_support_public(member))
			found = candidate->oid;
	}
	ReleaseSysCacheList(list);
	ReleaseSysCache(tuple);
	return found;
}

void
ml_support_forget_plans(void)
{
	static const char *const names[] = {"predict_columns", "probability_columns", "probabilities_columns"};
	Oid			schema = get_namespace_oid("ml", false);
	Relation	functions = table_open(ProcedureRelationId, AccessShareLock);

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(names[i]));

		for (int j = 0; j < list->n_members; j++)
		{
			HeapTuple	member = &list->members[j]->tuple;

			if (((Form_pg_proc) GETSTRUCT(member))->pronamespace == schema)
				CacheInvalidateHeapTuple(functions, member, NULL);
		}
		ReleaseSysCacheList(list);
	}
	table_close(functions, AccessShareLock);
}

/* ---- the row ---- */

/*
 * Whether the rows of a range table entry come out of the joins as they are:
 * 1 if so, -1 if an outer join may put NULL in their place, 0 if the entry is
 * not in this part of the tree.
 */
static int
ml_support_joined(const Node *node, int rtindex, bool nullable)
{
	int			found = 0;

	check_stack_depth();
	if (node == NULL)
		return 0;
	if (IsA(node, RangeTblRef))
		return ((const RangeTblRef *) node)->rtindex != rtindex ? 0 : nullable ? -1 : 1;
	if (IsA(node, FromExpr))
	{
		ListCell   *lc;

		foreach(lc, ((const FromExpr *) node)->fromlist)
			if ((found = ml_support_joined(lfirst(lc), rtindex, nullable)) != 0)
				return found;
	}
	else if (IsA(node, JoinExpr))
	{
		const JoinExpr *join = (const JoinExpr *) node;
		bool		inner = join->jointype == JOIN_INNER || join->jointype == JOIN_SEMI;

		found = ml_support_joined(join->larg, rtindex,
								  nullable || !(inner || join->jointype == JOIN_LEFT || join->jointype == JOIN_ANTI));
		if (found == 0)
			found = ml_support_joined(join->rarg, rtindex, nullable || !(inner || join->jointype == JOIN_RIGHT));
	}
	return found;
}

/* Whether a whole-row variable is never NULL as a whole, and its columns are those of the entry it names. */
static bool
ml_support_plain(const Query *parse, const Var *var)
{
	int			joined;

	if (var->varlevelsup != 0 || !ml_compat_plain_var(var) || var->varno < 1 ||
		var->varno > list_length(parse->rtable))
		return false;
	/* a column that is not in every grouping set becomes NULL, and the whole row does not */
	if (parse->groupingSets != NIL)
		return false;
	joined = ml_support_joined((const Node *) parse->jointree, var->varno, false);
	return joined > 0 || (joined == 0 && var->varno == parse->resultRelation);
}

/* Takes a row of a named type: its names are those of the type. */
static bool
ml_support_named(Oid type, List *values, MlRowColumns *row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_noerror(type, -1, true);
	bool		fits = desc != NULL && desc->natts == list_length(values);

	for (int i = 0; fits && i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Node	   *value = list_nth(values, i);

		if (att->attisdropped)
			continue;
		fits = exprType(value) == att->atttypid;
		row->names = lappend(row->names, pstrdup(NameStr(att->attname)));
		row->values = lappend(row->values, value);
	}
	if (desc)
		ReleaseTupleDesc(desc);
	return fits;
}

/* Takes a row without a named type; false where scoring might bind it by position. */
static bool
ml_support_record(List *names, List *values, MlRowColumns *row)
{
	bool		anonymous = true;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		char		name[16];

		snprintf(name, sizeof name, "f%d", ++n);
		anonymous &= strcmp(strVal(lfirst(lc)), name) == 0;
		row->names = lappend(row->names, strVal(lfirst(lc)));
	}
	row->values = values;
	return !anonymous && list_length(names) == list_length(values);
}

/* A variable that stands for a whole row. */
static bool
ml_support_whole_row(const Query *parse, const Var *var, MlRowColumns *row)
{
	RangeTblEntry *rte;
	List	   *names;
	List	   *values;
	bool		record = var->vartype == RECORDOID;

	if (!ml_support_plain(parse, var))
		return false;
	rte = rt_fetch(var->varno, parse->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			/* the planner also looks at constraints, whose variables are no entries of this query */
			if (get_rel_type_id(rte->relid) != var->vartype)
				return false;
			break;
		case RTE_SUBQUERY:
			if (rte->subquery == NULL)
				return false;
			break;
		case RTE_CTE:
		case RTE_VALUES:
			if (!record)
				return false;
			break;
		default:
			return false;
	}
	ml_compat_expand_rte(rte, var->varno, !record, &names, &values);
	return record ? ml_support_record(names, values, row) : ml_support_named(var->vartype, values, row);
}

/* Whether a plan of the query is made anew when a row type changes: its relation is in the range table. */
static bool
ml_support_depends(const Query *parse, Oid type)
{
	Oid			relation = get_typ_typrelid(type);
	ListCell   *lc;

	foreach(lc, parse->rtable)
		if (OidIsValid(relation) && lfirst_node(RangeTblEntry, lc)->relid == relation)
			return true;
	return false;
}

/*
 * A variable that stands for the row that is being stored, in an expression
 * that is not part of a query: a CHECK constraint, the WHERE of COPY, the WHEN
 * of a trigger. The row is never NULL as a whole there, and its columns are
 * those of the type. The trigger of a partitioned table converts the row of a
 * partition to the parent's type, which finds columns by their names.
 */
static bool
ml_support_stored_row(const Var *var, Oid type, MlRowColumns *row)
{
	TupleDesc	stored;
	TupleDesc	desc;
	bool		fits = true;

	if (var->vartype == RECORDOID || var->varlevelsup != 0)
		return false;
	stored = lookup_rowtype_tupdesc_noerror(var->vartype, -1, true);
	desc = lookup_rowtype_tupdesc_noerror(type, -1, true);
	fits = stored != NULL && desc != NULL;
	for (int i = 0; fits && i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			at = 0;

		if (att->attisdropped)
			continue;
		while (at < stored->natts && (TupleDescAttr(stored, at)->attisdropped ||
									  strcmp(NameStr(TupleDescAttr(stored, at)->attname), NameStr(att->attname)) != 0))
			at++;
		fits = at < stored->natts && TupleDescAttr(stored, at)->atttypid == att->atttypid;
		row->names = lappend(row->names, pstrdup(NameStr(att->attname)));
		row->values = lappend(row->values, makeVar(var->varno, at + 1, att->atttypid, att->atttypmod, att->attcollation, 0));
	}
	if (stored)
		ReleaseTupleDesc(stored);
	if (desc)
		ReleaseTupleDesc(desc);
	return fits;
}

/* The variable that stands for the row that is being stored; NULL if something else does. */
static const Var *
ml_support_stored(const Node *features)
{
	if (IsA(features, ConvertRowtypeExpr))
		features = (const Node *) ((const ConvertRowtypeExpr *) features)->arg;
	return IsA(features, Var) && ((const Var *) features)->varattno == InvalidAttrNumber ? (const Var *) features : NULL;
}

/* Takes the row apart that a function gets, if that is certain to make no difference. */
static bool
ml_support_row(const Query *parse, const Node *features, MlRowColumns *row)
{
	if (parse == NULL)
		return ml_support_stored(features) != NULL &&
			ml_support_stored_row(ml_support_stored(features), exprType(features), row);
	if (IsA(features, Var) && ((const Var *) features)->varattno == InvalidAttrNumber)
		return ml_support_whole_row(parse, (const Var *) features, row);
	if (IsA(features, RowExpr))
	{
		/* most often what is left of a view or subquery that became part of the query around it */
		const RowExpr *expr = (const RowExpr *) features;

		if (expr->row_typeid == RECORDOID)
			return ml_support_record(expr->colnames, expr->args, row);
		return ml_support_depends(parse, expr->row_typeid) &&
			ml_support_named(expr->row_typeid, expr->args, row);
	}
	return false;
}

/* Whether it is known that no check looks at the rows that a model scores. */
static bool
ml_support_unjudged(const Node *ref)
{
	MlServing	serving;
	MlMoment	moment;

	if (!IsA(ref, Const) || ((const Const *) ref)->constisnull || ((const Const *) ref)->consttype != TEXTOID ||
		!ActiveSnapshotSet())
		return false;
	ml_moment_now(&moment);
	return ml_resolve(TextDatumGetCString(((const Const *) ref)->constvalue), &moment, true, &serving) &&
		serving.invalid == ML_INVALID_UNJUDGED;
}

/* A column that no model can use: it need not be fetched, but errors name its type. */
static bool
ml_support_useless(const Node *value)
{
	return IsA(value, Var) && ml_convert_class(((const Var *) value)->vartype) == ML_TYPE_UNSUPPORTED;
}

/* The columns as arguments, without those that are not needed. */
static List *
ml_support_arguments(const Node *ref, List *values, bool whole)
{
	List	   *args = NIL;
	bool		useless = false;
	ListCell   *lc;

	foreach(lc, values)
		useless |= ml_support_useless(lfirst(lc));
	if (whole || !useless || !ml_support_unjudged(ref))
		return values;
	foreach(lc, values)
	{
		const Var  *var = lfirst(lc);

		args = lappend(args, ml_support_useless(lfirst(lc)) ?
					   (Node *) makeNullConst(var->vartype, ML_SUPPORT_LEFT_OUT, var->varcollid) : lfirst(lc));
	}
	return args;
}

static Const *
ml_support_names(List *names)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(names), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, names)
		values[n++] = CStringGetTextDatum(lfirst(lc));
	return makeConst(TEXTARRAYOID, -1, InvalidOid, -1,
					 PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT)), false, false);
}

/* The relation and constraint that a call outside of queries decides about, as arguments; NIL if it may only answer. */
static List *
ml_support_constraint(const FuncExpr *call)
{
	const Var  *var = ml_support_stored(lsecond(call->args));
	Oid			relation = get_typ_typrelid(var->vartype);
	char	   *name;

	/* the WHEN of a trigger has rows of its own */
	if (!OidIsValid(relation) || IS_SPECIAL_VARNO(var->varno) ||
		(name = ml_constraint_of(call, relation)) == NULL)
		return NIL;
	return list_make2(makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relation), false, true),
					  makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(name), false, false));
}

/* The call with columns in place of the row; more arguments may come before them. */
static Node *
ml_support_call(const FuncExpr *call, const char *suffix, List *args, List *columns)
{
	Oid			function;
	FuncExpr   *result;

	/* a row of more columns than a function has arguments stays whole */
	if (list_length(args) + list_length(columns) > FUNC_MAX_ARGS)
		return NULL;
	function = ml_support_function(call->funcid, suffix);
	if (!OidIsValid(function))
		return NULL;
	result = makeFuncExpr(function, call->funcresulttype, list_concat_copy(args, columns), call->funccollid,
						  call->inputcollid, COERCE_EXPLICIT_CALL);
	result->location = call->location;
	return (Node *) result;
}

Node *
ml_support_simplify(const SupportRequestSimplify *request, bool whole)
{
	const FuncExpr *call = request->fcall;
	MlRowColumns row = {NIL, NIL};
	List	   *args;
	List	   *constraint;
	Node	   *result = NULL;
	ListCell   *lc;

	/* features are the second argument */
	if ((request->root == NULL && !whole) || list_length(call->args) < 2 || list_length(call->args) > 3)
		return NULL;
	foreach(lc, call->args)
		if (IsA(lfirst(lc), NamedArgExpr))
			return NULL;
	if (!ml_support_row(request->root ? request->root->parse : NULL, lsecond(call->args), &row))
		return NULL;
	args = list_make1(linitial(call->args));
	if (list_length(call->args) > 2)
		args = lappend(args, lthird(call->args));
	args = lappend(args, ml_support_names(row.names));
	if (request->root == NULL && (constraint = ml_support_constraint(call)) != NIL)
		result = ml_support_call(call, "stored", list_concat_copy(args, constraint), row.values);
	if (result == NULL)
		result = ml_support_call(call, "columns", args,
								 ml_support_arguments(linitial(call->args), row.values, whole));
	return result;
}
