/*
 * row_values.c - a row or JSON object taken apart into the columns that checks look at.
 *
 * What is kept from row to row is in the context that the caller names. A row
 * type is looked up when it changes, which at one place of a query it does
 * not, but for records.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/row_values.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

/* ---- rows ---- */

/* Prepares for rows of another type. */
static void
ml_row_values_retype(MlRowValues *row, Oid type, int32 typmod)
{
	MemoryContext old = MemoryContextSwitchTo(row->context);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, typmod);
	int			n;

	row->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	row->desc->tdtypeid = type;
	row->desc->tdtypmod = typmod;
	n = row->desc->natts;
	ml_row_type_of(row->desc, &row->type);
	row->types = palloc(sizeof(Oid) * Max(n, 1));
	memcpy(row->types, row->type.types, sizeof(Oid) * n);
	row->type.types = row->types;
	row->literals = false;
	for (int i = 0; i < n; i++)
		row->literals |= row->types[i] == UNKNOWNOID;
	row->datums = palloc(sizeof(Datum) * Max(n, 1));
	row->nulls = palloc(sizeof(bool) * Max(n, 1));
	row->values = palloc(sizeof(NullableDatum) * Max(n, 1));
	row->changed = true;
	MemoryContextSwitchTo(old);
}

/* Makes texts of literals: they come as the parser left them. */
static void
ml_row_values_literals(MlRowValues *row)
{
	for (int i = 0; i < row->desc->natts; i++)
	{
		if (TupleDescAttr(row->desc, i)->atttypid != UNKNOWNOID || row->values[i].isnull)
			continue;
		row->values[i].value = CStringGetTextDatum(DatumGetCString(row->values[i].value));
		row->changed |= row->types[i] != TEXTOID;
		row->types[i] = TEXTOID;
	}
}

void
ml_row_values_tuple(MlRowValues *row, HeapTupleHeader tuple)
{
	Oid			type = HeapTupleHeaderGetTypeId(tuple);
	int32		typmod = HeapTupleHeaderGetTypMod(tuple);
	HeapTupleData data;

	if (unlikely(row->desc == NULL || row->desc->tdtypeid != type || row->desc->tdtypmod != typmod))
		ml_row_values_retype(row, type, typmod);
	data.t_len = HeapTupleHeaderGetDatumLength(tuple);
	ItemPointerSetInvalid(&data.t_self);
	data.t_tableOid = InvalidOid;
	data.t_data = tuple;
	heap_deform_tuple(&data, row->desc, row->datums, row->nulls);
	for (int i = 0; i < row->desc->natts; i++)
	{
		row->values[i].value = row->datums[i];
		row->values[i].isnull = row->nulls[i];
	}
	if (unlikely(row->literals))
		ml_row_values_literals(row);
}

/* ---- jsonb ---- */

/* The type of a JSON value as a column's, and the value. */
static Oid
ml_row_values_json_value(const JsonbValue *json, NullableDatum *value)
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
ml_row_values_key(MlRowValues *row, const char *key, int length)
{
	for (int i = 0; i < row->type.n; i++)
		if (strncmp(row->names[i], key, length) == 0 && row->names[i][length] == '\0')
			return i;
	if (row->type.n + 1 >= row->capacity)
	{
		int			capacity = Max(16, row->capacity * 2);

		if (row->capacity == 0)
		{
			row->names = MemoryContextAlloc(row->context, sizeof(char *) * capacity);
			row->types = MemoryContextAlloc(row->context, sizeof(Oid) * capacity);
			row->values = MemoryContextAlloc(row->context, sizeof(NullableDatum) * capacity);
		}
		else
		{
			row->names = repalloc(row->names, sizeof(char *) * capacity);
			row->types = repalloc(row->types, sizeof(Oid) * capacity);
			row->values = repalloc(row->values, sizeof(NullableDatum) * capacity);
		}
		row->capacity = capacity;
		row->type.names = (const char *const *) row->names;
		row->type.types = row->types;
		row->type.open = true;
	}
	row->names[row->type.n] = MemoryContextAlloc(row->context, length + 1);
	memcpy(row->names[row->type.n], key, length);
	row->names[row->type.n][length] = '\0';
	row->types[row->type.n] = UNKNOWNOID;
	row->values[row->type.n].isnull = true;
	row->changed = true;
	return row->type.n++;
}

void
ml_row_values_json(MlRowValues *row, Jsonb *json)
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
	for (int i = 0; i < row->type.n; i++)
		row->values[i].isnull = true;
	it = JsonbIteratorInit(&json->root);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		int			at = ml_row_values_key(row, v.val.string.val, v.val.string.len);
		Oid			type;

		(void) JsonbIteratorNext(&it, &v, true);
		type = ml_row_values_json_value(&v, &row->values[at]);
		if (type != UNKNOWNOID && type != row->types[at])
		{
			row->types[at] = type;
			row->changed = true;
		}
	}
	if (row->capacity == 0)
		row->values = MemoryContextAlloc(row->context, sizeof(NullableDatum));
	row->type.open = true;
	row->values[row->type.n].isnull = true;
}
