/*
 * pipeline_parse.c - a pipeline as it is asked for: JSON, the learners' own, and the columns that a step is for.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/pipeline_internal.h"
#include "utils/builtins.h"

/* Reads the names of the columns a step is for: a List of char *. */
static List *
ml_pipeline_parse_columns(const MlTransform *transform, Jsonb *json)
{
	List	   *columns = NIL;
	bool		good = JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json);
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while (good && (token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		good = v.type == jbvString;
		if (good)
			columns = lappend(columns, pnstrdup(v.val.string.val, v.val.string.len));
	}
	if (!good || columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"columns\" of step \"%s\" must be an array of column names", transform->name),
				 errdetail("It is %s.", JsonbToCString(NULL, &json->root, VARSIZE(json))),
				 transform->names_columns ? errhint("Name at least one column.") :
				 errhint("Leave \"columns\" out to treat every column the step can.")));
	return columns;
}

/* Reads one element of the pipeline's array: {"step": name, "columns": [...], parameters}. */
static MlStepSpec *
ml_pipeline_parse_step(Jsonb *step)
{
	MlStepSpec *spec = palloc0(sizeof(MlStepSpec));
	JsonbValue *name;
	JsonbValue *columns;
	JsonbValue	buffer;

	if (!JB_ROOT_IS_OBJECT(step) ||
		(name = getKeyJsonValueFromContainer(&step->root, "step", 4, &buffer)) == NULL ||
		name->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a pipeline step must be an object with a \"step\""),
				 errdetail("The step is %s.", JsonbToCString(NULL, &step->root, VARSIZE(step))),
				 errhint("Write it as {\"step\": \"impute\", ...}.")));
	spec->transform = ml_transform_by_name(pnstrdup(name->val.string.val, name->val.string.len));
	spec->params = ml_options_parse(psprintf("step \"%s\"", spec->transform->name),
									spec->transform->params, spec->transform->nparams,
									step, list_make2("step", "columns"));
	columns = getKeyJsonValueFromContainer(&step->root, "columns", 7, &buffer);
	if (columns)
		spec->columns = ml_pipeline_parse_columns(spec->transform, JsonbValueToJsonb(columns));
	else if (spec->transform->names_columns)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step \"%s\" needs \"columns\"", spec->transform->name),
				 errdetail("It %s.", spec->transform->summary),
				 errhint("Write it as {\"step\": \"%s\", \"columns\": [\"a\", \"b\"]}.", spec->transform->name)));
	if (spec->transform->check)
		spec->transform->check(spec->params);
	return spec;
}

List *
ml_pipeline_parse(Jsonb *json)
{
	List	   *specs = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pipeline must be a JSON array of steps"),
				 errdetail("It is a JSON %s.", JB_ROOT_IS_SCALAR(json) ? "scalar" : "object"),
				 errhint("Write it as [{\"step\": \"impute\"}, {\"step\": \"one_hot\"}].")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			specs = lappend(specs, ml_pipeline_parse_step(JsonbValueToJsonb(&v)));
	if (list_length(specs) > ML_STEPS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("pipeline has too many steps"),
				 errdetail("It has %d steps; at most %d are possible.", list_length(specs), ML_STEPS_MAX),
				 errhint("Leave steps out, or do their work in the source query.")));
	return specs;
}

static MlStepSpec *
ml_pipeline_default_step(const MlTransform *transform, const char *params)
{
	MlStepSpec *spec = palloc0(sizeof(MlStepSpec));
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(params)));

	spec->transform = transform;
	spec->params = ml_options_parse(transform->name, transform->params, transform->nparams, json, NIL);
	return spec;
}

List *
ml_pipeline_default(bool fill_missing, bool standardise, bool center, bool encode)
{
	List	   *specs = NIL;

	if (fill_missing)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_impute, "{}"));
	if (standardise)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_standardise,
														center ? "{}" : "{\"center\": false}"));
	if (encode)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_one_hot, "{}"));
	return specs;
}

