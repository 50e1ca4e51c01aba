/*
 * evaluate.c - the metrics of a version on any rows that carry the truth, overall and by slice.
 *
 * The rows are read with the caller's rights and bound by name, as in scoring.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/dict.h"
#include "flow/bind.h"
#include "flow/evaluate.h"
#include "flow/quality.h"
#include "flow/source.h"
#include "store/access.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* One slice column: each different text has metrics of its own. */
typedef struct MlSlice
{
	char	   *name;
	int			attribute;
	MlConvert	convert;
	MlDict	   *values;
	MlQuality **qualities;		/* by code */
	int			capacity;
	MlQuality  *null_quality;
} MlSlice;

typedef struct MlEvaluation
{
	MemoryContext context;
	const char *ref;
	const char *target;
	const MlModel *model;
	MlBinding  *binding;
	int			target_attribute;
	MlConvert	target_convert;
	MlDict	   *classes;
	double	   *cells;
	double	   *work;
	double	   *out;
	int			nslices;
	MlSlice    *slices;
	MlQuality  *overall;
} MlEvaluation;

static int
ml_evaluate_attribute(TupleDesc desc, const char *name, const char *what)
{
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i;
		names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("source has no %s column \"%s\"", what, name),
			 errdetail("Its columns are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
}

static void
ml_evaluate_describe(void *ctx, TupleDesc desc)
{
	MlEvaluation *e = ctx;
	MemoryContext old = MemoryContextSwitchTo(e->context);

	ml_bind_desc(e->binding, desc);
	e->target_attribute = ml_evaluate_attribute(desc, e->target, "target");
	ml_convert_init(&e->target_convert, TupleDescAttr(desc, e->target_attribute)->atttypid);
	if (e->target_convert.class == ML_TYPE_UNSUPPORTED || e->target_convert.class == ML_TYPE_ARRAY ||
		(e->model->task == ML_TASK_REGRESSION && e->target_convert.class != ML_TYPE_NUMBER))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" cannot be of type %s", e->target,
						format_type_be(TupleDescAttr(desc, e->target_attribute)->atttypid)),
				 errdetail("It was %s in training.", e->model->target_type),
				 errhint("Cast it to %s in the source query.", e->model->target_type)));
	for (int s = 0; s < e->nslices; s++)
	{
		MlSlice    *slice = &e->slices[s];

		slice->attribute = ml_evaluate_attribute(desc, slice->name, "slice");
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

/* The metrics of one value of a slice column, begun when it is first seen. */
static MlQuality *
ml_evaluate_slice(MlEvaluation *e, MlSlice *slice, Datum value, bool isnull)
{
	const char *text;
	int			length;
	int			known = slice->values->count;
	int			code;

	if (isnull)
	{
		if (slice->null_quality == NULL)
			slice->null_quality = ml_quality_begin(e->model, e->context);
		return slice->null_quality;
	}
	text = ml_convert_text(&slice->convert, value, &length);
	code = ml_dict_add(slice->values, text, length);
	if (code == known)
	{
		if (code == slice->capacity)
		{
			slice->capacity *= 2;
			slice->qualities = repalloc_huge(slice->qualities, sizeof(MlQuality *) * slice->capacity);
		}
		slice->qualities[code] = ml_quality_begin(e->model, e->context);
	}
	return slice->qualities[code];
}

/* The truth of a row: a number, a class index, or -1 for a class the model does not know. */
static double
ml_evaluate_truth(MlEvaluation *e, Datum value)
{
	const char *text;
	int			length;
	double		y;

	if (e->model->task == ML_TASK_CLASSIFICATION)
	{
		if (e->target_convert.class == ML_TYPE_NUMBER && e->target_convert.kind != ML_CONVERT_BOOL)
		{
			text = ml_text_number(ml_convert_number(&e->target_convert, value));
			length = strlen(text);
		}
		else
			text = ml_convert_text(&e->target_convert, value, &length);
		return ml_dict_find(e->classes, text, length);
	}
	y = ml_convert_number(&e->target_convert, value);
	if (!isfinite(y))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("target column \"%s\" has the value %s", e->target, ml_text_number(y)),
				 errdetail("A target must be finite or NULL."),
				 errhint("Filter the rows in the source query.")));
	return y;
}

