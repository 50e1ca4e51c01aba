/*
 * arguments.c - reading SQL arguments.
 */
#include "postgres.h"

#include <math.h>

#include "api/arguments.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

char *
ml_arg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
ml_arg_required(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name),
				 errhint("Pass a value, or leave the argument out if it has a default.")));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

List *
ml_arg_list(FunctionCallInfo fcinfo, int n, const char *name)
{
	List	   *items = NIL;
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return NIL;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be an array of one dimension", name),
				 errdetail("It has %d dimensions.", ARR_NDIM(array)),
				 errhint("Write it as '{a,b}' or ARRAY['a', 'b'].")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", name),
					 errdetail("Element %d of %d is NULL.", i + 1, count),
					 errhint("Leave it out of the array.")));
		items = lappend(items, TextDatumGetCString(values[i]));
	}
	return items;
}

char *
ml_arg_role(FunctionCallInfo fcinfo, int n, const char *argument)
{
	Oid			role = PG_ARGISNULL(n) ? InvalidOid : PG_GETARG_OID(n);
	char	   *name = OidIsValid(role) ? GetUserNameFromId(role, true) : NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(PG_ARGISNULL(n) ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_UNDEFINED_OBJECT),
				 PG_ARGISNULL(n) ? errmsg("%s must not be null", argument) : errmsg("role %u does not exist", role),
				 errhint("Name an existing role, such as 'analyst'.")));
	return name;
}

Jsonb *
ml_arg_jsonb(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P_COPY(n);
}

void
ml_put_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text != NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

void
ml_put_number(Datum *values, bool *nulls, int i, double x)
{
	nulls[i] = isnan(x);
	values[i] = Float8GetDatum(x);
}

Datum
ml_result_list(List *items)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(items), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, items)
		values[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}
