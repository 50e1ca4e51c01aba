/*
 * curves.c - confusion, receiver operating characteristic and calibration of a version on rows that carry the truth.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/curves.h"
#include "flow/evaluate.h"
#include "math/dist.h"
#include "math/exact_sum.h"
#include "math/interval.h"
#include "metric/sample.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* The counts of classes: of known ones by known ones, and of each unknown text. */
typedef struct MlConfusion
{
	int			nclasses;
	int64	   *known;			/* by actual, then by chosen */
	MlDict	   *unknown;
	int64	  **strange;		/* by code of unknown, then by chosen */
	int			capacity;
} MlConfusion;

/* A text and its code, to sort. */
typedef struct MlSortedText
{
	const MlDictText *text;
	int			code;
} MlSortedText;

/* Refuses a model that has no classes. */
static void
ml_curves_require_classes(const MlEvaluation *e)
{
	if (e->task == ML_METRIC_TASK_REGRESSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no classes", e->models[0]->ref),
				 errdetail("Its task is regression."),
				 errhint("Use ml.evaluate.")));
}

/* Refuses a model that has no positive class. */
static void
ml_curves_require_two(const MlEvaluation *e)
{
	ml_curves_require_classes(e);
	if (e->task != ML_METRIC_TASK_TWO_CLASS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has %d classes, and two are needed", e->models[0]->ref,
						e->models[0]->model->nclasses),
				 errdetail("Only a model of two classes has a positive one."),
				 errhint("Use ml.confusion, or train a model of one class against all others.")));
}

static bool
ml_confusion_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	MlConfusion *c = ctx;
	const char *text;
	int			length;
	int			before = c->unknown->count;
	int			code;

	if (rows[0].actual < c->nclasses)
	{
		c->known[(Size) rows[0].actual * c->nclasses + rows[0].chosen]++;
		return true;
	}
	text = ml_evaluation_target_text(e, slot, &length);
	code = ml_dict_add(c->unknown, text, length);
	if (code == before)
	{
		if (code == c->capacity)
		{
			c->capacity *= 2;
			c->strange = repalloc_huge(c->strange, sizeof(int64 *) * c->capacity);
		}
		c->strange[code] = MemoryContextAllocZero(e->context, sizeof(int64) * c->nclasses);
	}
	c->strange[code][rows[0].chosen]++;
	return true;
}

static int
ml_confusion_compare(const void *a, const void *b)
{
	const MlDictText *x = ((const MlSortedText *) a)->text;
	const MlDictText *y = ((const MlSortedText *) b)->text;

	return ml_text_compare(x->bytes, x->length, y->bytes, y->length);
}

/* The texts of a dictionary in bytewise order; palloc'd. */
static MlSortedText *
ml_confusion_sort(const MlDict *dict)
{
	MlSortedText *sorted = palloc_extended(sizeof(MlSortedText) * Max(dict->count, 1), MCXT_ALLOC_HUGE);

	for (int k = 0; k < dict->count; k++)
	{
		sorted[k].text = &dict->texts[k];
		sorted[k].code = k;
	}
	qsort(sorted, dict->count, sizeof(MlSortedText), ml_confusion_compare);
	return sorted;
}

static void
ml_confusion_emit(const MlEvaluation *e, const MlConfusion *c, MlConfusionSink sink, void *ctx)
{
	MlSortedText *classes = ml_confusion_sort(e->classes);
	MlSortedText *unknown = ml_confusion_sort(c->unknown);

	for (int a = 0; a < c->nclasses; a++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int p = 0; p < c->nclasses; p++)
			sink(ctx, classes[a].text->bytes, classes[p].text->bytes,
				 c->known[(Size) classes[a].code * c->nclasses + classes[p].code]);
	}
	for (int u = 0; u < c->unknown->count; u++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int p = 0; p < c->nclasses; p++)
		{
			int64		n = c->strange[unknown[u].code][classes[p].code];

			if (n > 0)
				sink(ctx, unknown[u].text->bytes, classes[p].text->bytes, n);
		}
	}
}

void
ml_curves_confusion(const char *ref, const char *source, const char *target, MlConfusionSink sink, void *ctx)
{
	MlEvaluation *e = ml_evaluation_begin(NIL, target);
	MemoryContext caller = MemoryContextSwitchTo(e->context);
	MlConfusion c;

	ml_evaluation_resolve(e, ref);
	ml_curves_require_classes(e);
	c.nclasses = e->nclasses;
	c.known = palloc_extended(sizeof(int64) * c.nclasses * c.nclasses, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	c.unknown = ml_dict_create();
	c.capacity = 16;
	c.strange = palloc(sizeof(int64 *) * c.capacity);
	ml_evaluation_read(e, source, ml_confusion_row, &c);
	ml_confusion_emit(e, &c, sink, ctx);
	MemoryContextSwitchTo(caller);
	ml_evaluation_end(e);
}

static bool
ml_curves_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	ml_sample_add(ctx, rows);
	return true;
}