static bool
ml_evaluate_row(void *ctx, TupleTableSlot *slot)
{
	MlEvaluation *e = ctx;
	double		truth;

	slot_getallattrs(slot);
	if (slot->tts_isnull[e->target_attribute])
		return true;
	truth = ml_evaluate_truth(e, slot->tts_values[e->target_attribute]);
	ml_bind_values(e->binding, slot->tts_values, slot->tts_isnull, e->cells);
	e->model->learner->predict(e->model->state, ml_pipeline_apply(e->model->pipeline, e->cells, e->work), e->out);
	ml_quality_add(e->overall, truth, e->out);
	for (int s = 0; s < e->nslices; s++)
	{
		MlSlice    *slice = &e->slices[s];

		ml_quality_add(ml_evaluate_slice(e, slice, slot->tts_values[slice->attribute],
										 slot->tts_isnull[slice->attribute]), truth, e->out);
	}
	return true;
}

static void
ml_evaluate_emit(const MlQuality *quality, const char *key, const char *value, MlEvaluateSink sink, void *ctx)
{
	for (int m = 0; m < quality->nmetrics; m++)
	{
		double		figure;

		if (ml_metric_value(quality->states[m], &figure))
			sink(ctx, key, value, quality->metrics[m]->name, figure, quality->rows);
	}
}

static void
ml_evaluate_begin(MlEvaluation *e, const char *ref, List *slices, const char *target)
{
	MlVersionRef version;
	ListCell   *lc;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_USE);
	e->ref = ref;
	e->model = ml_cache_pin(&version, e->context);
	e->target = target ? target : e->model->target;
	e->binding = ml_bind_create(e->model, ref, false, e->context);
	e->cells = palloc_extended(sizeof(double) * Max(e->model->pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	e->work = palloc_extended(sizeof(double) * Max(e->model->pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	e->out = palloc(sizeof(double) * Max(e->model->nclasses, 1));
	e->classes = ml_dict_create();
	for (int k = 0; k < e->model->nclasses; k++)
		(void) ml_dict_add(e->classes, e->model->classes[k], strlen(e->model->classes[k]));
	e->overall = ml_quality_begin(e->model, e->context);
	e->slices = palloc0(sizeof(MlSlice) * Max(list_length(slices), 1));
	foreach(lc, slices)
	{
		MlSlice    *slice = &e->slices[e->nslices++];

		slice->name = lfirst(lc);
		slice->values = ml_dict_create();
		slice->capacity = 16;
		slice->qualities = palloc(sizeof(MlQuality *) * slice->capacity);
	}
}

void
ml_evaluate_run(const char *ref, const char *source, List *slices, const char *target,
				MlEvaluateSink sink, void *ctx)
{
	MlEvaluation *e = palloc0(sizeof(MlEvaluation));
	MemoryContext caller = CurrentMemoryContext;
	MlSourceReader reader;

	e->context = AllocSetContextCreate(caller, "pg_mlops evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(e->context);
	ml_evaluate_begin(e, ref, slices, target);
	memset(&reader, 0, sizeof reader);
	reader.describe = ml_evaluate_describe;
	reader.row = ml_evaluate_row;
	reader.ctx = e;
	(void) ml_source_read(source, &reader, NULL);
	if (e->overall->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("source has no row with a target"),
				 errdetail("The target is column \"%s\".", e->target),
				 errhint("Check the table and the conditions of the query.")));
	ml_evaluate_emit(e->overall, NULL, NULL, sink, ctx);
	for (int s = 0; s < e->nslices; s++)
	{
		MlSlice    *slice = &e->slices[s];

		for (int c = 0; c < slice->values->count; c++)
			ml_evaluate_emit(slice->qualities[c], slice->name, slice->values->texts[c].bytes, sink, ctx);
		if (slice->null_quality)
			ml_evaluate_emit(slice->null_quality, slice->name, NULL, sink, ctx);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(e->context);
}
