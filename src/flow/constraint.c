/*
 * constraint.c - ml.is_valid in a CHECK constraint: which constraint it is, and an error that says what failed.
 *
 * The server says which constraint a row violates and shows the row. Which of
 * the checks of a suite failed only the call knows, so it raises the error in
 * the server's place. It may only do so where its being false is certain to be
 * a violation.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "flow/constraint.h"
#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* ---- finding the constraint ---- */

/* The arguments of a call as the planner makes them: in their places, and simplified. */
static List *
ml_constraint_arguments(const FuncExpr *call)
{
	List	   *args = list_copy(call->args);
	ListCell   *lc;

	foreach(lc, call->args)
	{
		const Node *arg = lfirst(lc);
		int			place = foreach_current_index(lc);

		if (IsA(arg, NamedArgExpr))
		{
			place = ((const NamedArgExpr *) arg)->argnumber;
			arg = (const Node *) ((const NamedArgExpr *) arg)->arg;
		}
		if (place >= list_length(args))
			return NIL;
		lfirst(list_nth_cell(args, place)) = eval_const_expressions(NULL, copyObjectImpl(arg));
	}
	return args;
}

/* Whether a node is the call, as it was written. */
static bool
ml_constraint_same(const Node *node, const FuncExpr *call)
{
	return IsA(node, FuncExpr) && ((const FuncExpr *) node)->funcid == call->funcid &&
		equal(ml_constraint_arguments((const FuncExpr *) node), call->args);
}

/* How often the call is a condition at the top of an expression. */
static int
ml_constraint_conditions(const Node *node, const FuncExpr *call)
{
	ListCell   *lc;
	int			n = 0;

	check_stack_depth();
	if (!IsA(node, BoolExpr) || ((const BoolExpr *) node)->boolop != AND_EXPR)
		return ml_constraint_same(node, call) ? 1 : 0;
	foreach(lc, ((const BoolExpr *) node)->args)
		n += ml_constraint_conditions(lfirst(lc), call);
	return n;
}

/* Counts how often the call stands anywhere in an expression. */
typedef struct MlConstraintCount
{
	const FuncExpr *call;
	int			n;
} MlConstraintCount;

static bool
ml_constraint_count(Node *node, void *context)
{
	MlConstraintCount *count = context;

	if (node == NULL)
		return false;
	count->n += ml_constraint_same(node, count->call);
	return expression_tree_walker(node, ml_constraint_count, context);
}

char *
ml_constraint_of(const FuncExpr *call, Oid relation)
{
	Relation	rel = try_relation_open(relation, AccessShareLock);
	TupleConstr *constr = rel ? RelationGetDescr(rel)->constr : NULL;
	MlConstraintCount count = {call, 0};
	char	   *name = NULL;
	int			conditions = 0;

	for (int i = 0; constr && i < constr->num_check; i++)
	{
		Node	   *expr;
		int			n;

		/* one that is not enforced decides nothing */
		if (!ml_compat_check_enforced(&constr->check[i]))
			continue;
		expr = stringToNode(constr->check[i].ccbin);
		n = ml_constraint_conditions(expr, call);
		if (n > 0 && name == NULL)
			name = pstrdup(constr->check[i].ccname);
		conditions += n;
		(void) ml_constraint_count(expr, &count);
	}
	if (rel)
		relation_close(rel, AccessShareLock);
	return count.n == conditions ? name : NULL;
}

bool
ml_constraint_enforcing(const FmgrInfo *flinfo)
{
	/* constraints are compiled in the context of the executor's state; the WHERE of COPY, which only filters, is not */
	return strcmp(flinfo->fn_mcxt->name, "ExecutorState") == 0;
}

/* ---- the error ---- */

/* Whether the current user may see all values that a failure names. */
static bool
ml_constraint_shown(const MlFailure *failure, Oid relation)
{
	if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < failure->check->ncolumns; i++)
	{
		AttrNumber	column = get_attnum(relation, failure->check->columns[i]);

		if (column == InvalidAttrNumber ||
			pg_attribute_aclcheck(relation, column, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

void
ml_constraint_hide(List *failures, Oid relation)
{
	ListCell   *lc;

	foreach(lc, failures)
	{
		MlFailure  *failure = lfirst(lc);

		if (!ml_constraint_shown(failure, relation))
			failure->message = psprintf("check kind \"%s\" fails on values that \"%s\" may not read",
										failure->check->kind->name, GetUserNameFromId(GetUserId(), false));
	}
}

ML_NORETURN void
ml_constraint_violated(MlProgram *program, const NullableDatum *values, Oid relation, const char *constraint)
{
	Relation	rel = relation_open(relation, AccessShareLock);
	List	   *failures = ml_program_failures(program, values);
	bool		altering = ActivePortal != NULL && ActivePortal->commandTag == CMDTAG_ALTER_TABLE;

	ml_constraint_hide(failures, relation);
	/* the server's words, for a row that is written and for one that was there when the constraint came */
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 altering ? errmsg("check constraint \"%s\" of relation \"%s\" is violated by some row", constraint,
							   RelationGetRelationName(rel)) :
			 errmsg("new row for relation \"%s\" violates check constraint \"%s\"", RelationGetRelationName(rel),
					constraint),
			 errdetail("%s", ml_failures_text(failures)),
			 errtableconstraint(rel, constraint)));
}
