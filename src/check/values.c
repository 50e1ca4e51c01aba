/*
 * values.c - what kinds that judge rows share: types, texts, lists of values.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "check/values.h"
#include "utils/lsyscache.h"

bool
ml_value_is_text(const MlCheckColumn *column)
{
	char		category;
	bool		preferred;

	if (column->convert.class != ML_TYPE_UNSUPPORTED)
		return column->convert.class == ML_TYPE_TEXT;
	get_type_category_preferred(column->convert.type, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

bool
ml_value_is_number(const MlCheckColumn *column)
{
	return column->convert.class == ML_TYPE_NUMBER && column->convert.type != BOOLOID;
}

void
ml_value_need_texts(const MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (!ml_value_is_text(&row->columns[i]))
			ml_check_refuse_type(row->check, &row->columns[i], "a text");
}

void
ml_value_need_numbers(const MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (!ml_value_is_number(&row->columns[i]))
			ml_check_refuse_type(row->check, &row->columns[i], "a number");
}

Oid
ml_value_collation(const MlCheckColumn *column)
{
	if (OidIsValid(column->collation) && get_collation_isdeterministic(column->collation))
		return column->collation;
	return DEFAULT_COLLATION_OID;
}

void
ml_value_at(const MlRowCheck *row, int i, StringInfo out)
{
	if (row->ncolumns > 1)
		appendStringInfo(out, "fail at %s, which ", row->columns[i].name);
}

void
ml_value_is(const MlRowCheck *row, int i, const NullableDatum *values, StringInfo out)
{
	ml_value_at(row, i, out);
	appendStringInfoString(out, "is ");
	ml_check_show(&row->columns[i], values[row->columns[i].index].value, out);
}

JsonbValue *
ml_value_elements(JsonbContainer *array, int *n)
{
	JsonbValue *elements = palloc_extended(sizeof(JsonbValue) * Max(JsonContainerSize(array), 1), MCXT_ALLOC_HUGE);
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbValue	v;
	JsonbIteratorToken token = JsonbIteratorNext(&it, &v, true);

	*n = 0;
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_ELEM)
		elements[(*n)++] = v;
	return elements;
}

JsonbValue *
ml_value_list(const MlCheck *check, const char *name, int *n)
{
	const MlParamValue *param = ml_check_param(check, name);
	char	   *hint = psprintf("Pass params => '{\"%s\": [...]}'.", name);

	if (param->isnull)
		ml_check_refuse(check, psprintf("it needs parameter \"%s\"", name), NULL, hint);
	if (!JB_ROOT_IS_ARRAY(param->json) || JB_ROOT_IS_SCALAR(param->json))
		ml_check_refuse(check, psprintf("parameter \"%s\" must be a JSON array", name),
						psprintf("It is a JSON %s.", JB_ROOT_IS_SCALAR(param->json) ? "scalar" : "object"), hint);
	if (JB_ROOT_COUNT(param->json) == 0)
		ml_check_refuse(check, psprintf("parameter \"%s\" is empty", name), NULL, "List at least one value.");
	return ml_value_elements(&param->json->root, n);
}
