/*
 * expression.c - an SQL condition over a row, which somebody else may have written.
 *
 * Parse analysis is the server's, as for a CHECK constraint, with one hook that
 * finds columns by name. What came of it is walked through before it runs. To
 * label a function of one's own immutable does not help: what matters is whose
 * it is.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "base/compat.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "flow/expression.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* What the message of a refusal names. */
typedef struct MlExpressionWalk
{
	const char *what;
	Oid			untrusted;		/* what the checker of functions found */
	Oid			is_volatile;
	Oid			reads;
} MlExpressionWalk;

bool
ml_expression_trusts(Oid role)
{
	Oid			user = GetUserId();

	return OidIsValid(role) && (role == user || superuser_arg(role) || has_privs_of_role(role, user));
}

/* ---- what a function may be ---- */

/* Functions of the server that are not volatile and read tables all the same. */
static bool
ml_expression_reads(const char *name)
{
	static const char *const parts[] = {"table_to_xml", "schema_to_xml", "database_to_xml", "query_to_xml",
	"cursor_to_xml"};

	for (int i = 0; i < (int) lengthof(parts); i++)
		if (strncmp(name, parts[i], strlen(parts[i])) == 0)
			return true;
	return false;
}

static bool
ml_expression_function(Oid function, void *context)
{
	MlExpressionWalk *walk = context;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->provolatile == PROVOLATILE_VOLATILE)
		walk->is_volatile = function;
	else if (function < FirstNormalObjectId && ml_expression_reads(NameStr(form->proname)))
		walk->reads = function;
	else if (function >= FirstNormalObjectId && !ml_expression_trusts(form->proowner))
		walk->untrusted = function;
	ReleaseSysCache(tuple);
	return OidIsValid(walk->untrusted) || OidIsValid(walk->is_volatile) || OidIsValid(walk->reads);
}

static ML_NORETURN void
ml_expression_refuse_function(const MlExpressionWalk *walk)
{
	Oid			function = OidIsValid(walk->untrusted) ? walk->untrusted :
		OidIsValid(walk->is_volatile) ? walk->is_volatile : walk->reads;
	char	   *name = format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY);

	if (OidIsValid(walk->untrusted))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s calls function %s, which user \"%s\" has no reason to trust", walk->what, name,
						GetUserNameFromId(GetUserId(), false)),
				 errdetail("It would run with the rights of \"%s\", and belongs to a role that cannot act as \"%s\".",
						   GetUserNameFromId(GetUserId(), false), GetUserNameFromId(GetUserId(), false)),
				 errhint("Use functions of the server, or have the function belong to a superuser.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s cannot call function %s", walk->what, name),
			 OidIsValid(walk->is_volatile) ? errdetail("The function is volatile: it may write, wait, or answer differently each time.") :
			 errdetail("The function reads data beyond the row."),
			 errhint("Use functions that are immutable or stable, over the columns of the row.")));
}

/* Refuses what a condition must not do. */
static bool
ml_expression_walker(Node *node, void *context)
{
	MlExpressionWalk *walk = context;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, CoerceToDomain) && ((CoerceToDomain *) node)->resulttype >= FirstNormalObjectId)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot cast to domain %s", walk->what, format_type_be(((CoerceToDomain *) node)->resulttype)),
				 errdetail("The constraints of a domain are code of its owner's."),
				 errhint("Cast to the type below the domain, and write its condition down.")));
	if (check_functions_in_node(node, ml_expression_function, walk))
		ml_expression_refuse_function(walk);
	return expression_tree_walker(node, ml_expression_walker, context);
}

/* ---- parsing ---- */

/* What stands before the text when it is parsed. */
#define ML_EXPRESSION_PREFIX	"SELECT (\n"

typedef struct MlExpressionText
{
	const char *what;
	const char *sql;
} MlExpressionText;

/* Says of an error of the server's where it comes from: its position is one in the text, not in the statement. */
static void
ml_expression_context(void *arg)
{
	const MlExpressionText *text = arg;
	int			position = geterrposition();

	errcontext("%s", text->what);
	if (position > 0)
	{
		position -= strlen(ML_EXPRESSION_PREFIX);
		errposition(0);
		internalerrposition(Max(1, Min(position, pg_mbstrlen(text->sql) + 1)));
		internalerrquery(text->sql);
	}
}

