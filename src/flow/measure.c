/*
 * measure.c - the metrics of a version on any rows that carry the truth, overall and by slice.
 *
 * The rows of each value of a slice are a sample of their own.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/evaluate.h"
#include "flow/measure.h"

#include "utils/memutils.h"

/* The samples of one slice. */
typedef struct MlMeasuredSlice
{
	MlSample  **samples;		/* by code */
	int			count;
	int			capacity;
	MlSample   *null_sample;
} MlMeasuredSlice;

typedef struct MlMeasure
{
	MlSample   *overall;
	MlMeasuredSlice *slices;
	MlMeasureSink sink;
	void	   *ctx;
} MlMeasure;

/* A slice and a code of it, to sort. */
typedef struct MlSliceText
{
	const MlDictText *text;
	int			code;
} MlSliceText;

static MlSample *
ml_measure_begin(const MlEvaluation *e)
{
	return ml_sample_begin(e->task, e->nclasses, e->positive, 1, e->context);
}

/* The sample of one value of a slice, begun when the value is first seen. */
static MlSample *
ml_measure_slice(const MlEvaluation *e, MlMeasuredSlice *slice, int code)
{
	if (code == ML_SLICE_NULL)
	{
		if (slice->null_sample == NULL)
			slice->null_sample = ml_measure_begin(e);
		return slice->null_sample;
	}
	if (code == slice->count)
	{
		if (code == slice->capacity)
		{
			slice->capacity *= 2;
			slice->samples = repalloc_huge(slice->samples, sizeof(MlSample *) * slice->capacity);
		}
		slice->samples[slice->count++] = ml_measure_begin(e);
	}
	return slice->samples[code];
}

static bool
ml_measure_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	MlMeasure  *measure = ctx;

	ml_sample_add(measure->overall, rows);
	for (int s = 0; s < e->nslices; s++)
		ml_sample_add(ml_measure_slice(e, &measure->slices[s], codes[s]), rows);
	return true;
}

/* Hands over the metrics of a sample. */
static void
ml_measure_emit(const MlMeasure *measure, MlSample *sample, MlMetricTask task, const char *key, const char *value)
{
	int			count;
	const MlMetric *const *metrics = ml_metrics_for(task, &count);
	MlInterval *figures = palloc(sizeof(MlInterval) * count);
	bool	   *defined = palloc(sizeof(bool) * count);

	ml_sample_close(sample);
	ml_sample_intervals(sample, metrics, count, 0, figures, defined);
	for (int m = 0; m < count; m++)
	{
		if (defined[m])
			measure->sink(measure->ctx, key, value, metrics[m]->name, &figures[m], ml_sample_rows(sample));
	}
	pfree(figures);
	pfree(defined);
}

static int
ml_measure_compare(const void *a, const void *b)
{
	const MlDictText *x = ((const MlSliceText *) a)->text;
	const MlDictText *y = ((const MlSliceText *) b)->text;

	return ml_text_compare(x->bytes, x->length, y->bytes, y->length);
}

/* Hands over the slices of a column, in bytewise order of their values; NULL comes last. */
static void
ml_measure_emit_slices(const MlMeasure *measure, const MlEvaluation *e, int s)
{
	MlMeasuredSlice *slice = &measure->slices[s];
	MlSliceText *sorted = palloc_extended(sizeof(MlSliceText) * Max(slice->count, 1), MCXT_ALLOC_HUGE);

	for (int c = 0; c < slice->count; c++)
	{
		sorted[c].text = &e->slices[s].values->texts[c];
		sorted[c].code = c;
	}
	qsort(sorted, slice->count, sizeof(MlSliceText), ml_measure_compare);
	for (int c = 0; c < slice->count; c++)
		ml_measure_emit(measure, slice->samples[sorted[c].code], e->task, e->slices[s].name, sorted[c].text->bytes);
	if (slice->null_sample)
		ml_measure_emit(measure, slice->null_sample, e->task, e->slices[s].name, NULL);
	pfree(sorted);
}

void
ml_measure_run(const char *ref, const char *source, List *slices, const char *target,
			   MlMeasureSink sink, void *ctx)
{
	MlEvaluation *e = ml_evaluation_begin(slices, target);
	MemoryContext caller = MemoryContextSwitchTo(e->context);
	MlMeasure	measure;

	ml_evaluation_resolve(e, ref);
	measure.sink = sink;
	measure.ctx = ctx;
	measure.overall = ml_measure_begin(e);
	measure.slices = palloc0(sizeof(MlMeasuredSlice) * Max(e->nslices, 1));
	for (int s = 0; s < e->nslices; s++)
	{
		measure.slices[s].capacity = 16;
		measure.slices[s].samples = palloc(sizeof(MlSample *) * measure.slices[s].capacity);
	}
	ml_evaluation_read(e, source, ml_measure_row, &measure);
	ml_measure_emit(&measure, measure.overall, e->task, NULL, NULL);
	for (int s = 0; s < e->nslices; s++)
		ml_measure_emit_slices(&measure, e, s);
	MemoryContextSwitchTo(caller);
	ml_evaluation_end(e);
}
