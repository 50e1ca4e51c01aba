/*
 * check_site.c - a call site that judges rows: of columns, of a row type, of jsonb.
 *
 * What a site keeps is in fn_mcxt.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/check_site.h"
#include "flow/condition.h"
#include "flow/expression.h"
#include "flow/row_values.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct MlCheckSite
{
	MlProgram  *program;
	MemoryContext context;		/* fn_mcxt */
	Oid			data_type;
	MlRowType	columns;		/* given one by one */
	MlRowValues row;			/* or taken from a row or JSON object */

	/* a condition */
	MemoryContext compilation;	/* reset when it changes */
	char	   *whose;
	text	   *condition;
	Oid			user;
	ExprState  *compiled;
	MlConditionRoom room;
} MlCheckSite;

static MlCheckSite *
ml_check_site(FunctionCallInfo fcinfo)
{
	MlCheckSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MlCheckSite));
		site->context = site->row.context = fcinfo->flinfo->fn_mcxt;
		fcinfo->flinfo->fn_extra = site;
	}
	return site;
}

static inline MlProgram *
ml_check_site_program(MlCheckSite *site, const MlRowType *type, FunctionCallInfo fcinfo)
{
	text	   *suite = PG_GETARG_TEXT_PP(0);

	return ml_program_for(&site->program, site->context, VARDATA_ANY(suite), VARSIZE_ANY_EXHDR(suite), type);
}

/* ---- columns ---- */

static ML_NORETURN void
ml_check_site_misused(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("columns and their names do not belong together"),
			 errdetail("%s", detail),
			 errhint("The planner makes such calls; write ml.is_valid.")));
}

/* The columns of a call, from its constant of names and its expressions. */
static void
ml_check_site_names(MlCheckSite *site, FunctionCallInfo fcinfo, int first)
{
	List	   *args = fcinfo->flinfo->fn_expr && IsA(fcinfo->flinfo->fn_expr, FuncExpr) ?
		((FuncExpr *) fcinfo->flinfo->fn_expr)->args : NIL;
	MemoryContext old = MemoryContextSwitchTo(site->context);
	int			n = fcinfo->nargs - first;
	Const	   *constant;
	ArrayType  *array;
	Datum	   *names;
	int			nnames;
	const char **texts = palloc(sizeof(char *) * Max(n, 1));
	Oid		   *types = palloc(sizeof(Oid) * Max(n, 1));
	int32	   *typmods = palloc(sizeof(int32) * Max(n, 1));
	Oid		   *collations = palloc(sizeof(Oid) * Max(n, 1));

	if (list_length(args) != fcinfo->nargs || !IsA(lsecond(args), Const))
		ml_check_site_misused("The names are no constant.");
	constant = lsecond_node(Const, args);
	if (constant->constisnull || constant->consttype != TEXTARRAYOID)
		ml_check_site_misused("The names are NULL.");
	array = DatumGetArrayTypeP(constant->constvalue);
	if (array_contains_nulls(array))
		ml_check_site_misused("A name is NULL.");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &nnames);
	if (nnames != n || get_fn_expr_variadic(fcinfo->flinfo))
		ml_check_site_misused(psprintf("There are %d names for %d columns.", nnames, n));
	for (int i = 0; i < n; i++)
	{
		Node	   *arg = list_nth(args, i + first);

		texts[i] = TextDatumGetCString(names[i]);
		types[i] = exprType(arg);
		typmods[i] = exprTypmod(arg);
		collations[i] = exprCollation(arg);
	}
	site->columns.names = texts;
	site->columns.types = types;
	site->columns.typmods = typmods;
	site->columns.collations = collations;
	site->columns.n = n;
	MemoryContextSwitchTo(old);
}

MlProgram *
ml_check_site_columns(FunctionCallInfo fcinfo, int first, const NullableDatum **values)
{
	MlCheckSite *site = ml_check_site(fcinfo);

	if (unlikely(site->columns.names == NULL))
		ml_check_site_names(site, fcinfo, first);
	*values = fcinfo->args + first;
	return ml_check_site_program(site, &site->columns, fcinfo);
}

/* ---- rows ---- */

/* The type of the argument that is the data. */
static void
ml_check_site_type(MlCheckSite *site, FunctionCallInfo fcinfo, int argument)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argument);

	if (!OidIsValid(type) || (!type_is_rowtype(type) && getBaseType(type) != JSONBOID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("data to be checked cannot be of type %s", OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errdetail("They are a row or jsonb."),
				 errhint("Check a table by its name or alias: ml.is_valid('suite', t) FROM customers t.")));
	site->data_type = type;
}

MlProgram *
ml_check_site_row(FunctionCallInfo fcinfo, const NullableDatum **values)
{
	MlCheckSite *site = ml_check_site(fcinfo);

	if (unlikely(!OidIsValid(site->data_type)))
		ml_check_site_type(site, fcinfo, 1);
	if (PG_ARGISNULL(1))
		return NULL;
	if (type_is_rowtype(site->data_type))
		ml_row_values_tuple(&site->row, PG_GETARG_HEAPTUPLEHEADER(1));
	else
		ml_row_values_json(&site->row, PG_GETARG_JSONB_P(1));
	if (unlikely(site->row.changed))
		ml_program_forget(site->program);
	site->row.changed = false;
	*values = site->row.values;
	return ml_check_site_program(site, &site->row.type, fcinfo);
}

/* ---- conditions ---- */

/* Compiles the condition of a call, which is most often a constant. */
static void
ml_check_site_condition(MlCheckSite *site, FunctionCallInfo fcinfo)
{
	MemoryContext old;

	if (site->compilation == NULL)
		site->compilation = AllocSetContextCreate(site->context, "pg_mlops condition", ALLOCSET_SMALL_SIZES);
	site->condition = NULL;
	MemoryContextReset(site->compilation);
	old = MemoryContextSwitchTo(site->compilation);
	site->condition = PG_GETARG_TEXT_P_COPY(0);
	site->whose = text_to_cstring(PG_GETARG_TEXT_PP(1));
	site->user = GetUserId();
	site->compiled = ml_expression_compile(site->whose, text_to_cstring(site->condition), site->row.desc);
	ml_condition_room(&site->room, site->row.desc);
	site->row.changed = false;
	MemoryContextSwitchTo(old);
}

bool
ml_check_site_meets(FunctionCallInfo fcinfo)
{
	MlCheckSite *site = ml_check_site(fcinfo);
	text	   *condition = PG_GETARG_TEXT_PP(0);

	if (unlikely(!OidIsValid(site->data_type)))
		ml_check_site_type(site, fcinfo, 2);
	if (!type_is_rowtype(site->data_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a condition is about a row, not about a value of type %s", format_type_be(site->data_type)),
				 errhint("Use ml.is_valid or ml.check_data.")));
	ml_row_values_tuple(&site->row, PG_GETARG_HEAPTUPLEHEADER(2));
	if (site->condition == NULL || site->row.changed || site->user != GetUserId() ||
		VARSIZE_ANY_EXHDR(site->condition) != VARSIZE_ANY_EXHDR(condition) ||
		memcmp(VARDATA_ANY(site->condition), VARDATA_ANY(condition), VARSIZE_ANY_EXHDR(condition)) != 0)
		ml_check_site_condition(site, fcinfo);
	ml_condition_fill(&site->room, site->row.values);
	return ml_condition_holds(&site->room, site->compiled, false, site->whose);
}
