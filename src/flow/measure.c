/*
 * measure.c - the metrics of a version on any rows that carry the truth, overall and by slice.
 *
 * The rows of each value of a slice are a sample of their own. What was found
 * is a run of the version, unless the transaction cannot write: an evaluation
 * works on a standby, too.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/text.h"
#include "flow/environment.h"
#include "flow/evaluate.h"
#include "flow/measure.h"
#include "store/runs.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* With more slices than this a run has the metrics of all rows alone. */
#define ML_MEASURE_SLICES_MAX	1000

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

	/* for the run */
	bool		records;
	char	   *environment;
	TimestampTz started_at;
	MlRunMetric *metrics;
	int			nmetrics;
	int			capacity;
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

/* Keeps a metric for the run. */
static void
ml_measure_keep(MlMeasure *measure, const char *key, const char *value, const char *name, double figure)
{
	MlRunMetric *metric;

	if (measure->nmetrics == measure->capacity)
	{
		measure->capacity *= 2;
		measure->metrics = repalloc_huge(measure->metrics, sizeof(MlRunMetric) * measure->capacity);
	}
	metric = &measure->metrics[measure->nmetrics++];
	metric->name = name;
	metric->step = 0;
	metric->slice_key = key;
	metric->slice_value = value;
	metric->value = figure;
}

/* How many slices there are. */
static int64
ml_measure_slices(const MlMeasure *measure, const MlEvaluation *e)
{
	int64		slices = 0;

	for (int s = 0; s < e->nslices; s++)
		slices += measure->slices[s].count + (measure->slices[s].null_sample ? 1 : 0);
	return slices;
}

/* Hands over the metrics of a sample. */
static void
ml_measure_emit(MlMeasure *measure, MlSample *sample, MlMetricTask task, const char *key, const char *value)
{
	int			count;
	const MlMetric *const *metrics = ml_metrics_for(task, &count);
	MlInterval *figures = palloc(sizeof(MlInterval) * count);
	bool	   *defined = palloc(sizeof(bool) * count);

	ml_sample_close(sample);
	ml_sample_intervals(sample, metrics, count, 0, figures, defined);
	for (int m = 0; m < count; m++)
	{
		if (!defined[m])
			continue;
		measure->sink(measure->ctx, key, value, metrics[m]->name, &figures[m], ml_sample_rows(sample));
		if (measure->records)
			ml_measure_keep(measure, key, value, metrics[m]->name, figures[m].value);
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
ml_measure_emit_slices(MlMeasure *measure, const MlEvaluation *e, int s)
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

/* Gets ready to write a run, where the transaction can. The session is noted as it is before the source runs. */
static void
ml_measure_begin_run(MlMeasure *measure)
{
	measure->records = !XactReadOnly && !RecoveryInProgress() && !IsInParallelMode();
	if (!measure->records)
		return;
	measure->started_at = GetCurrentTimestamp();
	measure->environment = ml_environment_of_session();
	measure->capacity = 16;
	measure->metrics = palloc(sizeof(MlRunMetric) * measure->capacity);
}

/* The parameters of the run. */
static char *
ml_measure_params(const MlMeasure *measure, const MlEvaluation *e, const char *source, bool sliced)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"source\": ");
	ml_json_text(&out, source);
	appendStringInfoString(&out, ", \"target\": ");
	ml_json_text(&out, e->target);
	appendStringInfoString(&out, ", \"slices\": [");
	for (int s = 0; s < e->nslices; s++)
	{
		appendStringInfoString(&out, s > 0 ? ", " : "");
		ml_json_text(&out, e->slices[s].name);
	}
	appendStringInfo(&out, "], \"rows\": %lld", (long long) e->nrows);
	if (!sliced)
		appendStringInfo(&out, ", \"slices_left_out\": %lld", (long long) ml_measure_slices(measure, e));
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* Writes what was found as a run of the version. */
static void
ml_measure_record(const MlMeasure *measure, const MlEvaluation *e, const char *source, bool sliced)
{
	MlRunRecord record = {0};

	record.kind = "evaluate";
	record.model = e->models[0]->version.model;
	record.version = e->models[0]->version.version;
	record.params = ml_measure_params(measure, e, source, sliced);
	record.environment = measure->environment;
	record.started_at = measure->started_at;
	record.nmetrics = measure->nmetrics;
	record.metrics = measure->metrics;
	(void) ml_catalog_record_run(&record);
}

void
ml_measure_run(const char *ref, const char *source, List *slices, const char *target,
			   MlMeasureSink sink, void *ctx)
{
	MlEvaluation *e = ml_evaluation_begin(slices, target);
	MemoryContext caller = MemoryContextSwitchTo(e->context);
	MlMeasure	measure;
	bool		records;
	bool		sliced;

	memset(&measure, 0, sizeof measure);
	ml_evaluation_resolve(e, ref);
	ml_measure_begin_run(&measure);
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
	records = measure.records;
	sliced = ml_measure_slices(&measure, e) <= ML_MEASURE_SLICES_MAX;
	measure.records = records && sliced;
	for (int s = 0; s < e->nslices; s++)
		ml_measure_emit_slices(&measure, e, s);
	if (records)
		ml_measure_record(&measure, e, source, sliced);
	MemoryContextSwitchTo(caller);
	ml_evaluation_end(e);
}
