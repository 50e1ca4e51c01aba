/*
 * evaluate.c - the rows of a source that carry the truth, scored by one or more pinned models.
 *
 * Several models see the same row: their classes are numbered together, so
 * that truth and choice of one can be compared with those of another.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "common/shortest_dec.h"
#include "flow/evaluate.h"
#include "flow/quality.h"
#include "flow/source.h"
#include "store/access.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

MlEvaluation *
ml_evaluation_begin(List *slices, const char *target)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops evaluation",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MlEvaluation *e = palloc0(sizeof(MlEvaluation));
	ListCell   *lc;

	e->context = context;
	e->target = target ? pstrdup(target) : NULL;
	e->classes = ml_dict_create();
	e->slices = palloc0(sizeof(MlSlice) * Max(list_length(slices), 1));
	foreach(lc, slices)
	{
		MlSlice    *slice = &e->slices[e->nslices++];

		slice->name = pstrdup(lfirst(lc));
		slice->values = ml_dict_create();
	}
	e->codes = palloc(sizeof(int) * Max(e->nslices, 1));
	MemoryContextSwitchTo(old);
	return e;
}

void
ml_evaluation_end(MlEvaluation *e)
{
	MemoryContextDelete(e->context);
}

static const char *
ml_evaluation_task_name(MlMetricTask task)
{
	return task == ML_METRIC_TASK_REGRESSION ? "regression" :
		task == ML_METRIC_TASK_TWO_CLASS ? "classification of two classes" : "classification of more classes";
}

/* Refuses a model whose figures cannot be compared with those of the first. */
static void
ml_evaluation_require_same(const MlEvaluation *e, const MlEvaluated *m)
{
	const MlEvaluated *first = e->models[0];
	MlMetricTask task = ml_quality_task(m->model);

	if (task != e->task)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" and \"%s\" cannot be compared", first->ref, m->ref),
				 errdetail("\"%s\" does %s, \"%s\" %s.", first->ref, ml_evaluation_task_name(e->task),
						   m->ref, ml_evaluation_task_name(task)),
				 errhint("Compare versions of the same task.")));
	if (task == ML_METRIC_TASK_TWO_CLASS && (m->positive < 0 || e->classes->count > 2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" and \"%s\" cannot be compared", first->ref, m->ref),
				 errdetail("\"%s\" knows the classes \"%s\" and \"%s\", \"%s\" knows \"%s\" and \"%s\".",
						   first->ref, first->model->classes[0], first->model->classes[1],
						   m->ref, m->model->classes[0], m->model->classes[1]),
				 errhint("Compare versions that were trained on the same classes.")));
}

void
ml_evaluation_add(MlEvaluation *e, const char *ref, const MlVersionRef *version)
{
	MemoryContext old = MemoryContextSwitchTo(e->context);
	MlEvaluated *m = palloc0(sizeof(MlEvaluated));
	const MlModel *model = ml_cache_pin(version, e->context);

	m->ref = pstrdup(ref);
	m->version = *version;
	m->model = model;
	m->binding = ml_bind_create(model, m->ref, false, e->context);
	m->cells = palloc_extended(sizeof(double) * Max(model->pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	m->work = palloc_extended(sizeof(double) * Max(model->pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	m->out = palloc(sizeof(double) * Max(model->nclasses, 1));
	m->classes = palloc(sizeof(int) * Max(model->nclasses, 1));
	for (int k = 0; k < model->nclasses; k++)
		m->classes[k] = ml_dict_add(e->classes, model->classes[k], strlen(model->classes[k]));
	if (e->nmodels == 0)
	{
		e->task = ml_quality_task(model);
		e->positive = e->task == ML_METRIC_TASK_TWO_CLASS ? m->classes[model->positive] : -1;
		if (e->target == NULL)
			e->target = model->target;
		e->models = palloc(sizeof(MlEvaluated *));
	}
	else
		e->models = repalloc(e->models, sizeof(MlEvaluated *) * (e->nmodels + 1));
	m->positive = -1;
	for (int k = 0; k < model->nclasses; k++)
		if (m->classes[k] == e->positive)
			m->positive = k;
	e->nclasses = e->classes->count;
	if (e->nmodels > 0)
		ml_evaluation_require_same(e, m);
	e->models[e->nmodels++] = m;
	MemoryContextSwitchTo(old);
}

void
ml_evaluation_resolve(MlEvaluation *e, const char *ref)
{
	MlVersionRef version;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_USE);
	ml_evaluation_add(e, ref, &version);
}

/* The attribute of a name, or -1; there must not be two. */
static int
ml_evaluation_find(TupleDesc desc, const char *name)
{
	int			found = -1;

	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped || strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("source has more than one column \"%s\"", name),
					 errhint("Give the columns of the query different names.")));
		found = i;
	}
	return found;
}

