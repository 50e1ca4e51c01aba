/*
 * interval.c - the value of a metric on a sample, its 95 % interval, and the paired difference of two predictors.
 *
 * How a metric gets its interval stands in its struct. Everything that is
 * needed for it lives in a memory context that goes away before the return.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "math/dist.h"
#include "math/interval.h"
#include "metric/tally.h"
#include "metric/weighted.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Of a 95 % interval, what is left out below. */
#define ML_INTERVAL_TAIL		0.025

/* A fixed seed: the same rows give the same interval. */
#define ML_BOOTSTRAP_SEED		UINT64CONST(0x6d6c5f626f6f7473)

/* Beyond so many rows one metric follows the other, and the weights are drawn anew for each: that takes less memory. */
#define ML_BOOTSTRAP_TOGETHER	1000000

/* With more undefined replicates than one in so many there is no interval. */
#define ML_BOOTSTRAP_UNDEFINED	20

/* One metric of one predictor, or the difference of two (b is -1 or the second). */
typedef struct MlBootstrapJob
{
	const MlMetric *metric;
	int			b;
	MlInterval *out;
	void	   *prepared_a;
	void	   *prepared_b;
	double	   *figures;		/* of the replicates where it is defined */
	int			count;
} MlBootstrapJob;

/* ml_sort_figures: ascending numbers. */
#define ST_SORT ml_sort_figures
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

static void
ml_interval_breathe(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
}

static const MlTick ml_interval_tick = {.breathe = ml_interval_breathe};

static MemoryContext
ml_interval_context(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "pg_mlops interval", ALLOCSET_DEFAULT_SIZES);
}

/* The metric's state with all rows counted in, in the current memory context. */
static MlMetricState *
ml_interval_count(const MlSample *sample, const MlMetric *metric, int predictor)
{
	MlMetricState *state = ml_metric_begin(metric, CurrentMemoryContext);
	int64		rows = ml_sample_rows(sample);
	MlMetricRow row;

	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		ml_metric_add(state, &row);
	}
	return state;
}

/* Sets value, n and, where it comes from counts, the interval; false: undefined. */
static bool
ml_interval_begin(const MlSample *sample, const MlMetric *metric, int predictor, MlInterval *out)
{
	MemoryContext context = ml_interval_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	MlMetricState *state = ml_interval_count(sample, metric, predictor);
	bool		defined;

	out->low = out->high = NAN;
	out->method = metric->interval;
	out->how = NULL;
	out->n = ml_sample_rows(sample);
	defined = ml_metric_value(state, &out->value);
	if (defined && metric->interval == ML_INTERVAL_WILSON)
	{
		int64		part;

		metric->share(state->tally, &part, &out->n);
		ml_wilson((double) part, (double) out->n, ml_normal_quantile(1 - ML_INTERVAL_TAIL), &out->low, &out->high);
		out->how = "Wilson";
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return defined;
}

/* The wins of a predictor's rows, in canonical order; see math/interval.h. */
static int64_t *
ml_interval_wins(const MlSample *sample, int predictor, uint8 *label)
{
	int64		rows = ml_sample_rows(sample);
	uint32	   *order = ml_weighted_order(sample, predictor);
	uint64_t   *key = ml_weighted_alloc(rows, sizeof(uint64_t));
	int64_t    *wins = ml_weighted_alloc(rows, sizeof(int64_t));
	MlMetricRow row;

	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, order[i], predictor, &row);
		memcpy(&key[i], &row.p, sizeof(uint64_t));
		label[order[i]] = row.label;
	}
	ml_delong_wins(key, order, label, rows, wins, &ml_interval_tick);
	pfree(key);
	pfree(order);
	return wins;
}

