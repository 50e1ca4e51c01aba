/*
 * json_schema.c - checks json, jsonb and texts by a JSON Schema. A text that is no JSON fails.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "check/schema.h"
#include "check/values.h"
#include "utils/builtins.h"

/* The tree of a value, or NULL. */
static MlJsonNode *
ml_json_schema_tree(const MlRowCheck *row, int i, Datum value)
{
	const char *s;
	int			length;

	if (row->columns[i].convert.type == JSONBOID)
	{
		Jsonb	   *json = DatumGetJsonbP(value);

		s = JsonbToCString(NULL, &json->root, VARSIZE(json));
		length = strlen(s);
	}
	else if (row->columns[i].convert.type == JSONOID)
	{
		text	   *t = DatumGetTextPP(value);

		s = VARDATA_ANY(t);
		length = VARSIZE_ANY_EXHDR(t);
	}
	else
		s = ml_value_text(row, i, value, &length);
	return ml_json_tree(s, length);
}

static bool
ml_json_schema_row_holds(const MlRowCheck *row, int i, Datum value)
{
	MlJsonNode *nodes = ml_json_schema_tree(row, i, value);
	bool		valid;

	if (nodes == NULL)
		return false;
	valid = ml_schema_holds(row->state, nodes, 0, NULL);
	pfree(nodes);
	return valid;
}

ML_EACH_COLUMN(ml_json_schema_passes, ml_json_schema_row_holds)

static MlSchema *
ml_json_schema_compile(const MlCheck *check)
{
	const MlParamValue *schema = ml_check_param(check, "schema");

	if (schema->isnull)
		ml_check_refuse(check, "it needs parameter \"schema\"", NULL,
						"Pass params => '{\"schema\": {\"type\": \"object\"}}'.");
	if (!JB_ROOT_IS_OBJECT(schema->json))
		ml_check_refuse(check, "parameter \"schema\" must be a JSON object", NULL,
						"Pass params => '{\"schema\": {\"type\": \"object\"}}'.");
	return ml_schema_compile(check, &schema->json->root, "$");
}

static void
ml_json_schema_validate(const MlCheck *check)
{
	(void) ml_json_schema_compile(check);
}

static void
ml_json_schema_prepare(MlRowCheck *row)
{
	for (int i = 0; i < row->ncolumns; i++)
		if (row->columns[i].convert.type != JSONBOID && row->columns[i].convert.type != JSONOID &&
			!ml_value_is_text(&row->columns[i]))
			ml_check_refuse_type(row->check, &row->columns[i], "json, jsonb or a text");
	row->state = ml_json_schema_compile(row->check);
	row->passes = ml_json_schema_passes;
}

static void
ml_json_schema_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_json_schema_passes_failing(row, values);
	MlJsonNode *nodes;

	if (i < 0)
		return;
	nodes = ml_json_schema_tree(row, i, values[row->columns[i].index].value);
	if (nodes == NULL)
	{
		ml_value_is(row, i, values, out);
		appendStringInfoString(out, ", not JSON");
		return;
	}
	ml_value_at(row, i, out);
	appendStringInfoString(out, "is not as its schema says: ");
	(void) ml_schema_holds(row->state, nodes, 0, out);
}

static const MlParam ml_json_schema_params[] = {
	{"schema", ML_PARAM_JSON, NULL, 0, 0, NULL, "a JSON Schema, without references"}
};

const MlCheckKind ml_check_json_schema = {
	.name = "json_schema",
	.summary = "json, jsonb and texts are as a JSON Schema says",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_json_schema_params,
	.nparams = lengthof(ml_json_schema_params),
	.validate = ml_json_schema_validate,
	.prepare = ml_json_schema_prepare,
	.explain = ml_json_schema_explain
};
