/*
 * tally.c - the values of a column with how often each occurs, and sets of values to compare them with.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/tally.h"
#include "utils/float.h"

static bool
ml_tally_numbers(const MlCheckColumn *column)
{
	return column->convert.class == ML_TYPE_NUMBER;
}

void
ml_tally_plan(const MlCheck *check, const MlCheckColumn *column, MlCollecting *scan)
{
	if (column->convert.class == ML_TYPE_UNSUPPORTED || column->convert.class == ML_TYPE_ARRAY)
		ml_check_refuse_type(check, column, "a number, a text, a date or a time");
	ml_collect(scan, ml_tally_numbers(column) ? ML_COLLECT_GROUPS : ML_COLLECT_LEVELS, 1, column);
}

typedef struct MlTallyRelay
{
	MlTallySink sink;
	void	   *ctx;
} MlTallyRelay;

static void
ml_tally_group(void *ctx, double value, int64 count)
{
	MlTallyRelay *relay = ctx;
	MlTallyValue v = {value, NULL};

	relay->sink(relay->ctx, &v, count);
}

static void
ml_tally_level(void *ctx, const char *text, int64 count, int64 nulls)
{
	MlTallyRelay *relay = ctx;
	MlTallyValue v = {0, text};

	relay->sink(relay->ctx, &v, count);
}

void
ml_tally_each(const MlCollected *scan, const MlCheckColumn *column, MlTallySink sink, void *ctx)
{
	MlTallyRelay relay = {sink, ctx};
	char	   *name = unconstify(char *, column->name);

	if (ml_tally_numbers(column))
		ml_collected_groups(scan, 1, &name, ml_tally_group, &relay);
	else
		ml_collected_levels(scan, 1, &name, ml_tally_level, &relay);
}

/* ---- sets ---- */

void
ml_tally_validate(const MlCheck *check, const char *param)
{
	const MlParamValue *value = ml_check_param(check, param);
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (value->isnull)
		ml_check_refuse(check, psprintf("it needs %s", param), NULL,
						psprintf("Pass params => '{\"%s\": [\"a\", \"b\"]}'.", param));
	if (!JB_ROOT_IS_ARRAY(value->json) || JB_ROOT_IS_SCALAR(value->json) || JB_ROOT_COUNT(value->json) == 0)
		ml_check_refuse(check, psprintf("parameter \"%s\" must be an array of values", param),
						psprintf("It is %s.", value->text), "Write it as in [\"a\", \"b\"].");
	it = JsonbIteratorInit(&value->json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM && v.type != jbvString && v.type != jbvNumeric && v.type != jbvBool)
			ml_check_refuse(check, psprintf("parameter \"%s\" must be an array of numbers, texts or booleans", param),
							psprintf("It is %s.", value->text), "Leave NULL to kind not_null.");
}

static int
ml_tally_compare(const void *a, const void *b)
{
	const MlTallyValue *x = a;
	const MlTallyValue *y = b;

	return x->text ? strcmp(x->text, y->text) : float8_cmp_internal(x->number, y->number);
}

char *
ml_tally_text(const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json)
{
	MlConvert	convert = column->convert;
	int			length;
	const char *text = ml_convert_text(&convert, ml_check_datum(check, column, json), &length);

	return pnstrdup(text, length);
}

/* A JSON scalar as the column's type has it. */
static MlTallyValue
ml_tally_value(const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json)
{
	MlTallyValue value = {0, NULL};

	if (ml_tally_numbers(column))
		value.number = ml_convert_number(&column->convert, ml_check_datum(check, column, json));
	else
		value.text = ml_tally_text(check, column, json);
	return value;
}

void
ml_tally_set(const MlCheck *check, const MlCheckColumn *column, const char *param, MlTallySet *set)
{
	const MlParamValue *value = ml_check_param(check, param);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	int			kept = 0;

	set->n = 0;
	set->values = NULL;
	if (value->isnull)
		return;
	set->values = palloc(sizeof(MlTallyValue) * JB_ROOT_COUNT(value->json));
	it = JsonbIteratorInit(&value->json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			set->values[set->n++] = ml_tally_value(check, column, &v);
	qsort(set->values, set->n, sizeof(MlTallyValue), ml_tally_compare);
	for (int i = 0; i < set->n; i++)
		if (i == 0 || ml_tally_compare(&set->values[i], &set->values[kept - 1]) != 0)
			set->values[kept++] = set->values[i];
	set->n = kept;
}

int
ml_tally_find(const MlTallySet *set, const MlTallyValue *value)
{
	const MlTallyValue *found = set->n == 0 ? NULL :
		bsearch(value, set->values, set->n, sizeof(MlTallyValue), ml_tally_compare);

	return found ? found - set->values : -1;
}

void
ml_tally_json(const MlCheckColumn *column, const MlTallyValue *value, StringInfo out)
{
	if (value->text)
		ml_json_text(out, value->text);
	else if (column->convert.type == BOOLOID)
		appendStringInfoString(out, value->number != 0 ? "true" : "false");
	else
		ml_json_number(out, value->number);
}
