/*
 * calibration_error.c - the expected calibration error over ten bins of equal width.
 *
 * Bin k holds the probabilities from k/10 up to but without (k + 1)/10, the
 * last one also 1. The error of a bin is the distance of its mean probability
 * from its share of positives; bins count by their rows. (Naeini, Cooper and
 * Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
 * Binning", AAAI 2015, section 4.)
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

#include "common/int.h"
#include "miscadmin.h"

#define ML_CALIBRATION_BINS		10

/* Probabilities are summed in units of 2^-63, so their order does not matter. */
#define ML_CALIBRATION_UNITS	9223372036854775808.0

typedef struct MlCalibrationBin
{
	int64		positives;
	uint64		units_high;		/* the sum of p is units_high * 2 + units_low / 2^63 */
	uint64		units_low;
} MlCalibrationBin;

typedef struct MlCalibrationTally
{
	MlTally		head;
	MlCalibrationBin bin[ML_CALIBRATION_BINS];
} MlCalibrationTally;

static inline int
ml_calibration_bin(double p)
{
	return Min((int) (p * ML_CALIBRATION_BINS), ML_CALIBRATION_BINS - 1);
}

static inline void
ml_calibration_add_units(MlCalibrationBin *bin, uint64 high, uint64 low)
{
	bin->units_low += low;
	bin->units_high += high + (bin->units_low < low);
}

static void
ml_calibration_add(MlTally *tally, const MlMetricRow *row)
{
	MlCalibrationTally *t = (MlCalibrationTally *) tally;
	double		p = ml_check_probability(row->p);
	MlCalibrationBin *bin = &t->bin[ml_calibration_bin(p)];

	tally->rows++;
	bin->positives += row->label;
	ml_calibration_add_units(bin, 0, (uint64) (p * ML_CALIBRATION_UNITS));
}

static void
ml_calibration_merge(MlTally *into, const MlTally *from)
{
	MlCalibrationTally *t = (MlCalibrationTally *) into;
	const MlCalibrationTally *f = (const MlCalibrationTally *) from;
	int			i;

	for (i = 0; i < ML_CALIBRATION_BINS; i++)
	{
		t->bin[i].positives += f->bin[i].positives;
		ml_calibration_add_units(&t->bin[i], f->bin[i].units_high, f->bin[i].units_low);
	}
}

static bool
ml_calibration_valid(const MlTally *tally)
{
	const MlCalibrationTally *t = (const MlCalibrationTally *) tally;
	int64		positives = 0;
	int			i;

	for (i = 0; i < ML_CALIBRATION_BINS; i++)
	{
		if (t->bin[i].positives < 0 || t->bin[i].units_high > (uint64) tally->rows / 2 ||
			pg_add_s64_overflow(positives, t->bin[i].positives, &positives))
			return false;
	}
	return positives <= tally->rows;
}

/* Adds |sum of p - positives| of a bin to the total, as integers so that nothing is rounded. */
static void
ml_calibration_add_gap(MlCalibrationBin *total, const MlCalibrationBin *bin)
{
	uint64		high = bin->units_high - (uint64) (bin->positives / 2);
	uint64		low = bin->units_low;

	if (bin->positives % 2 != 0)
	{
		high -= low < UINT64CONST(1) << 63;
		low -= UINT64CONST(1) << 63;
	}
	if ((int64) high < 0)
	{
		low = ~low + 1;
		high = ~high + (low == 0);
	}
	ml_calibration_add_units(total, high, low);
}

static bool
ml_calibration_value(MlTally *tally, double *value)
{
	MlCalibrationTally *t = (MlCalibrationTally *) tally;
	MlCalibrationBin total = {0};
	int			i;

	for (i = 0; i < ML_CALIBRATION_BINS; i++)
		ml_calibration_add_gap(&total, &t->bin[i]);
	*value = ((double) total.units_high * 2 + (double) total.units_low / ML_CALIBRATION_UNITS) / (double) tally->rows;
	return true;
}

/* Rows bin after bin: where they are in the sample, and p - (1 for a positive row, else 0). */
typedef struct MlWeightedCalibration
{
	uint32	   *at;
	double	   *gap;
	int64		start[ML_CALIBRATION_BINS + 1];
} MlWeightedCalibration;

static void *
ml_calibration_prepare(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlWeightedCalibration *c = palloc0(sizeof(MlWeightedCalibration));
	int64		place[ML_CALIBRATION_BINS];
	MlMetricRow row;

	c->at = ml_weighted_alloc(rows, sizeof(uint32));
	c->gap = ml_weighted_alloc(rows, sizeof(double));
	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		c->start[ml_calibration_bin(row.p) + 1]++;
	}
	for (int b = 0; b < ML_CALIBRATION_BINS; b++)
	{
		place[b] = c->start[b];
		c->start[b + 1] += c->start[b];
	}
	for (int64 i = 0; i < rows; i++)
	{
		int64		to;

		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		to = place[ml_calibration_bin(row.p)]++;
		c->at[to] = (uint32) i;
		c->gap[to] = row.p - row.label;
	}
	return c;
}

static bool
ml_calibration_weighted(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedCalibration *c = prepared;
	double		total = 0;

	for (int b = 0; b < ML_CALIBRATION_BINS; b++)
	{
		double		gap = 0;

		for (int64 from = c->start[b]; from < c->start[b + 1]; from += ML_RESAMPLE_BLOCK)
		{
			CHECK_FOR_INTERRUPTS();
			gap += ml_resample_sum_at(replicate->w, c->at + from, c->gap + from,
									  Min(c->start[b + 1] - from, ML_RESAMPLE_BLOCK));
		}
		total += fabs(gap);
	}
	*value = total / (double) replicate->total;
	return true;
}

static const MlWeightedKind ml_calibration_weights = {
	.prepare = ml_calibration_prepare,
	.value = ml_calibration_weighted
};

const MlTallyKind ml_tally_calibration = {
	.tag = ML_TALLY_TAG(6),
	.bytes = sizeof(MlCalibrationTally),
	.open = ml_tally_open,
	.merge = ml_calibration_merge,
	.valid = ml_calibration_valid
};

const MlMetric ml_metric_calibration_error = {
	.name = "calibration_error",
	.summary = "mean distance of the probability from the observed share, over ten bins",
	.input = ML_METRIC_PROBABILITY,
	.larger_is_better = false,
	.kind = &ml_tally_calibration,
	.add = ml_calibration_add,
	.value = ml_calibration_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_calibration_weights,
	.inflated = true
};
