/*
 * weighted.c - metrics of rows that count several times: the kinds that several metrics share.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Losses of rows, as fractions. */
typedef struct MlWeightedLosses
{
	double	   *x;
	int			exponent;
} MlWeightedLosses;

/* A place and its score. */
typedef struct MlScoredRow
{
	uint64		key;
	uint32		row;
} MlScoredRow;

/* ml_sort_scored: by score, then by place. */
#define ST_SORT ml_sort_scored
#define ST_ELEMENT_TYPE MlScoredRow
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key ? 1 : (a)->row < (b)->row ? -1 : (a)->row > (b)->row)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

void *
ml_weighted_alloc(int64 rows, Size bytes)
{
	return palloc_extended((Size) Max(rows, 1) * bytes, MCXT_ALLOC_HUGE);
}

double
ml_weighted_sum(const MlReplicate *replicate, const double *x)
{
	double		sum = 0;

	for (int64 from = 0; from < replicate->rows; from += ML_RESAMPLE_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		sum += ml_resample_sum(replicate->w + from, x + from, Min(replicate->rows - from, ML_RESAMPLE_BLOCK));
	}
	return sum;
}

double
ml_weighted_squares(const MlReplicate *replicate, const double *x)
{
	double		sum = 0;

	for (int64 from = 0; from < replicate->rows; from += ML_RESAMPLE_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		sum += ml_resample_squares(replicate->w + from, x + from, Min(replicate->rows - from, ML_RESAMPLE_BLOCK));
	}
	return sum;
}

bool
ml_weighted_scale(double *x, int64 n, int *exponent)
{
	double		greatest = 0;

	for (int64 i = 0; i < n; i++)
	{
		if (!isfinite(x[i]))
			return false;
		greatest = Max(greatest, fabs(x[i]));
	}
	(void) frexp(greatest, exponent);
	for (int64 i = 0; i < n; i++)
		x[i] = ldexp(x[i], -*exponent);
	return true;
}

uint32 *
ml_weighted_order(const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlScoredRow *scored = ml_weighted_alloc(rows, sizeof(MlScoredRow));
	uint32	   *order = ml_weighted_alloc(rows, sizeof(uint32));
	MlMetricRow row;

	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		memcpy(&scored[i].key, &row.p, sizeof(uint64));
		scored[i].row = (uint32) i;
	}
	ml_sort_scored(scored, rows);
	for (int64 i = 0; i < rows; i++)
		order[i] = scored[i].row;
	pfree(scored);
	return order;
}

static void *
ml_weighted_losses(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlWeightedLosses *losses = palloc(sizeof(MlWeightedLosses));
	MlMetricRow row;

	losses->x = ml_weighted_alloc(rows, sizeof(double));
	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		losses->x[i] = metric->loss(&row);
	}
	CHECK_FOR_INTERRUPTS();
	return ml_weighted_scale(losses->x, rows, &losses->exponent) ? losses : NULL;
}

static bool
ml_weighted_mean_value(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedLosses *losses = prepared;

	*value = ldexp(ml_weighted_sum(replicate, losses->x) / (double) replicate->total, losses->exponent);
	return true;
}

static bool
ml_weighted_square_value(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedLosses *losses = prepared;

	*value = ldexp(ml_weighted_squares(replicate, losses->x) / (double) replicate->total, 2 * losses->exponent);
	return true;
}

static bool
ml_weighted_root_value(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedLosses *losses = prepared;

	*value = ldexp(sqrt(ml_weighted_squares(replicate, losses->x) / (double) replicate->total), losses->exponent);
	return true;
}

const MlWeightedKind ml_weighted_mean = {
	.prepare = ml_weighted_losses,
	.value = ml_weighted_mean_value
};

const MlWeightedKind ml_weighted_mean_square = {
	.prepare = ml_weighted_losses,
	.value = ml_weighted_square_value
};

const MlWeightedKind ml_weighted_root_mean_square = {
	.prepare = ml_weighted_losses,
	.value = ml_weighted_root_value
};

/* The outcomes of the rows' decisions: 0 true negative, 1 false positive, 2 false negative, 3 true positive. */
static void *
ml_weighted_decisions_prepare(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	uint8	   *cell = ml_weighted_alloc(rows, sizeof(uint8));
	MlMetricRow row;

	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		cell[i] = row.label * 2 + row.predicted;
	}
	return cell;
}

static bool
ml_weighted_decisions_value(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	const uint8 *cell = prepared;
	uint64_t	count[4] = {0};
	MlDecisionTally tally;

	for (int64 from = 0; from < replicate->rows; from += ML_RESAMPLE_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		ml_resample_cells(replicate->w + from, cell + from, Min(replicate->rows - from, ML_RESAMPLE_BLOCK), count);
	}
	memset(&tally, 0, sizeof tally);
	tally.head.rows = (int64) replicate->total;
	tally.true_negatives = (int64) count[0];
	tally.false_positives = (int64) count[1];
	tally.false_negatives = (int64) count[2];
	tally.true_positives = (int64) count[3];
	return metric->value((MlTally *) &tally, value);
}

const MlWeightedKind ml_weighted_decisions = {
	.prepare = ml_weighted_decisions_prepare,
	.value = ml_weighted_decisions_value
};
