/*
 * check_site.c - a call site that judges rows: of columns, of a row type, of jsonb.
 *
 * What a site keeps is in fn_mcxt. A row type is looked up when it changes,
 * which in a call of anyelement it does not, but for records.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/check_site.h"
#include "flow/condition.h"
#include "flow/expression.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

typedef struct MlCheckSite
{
	MlProgram  *program;
	MemoryContext context;		/* fn_mcxt */
	MlRowType	type;
	Oid			data_type;

	/* rows */
	TupleDesc	desc;
	Datum	   *datums;
	bool	   *nulls;
	NullableDatum *values;

	/* a condition */
	char	   *whose;
	text	   *condition;
	Oid			user;
	ExprState  *compiled;
	MlConditionRoom room;

	/* jsonb */
	int			capacity;
	char	  **names;
	Oid		   *types;
} MlCheckSite;

static MlCheckSite *
ml_check_site(FunctionCallInfo fcinfo)
{
	MlCheckSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MlCheckSite));
		site->context = fcinfo->flinfo->fn_mcxt;
		fcinfo->flinfo->fn_extra = site;
	}
	return site;
}

static inline MlProgram *
ml_check_site_program(MlCheckSite *site, FunctionCallInfo fcinfo)
{
	text	   *suite = PG_GETARG_TEXT_PP(0);

	return ml_program_for(&site->program, site->context, VARDATA_ANY(suite), VARSIZE_ANY_EXHDR(suite), &site->type);
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
ml_check_site_names(MlCheckSite *site, FunctionCallInfo fcinfo)
{
	List	   *args = fcinfo->flinfo->fn_expr && IsA(fcinfo->flinfo->fn_expr, FuncExpr) ?
		((FuncExpr *) fcinfo->flinfo->fn_expr)->args : NIL;
	MemoryContext old = MemoryContextSwitchTo(site->context);
	int			n = fcinfo->nargs - 2;
	Const	   *constant;
	ArrayType  *array;
	Datum	   *names;
	int			nnames;
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
	site->names = palloc(sizeof(char *) * Max(n, 1));
	site->types = palloc(sizeof(Oid) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Node	   *arg = list_nth(args, i + 2);

		site->names[i] = TextDatumGetCString(names[i]);
		site->types[i] = exprType(arg);
		typmods[i] = exprTypmod(arg);
		collations[i] = exprCollation(arg);
	}
	site->type.names = (const char *const *) site->names;
	site->type.types = site->types;
	site->type.typmods = typmods;
	site->type.collations = collations;
	site->type.n = n;
	MemoryContextSwitchTo(old);
}

MlProgram *
ml_check_site_columns(FunctionCallInfo fcinfo, const NullableDatum **values)
{
	MlCheckSite *site = ml_check_site(fcinfo);

	if (unlikely(site->type.names == NULL))
		ml_check_site_names(site, fcinfo);
	*values = fcinfo->args + 2;
	return ml_check_site_program(site, fcinfo);
}

/* ---- rows ---- */

/* Prepares for rows of another type. */
static void
ml_check_site_retype(MlCheckSite *site, Oid type, int32 typmod)
{
	MemoryContext old = MemoryContextSwitchTo(site->context);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, typmod);

	site->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	site->desc->tdtypeid = type;
	site->desc->tdtypmod = typmod;
	ml_row_type_of(site->desc, &site->type);
	site->datums = palloc(sizeof(Datum) * Max(site->desc->natts, 1));
	site->nulls = palloc(sizeof(bool) * Max(site->desc->natts, 1));
	site->values = palloc(sizeof(NullableDatum) * Max(site->desc->natts, 1));
	ml_program_forget(site->program);
	MemoryContextSwitchTo(old);
}

static void
ml_check_site_tuple(MlCheckSite *site, HeapTupleHeader row)
{
	Oid			type = HeapTupleHeaderGetTypeId(row);
	int32		typmod = HeapTupleHeaderGetTypMod(row);
	HeapTupleData tuple;

	if (unlikely(site->desc == NULL || site->desc->tdtypeid != type || site->desc->tdtypmod != typmod))
		ml_check_site_retype(site, type, typmod);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, site->desc, site->datums, site->nulls);
	for (int i = 0; i < site->desc->natts; i++)
	{
		site->values[i].value = site->datums[i];
		site->values[i].isnull = site->nulls[i];
	}
}

/* ---- jsonb ---- */

/* The type of a JSON value as a column's, and the value. */
static Oid
ml_check_site_json_value(const JsonbValue *json, NullableDatum *value)
{
	value->isnull = json->type == jbvNull;
	switch (json->type)
	{
		case jbvNull:
			return UNKNOWNOID;
		case jbvString:
			value->value = PointerGetDatum(cstring_to_text_with_len(json->val.string.val, json->val.string.len));
			return TEXTOID;
		case jbvNumeric:
			value->value = NumericGetDatum(json->val.numeric);
			return NUMERICOID;
		case jbvBool:
			value->value = BoolGetDatum(json->val.boolean);
			return BOOLOID;
		default:
			value->value = JsonbPGetDatum(JsonbValueToJsonb(unconstify(JsonbValue *, json)));
			return JSONBOID;
	}
}

