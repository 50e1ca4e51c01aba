/*
 * schema.c - a compiled JSON Schema judges a value.
 *
 * As JSON Schema has it: a keyword about one type lets values of other types
 * pass; 1.0 is an integer, and equals 1. A key that occurs twice has to be valid
 * twice.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "check/readers.h"
#include "check/regex.h"
#include "check/schema_state.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* The number of a node, or NULL for one that numeric cannot hold. */
static Numeric
ml_schema_numeric(const MlJsonNode *node)
{
	if (!ml_reads_number(node->s, node->length))
		return NULL;
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(node->s, node->length)),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static int
ml_schema_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
ml_schema_same(const MlJsonNode *a, int i, const MlJsonNode *b, int j);

/* Members in any order. The keys of b, which is the schema's, all differ; with as many in a, so do those of a. */
static bool
ml_schema_same_members(const MlJsonNode *a, int i, const MlJsonNode *b, int j)
{
	if (a[i].n != b[j].n)
		return false;
	for (int y = j + 1; y < b[j].end; y = b[y].end)
	{
		int			found = -1;

		CHECK_FOR_INTERRUPTS();
		for (int x = i + 1; x < a[i].end; x = a[x].end)
			if (a[x].key_length == b[y].key_length && memcmp(a[x].key, b[y].key, a[x].key_length) == 0)
				found = x;
		if (found < 0 || !ml_schema_same(a, found, b, y))
			return false;
	}
	return true;
}

/* Whether value i of one tree equals value j of another. No deeper than the schema's own. */
static bool
ml_schema_same(const MlJsonNode *a, int i, const MlJsonNode *b, int j)
{
	Numeric		x;
	Numeric		y;

	check_stack_depth();
	if (a[i].type != b[j].type)
		return false;
	switch (a[i].type)
	{
		case ML_JSON_NULL:
			return true;
		case ML_JSON_BOOLEAN:
			return a[i].n == b[j].n;
		case ML_JSON_NUMBER:
			x = ml_schema_numeric(&a[i]);
			y = ml_schema_numeric(&b[j]);
			return x && y && ml_schema_compare(x, y) == 0;
		case ML_JSON_STRING:
			return a[i].length == b[j].length && memcmp(a[i].s, b[j].s, a[i].length) == 0;
		case ML_JSON_OBJECT:
			return ml_schema_same_members(a, i, b, j);
		case ML_JSON_ARRAY:
			break;
	}
	if (a[i].n != b[j].n)
		return false;
	for (int p = i + 1, q = j + 1; p < a[i].end; p = a[p].end, q = b[q].end)
		if (!ml_schema_same(a, p, b, q))
			return false;
	return true;
}

/* Says why, once. */
static bool
ml_schema_fails(StringInfo why, const char *reason)
{
	if (why)
		appendStringInfoString(why, reason);
	return false;
}

static bool
ml_schema_number_holds(const MlSchema *schema, const MlJsonNode *node, StringInfo why)
{
	Numeric		x = NULL;

	for (int i = 0; i < ML_SCHEMA_LIMITS; i++)
	{
		bool		good;

		if (schema->limit[i] == NULL)
			continue;
		if (x == NULL && (x = ml_schema_numeric(node)) == NULL)
			return ml_schema_fails(why, "is beyond what a number can be");
		if (i == ML_SCHEMA_MULTIPLE_OF)
		{
			bool		overflow = false;
			Numeric		rest = numeric_mod_opt_error(x, schema->limit[i], &overflow);

			good = !overflow && ml_schema_compare(rest, DatumGetNumeric(DirectFunctionCall1(int4_numeric,
																						   Int32GetDatum(0)))) == 0;
		}
		else
		{
			int			order = ml_schema_compare(x, schema->limit[i]);

			good = i == ML_SCHEMA_MINIMUM ? order >= 0 : i == ML_SCHEMA_MAXIMUM ? order <= 0 :
				i == ML_SCHEMA_EXCLUSIVE_MINIMUM ? order > 0 : order < 0;
		}
		if (!good)
			return ml_schema_fails(why, psprintf("does not meet \"%s\"", ml_schema_limits[i]));
	}
	return true;
}

static bool
ml_schema_count_holds(const MlSchema *schema, MlSchemaCount least, int64 n, StringInfo why)
{
	for (int i = least; i < least + 2; i++)
		if (schema->count[i] >= 0 && (i == least ? n < schema->count[i] : n > schema->count[i]))
			return ml_schema_fails(why, psprintf("does not meet \"%s\"", ml_schema_counts[i]));
	return true;
}

static bool
ml_schema_string_holds(const MlSchema *schema, const MlJsonNode *node, StringInfo why)
{
	if ((schema->count[ML_SCHEMA_MIN_LENGTH] >= 0 || schema->count[ML_SCHEMA_MAX_LENGTH] >= 0) &&
		!ml_schema_count_holds(schema, ML_SCHEMA_MIN_LENGTH, pg_mbstrlen_with_len(node->s, node->length), why))
		return false;
	if (schema->pattern && !ml_regex_matches(schema->pattern, false, DEFAULT_COLLATION_OID, node->s, node->length))
		return ml_schema_fails(why, "does not match its pattern");
	if (schema->format && !schema->format->holds(node->s, node->length))
		return ml_schema_fails(why, psprintf("is not %s", schema->format->noun));
	return true;
}

