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
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/convert.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
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
 * or InvalidOid when there is none.
 */
static Oid
ml_support_columns_function(Oid row_function)
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
	name = psprintf("%s_columns", NameStr(form->proname));
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
 * that is not part of a query: a CHECK constraint, the WHERE of COPY. The row
 * is never NULL as a whole there, and its columns are those of the type.
 */
static bool
ml_support_stored_row(const Var *var, MlRowColumns *row)
{
	TupleDesc	desc;

	if (var->vartype == RECORDOID || var->varlevelsup != 0)
		return false;
	desc = lookup_rowtype_tupdesc_noerror(var->vartype, -1, true);
	if (desc == NULL)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		row->names = lappend(row->names, pstrdup(NameStr(att->attname)));
		row->values = lappend(row->values, makeVar(var->varno, i + 1, att->atttypid, att->atttypmod, att->attcollation, 0));
	}
	ReleaseTupleDesc(desc);
	return true;
}

/* Takes the row apart that a function gets, if that is certain to make no difference. */
static bool
ml_support_row(const Query *parse, const Node *features, MlRowColumns *row)
{
	if (parse == NULL)
		return IsA(features, Var) && ((const Var *) features)->varattno == InvalidAttrNumber &&
			ml_support_stored_row((const Var *) features, row);
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

/* A column as an argument: one that no model can use need not be fetched, but errors name its type. */
static Node *
ml_support_argument(Node *value)
{
	if (IsA(value, Var) && ml_convert_class(((Var *) value)->vartype) == ML_TYPE_UNSUPPORTED)
	{
		const Var  *var = (const Var *) value;

		return (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
	}
	return value;
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

Node *
ml_support_simplify(const SupportRequestSimplify *request, bool whole)
{
	const FuncExpr *call = request->fcall;
	MlRowColumns row = {NIL, NIL};
	Oid			function;
	FuncExpr   *result;
	List	   *args;
	ListCell   *lc;

	/* features are the second argument */
	if ((request->root == NULL && !whole) || list_length(call->args) < 2 || list_length(call->args) > 3)
		return NULL;
	foreach(lc, call->args)
		if (IsA(lfirst(lc), NamedArgExpr))
			return NULL;
	if (!ml_support_row(request->root ? request->root->parse : NULL, lsecond(call->args), &row))
		return NULL;
	/* a row of more columns than a function has arguments stays whole */
	if (list_length(call->args) + list_length(row.names) > FUNC_MAX_ARGS)
		return NULL;
	function = ml_support_columns_function(call->funcid);
	if (!OidIsValid(function))
		return NULL;
	args = list_make1(linitial(call->args));
	if (list_length(call->args) > 2)
		args = lappend(args, lthird(call->args));
	args = lappend(args, ml_support_names(row.names));
	foreach(lc, row.values)
		args = lappend(args, whole ? lfirst(lc) : ml_support_argument(lfirst(lc)));
	result = makeFuncExpr(function, call->funcresulttype, args, call->funccollid, call->inputcollid,
						  COERCE_EXPLICIT_CALL);
	result->location = call->location;
	return (Node *) result;
}