/* The scored rows of a source, in ascending order of their probabilities, in the evaluation's context. */
static MlSample *
ml_curves_read(MlEvaluation *e, const char *ref, const char *source)
{
	MlSample   *sample;

	ml_evaluation_resolve(e, ref);
	ml_curves_require_two(e);
	sample = ml_sample_begin(e->task, e->nclasses, e->positive, 1, e->context);
	ml_evaluation_read(e, source, ml_curves_row, sample);
	ml_sample_close(sample);
	return sample;
}

static double
ml_curves_share(int64 part, int64 whole)
{
	return whole > 0 ? (double) part / (double) whole : NAN;
}

/* The number of rows of each class: [1] of positive ones. */
static void
ml_roc_count(const MlSample *sample, int64 rows[2])
{
	int64		n = ml_sample_rows(sample);
	MlMetricRow row;

	rows[0] = rows[1] = 0;
	for (int64 i = 0; i < n; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, 0, &row);
		rows[row.label]++;
	}
}

void
ml_curves_roc(const char *ref, const char *source, const char *target, MlRocSink sink, void *ctx)
{
	MlEvaluation *e = ml_evaluation_begin(NIL, target);
	MemoryContext caller = MemoryContextSwitchTo(e->context);
	MlSample   *sample = ml_curves_read(e, ref, source);
	int64		rows[2];
	int64		passed[2] = {0, 0};
	MlMetricRow row;

	ml_roc_count(sample, rows);
	sink(ctx, INFINITY, ml_curves_share(0, rows[0]), ml_curves_share(0, rows[1]));
	for (int64 i = ml_sample_rows(sample) - 1; i >= 0;)
	{
		double		threshold;

		CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, 0, &row);
		threshold = row.p;
		while (row.p == threshold)
		{
			passed[row.label]++;
			if (--i < 0)
				break;
			ml_sample_row(sample, i, 0, &row);
		}
		sink(ctx, threshold, ml_curves_share(passed[0], rows[0]), ml_curves_share(passed[1], rows[1]));
	}
	MemoryContextSwitchTo(caller);
	ml_evaluation_end(e);
}

/* Fills in what the rows below an edge say, of those from *next on, which ascend; the last band takes all that are left. */
static void
ml_calibration_band(const MlSample *sample, int64 *next, double edge, bool last, MlCalibrationBand *band)
{
	int64		rows = ml_sample_rows(sample);
	int64		positives = 0;
	MlExactSum	sum = {0};
	MlMetricRow row;

	band->n = 0;
	for (; *next < rows; (*next)++)
	{
		if (*next % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, *next, 0, &row);
		if (row.p >= edge && !last)
			break;
		positives += row.label;
		ml_exact_add(&sum, row.p);
		band->n++;
	}
	band->observed_share = ml_curves_share(positives, band->n);
	band->mean_probability = band->low = band->high = NAN;
	if (band->n > 0)
	{
		band->mean_probability = ml_exact_mean(&sum, band->n);
		ml_wilson((double) positives, (double) band->n, ml_normal_quantile(0.975), &band->low, &band->high);
	}
}

void
ml_curves_calibration(const char *ref, const char *source, int bins, const char *target,
					  MlCalibrationSink sink, void *ctx)
{
	MlEvaluation *e;
	MemoryContext caller;
	MlSample   *sample;
	int64		next = 0;

	if (bins < 1 || bins > ML_CALIBRATION_BINS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"bins\" is out of range"),
				 errdetail("It is %d, and must be 1 to %d.", bins, ML_CALIBRATION_BINS_MAX),
				 errhint("Ten bins are usual.")));
	e = ml_evaluation_begin(NIL, target);
	caller = MemoryContextSwitchTo(e->context);
	sample = ml_curves_read(e, ref, source);
	for (int b = 1; b <= bins; b++)
	{
		MlCalibrationBand band;

		band.bin = b;
		band.p_low = (double) (b - 1) / bins;
		band.p_high = (double) b / bins;
		ml_calibration_band(sample, &next, band.p_high, b == bins, &band);
		sink(ctx, &band);
	}
	MemoryContextSwitchTo(caller);
	ml_evaluation_end(e);
}
