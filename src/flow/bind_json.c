/*
 * bind_json.c - from the features of a row as jsonb to the cells the pipeline expects.
 *
 * What is palloc'd is left to the caller's per-row context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/bind_internal.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

static const char *
ml_bind_json_type(const JsonbValue *v)
{
	switch (v->type)
	{
		case jbvNull:
			return "JSON null";
		case jbvString:
			return "JSON string";
		case jbvNumeric:
			return "JSON number";
		case jbvBool:
			return "JSON boolean";
		default:
			return "JSON object or array";
	}
}

/* Refuses a JSON value of the wrong type. */
static double
ml_bind_json_mismatch(MlBinding *binding, const MlInput *input, const JsonbValue *v)
{
	if (!ml_bind_refuse(binding))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("feature \"%s\" of model \"%s\" cannot be a %s", input->name, binding->ref,
						ml_bind_json_type(v)),
				 errdetail("It was %s in training, which needs %s.", input->type_name,
						   ml_type_class_name(input->class)),
				 errhint("Write it as a JSON %s.", input->class == ML_TYPE_NUMBER ? "number" :
						 input->class == ML_TYPE_ARRAY ? "array of numbers" : "string")));
	return ml_cell_null();
}

/* Names the feature in the context of errors of the server's input functions. */
static void
ml_bind_json_context(void *arg)
{
	errcontext("feature \"%s\"", ((const MlInput *) arg)->name);
}

/* A date, timestamp or interval from its text. */
static double
ml_bind_json_time(MlBinding *binding, const MlInput *input, const JsonbValue *v)
{
	char	   *text = pnstrdup(v->val.string.val, v->val.string.len);
	ErrorContextCallback context;
	MlConvert	convert;
	Datum		value;

	memset(&convert, 0, sizeof convert);
	convert.class = input->class;
	convert.kind = input->class == ML_TYPE_INTERVAL ? ML_CONVERT_INTERVAL : ML_CONVERT_TIMESTAMP;
	if (binding->soft)
	{
		if (ml_convert_time_text(input->class, text, &value))
			return ml_bind_number(binding, input, ml_convert_number(&convert, value));
		(void) ml_bind_refuse(binding);
		return ml_cell_null();
	}
	context.callback = ml_bind_json_context;
	context.arg = unconstify(MlInput *, input);
	context.previous = error_context_stack;
	error_context_stack = &context;
	value = DirectFunctionCall3(input->class == ML_TYPE_INTERVAL ? interval_in :
								input->class == ML_TYPE_TIME ? timestamp_in : timestamptz_in,
								CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	error_context_stack = context.previous;
	return ml_bind_number(binding, input, ml_convert_number(&convert, value));
}

static double
ml_bind_json_number(MlBinding *binding, const MlInput *input, const JsonbValue *v)
{
	if (v->type == jbvNull)
		return ml_bind_null(binding, input);
	if (v->type == jbvNumeric)
	{
		double		x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
														   NumericGetDatum(v->val.numeric)));

		/* JSON writes a real in few digits, which stand for the nearest real */
		if (ml_convert_is_single(input->type_name))
			x = (float4) x;
		return ml_bind_number(binding, input, x);
	}
	if (v->type == jbvBool)
		return v->val.boolean;
	if (v->type == jbvString && v->val.string.len == 3 && strncmp(v->val.string.val, "NaN", 3) == 0)
		return ml_bind_number(binding, input, NAN);
	return ml_bind_json_mismatch(binding, input, v);
}

/* A vector as its type writes it, which is what to_jsonb makes of one: "[1,2.5]". */
static void
ml_bind_json_vector(MlBinding *binding, const MlInput *input, const JsonbValue *v, double *cells)
{
	char	   *text = pnstrdup(v->val.string.val, v->val.string.len);
	char	   *at = text + strspn(text, " ");
	int			n = 0;
	char		next = *at == '[' ? ',' : '\0';

	while (next == ',')
	{
		char	   *end;
		float4		x;

		at++;
		x = strtof(at, &end);
		if (end == at)
			break;
		if (n < input->ncells)
			cells[n] = ml_bind_number(binding, input, x);
		n++;
		at = end + strspn(end, " ");
		next = *at;
	}
	if (next != ']')
		(void) ml_bind_json_mismatch(binding, input, v);
	else if (n != input->ncells)
		ml_bind_wrong_length(binding, input, n);
	pfree(text);
}