/* The interval of an area under the curve, or of the difference of that of a from that of b unless b is -1. */
static void
ml_interval_delong(const MlSample *sample, int a, int b, MlInterval *out)
{
	MemoryContext context = ml_interval_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	int64		rows = ml_sample_rows(sample);
	uint8	   *label = ml_weighted_alloc(rows, sizeof(uint8));
	int64_t    *wins = ml_interval_wins(sample, a, label);
	MlArea		area;
	double		half;

	if (b >= 0)
	{
		int64_t    *others = ml_interval_wins(sample, b, label);

		for (int64 i = 0; i < rows; i++)
			wins[i] -= others[i];
	}
	area = ml_delong_area(wins, label, rows, &ml_interval_tick);
	half = ml_normal_quantile(1 - ML_INTERVAL_TAIL) * sqrt(area.variance);
	if (!isnan(half))
	{
		out->low = Max(out->value - half, b >= 0 ? -1 : 0);
		out->high = Min(out->value + half, 1);
	}
	out->how = b >= 0 ? "paired DeLong" : "DeLong";
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static int
ml_bootstrap_replicates(int64 rows)
{
	return (int) Max(Min(ML_BOOTSTRAP_WORK / Max(rows, 1), ML_BOOTSTRAP_REPLICATES), ML_BOOTSTRAP_REPLICATES_MIN);
}

void
ml_bootstrap_limits(double *figures, int count, int replicates, bool inflated, MlInterval *out)
{
	double		shift = 0;

	out->low = out->high = NAN;
	if (count < replicates - replicates / ML_BOOTSTRAP_UNDEFINED)
		return;
	ml_sort_figures(figures, count);

	/* Drawing rows again adds to what is a distance: what it adds is taken off. */
	if (inflated)
	{
		for (int r = 0; r < count; r++)
			shift += figures[r];
		shift = out->value - shift / count;
	}
	out->low = ml_sorted_quantile(figures, count, ML_INTERVAL_TAIL) + shift;
	out->high = ml_sorted_quantile(figures, count, 1 - ML_INTERVAL_TAIL) + shift;

	/* Rounding, or chance, may leave the value itself outside by a hair. */
	out->low = Min(out->low, out->value);
	out->high = Max(out->high, out->value);
}

/* Computes one replicate of every job. */
static void
ml_bootstrap_replicate(MlBootstrapJob *jobs, int njobs, const MlReplicate *replicate)
{
	const void *prepared = NULL;
	double		figure = 0;
	bool		defined = false;

	for (int j = 0; j < njobs; j++)
	{
		MlBootstrapJob *job = &jobs[j];
		const MlWeightedKind *kind = job->metric->weighted;
		double		other = 0;

		if (job->prepared_a == NULL)
			continue;
		if (job->prepared_a != prepared)
			defined = kind->value(job->metric, job->prepared_a, replicate, &figure);
		prepared = job->prepared_a;
		if (defined && !(job->b >= 0 && job->prepared_b == NULL) &&
			(job->b < 0 || kind->value(job->metric, job->prepared_b, replicate, &other)) &&
			isfinite(figure - other))
			job->figures[job->count++] = figure - other;
	}
}

/* Gives every job its interval, all from the same replicates. */
static void
ml_bootstrap_run(const MlSample *sample, int a, MlBootstrapJob *jobs, int njobs)
{
	MemoryContext context = ml_interval_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	int64		rows = ml_sample_rows(sample);
	int			replicates = ml_bootstrap_replicates(rows);
	uint8	   *w = ml_weighted_alloc(rows, sizeof(uint8));
	MlReplicate replicate = {.w = w, .rows = rows};

	for (int j = 0; j < njobs; j++)
	{
		const MlMetric *metric = jobs[j].metric;

		jobs[j].figures = palloc(sizeof(double) * replicates);
		/* a figure and its difference from another are neighbours */
		jobs[j].prepared_a = j > 0 && jobs[j - 1].metric == metric ? jobs[j - 1].prepared_a :
			metric->weighted->prepare(metric, sample, a);
		jobs[j].prepared_b = jobs[j].b >= 0 ? metric->weighted->prepare(metric, sample, jobs[j].b) : NULL;
	}
	for (int r = 0; r < replicates; r++)
	{
		replicate.total = 0;
		for (int64 from = 0; from < rows; from += ML_RESAMPLE_BLOCK)
		{
			int64		n = Min(rows - from, ML_RESAMPLE_BLOCK);

			CHECK_FOR_INTERRUPTS();
			ml_resample_weights(ML_BOOTSTRAP_SEED, r, from, n, w + from);
			replicate.total += ml_resample_total(w + from, n);
		}
		if (replicate.total > 0)
			ml_bootstrap_replicate(jobs, njobs, &replicate);
	}
	for (int j = 0; j < njobs; j++)
	{
		ml_bootstrap_limits(jobs[j].figures, jobs[j].count, replicates, jobs[j].metric->inflated, jobs[j].out);
		if (jobs[j].metric->inflated && jobs[j].b < 0 && !isnan(jobs[j].out->low))
			jobs[j].out->low = Max(jobs[j].out->low, 0);
	}
	MemoryContextSwitchTo(old);
	for (int j = 0; j < njobs; j++)
		jobs[j].out->how = psprintf("%s, %d replicates", jobs[j].b >= 0 ? "paired bootstrap" : "bootstrap",
									replicates);
	MemoryContextDelete(context);
}

void
ml_sample_intervals(const MlSample *sample, const MlMetric *const *metrics, int nmetrics, int predictor,
					MlInterval *out, bool *defined)
{
	MlBootstrapJob *jobs = palloc0(sizeof(MlBootstrapJob) * Max(nmetrics, 1));
	int			njobs = 0;
	int			together = nmetrics;

	for (int m = 0; m < nmetrics; m++)
	{
		defined[m] = ml_interval_begin(sample, metrics[m], predictor, &out[m]);
		if (!defined[m])
			continue;
		if (metrics[m]->interval == ML_INTERVAL_DELONG)
			ml_interval_delong(sample, predictor, -1, &out[m]);
		else if (metrics[m]->interval == ML_INTERVAL_BOOTSTRAP)
		{
			jobs[njobs].metric = metrics[m];
			jobs[njobs].b = -1;
			jobs[njobs++].out = &out[m];
		}
	}
	if (ml_sample_rows(sample) > ML_BOOTSTRAP_TOGETHER)
		together = 1;
	for (int j = 0; j < njobs; j += together)
		ml_bootstrap_run(sample, predictor, jobs + j, Min(together, njobs - j));
	pfree(jobs);
}

bool
ml_sample_interval(const MlSample *sample, const MlMetric *metric, int predictor, MlInterval *out)
{
	bool		defined;

	ml_sample_intervals(sample, &metric, 1, predictor, out, &defined);
	return defined;
}

/* Whether a predictor has a row right. */
static bool
ml_interval_right(const MlSample *sample, int64 i, int predictor)
{
	MlMetricRow row;

	ml_sample_row(sample, i, predictor, &row);
	return row.actual == row.chosen;
}

double
ml_sample_mcnemar(const MlSample *sample, int a, int b, int64 *only_a, int64 *only_b)
{
	int64		rows = ml_sample_rows(sample);

	*only_a = *only_b = 0;
	for (int64 i = 0; i < rows; i++)
	{
		bool		right_a = ml_interval_right(sample, i, a);
		bool		right_b = ml_interval_right(sample, i, b);

		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		*only_a += right_a && !right_b;
		*only_b += right_b && !right_a;
	}
	return ml_mcnemar_exact((double) *only_a, (double) *only_b);
}

/* The difference of two accuracies, which is that of the rows that only one of them has right. */
static void
ml_interval_mcnemar(const MlSample *sample, int a, int b, MlInterval *out)
{
	int64		only_a;
	int64		only_b;

	(void) ml_sample_mcnemar(sample, a, b, &only_a, &only_b);
	out->value = (double) (only_a - only_b) / (double) out->n;
	ml_paired_shares((double) only_a, (double) only_b, (double) out->n,
					 ml_normal_quantile(1 - ML_INTERVAL_TAIL), &out->low, &out->high);
	out->how = "McNemar";
}

/* Sets the difference of two figures, with all but an interval that takes the bootstrap; returns whether it does. */
static bool
ml_interval_differ(const MlSample *sample, const MlMetric *metric, int a, int b, const MlInterval *figure,
				   const MlInterval *other, MlInterval *out)
{
	*out = *figure;
	out->value -= other->value;
	out->low = out->high = NAN;
	out->n = ml_sample_rows(sample);
	out->method = metric->difference;
	if (ml_sample_same(sample, a, b))
	{
		out->value = out->low = out->high = 0;
		out->how = "the same predictions";
	}
	else if (metric->difference == ML_INTERVAL_DELONG)
		ml_interval_delong(sample, a, b, out);
	else if (metric->difference == ML_INTERVAL_MCNEMAR)
		ml_interval_mcnemar(sample, a, b, out);
	else
		return true;
	return false;
}

bool
ml_sample_difference(const MlSample *sample, const MlMetric *metric, int a, int b, MlInterval *out)
{
	MlBootstrapJob job = {.metric = metric, .b = b, .out = out};
	MlInterval	figure;
	MlInterval	other;

	if (!ml_interval_begin(sample, metric, a, &figure) || !ml_interval_begin(sample, metric, b, &other))
		return false;
	if (ml_interval_differ(sample, metric, a, b, &figure, &other, out))
		ml_bootstrap_run(sample, a, &job, 1);
	return true;
}

bool
ml_sample_beside(const MlSample *sample, const MlMetric *metric, int a, int b, MlBeside *out)
{
	MlBootstrapJob jobs[2] = {{0}};
	MlInterval	other;
	int			njobs = 0;

	if (!ml_interval_begin(sample, metric, a, &out->figure) || !ml_interval_begin(sample, metric, b, &other))
		return false;
	out->other = other.value;
	if (metric->interval == ML_INTERVAL_DELONG)
		ml_interval_delong(sample, a, -1, &out->figure);
	else if (metric->interval == ML_INTERVAL_BOOTSTRAP)
		jobs[njobs++] = (MlBootstrapJob) {.metric = metric, .b = -1, .out = &out->figure};
	if (ml_interval_differ(sample, metric, a, b, &out->figure, &other, &out->difference))
		jobs[njobs++] = (MlBootstrapJob) {.metric = metric, .b = b, .out = &out->difference};
	if (njobs > 0)
		ml_bootstrap_run(sample, a, jobs, njobs);
	return true;
}