static bool
ml_schema_array_holds(const MlSchema *schema, const MlJsonNode *nodes, int node, StringInfo why)
{
	int			place = 0;

	if (!ml_schema_count_holds(schema, ML_SCHEMA_MIN_ITEMS, nodes[node].n, why))
		return false;
	if (schema->items == NULL)
		return true;
	for (int i = node + 1; i < nodes[node].end; i = nodes[i].end, place++)
	{
		int			start = why ? why->len : 0;

		CHECK_FOR_INTERRUPTS();
		if (why)
			appendStringInfo(why, "element %d ", place);
		if (!ml_schema_holds(schema->items, nodes, i, why))
			return false;
		if (why)
			why->data[why->len = start] = '\0';
	}
	return true;
}

static const MlSchemaProperty *
ml_schema_find(const MlSchema *schema, const MlJsonNode *node)
{
	int			low = 0;
	int			high = schema->nproperties;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const MlSchemaProperty *property = &schema->properties[middle];
		int			order = ml_schema_order(property->name, property->length, node->key, node->key_length);

		if (order == 0)
			return property;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool
ml_schema_object_holds(const MlSchema *schema, const MlJsonNode *nodes, int node, StringInfo why)
{
	bool	   *seen = schema->nrequired > 0 ? palloc0(schema->nrequired) : NULL;

	for (int i = node + 1; i < nodes[node].end; i = nodes[i].end)
	{
		const MlSchemaProperty *property = ml_schema_find(schema, &nodes[i]);
		const MlSchema *below = property && property->schema ? property->schema : schema->additional;
		int			start = why ? why->len : 0;

		CHECK_FOR_INTERRUPTS();
		if (property && property->required >= 0)
			seen[property->required] = true;
		if (below == NULL)
			continue;
		if (why)
			appendStringInfo(why, "\"%.*s\" ", pg_mbcliplen(nodes[i].key, nodes[i].key_length, 60), nodes[i].key);
		if (!ml_schema_holds(below, nodes, i, why))
			return false;
		if (why)
			why->data[why->len = start] = '\0';
	}
	for (int i = 0; i < schema->nproperties; i++)
		if (schema->properties[i].required >= 0 && !seen[schema->properties[i].required])
			return ml_schema_fails(why, psprintf("lacks \"%s\"", schema->properties[i].name));
	return true;
}

static bool
ml_schema_groups_hold(const MlSchema *schema, const MlJsonNode *nodes, int node, StringInfo why)
{
	for (int g = 0; g < ML_SCHEMA_GROUPS; g++)
	{
		int			valid = 0;

		for (int i = 0; i < schema->ngroup[g]; i++)
			valid += ml_schema_holds(schema->group[g][i], nodes, node, NULL);
		if (schema->ngroup[g] > 0 &&
			(g == ML_SCHEMA_ANY_OF ? valid == 0 : g == ML_SCHEMA_ALL_OF ? valid < schema->ngroup[g] : valid != 1))
			return ml_schema_fails(why, psprintf("meets %d of the %d schemas of \"%s\"", valid, schema->ngroup[g],
												 ml_schema_groups[g]));
	}
	if (schema->not && ml_schema_holds(schema->not, nodes, node, NULL))
		return ml_schema_fails(why, "meets the schema of \"not\"");
	return true;
}

static bool
ml_schema_type_holds(const MlSchema *schema, const MlJsonNode *node)
{
	Numeric		x;

	if (schema->types == 0 || (schema->types & (1 << node->type)) != 0)
		return true;
	if (node->type != ML_JSON_NUMBER || (schema->types & (1 << ML_SCHEMA_INTEGER)) == 0)
		return false;
	x = ml_schema_numeric(node);
	return x && ml_schema_compare(x, DatumGetNumeric(DirectFunctionCall1(numeric_floor, NumericGetDatum(x)))) == 0;
}

bool
ml_schema_holds(const MlSchema *schema, const MlJsonNode *nodes, int node, StringInfo why)
{
	const MlJsonNode *self = &nodes[node];
	bool		listed = schema->nvalues == 0;

	if (schema->never)
		return ml_schema_fails(why, "is not allowed");
	if (!ml_schema_type_holds(schema, self))
		return ml_schema_fails(why, "is of another type");
	for (int i = 0; i < schema->nvalues && !listed; i++)
		listed = ml_schema_same(nodes, node, schema->values[i].nodes, 0);
	if (!listed)
		return ml_schema_fails(why, "is not one of the allowed values");
	if (self->type == ML_JSON_NUMBER ? !ml_schema_number_holds(schema, self, why) :
		self->type == ML_JSON_STRING ? !ml_schema_string_holds(schema, self, why) :
		self->type == ML_JSON_ARRAY ? !ml_schema_array_holds(schema, nodes, node, why) :
		self->type == ML_JSON_OBJECT ? !ml_schema_object_holds(schema, nodes, node, why) : false)
		return false;
	return ml_schema_groups_hold(schema, nodes, node, why);
}
