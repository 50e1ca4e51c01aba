/*
 * options.c - parameters declared once, as data: parsing, errors and listing come from one table.
 *
 * Values are palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/options.h"
#include "base/text.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/numeric.h"

const char *
ml_param_type_name(MlParamType type)
{
	static const char *const names[] = {"boolean", "integer", "number", "text", "json", "value"};

	return names[type];
}

static List *
ml_options_names(const MlParam *params, int nparams)
{
	List	   *names = NIL;

	for (int i = 0; i < nparams; i++)
		names = lappend(names, unconstify(char *, params[i].name));
	return names;
}

static ML_NORETURN void
ml_options_wrong_type(const char *owner, const MlParam *param)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"%s\" of %s must be of type %s", param->name, owner,
					ml_param_type_name(param->type)),
			 errdetail("%s", param->description),
			 errhint("Write it as a JSON %s.",
					 param->type == ML_PARAM_TEXT ? "string" :
					 param->type == ML_PARAM_JSON ? "object" :
					 param->type == ML_PARAM_BOOLEAN ? "true or false" : "number")));
}

/* Raises unless text is one of the parameter's choices. */
static void
ml_options_check_choice(const char *owner, const MlParam *param, const char *text)
{
	List	   *choices = NIL;
	char	   *copy = pstrdup(param->choices);
	char	   *save = NULL;

	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save))
	{
		if (strcmp(word, text) == 0)
			return;
		choices = lappend(choices, word);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"%s\" of %s cannot be \"%s\"", param->name, owner, text),
			 errdetail("Its values are: %s.", ml_text_list(choices, 20)),
			 errhint("%s", ml_text_hint(text, choices, "Choose one of these values."))));
}

static void
ml_options_check_number(const char *owner, const MlParam *param, double x)
{
	if (param->type == ML_PARAM_INTEGER && x != floor(x))
		ml_options_wrong_type(owner, param);
	if (!(x >= param->min && x <= param->max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of %s is out of range", param->name, owner),
				 errdetail("It is %s; it must be between %s and %s.", ml_text_number(x),
						   ml_text_number(param->min), ml_text_number(param->max)),
				 errhint("%s", param->description)));
}

static void
ml_options_default(const MlParam *param, MlParamValue *value)
{
	memset(value, 0, sizeof *value);
	if (param->default_value == NULL)
		value->isnull = true;
	else if (param->type == ML_PARAM_TEXT)
		value->text = pstrdup(param->default_value);
	else if (param->type == ML_PARAM_JSON || param->type == ML_PARAM_VALUE)
	{
		value->json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(param->default_value)));
		value->text = JsonbToCString(NULL, &value->json->root, VARSIZE(value->json));
	}
	else if (param->type == ML_PARAM_BOOLEAN)
		value->number = strcmp(param->default_value, "true") == 0;
	else
		value->number = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(param->default_value)));
}

static void
ml_options_set(const char *owner, const MlParam *param, const JsonbValue *json, MlParamValue *value)
{
	memset(value, 0, sizeof *value);
	if (json->type == jbvNull)
	{
		if (param->default_value != NULL)
			ml_options_wrong_type(owner, param);
		value->isnull = true;
		return;
	}
	switch (param->type)
	{
		case ML_PARAM_BOOLEAN:
			if (json->type != jbvBool)
				ml_options_wrong_type(owner, param);
			value->number = json->val.boolean;
			break;
		case ML_PARAM_INTEGER:
		case ML_PARAM_NUMBER:
			if (json->type != jbvNumeric)
				ml_options_wrong_type(owner, param);
			value->number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															   NumericGetDatum(json->val.numeric)));
			ml_options_check_number(owner, param, value->number);
			break;
		case ML_PARAM_TEXT:
			if (json->type == jbvString)
				value->text = pnstrdup(json->val.string.val, json->val.string.len);
			else if (param->choices == NULL && json->type == jbvBool)
				value->text = pstrdup(json->val.boolean ? "true" : "false");
			else if (param->choices == NULL && json->type == jbvNumeric)
				value->text = DatumGetCString(DirectFunctionCall1(numeric_out,
																  NumericGetDatum(json->val.numeric)));
			else
				ml_options_wrong_type(owner, param);
			if (param->choices)
				ml_options_check_choice(owner, param, value->text);
			break;
		case ML_PARAM_JSON:
			if (json->type != jbvString && (json->type != jbvBinary || !JsonContainerIsObject(json->val.binary.data)))
				ml_options_wrong_type(owner, param);
			/* FALLTHROUGH */
		case ML_PARAM_VALUE:
			value->json = JsonbValueToJsonb(unconstify(JsonbValue *, json));
			value->text = JsonbToCString(NULL, &value->json->root, VARSIZE(value->json));
			break;
	}
}