static List *
ml_pipeline_names(const MlShape *in)
{
	List	   *names = NIL;

	for (int j = 0; j < in->ncols; j++)
		names = lappend(names, in->cols[j].name);
	return names;
}

/* Whether a name is that of a column, or of the array or text whose element or term it is. */
static bool
ml_pipeline_meant(const MlPipeline *p, const MlColumn *column, const char *name)
{
	Size		length = strlen(name);

	if (strcmp(column->name, name) == 0 || (column->of && strcmp(column->of, name) == 0))
		return true;
	if (strncmp(column->name, name, length) != 0 || column->name[length] != '[')
		return false;
	for (int i = 0; i < p->ninputs; i++)
		if (p->inputs[i].class == ML_TYPE_ARRAY && strcmp(p->inputs[i].name, name) == 0)
			return true;
	return false;
}

/* Whether a step can treat a column: texts that another step claims are left to it. */
static bool
ml_pipeline_takes(const MlStepSpec *spec, const MlColumn *column)
{
	const MlTransform *transform = spec->transform;
	MlTextClaim claim;

	memset(&claim, 0, sizeof claim);
	if (transform->claim)
		transform->claim(spec->params, &claim);
	if (claim.encoding != column->encoding && !transform->blind)
		return false;
	switch (transform->takes)
	{
		case ML_TAKES_NUMBERS:
			return !column->category;
		case ML_TAKES_CATEGORIES:
			return column->category;
		case ML_TAKES_TIMES:
			return (column->class == ML_TYPE_TIME || column->class == ML_TYPE_TIMETZ) &&
				column->center == 0 && column->scale == 1;
		default:
			return true;
	}
}

static ML_NORETURN void
ml_pipeline_cannot_treat(const MlStepSpec *spec, const MlColumn *column)
{
	static const char *const kinds[] = {"texts as they come", "numbers", "categories", "dates and timestamps"};
	const char *kind = column->category ? "a category" : column->encoding != ML_ENCODING_LEVELS ? "a text as it comes" :
		column->class != ML_TYPE_TIME && column->class != ML_TYPE_TIMETZ ? "a number" :
		column->center != 0 || column->scale != 1 ? "a time in other units" : "a time";
	bool		for_numbers = spec->transform->takes == ML_TAKES_NUMBERS;
	bool		scaled = spec->transform->takes == ML_TAKES_TIMES && (column->center != 0 || column->scale != 1);

	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("step \"%s\" cannot treat column \"%s\"", spec->transform->name, column->name),
			 errdetail("The column is %s, and the step is for %s.", kind, kinds[spec->transform->takes]),
			 scaled ? errhint("Put the step before those that scale the column.") :
			 for_numbers ? errhint("Turn it into numbers by an earlier step, or leave it out of \"columns\".") :
			 errhint("Cast it to %s in the source query, or leave it out of \"columns\".",
					 spec->transform->takes == ML_TAKES_TIMES ? "timestamp" : "text")));
}

bool *
ml_pipeline_select(const MlPipeline *p, const MlStepSpec *spec)
{
	const MlShape *in = p->design;
	bool	   *selected = palloc0(sizeof(bool) * Max(in->ncols, 1));
	ListCell   *lc;

	for (int j = 0; j < in->ncols && spec->columns == NIL; j++)
		selected[j] = ml_pipeline_takes(spec, &in->cols[j]);
	foreach(lc, spec->columns)
	{
		char	   *name = lfirst(lc);
		bool		found = false;

		for (int j = 0; j < in->ncols; j++)
		{
			if (!ml_pipeline_meant(p, &in->cols[j], name))
				continue;
			if (!ml_pipeline_takes(spec, &in->cols[j]))
				ml_pipeline_cannot_treat(spec, &in->cols[j]);
			selected[j] = found = true;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("step \"%s\" names a column \"%s\" that does not reach it",
							spec->transform->name, name),
					 errdetail("The columns there are: %s.", ml_text_list(ml_pipeline_names(in), 30)),
					 errhint("%s", ml_text_hint(name, ml_pipeline_names(in), "Name one of these columns."))));
	}
	return selected;
}
