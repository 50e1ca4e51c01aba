/*
 * schema_compile.c - a JSON Schema as it was written into one that judges.
 *
 * What is not known is refused, so nothing that a schema asks for goes
 * unchecked; notes (title, description and the like) are skipped. There are no
 * references, so a schema is a tree, and judging goes no deeper than it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/regex.h"
#include "check/schema_state.h"
#include "check/values.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

const char *const ml_schema_limits[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};
const char *const ml_schema_counts[] = {"minLength", "maxLength", "minItems", "maxItems"};
const char *const ml_schema_groups[] = {"anyOf", "allOf", "oneOf"};

/* A keyword with its value, and where it stands. */
typedef struct MlSchemaWord
{
	const MlCheck *check;
	const char *path;			/* of the schema that has it */
	const char *name;
	const JsonbValue *value;
} MlSchemaWord;

static ML_NORETURN void
ml_schema_refuse(const MlSchemaWord *word, const char *problem)
{
	ml_check_refuse(word->check, psprintf("keyword \"%s\" of the schema %s", word->name, problem),
					psprintf("It stands at %s.", word->path),
					"View ml.check_kinds and the manual list what schemas can say.");
}

static bool
ml_schema_is(const MlSchemaWord *word, const char *name)
{
	return strcmp(word->name, name) == 0;
}

/* The place of a keyword in a list, or -1. */
static int
ml_schema_in(const MlSchemaWord *word, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (ml_schema_is(word, names[i]))
			return i;
	return -1;
}

static MlSchema *
ml_schema_below(const MlSchemaWord *word, const JsonbValue *value, const char *path)
{
	MlSchema   *schema;

	if (value->type == jbvBool)
	{
		schema = palloc0(sizeof(MlSchema));
		schema->never = !value->val.boolean;
		memset(schema->count, 0xff, sizeof schema->count);
		return schema;
	}
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		ml_schema_refuse(word, "must hold a schema, an object, true or false");
	return ml_schema_compile(word->check, value->val.binary.data, path);
}

/* The elements of a keyword that is an array; not empty. */
static JsonbValue *
ml_schema_array(const MlSchemaWord *word, int *n)
{
	if (word->value->type != jbvBinary || !JsonContainerIsArray(word->value->val.binary.data) ||
		JsonContainerSize(word->value->val.binary.data) == 0)
		ml_schema_refuse(word, "must be an array that is not empty");
	return ml_value_elements(word->value->val.binary.data, n);
}

static void
ml_schema_type(const MlSchemaWord *word, const JsonbValue *value, MlSchema *schema)
{
	static const char *const names[] = {"null", "boolean", "number", "string", "array", "object", "integer"};

	for (int i = 0; value->type == jbvString && i < (int) lengthof(names); i++)
		if (value->val.string.len == (int) strlen(names[i]) &&
			memcmp(value->val.string.val, names[i], value->val.string.len) == 0)
		{
			schema->types |= 1 << i;
			return;
		}
	ml_schema_refuse(word, "must be null, boolean, integer, number, string, array or object, or an array of these");
}

static MlSchemaProperty *
ml_schema_property(MlSchema *schema, const JsonbValue *name)
{
	MlSchemaProperty *property;

	for (int i = 0; i < schema->nproperties; i++)
		if (ml_schema_order(schema->properties[i].name, schema->properties[i].length, name->val.string.val,
							name->val.string.len) == 0)
			return &schema->properties[i];
	schema->properties = schema->properties == NULL ? palloc(sizeof(MlSchemaProperty)) :
		repalloc(schema->properties, sizeof(MlSchemaProperty) * (schema->nproperties + 1));
	property = &schema->properties[schema->nproperties++];
	property->name = pnstrdup(name->val.string.val, name->val.string.len);
	property->length = name->val.string.len;
	property->schema = NULL;
	property->required = -1;
	return property;
}

static void
ml_schema_properties(const MlSchemaWord *word, MlSchema *schema)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (word->value->type != jbvBinary || !JsonContainerIsObject(word->value->val.binary.data))
		ml_schema_refuse(word, "must be an object of schemas");
	it = JsonbIteratorInit(word->value->val.binary.data);
	token = JsonbIteratorNext(&it, &key, true);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		char	   *path = psprintf("%s.%.*s", word->path, key.val.string.len, key.val.string.val);
		MlSchema   *below;

		token = JsonbIteratorNext(&it, &value, true);
		below = ml_schema_below(word, &value, path);
		ml_schema_property(schema, &key)->schema = below;
	}
}

static void
ml_schema_required(const MlSchemaWord *word, MlSchema *schema)
{
	int			n;
	JsonbValue *names = ml_schema_array(word, &n);

	for (int i = 0; i < n; i++)
	{
		MlSchemaProperty *property;

		if (names[i].type != jbvString)
			ml_schema_refuse(word, "must be an array of names");
		property = ml_schema_property(schema, &names[i]);
		if (property->required < 0)
			property->required = schema->nrequired++;
	}
}

/* const and enum: the values that are allowed. */
static void
ml_schema_values(const MlSchemaWord *word, const JsonbValue *values, int n, MlSchema *schema)
{
	if (schema->nvalues > 0)
		ml_schema_refuse(word, "cannot stand beside the other of const and enum");
	schema->nvalues = n;
	schema->values = palloc_extended(sizeof(MlSchemaValue) * (Size) n, MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		Jsonb	   *json = JsonbValueToJsonb(unconstify(JsonbValue *, &values[i]));
		char	   *text = JsonbToCString(NULL, &json->root, VARSIZE(json));

		CHECK_FOR_INTERRUPTS();
		schema->values[i].nodes = ml_json_tree(text, strlen(text));
	}
}