MlParamValue *
ml_options_parse(const char *owner, const MlParam *params, int nparams, Jsonb *given, List *ignored)
{
	MlParamValue *values = palloc0(sizeof(MlParamValue) * Max(nparams, 1));
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	for (int i = 0; i < nparams; i++)
		ml_options_default(&params[i], &values[i]);
	if (given == NULL)
		return values;
	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the parameters of %s must be a JSON object", owner),
				 errdetail("They are a JSON %s.", JB_ROOT_IS_SCALAR(given) ? "scalar" : "array"),
				 errhint("Write them as {\"name\": value, ...}.")));
	it = JsonbIteratorInit(&given->root);
	token = JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		char	   *name = pnstrdup(v.val.string.val, v.val.string.len);
		int			i;

		token = JsonbIteratorNext(&it, &v, true);
		for (i = 0; i < nparams; i++)
			if (strcmp(params[i].name, name) == 0)
				break;
		if (i == nparams && ml_text_listed(ignored, name))
			continue;
		if (i == nparams)
		{
			List	   *names = ml_options_names(params, nparams);

			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s has no parameter \"%s\"", owner, name),
					 nparams > 0 ? errdetail("Its parameters are: %s.", ml_text_list(names, 50)) :
					 errdetail("It has no parameters."),
					 errhint("%s", ml_text_hint(name, names, "Remove it or use one of these names."))));
		}
		ml_options_set(owner, &params[i], &v, &values[i]);
	}
	return values;
}

void
ml_options_json(StringInfo out, const MlParam *params, int nparams, const MlParamValue *values)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < nparams; i++)
	{
		appendStringInfo(out, "%s", i > 0 ? ", " : "");
		ml_json_text(out, params[i].name);
		appendStringInfoString(out, ": ");
		if (values[i].isnull)
			appendStringInfoString(out, "null");
		else if (params[i].type == ML_PARAM_TEXT)
			ml_json_text(out, values[i].text);
		else if (params[i].type == ML_PARAM_JSON || params[i].type == ML_PARAM_VALUE)
			appendStringInfoString(out, values[i].text);
		else if (params[i].type == ML_PARAM_BOOLEAN)
			appendStringInfoString(out, values[i].number != 0 ? "true" : "false");
		else
			ml_json_number(out, values[i].number);
	}
	appendStringInfoChar(out, '}');
}

double *
ml_option_numbers(const char *owner, const MlParam *param, const MlParamValue *value, int least, int most, int *n)
{
	JsonbContainer *root = &value->json->root;
	bool		good = JsonContainerIsArray(root) && !JsonContainerIsScalar(root);
	int			count = good ? JsonContainerSize(root) : 0;
	double	   *numbers = palloc(sizeof(double) * Max(count, 1));

	good = good && count >= least && count <= most;
	for (int i = 0; good && i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(root, i);

		good = element->type == jbvNumeric;
		if (good)
			numbers[i] = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															NumericGetDatum(element->val.numeric)));
		good = good && isfinite(numbers[i]);
	}
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of %s must be an array of %s numbers", param->name, owner,
						least == most ? psprintf("%d", least) : psprintf("%d to %d", least, most)),
				 errdetail("It is %s.", strlen(value->text) > 100 ? "something else" : value->text),
				 errhint("%s", param->description)));
	*n = count;
	return numbers;
}

const MlParamValue *
ml_option(const MlParam *params, int nparams, const MlParamValue *values, const char *name)
{
	for (int i = 0; i < nparams; i++)
		if (strcmp(params[i].name, name) == 0)
			return &values[i];
	elog(ERROR, "parameter \"%s\" is not in its table", name);
}