static int
ml_evaluation_attribute(TupleDesc desc, const char *name, const char *what)
{
	int			found = ml_evaluation_find(desc, name);
	List	   *names = NIL;

	if (found >= 0)
		return found;
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("source has no %s column \"%s\"", what, name),
			 errdetail("Its columns are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
}

/* Binds models, target and slices to the columns that come. */
static void
ml_evaluation_describe(void *ctx, TupleDesc desc)
{
	MlEvaluation *e = ctx;
	MemoryContext old = MemoryContextSwitchTo(e->context);
	const char *trained = e->models[0]->model->target_type;

	if (e->describe != NULL)
		e->describe(e->ctx, desc);
	for (int m = 0; m < e->nmodels; m++)
	{
		const MlPipeline *pipeline = e->models[m]->model->pipeline;

		for (int i = 0; i < pipeline->ninputs; i++)
			(void) ml_evaluation_find(desc, pipeline->inputs[i].name);
		ml_bind_desc(e->models[m]->binding, desc);
	}
	e->target_attribute = ml_evaluation_attribute(desc, e->target, "target");
	ml_convert_init(&e->target_convert, TupleDescAttr(desc, e->target_attribute)->atttypid);
	if (e->target_convert.class == ML_TYPE_UNSUPPORTED || e->target_convert.class == ML_TYPE_ARRAY ||
		(e->task == ML_METRIC_TASK_REGRESSION && e->target_convert.class != ML_TYPE_NUMBER))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" cannot be of type %s", e->target,
						format_type_be(TupleDescAttr(desc, e->target_attribute)->atttypid)),
				 errdetail("It was %s in training.", trained),
				 errhint("Cast it to %s in the source query.", trained)));
	for (int s = 0; s < e->nslices; s++)
	{
		MlSlice    *slice = &e->slices[s];

		slice->attribute = ml_evaluation_attribute(desc, slice->name, "slice");
		ml_convert_init(&slice->convert, TupleDescAttr(desc, slice->attribute)->atttypid);
		if (slice->convert.class == ML_TYPE_UNSUPPORTED || slice->convert.class == ML_TYPE_ARRAY)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("slice column \"%s\" cannot be of type %s", slice->name,
							format_type_be(TupleDescAttr(desc, slice->attribute)->atttypid)),
					 errhint("Cast it to text in the source query.")));
	}
	MemoryContextSwitchTo(old);
}

/* The code of a row's value in a slice. */
static int
ml_evaluation_slice(MlSlice *slice, Datum value, bool isnull)
{
	const char *text;
	int			length;

	if (isnull)
		return ML_SLICE_NULL;
	/* with fewer digits, as a session may have them shown, different numbers would be one slice */
	if (slice->convert.kind == ML_CONVERT_FLOAT8 || slice->convert.kind == ML_CONVERT_FLOAT4)
	{
		char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		length = slice->convert.kind == ML_CONVERT_FLOAT8 ?
			double_to_shortest_decimal_buf(DatumGetFloat8(value), digits) :
			float_to_shortest_decimal_buf(DatumGetFloat4(value), digits);
		return ml_dict_add(slice->values, digits, length);
	}
	text = ml_convert_text(&slice->convert, value, &length);
	return ml_dict_add(slice->values, text, length);
}

const char *
ml_evaluation_target_text(MlEvaluation *e, TupleTableSlot *slot, int *length)
{
	Datum		value = slot->tts_values[e->target_attribute];
	const char *text;

	if (e->target_convert.class != ML_TYPE_NUMBER || e->target_convert.kind == ML_CONVERT_BOOL)
		return ml_convert_text(&e->target_convert, value, length);
	text = ml_text_number(ml_convert_number(&e->target_convert, value));
	*length = strlen(text);
	return text;
}

/* The code of a row's true class, one past the known ones where no model knows it. */
static int
ml_evaluation_class(MlEvaluation *e, TupleTableSlot *slot)
{
	int			length;
	const char *text = ml_evaluation_target_text(e, slot, &length);
	int			code = ml_dict_find(e->classes, text, length);

	return code >= 0 ? code : e->nclasses;
}