static void
ml_bind_json_array(MlBinding *binding, const MlInput *input, JsonbValue *v, double *cells)
{
	JsonbIterator *it;
	JsonbValue	element;
	JsonbIteratorToken token;
	int			depth = 0;
	int			elements_depth = 0;
	int			n = 0;

	if (v->type == jbvNull)
	{
		for (int e = 0; e < input->ncells; e++)
			cells[e] = ml_bind_null(binding, input);
		return;
	}
	if (v->type == jbvString && ml_convert_is_vector(input->type_name))
	{
		ml_bind_json_vector(binding, input, v, cells);
		return;
	}
	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
	{
		(void) ml_bind_json_mismatch(binding, input, v);
		return;
	}
	it = JsonbIteratorInit(v->val.binary.data);
	/* an array of more dimensions is nested, with all its elements at one depth */
	while ((token = JsonbIteratorNext(&it, &element, false)) != WJB_DONE)
	{
		depth += (token == WJB_BEGIN_ARRAY) - (token == WJB_END_ARRAY);
		if (token == WJB_BEGIN_OBJECT || (token == WJB_ELEM && n > 0 && depth != elements_depth))
		{
			(void) ml_bind_json_mismatch(binding, input, v);
			return;
		}
		if (token != WJB_ELEM)
			continue;
		elements_depth = depth;
		if (n < input->ncells)
			cells[n] = ml_bind_json_number(binding, input, &element);
		n++;
	}
	if (n != input->ncells)
		ml_bind_wrong_length(binding, input, n);
}

/* A text, or what is one where a column of texts was. */
static void
ml_bind_json_text(MlBinding *binding, const MlInput *input, const JsonbValue *v, double *cells)
{
	char	   *text;

	if (v->type == jbvString)
	{
		ml_bind_text(binding, input, v->val.string.val, strcmp(input->type_name, "character") == 0 ?
					 bpchartruelen(v->val.string.val, v->val.string.len) : v->val.string.len, cells);
		return;
	}
	if (v->type == jbvBool)
		text = v->val.boolean ? "true" : "false";
	else if (v->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	else
	{
		(void) ml_bind_json_mismatch(binding, input, v);
		return;
	}
	ml_bind_text(binding, input, text, strlen(text), cells);
}

static void
ml_bind_json_value(MlBinding *binding, const MlInput *input, JsonbValue *v, double *cells)
{
	if (input->class == ML_TYPE_ARRAY)
		ml_bind_json_array(binding, input, v, cells);
	else if (v->type == jbvNull)
		for (int e = 0; e < input->ncells; e++)
			cells[e] = ml_bind_null(binding, input);
	else if (input->class == ML_TYPE_TEXT)
		ml_bind_json_text(binding, input, v, cells);
	else if (input->class == ML_TYPE_NUMBER)
		*cells = ml_bind_json_number(binding, input, v);
	else
		*cells = v->type == jbvString ? ml_bind_json_time(binding, input, v) : ml_bind_json_mismatch(binding, input, v);
}

/* Raises the error for a key that the object lacks. */
static void
ml_bind_json_missing(MlBinding *binding, const char *name, Jsonb *json)
{
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (ml_bind_refuse(binding))
		return;
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
		if (token == WJB_KEY)
			names = lappend(names, pnstrdup(key.val.string.val, key.val.string.len));
	ml_bind_missing(binding, name, names);
}

void
ml_bind_jsonb(MlBinding *binding, Jsonb *json, double *cells)
{
	const MlPipeline *pipeline = binding->model->pipeline;

	if (!JB_ROOT_IS_OBJECT(json))
	{
		if (ml_bind_refuse(binding))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features as jsonb must be an object"),
				 errdetail("Model \"%s\" binds them by key.", binding->ref),
				 errhint("Write them as {\"column\": value, ...}.")));
	}
	for (int i = 0; i < pipeline->ninputs && !binding->refused; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		JsonbValue	buffer;
		JsonbValue *v = getKeyJsonValueFromContainer(&json->root, input->name, strlen(input->name), &buffer);

		if (v == NULL)
			ml_bind_json_missing(binding, input->name, json);
		else
			ml_bind_json_value(binding, input, v, cells + input->first_cell);
	}
}
