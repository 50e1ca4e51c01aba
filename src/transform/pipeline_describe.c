/*
 * pipeline_describe.c - a fitted pipeline as JSON and in words, and the pipeline that would make it again.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/pipeline_internal.h"
#include "utils/builtins.h"

/* Columns that a description names; jsonb and artifact have them all. */
#define ML_WORDS_COLUMNS	5

/* The step in one sentence: what it does, to which columns, and what it learned of them. */
static char *
ml_pipeline_words(const MlPipelineStep *step, const MlShape *in)
{
	StringInfoData words;
	int			treated = 0;
	int			told = 0;

	initStringInfo(&words);
	appendStringInfoString(&words, step->transform->summary);
	words.data[0] = (char) pg_toupper((unsigned char) words.data[0]);
	for (int j = 0; j < in->ncols; j++)
		treated += step->treats[j];
	appendStringInfoString(&words, treated > 0 ? ": " : "; no column is of its kind");
	for (int j = 0; j < in->ncols && told < ML_WORDS_COLUMNS; j++)
	{
		if (!step->treats[j])
			continue;
		appendStringInfoString(&words, told == 0 ? "" : told == treated - 1 ? " and " : ", ");
		appendStringInfoString(&words, in->cols[j].name);
		if (step->transform->words)
		{
			appendStringInfoString(&words, " (");
			step->transform->words(step->state, in, j, &words);
			appendStringInfoChar(&words, ')');
		}
		told++;
	}
	if (treated > told)
		appendStringInfo(&words, " and %d more", treated - told);
	appendStringInfoChar(&words, '.');
	return words.data;
}

static void
ml_pipeline_describe_step(const MlPipelineStep *step, const MlShape *in, StringInfo out)
{
	const MlTransform *transform = step->transform;
	const MlStepSpec *asked = step->asked;
	bool		first = true;
	ListCell   *lc;

	appendStringInfoString(out, "{\"step\": ");
	ml_json_text(out, transform->name);
	foreach(lc, asked->columns)
	{
		appendStringInfoString(out, first ? ", \"columns\": [" : ", ");
		ml_json_text(out, lfirst(lc));
		first = false;
	}
	appendStringInfoString(out, first ? ", \"params\": " : "], \"params\": ");
	ml_options_json(out, transform->params, transform->nparams, asked->params);
	appendStringInfoString(out, ", \"treats\": [");
	first = true;
	for (int j = 0; j < in->ncols; j++)
	{
		if (!step->treats[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		first = false;
	}
	appendStringInfoString(out, "], \"learned\": ");
	transform->describe(step->state, in, out);
	appendStringInfoString(out, ", \"description\": ");
	ml_json_text(out, ml_pipeline_words(step, in));
	appendStringInfoChar(out, '}');
}

void
ml_pipeline_describe(const MlPipeline *p, StringInfo out)
{
	const MlShape *in = &p->entrance;

	appendStringInfoChar(out, '[');
	for (int s = 0; s < p->nsteps; s++)
	{
		appendStringInfoString(out, s > 0 ? ", " : "");
		ml_pipeline_describe_step(&p->steps[s], in, out);
		in = &p->steps[s].out;
	}
	appendStringInfoChar(out, ']');
}

static void
ml_pipeline_spec_value(StringInfo out, JsonbValue *value)
{
	Jsonb	   *json = JsonbValueToJsonb(value);

	appendStringInfoString(out, JsonbToCString(NULL, &json->root, VARSIZE(json)));
}

/* One step: its name and columns, and the parameters beside them. */
static void
ml_pipeline_spec_step(JsonbContainer *step, StringInfo out)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(step, "step", 4, &buffer);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	appendStringInfoString(out, "{\"step\": ");
	ml_pipeline_spec_value(out, value);
	value = getKeyJsonValueFromContainer(step, "columns", 7, &buffer);
	if (value)
	{
		appendStringInfoString(out, ", \"columns\": ");
		ml_pipeline_spec_value(out, value);
	}
	value = getKeyJsonValueFromContainer(step, "params", 6, &buffer);
	if (value == NULL)
		elog(ERROR, "a recorded step has no parameters");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_KEY && token != WJB_VALUE)
			continue;
		appendStringInfoString(out, token == WJB_KEY ? ", " : ": ");
		ml_pipeline_spec_value(out, &v);
	}
	appendStringInfoChar(out, '}');
}

Jsonb *
ml_pipeline_spec(Jsonb *steps)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (uint32 i = 0; i < JsonContainerSize(&steps->root); i++)
	{
		appendStringInfoString(&out, i > 0 ? ", " : "");
		ml_pipeline_spec_step(getIthJsonbValueFromContainer(&steps->root, i)->val.binary.data, &out);
	}
	appendStringInfoChar(&out, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

void
ml_pipeline_describe_inputs(const MlPipeline *p, StringInfo out)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < p->ninputs; i++)
	{
		const MlInput *input = &p->inputs[i];

		appendStringInfo(out, "%s{\"name\": ", i > 0 ? ", " : "");
		ml_json_text(out, input->name);
		appendStringInfoString(out, ", \"type\": ");
		ml_json_text(out, input->type_name);
		appendStringInfo(out, ", \"nullable\": %s", input->nullable ? "true" : "false");
		if (input->class == ML_TYPE_ARRAY)
			appendStringInfo(out, ", \"length\": %d", input->ncells);
		if (input->encoding == ML_ENCODING_HASHED)
			appendStringInfoString(out, ", \"encoding\": \"hashed\"");
		else if (input->encoding == ML_ENCODING_TERMS)
		{
			appendStringInfo(out, ", \"encoding\": \"terms\", \"terms\": %d, \"config\": ", input->nlevels);
			ml_json_text(out, input->config);
		}
		else if (input->class == ML_TYPE_TEXT)
			appendStringInfo(out, ", \"levels\": %d", input->nlevels);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}