/* The true number of a row. */
static double
ml_evaluation_number(MlEvaluation *e, Datum value)
{
	double		y = ml_convert_number(&e->target_convert, value);

	if (!isfinite(y))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("target column \"%s\" has the value %s", e->target, ml_text_number(y)),
				 errdetail("A target must be finite or NULL."),
				 errhint("Filter the rows in the source query.")));
	return y;
}

/* Fills in what a model says of a row of a known class. */
static void
ml_evaluation_judge(const MlEvaluation *e, const MlEvaluated *m, int actual, MlMetricRow *row)
{
	row->actual = actual;
	row->chosen = m->classes[ml_quality_choice(m->model, m->out)];
	row->p_actual = 0;
	for (int k = 0; k < m->model->nclasses; k++)
	{
		if (m->classes[k] == actual)
		{
			row->p_actual = m->out[k];
			break;
		}
	}
	if (e->task == ML_METRIC_TASK_TWO_CLASS)
	{
		row->label = actual == e->positive;
		row->predicted = row->chosen == e->positive;
		row->score = row->p = m->out[m->positive];
	}
}

/* Scores a row with one model, and takes the time if asked to. */
static void
ml_evaluation_score(const MlEvaluation *e, MlEvaluated *m, const TupleTableSlot *slot)
{
	instr_time	begin;
	instr_time	end;

	if (e->timed)
		INSTR_TIME_SET_CURRENT(begin);
	ml_bind_values(m->binding, slot->tts_values, slot->tts_isnull, m->cells);
	m->model->learner->predict(m->model->state, ml_pipeline_apply(m->model->pipeline, m->cells, m->work), m->out);
	if (e->timed)
	{
		INSTR_TIME_SET_CURRENT(end);
		INSTR_TIME_ACCUM_DIFF(m->elapsed, end, begin);
	}
}

static bool
ml_evaluation_row(void *ctx, TupleTableSlot *slot)
{
	MlEvaluation *e = ctx;
	double		y = 0;
	int			actual = 0;

	slot_getallattrs(slot);
	if ((e->wants != NULL && !e->wants(e->ctx, slot)) || slot->tts_isnull[e->target_attribute])
		return !e->enough;
	if (e->task == ML_METRIC_TASK_REGRESSION)
		y = ml_evaluation_number(e, slot->tts_values[e->target_attribute]);
	else
		actual = ml_evaluation_class(e, slot);
	for (int i = 0; i < e->nmodels; i++)
	{
		MlEvaluated *m = e->models[i];

		ml_evaluation_score(e, m, slot);
		if (e->task == ML_METRIC_TASK_REGRESSION)
		{
			e->rows[i].y = y;
			e->rows[i].y_hat = m->out[0];
		}
		else
			ml_evaluation_judge(e, m, actual, &e->rows[i]);
	}
	for (int s = 0; s < e->nslices; s++)
		e->codes[s] = ml_evaluation_slice(&e->slices[s], slot->tts_values[e->slices[s].attribute],
										  slot->tts_isnull[e->slices[s].attribute]);
	e->nrows++;
	return e->sink(e->ctx, e, e->rows, e->codes, slot);
}

void
ml_evaluation_scan(MlEvaluation *e, const char *source, MlEvaluationRow sink, void *ctx, MlSourceInfo *info)
{
	MlSourceReader reader;

	if (e->rows == NULL)
		e->rows = MemoryContextAllocZero(e->context, sizeof(MlMetricRow) * e->nmodels);
	e->sink = sink;
	e->ctx = ctx;
	e->enough = false;
	memset(&reader, 0, sizeof reader);
	reader.columns = e->columns;
	reader.exclude = e->exclude;
	reader.identity = e->identity;
	reader.describe = ml_evaluation_describe;
	reader.row = ml_evaluation_row;
	reader.ctx = e;
	(void) ml_source_read(source, &reader, info);
}

void
ml_evaluation_require_rows(const MlEvaluation *e)
{
	if (e->nrows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("source has no row with a target"),
				 errdetail("The target is column \"%s\".", e->target),
				 errhint("Check the table and the conditions of the query.")));
}

void
ml_evaluation_read(MlEvaluation *e, const char *source, MlEvaluationRow sink, void *ctx)
{
	ml_evaluation_scan(e, source, sink, ctx, NULL);
	ml_evaluation_require_rows(e);
}

const char *
ml_evaluation_slice_text(const MlEvaluation *e, int slice, int code)
{
	return code == ML_SLICE_NULL ? NULL : e->slices[slice].values->texts[code].bytes;
}
