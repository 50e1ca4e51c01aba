/*
 * judge.c - whether rows that are to be scored pass the checks of the model.
 *
 * Everything is in the context of the resolved site, where suites are pinned
 * too. The program is compiled at the first row, and again when the type of
 * rows changes.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/judge.h"
#include "flow/row_values.h"
#include "flow/suite.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

struct MlJudge
{
	MemoryContext context;
	char	   *model;
	MlBinding  *binding;
	MlSuites	suites;
	MlProgram  *program;
	const NullableDatum *values;	/* of the row judged last */

	MlRowValues row;
	MlRowType	named;			/* the row's type, for one that is bound by position with the names of inputs */
	bool		by_position;

	/* arrays */
	Oid			element_type;
	int16		element_length;
	bool		element_by_value;
	char		element_align;
	MlRowType	inputs;
	NullableDatum *input_values;
};

MlJudge *
ml_judge_create(const MlServing *serving, MlBinding *binding, MemoryContext context)
{
	MemoryContext old;
	MlJudge    *judge;
	MlSuites	suites;

	if (serving->invalid == ML_INVALID_UNJUDGED)
		return NULL;
	old = MemoryContextSwitchTo(context);
	judge = NULL;
	if (ml_suites_serving(serving, &suites))
	{
		judge = palloc0(sizeof(MlJudge));
		judge->context = judge->row.context = context;
		judge->model = pstrdup(serving->versions[0].version.model);
		judge->binding = binding;
		judge->suites = suites;
	}
	MemoryContextSwitchTo(old);
	return judge;
}

static bool
ml_judge_passes(MlJudge *judge, const NullableDatum *values)
{
	judge->values = values;
	return ml_program_passes(judge->program, values);
}

bool
ml_judge_columns(MlJudge *judge, const MlRowType *type, const NullableDatum *columns)
{
	if (unlikely(judge->program == NULL))
		ml_program_make(&judge->program, judge->context, &judge->suites, type);
	return ml_judge_passes(judge, columns);
}

/* The names of the inputs, in order. */
static const char *const *
ml_judge_names(const MlPipeline *pipeline)
{
	const char **names = palloc(sizeof(char *) * Max(pipeline->ninputs, 1));

	for (int i = 0; i < pipeline->ninputs; i++)
		names[i] = pipeline->inputs[i].name;
	return names;
}

/* Compiles for another type of rows. */
static void
ml_judge_retype(MlJudge *judge)
{
	MemoryContext old = MemoryContextSwitchTo(judge->context);

	judge->by_position = ml_bind_by_position(judge->binding, judge->row.desc);
	judge->named = judge->row.type;
	if (judge->by_position)
		judge->named.names = ml_judge_names(judge->binding->model->pipeline);
	MemoryContextSwitchTo(old);
	if (!judge->by_position || judge->named.n == judge->binding->model->pipeline->ninputs)
		ml_program_make(&judge->program, judge->context, &judge->suites, &judge->named);
	judge->row.changed = false;
}

bool
ml_judge_row(MlJudge *judge, HeapTupleHeader row)
{
	ml_row_values_tuple(&judge->row, row);
	if (unlikely(judge->row.changed))
		ml_judge_retype(judge);
	if (judge->by_position && judge->row.type.n != judge->binding->model->pipeline->ninputs)
		return true;
	return ml_judge_passes(judge, judge->row.values);
}

bool
ml_judge_jsonb(MlJudge *judge, Jsonb *json)
{
	ml_row_values_json(&judge->row, json);
	if (unlikely(judge->row.changed || judge->program == NULL))
	{
		ml_program_make(&judge->program, judge->context, &judge->suites, &judge->row.type);
		judge->row.changed = false;
	}
	return ml_judge_passes(judge, judge->row.values);
}

/* Compiles for arrays of another type. */
static void
ml_judge_retype_array(MlJudge *judge, Oid element_type)
{
	const MlPipeline *pipeline = judge->binding->model->pipeline;
	MemoryContext old = MemoryContextSwitchTo(judge->context);
	Oid		   *types = palloc(sizeof(Oid) * Max(pipeline->ninputs, 1));

	judge->element_type = InvalidOid;
	get_typlenbyvalalign(element_type, &judge->element_length, &judge->element_by_value, &judge->element_align);
	for (int i = 0; i < pipeline->ninputs; i++)
		types[i] = pipeline->inputs[i].class == ML_TYPE_ARRAY ? get_array_type(element_type) : element_type;
	memset(&judge->inputs, 0, sizeof judge->inputs);
	judge->inputs.n = pipeline->ninputs;
	judge->inputs.names = ml_judge_names(pipeline);
	judge->inputs.types = types;
	judge->input_values = palloc(sizeof(NullableDatum) * Max(pipeline->ninputs, 1));
	MemoryContextSwitchTo(old);
	ml_program_make(&judge->program, judge->context, &judge->suites, &judge->inputs);
	judge->element_type = element_type;
}

bool
ml_judge_array(MlJudge *judge, ArrayType *array)
{
	const MlPipeline *pipeline = judge->binding->model->pipeline;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != pipeline->nelements)
		return true;
	if (unlikely(judge->element_type != ARR_ELEMTYPE(array)))
		ml_judge_retype_array(judge, ARR_ELEMTYPE(array));
	deconstruct_array(array, judge->element_type, judge->element_length, judge->element_by_value,
					  judge->element_align, &elements, &nulls, &n);
	n = 0;
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		NullableDatum *value = &judge->input_values[i];

		value->isnull = input->class != ML_TYPE_ARRAY && nulls[n];
		if (input->class == ML_TYPE_ARRAY)
		{
			int			lower = 1;
			int			length = input->ncells;

			/* which arrays were NULL as a whole, a flat array cannot tell */
			value->value = PointerGetDatum(construct_md_array(elements + n, nulls + n, 1, &length, &lower,
															  judge->element_type, judge->element_length,
															  judge->element_by_value, judge->element_align));
		}
		else
			value->value = elements[n];
		n += input->class == ML_TYPE_ARRAY ? input->ncells : 1;
	}
	return ml_judge_passes(judge, judge->input_values);
}

ML_NORETURN void
ml_judge_refuse(MlJudge *judge)
{
	List	   *failures = ml_program_failures(judge->program, judge->values);
	int			n = 0;
	ListCell   *lc;

	foreach(lc, failures)
		n += ((const MlFailure *) lfirst(lc))->check->severity == ML_SEVERITY_ERROR;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg_plural("row to be scored by model \"%s\" fails %d check of suite \"%s\"",
						   "row to be scored by model \"%s\" fails %d checks of suite \"%s\"", n,
						   judge->binding->ref, n, ml_program_suite(judge->program)),
			 errdetail("%s", ml_failures_text(failures)),
			 errhint("Correct the row, or have such rows answered by NULL: SELECT ml.set_invalid_policy(%s, 'null');",
					 quote_literal_cstr(judge->model))));
}
