/*
 * search_trial.c - from a point of the space to the parameters and the pipeline of a trial.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/search_internal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

char *
ml_search_key(const JsonbValue *v)
{
	return pnstrdup(v->val.string.val, v->val.string.len);
}

void
ml_search_push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, key);
	v.val.string.len = strlen(key);
	(void) pushJsonbValue(state, WJB_KEY, &v);
}

Jsonb *
ml_search_changed(Jsonb *object, int n, const char *const *keys, JsonbValue *const *values)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	bool		changed;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	it = object ? JsonbIteratorInit(&object->root) : NULL;
	if (it)
		(void) JsonbIteratorNext(&it, &v, true);
	while (it && (token = JsonbIteratorNext(&it, &v, true)) == WJB_KEY)
	{
		char	   *key = ml_search_key(&v);

		changed = false;
		for (int i = 0; i < n; i++)
			changed |= strcmp(keys[i], key) == 0;
		(void) JsonbIteratorNext(&it, &v, true);
		if (changed)
			continue;
		ml_search_push_key(&state, key);
		(void) pushJsonbValue(&state, WJB_VALUE, &v);
	}
	for (int i = 0; i < n; i++)
	{
		ml_search_push_key(&state, keys[i]);
		(void) pushJsonbValue(&state, WJB_VALUE, values[i]);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

void
ml_search_number(JsonbValue *out, double x)
{
	out->type = jbvNumeric;
	out->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(ml_text_number(x)),
														   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* The pipeline that was given, with other parameters of a step. */
static Jsonb *
ml_search_change_step(Jsonb *pipeline, const MlSearchDim *dim, JsonbValue *value)
{
	JsonbParseState *state = NULL;

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < JsonContainerSize(&pipeline->root); i++)
	{
		JsonbValue *step = getIthJsonbValueFromContainer(&pipeline->root, i);
		JsonbValue	changed;

		if ((int) i == dim->step)
			JsonbToJsonbValue(ml_search_changed(JsonbValueToJsonb(step), 1, &dim->param->name, &value), &changed);
		(void) pushJsonbValue(&state, WJB_ELEM, (int) i == dim->step ? &changed : step);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* What tells trials apart: every parameter with its value. */
static char *
ml_search_identity(const MlSearch *search, const MlTrial *trial)
{
	const MlLearner *learner = search->learners[trial->learner].learner;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s ", learner->name);
	ml_options_json(&out, learner->params, learner->nparams,
					ml_options_parse(psprintf("learner \"%s\"", learner->name), learner->params, learner->nparams,
									 trial->params, list_make1("positive_class")));
	if (trial->pipeline)
		appendStringInfo(&out, " %s", JsonbToCString(NULL, &trial->pipeline->root, VARSIZE(trial->pipeline)));
	return out.data;
}

void
ml_search_fill(const MlSearch *search, MlTrial *trial)
{
	const char **keys = palloc(sizeof(char *) * Max(search->ndims, 1));
	JsonbValue **values = palloc(sizeof(JsonbValue *) * Max(search->ndims, 1));
	int			n = 0;

	trial->pipeline = search->pipeline;
	for (int d = 0; d < search->ndims; d++)
	{
		const MlSearchDim *dim = &search->dims[d];
		JsonbValue *value;

		if (isnan(trial->point[d]))
			continue;
		value = palloc(sizeof(JsonbValue));
		if (dim->nvalues > 0)
			*value = dim->values[(int) trial->point[d]];
		else
			ml_search_number(value, trial->point[d]);
		if (dim->part == ML_SEARCH_PIPELINE)
			trial->pipeline = value->type == jbvNull ? NULL : JsonbValueToJsonb(value);
		else if (dim->part == ML_SEARCH_STEP)
			trial->pipeline = ml_search_change_step(trial->pipeline, dim, value);
		else
		{
			keys[n] = dim->param->name;
			values[n++] = value;
		}
	}
	trial->params = ml_search_changed(search->learners[trial->learner].given, n, keys, values);
	trial->identity = ml_search_identity(search, trial);
}