static ML_NORETURN void
ml_expression_not_one(const char *what, const char *sql)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s is not one SQL expression", what),
			 errdetail("It reads: %s", sql),
			 errhint("Write a condition as it stands behind WHERE, such as \"a < b AND c IS NOT NULL\".")));
}

/* The raw tree of the text, which is one expression and nothing else. */
static Node *
ml_expression_raw(const char *what, const char *sql)
{
	List	   *trees = raw_parser(psprintf(ML_EXPRESSION_PREFIX "%s\n)", sql), RAW_PARSE_DEFAULT);
	SelectStmt *select;
	ResTarget  *target;

	if (list_length(trees) != 1 || !IsA(linitial_node(RawStmt, trees)->stmt, SelectStmt))
		ml_expression_not_one(what, sql);
	select = castNode(SelectStmt, linitial_node(RawStmt, trees)->stmt);
	if (select->op != SETOP_NONE || list_length(select->targetList) != 1 || select->distinctClause || select->intoClause ||
		select->fromClause || select->whereClause || select->groupClause || select->havingClause ||
		select->windowClause || select->valuesLists || select->sortClause || select->limitOffset ||
		select->limitCount || select->lockingClause || select->withClause)
		ml_expression_not_one(what, sql);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		ml_expression_not_one(what, sql);
	return target->val;
}

void
ml_expression_parse(const char *what, const char *sql)
{
	MlExpressionText text = {what, sql};
	ErrorContextCallback context = {error_context_stack, ml_expression_context, &text};

	error_context_stack = &context;
	(void) ml_expression_raw(what, sql);
	error_context_stack = context.previous;
}

/* A column of the row by its name, for parse analysis. */
static Node *
ml_expression_column(ParseState *pstate, ColumnRef *ref, Node *var)
{
	TupleDesc	desc = pstate->p_ref_hook_state;

	if (var != NULL || list_length(ref->fields) != 1 || !IsA(linitial(ref->fields), String))
		return NULL;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), strVal(linitial(ref->fields))) == 0)
			return (Node *) makeVar(1, i + 1, att->atttypid, att->atttypmod, att->attcollation, 0);
	}
	return NULL;
}

/* Parse analysis with names in pg_catalog only. */
static Node *
ml_expression_analyse(const char *what, const char *sql, TupleDesc desc)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *expr = ml_expression_raw(what, sql);
	int			nest_level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	pstate->p_sourcetext = sql;
	pstate->p_post_columnref_hook = ml_expression_column;
	pstate->p_ref_hook_state = desc;
	expr = transformExpr(pstate, expr, EXPR_KIND_CHECK_CONSTRAINT);
	expr = coerce_to_boolean(pstate, expr, what);
	assign_expr_collations(pstate, expr);
	free_parsestate(pstate);
	AtEOXact_GUC(true, nest_level);
	return expr;
}

static Node *
ml_expression_examined(const char *what, const char *sql, TupleDesc desc)
{
	MlExpressionText text = {what, sql};
	ErrorContextCallback context = {error_context_stack, ml_expression_context, &text};
	MlExpressionWalk walk = {what, InvalidOid, InvalidOid, InvalidOid};
	Node	   *expr;

	error_context_stack = &context;
	expr = ml_expression_analyse(what, sql, desc);
	(void) ml_expression_walker(expr, &walk);
	error_context_stack = context.previous;
	return expr;
}

Bitmapset *
ml_expression_columns(const char *what, const char *sql, TupleDesc desc)
{
	Node	   *expr = ml_expression_examined(what, sql, desc);
	Bitmapset  *numbers = NULL;
	Bitmapset  *columns = NULL;

	pull_varattnos(expr, 1, &numbers);
	for (int i = -1; (i = bms_next_member(numbers, i)) >= 0;)
		columns = bms_add_member(columns, i + FirstLowInvalidHeapAttributeNumber - 1);
	return columns;
}

ExprState *
ml_expression_compile(const char *what, const char *sql, TupleDesc desc)
{
	Node	   *expr = ml_expression_examined(what, sql, desc);

	return ExecInitExpr(expression_planner((Expr *) expr), NULL);
}
