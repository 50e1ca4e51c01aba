/*
 * column_types.c - checks the types of a source's columns.
 *
 * Types are compared as the server understands them: "int" is integer. Where a
 * type is written with a modifier, as in numeric(10,2), that is compared too.
 * Domains are types of their own. A column that is missing has no type, and
 * fails.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/columns.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* What format_type() says of a type, with its modifier where wanted has one. */
static char *
ml_column_types_shown(Oid type, int32 typmod, bool modified)
{
	return modified ? format_type_with_typemod(type, typmod) : format_type_be(type);
}

/* Whether a type is what was written; shown is it as far as it was asked for. */
static bool
ml_column_types_same(const char *wanted, Oid type, int32 typmod, char **shown)
{
	Oid			expected;
	int32		expected_typmod;

	ml_compat_parse_type(wanted, &expected, &expected_typmod);
	*shown = ml_column_types_shown(type, typmod, expected_typmod >= 0);
	return type == expected && (expected_typmod < 0 || expected_typmod == typmod);
}

static void
ml_column_types_schema(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	JsonbIterator *it = JsonbIteratorInit(&ml_check_param(check, "types")->json->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *name = NULL;
	int			wrong = 0;
	StringInfoData observed;

	initStringInfo(&observed);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *shown = NULL;
		int			place;

		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		place = ml_columns_find(source, name);
		if (place >= 0 && ml_column_types_same(pnstrdup(v.val.string.val, v.val.string.len), source->types[place],
											   source->typmods[place], &shown))
			continue;
		appendStringInfoString(&observed, wrong++ > 0 ? ", " : "");
		ml_json_text(&observed, name);
		appendStringInfoString(&observed, ": ");
		ml_json_text(&observed, shown);
	}
	out->observed = psprintf("{\"value\": %d, \"types\": {%s}}", wrong, observed.data);
	out->status = wrong == 0 ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_column_types_validate(const MlCheck *check)
{
	const MlParamValue *types = ml_check_param(check, "types");
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (types->isnull)
		ml_check_refuse(check, "it needs types", NULL, "Pass params => '{\"types\": {\"age\": \"integer\"}}'.");
	if (!JB_ROOT_IS_OBJECT(types->json) || JB_ROOT_COUNT(types->json) == 0)
		ml_check_refuse(check, "parameter \"types\" must be an object of columns with their types",
						psprintf("It is %s.", types->text), "Write it as in {\"age\": \"integer\"}.");
	it = JsonbIteratorInit(&types->json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		Oid			type;
		int32		typmod;

		if (token != WJB_VALUE)
			continue;
		if (v.type != jbvString)
			ml_check_refuse(check, "a type is not a text", psprintf("Parameter \"types\" is %s.", types->text),
							"Write the names of types in quotes.");
		/* raises an error for a type that does not exist */
		ml_compat_parse_type(pnstrdup(v.val.string.val, v.val.string.len), &type, &typmod);
	}
}

static const MlParam ml_column_types_params[] = {
	{"types", ML_PARAM_JSON, NULL, 0, 0, NULL, "the columns and their types, an object of texts"}
};

const MlCheckKind ml_check_column_types = {
	.name = "column_types",
	.summary = "columns of the source have the types given",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_column_types_params,
	.nparams = lengthof(ml_column_types_params),
	.validate = ml_column_types_validate,
	.schema = ml_column_types_schema
};