/* The place of a key among the site's columns, made if it is new. */
static int
ml_check_site_key(MlCheckSite *site, const char *key, int length)
{
	for (int i = 0; i < site->type.n; i++)
		if (strncmp(site->names[i], key, length) == 0 && site->names[i][length] == '\0')
			return i;
	if (site->type.n + 1 >= site->capacity)
	{
		int			capacity = Max(16, site->capacity * 2);

		if (site->capacity == 0)
		{
			site->names = MemoryContextAlloc(site->context, sizeof(char *) * capacity);
			site->types = MemoryContextAlloc(site->context, sizeof(Oid) * capacity);
			site->values = MemoryContextAlloc(site->context, sizeof(NullableDatum) * capacity);
		}
		else
		{
			site->names = repalloc(site->names, sizeof(char *) * capacity);
			site->types = repalloc(site->types, sizeof(Oid) * capacity);
			site->values = repalloc(site->values, sizeof(NullableDatum) * capacity);
		}
		site->capacity = capacity;
		site->type.names = (const char *const *) site->names;
		site->type.types = site->types;
		site->type.open = true;
	}
	site->names[site->type.n] = MemoryContextAlloc(site->context, length + 1);
	memcpy(site->names[site->type.n], key, length);
	site->names[site->type.n][length] = '\0';
	site->types[site->type.n] = UNKNOWNOID;
	site->values[site->type.n].isnull = true;
	ml_program_forget(site->program);
	return site->type.n++;
}

static void
ml_check_site_json(MlCheckSite *site, Jsonb *json)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the data must be a JSON object"),
				 errdetail("They are a JSON %s.", JB_ROOT_IS_SCALAR(json) ? "scalar" : "array"),
				 errhint("Write them as {\"column\": value, ...}.")));
	for (int i = 0; i < site->type.n; i++)
		site->values[i].isnull = true;
	it = JsonbIteratorInit(&json->root);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		int			at = ml_check_site_key(site, v.val.string.val, v.val.string.len);
		Oid			type;

		(void) JsonbIteratorNext(&it, &v, true);
		type = ml_check_site_json_value(&v, &site->values[at]);
		if (type != UNKNOWNOID && type != site->types[at])
		{
			site->types[at] = type;
			ml_program_forget(site->program);
		}
	}
	if (site->capacity == 0)
		site->values = MemoryContextAlloc(site->context, sizeof(NullableDatum));
	site->type.open = true;
	site->values[site->type.n].isnull = true;
}

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
		ml_check_site_tuple(site, PG_GETARG_HEAPTUPLEHEADER(1));
	else
		ml_check_site_json(site, PG_GETARG_JSONB_P(1));
	*values = site->values;
	return ml_check_site_program(site, fcinfo);
}

/* ---- conditions ---- */

/* Compiles the condition of a call, which is most often a constant. */
static void
ml_check_site_condition(MlCheckSite *site, FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(site->context);

	site->condition = PG_GETARG_TEXT_P_COPY(0);
	site->whose = text_to_cstring(PG_GETARG_TEXT_PP(1));
	site->user = GetUserId();
	site->compiled = ml_expression_compile(site->whose, text_to_cstring(site->condition), site->desc);
	ml_condition_room(&site->room, site->desc);
	MemoryContextSwitchTo(old);
}

bool
ml_check_site_meets(FunctionCallInfo fcinfo)
{
	MlCheckSite *site = ml_check_site(fcinfo);
	text	   *condition = PG_GETARG_TEXT_PP(0);
	TupleDesc	desc = site->desc;

	if (unlikely(!OidIsValid(site->data_type)))
		ml_check_site_type(site, fcinfo, 2);
	if (!type_is_rowtype(site->data_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a condition is about a row, not about a value of type %s", format_type_be(site->data_type)),
				 errhint("Use ml.is_valid or ml.check_data.")));
	ml_check_site_tuple(site, PG_GETARG_HEAPTUPLEHEADER(2));
	if (site->condition == NULL || site->desc != desc || site->user != GetUserId() ||
		VARSIZE_ANY_EXHDR(site->condition) != VARSIZE_ANY_EXHDR(condition) ||
		memcmp(VARDATA_ANY(site->condition), VARDATA_ANY(condition), VARSIZE_ANY_EXHDR(condition)) != 0)
		ml_check_site_condition(site, fcinfo);
	ml_condition_fill(&site->room, site->values);
	return ml_condition_holds(&site->room, site->compiled, false, site->whose);
}