static Numeric
ml_schema_number(const MlSchemaWord *word)
{
	if (word->value->type != jbvNumeric)
		ml_schema_refuse(word, "must be a number");
	return word->value->val.numeric;
}

/* Keywords of numbers, lengths and texts; false if it is none of them. */
static bool
ml_schema_take_scalar(const MlSchemaWord *word, MlSchema *schema)
{
	int			place;

	if ((place = ml_schema_in(word, ml_schema_limits, ML_SCHEMA_LIMITS)) >= 0)
	{
		schema->limit[place] = ml_schema_number(word);
		if (place == ML_SCHEMA_MULTIPLE_OF &&
			!DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(schema->limit[place]),
											  DirectFunctionCall1(int4_numeric, Int32GetDatum(0)))))
			ml_schema_refuse(word, "must be above 0");
	}
	else if ((place = ml_schema_in(word, ml_schema_counts, ML_SCHEMA_COUNTS)) >= 0)
	{
		double		x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
														   NumericGetDatum(ml_schema_number(word))));

		if (!(x >= 0 && x <= PG_INT32_MAX && x == (double) (int64) x))
			ml_schema_refuse(word, "must be a whole number, 0 or above");
		schema->count[place] = (int64) x;
	}
	else if (ml_schema_is(word, "pattern") || ml_schema_is(word, "format"))
	{
		char	   *text;

		if (word->value->type != jbvString)
			ml_schema_refuse(word, "must be a string");
		text = pnstrdup(word->value->val.string.val, word->value->val.string.len);
		if (ml_schema_is(word, "pattern"))
			schema->pattern = ml_regex_check(word->check, text, false);
		else if ((schema->format = ml_format(text)) == NULL)
			ml_schema_refuse(word, psprintf("names the format \"%s\", which is not known", text));
	}
	else
		return false;
	return true;
}

/* Keywords that hold schemas; false if it is none of them. */
static bool
ml_schema_take_schemas(const MlSchemaWord *word, MlSchema *schema)
{
	int			place;

	if (ml_schema_is(word, "properties"))
		ml_schema_properties(word, schema);
	else if (ml_schema_is(word, "additionalProperties"))
		schema->additional = ml_schema_below(word, word->value, psprintf("%s.*", word->path));
	else if (ml_schema_is(word, "items"))
		schema->items = ml_schema_below(word, word->value, psprintf("%s[*]", word->path));
	else if (ml_schema_is(word, "not"))
		schema->not = ml_schema_below(word, word->value, word->path);
	else if ((place = ml_schema_in(word, ml_schema_groups, ML_SCHEMA_GROUPS)) >= 0)
	{
		JsonbValue *members = ml_schema_array(word, &schema->ngroup[place]);

		schema->group[place] = palloc(sizeof(MlSchema *) * schema->ngroup[place]);
		for (int i = 0; i < schema->ngroup[place]; i++)
			schema->group[place][i] = ml_schema_below(word, &members[i], word->path);
	}
	else
		return false;
	return true;
}

static void
ml_schema_take(const MlSchemaWord *word, MlSchema *schema)
{
	static const char *const notes[] = {
		"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"
	};
	int			n;

	if (ml_schema_in(word, notes, lengthof(notes)) >= 0 || ml_schema_take_scalar(word, schema) ||
		ml_schema_take_schemas(word, schema))
		return;
	if (ml_schema_is(word, "type"))
	{
		if (word->value->type == jbvString)
			ml_schema_type(word, word->value, schema);
		else
		{
			JsonbValue *types = ml_schema_array(word, &n);

			for (int i = 0; i < n; i++)
				ml_schema_type(word, &types[i], schema);
		}
	}
	else if (ml_schema_is(word, "required"))
		ml_schema_required(word, schema);
	else if (ml_schema_is(word, "const"))
		ml_schema_values(word, word->value, 1, schema);
	else if (ml_schema_is(word, "enum"))
	{
		JsonbValue *values = ml_schema_array(word, &n);

		ml_schema_values(word, values, n, schema);
	}
	else if (ml_schema_is(word, "$ref") || ml_schema_is(word, "$defs") || ml_schema_is(word, "definitions"))
		ml_schema_refuse(word, "refers to another schema, which is not supported: write that schema in its place");
	else
		ml_schema_refuse(word, "is not known");
}

static int
ml_schema_sort(const void *a, const void *b)
{
	const MlSchemaProperty *x = a;
	const MlSchemaProperty *y = b;

	return ml_schema_order(x->name, x->length, y->name, y->length);
}

MlSchema *
ml_schema_compile(const MlCheck *check, JsonbContainer *json, const char *path)
{
	MlSchema   *schema = palloc0(sizeof(MlSchema));
	JsonbIterator *it = JsonbIteratorInit(json);
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token = JsonbIteratorNext(&it, &key, true);

	check_stack_depth();
	memset(schema->count, 0xff, sizeof schema->count);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);
		MlSchemaWord word = {check, path, name, &value};

		token = JsonbIteratorNext(&it, &value, true);
		ml_schema_take(&word, schema);
	}
	if (schema->nproperties > 1)
		qsort(schema->properties, schema->nproperties, sizeof(MlSchemaProperty), ml_schema_sort);
	return schema;
}
