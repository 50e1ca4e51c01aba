/*
 * cbpe.c - performance estimated from scores.
 *
 * Nothing is allocated and nothing jumps.
 */
#include <math.h>
#include <string.h>

#include "math/cbpe.h"

#define ML_CBPE_FOLDS		3
#define ML_CBPE_REPEATS		3
#define ML_CBPE_Z			1.959963984540054

/* More held-out rows than these say what scores are worth better than any cross-fit could. */
#define ML_CBPE_FIT_ROWS	200000.0

/* ---- shares that ascend ---- */

/*
 * Pools adjacent bins until shares ascend. Bins without rows get the share of
 * the nearest bin below with any, or else above.
 */
static void
ml_cbpe_pool(const double *rows, const double *positives, double *share, double *behind, int *block)
{
	double		n[ML_CBPE_BINS];
	double		k[ML_CBPE_BINS];
	int			last[ML_CBPE_BINS];
	int			blocks = 0;
	int			b = 0;

	for (int i = 0; i < ML_CBPE_BINS; i++)
	{
		if (rows[i] > 0)
		{
			n[blocks] = rows[i];
			k[blocks] = positives[i];
			last[blocks++] = i;
		}
		while (blocks > 1 && k[blocks - 2] * n[blocks - 1] >= k[blocks - 1] * n[blocks - 2])
		{
			blocks--;
			n[blocks - 1] += n[blocks];
			k[blocks - 1] += k[blocks];
			last[blocks - 1] = last[blocks];
		}
	}
	for (int i = 0; i < ML_CBPE_BINS; i++)
	{
		/* a bin belongs to the block that reaches up to the next one's first filled bin */
		while (b + 1 < blocks && i > last[b] && rows[i] > 0)
			b++;
		share[i] = k[b] / n[b];
		behind[i] = n[b];
		block[i] = b;
	}
}

/* A number that looks drawn, of a bin, a row in it and a repetition. */
static uint32_t
ml_cbpe_fold(int bin, int64_t row, int repeat)
{
	uint64_t	z = (uint64_t) row * 64 + (uint64_t) bin + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (repeat + 1);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t) ((z ^ (z >> 31)) >> 33) % ML_CBPE_FOLDS;
}

/* The expected calibration errors of scores and of shares, on rows that the shares did not see; sums over folds. */
static void
ml_cbpe_cross(const MlCbpeRows *held_out, const int64_t *positives, int repeat, double *raw, double *isotonic)
{
	double		n[ML_CBPE_FOLDS][ML_CBPE_BINS] = {{0}};
	double		k[ML_CBPE_FOLDS][ML_CBPE_BINS] = {{0}};

	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		for (int64_t i = 0; i < (int64_t) held_out->rows[b]; i++)
		{
			uint32_t	fold = ml_cbpe_fold(b, i, repeat);

			n[fold][b]++;
			k[fold][b] += i < positives[b];
		}
	}
	for (int f = 0; f < ML_CBPE_FOLDS; f++)
	{
		double		rest_n[ML_CBPE_BINS];
		double		rest_k[ML_CBPE_BINS];
		double		share[ML_CBPE_BINS];
		double		behind[ML_CBPE_BINS];
		int			block[ML_CBPE_BINS];
		double		rest = 0;

		for (int b = 0; b < ML_CBPE_BINS; b++)
		{
			rest_n[b] = held_out->rows[b] - n[f][b];
			rest_k[b] = (double) positives[b] - k[f][b];
			rest += rest_n[b];
		}
		if (rest == 0)
			continue;
		ml_cbpe_pool(rest_n, rest_k, share, behind, block);
		for (int b = 0; b < ML_CBPE_BINS; b++)
		{
			if (n[f][b] == 0)
				continue;
			*raw += fabs(k[f][b] - n[f][b] * held_out->scores[b] / held_out->rows[b]);
			*isotonic += fabs(k[f][b] - n[f][b] * share[b]);
		}
	}
}

bool
ml_cbpe_learn(MlCbpe *cbpe, const MlCbpeRows *held_out, const int64_t *positives)
{
	double		total = 0;
	double		known[ML_CBPE_BINS];
	double		raw = 0;
	double		isotonic = 0;

	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		known[b] = (double) positives[b];
		total += held_out->rows[b];
	}
	if (!(total > 0))
		return false;
	ml_cbpe_pool(held_out->rows, known, cbpe->share, cbpe->rows, cbpe->block);
	if (total <= ML_CBPE_FIT_ROWS)
	{
		for (int r = 0; r < ML_CBPE_REPEATS; r++)
			ml_cbpe_cross(held_out, positives, r, &raw, &isotonic);
		total *= ML_CBPE_REPEATS;
	}
	else
	{
		for (int b = 0; b < ML_CBPE_BINS; b++)
		{
			raw += fabs(known[b] - held_out->scores[b]);
			isotonic += fabs(known[b] - held_out->rows[b] * cbpe->share[b]);
		}
	}
	cbpe->error_raw = raw / total;
	cbpe->error_isotonic = isotonic / total;
	cbpe->isotonic = isotonic < raw;
	return true;
}

/* ---- metrics ---- */

static bool
ml_cbpe_auc(const double *rows, const double *positives, double *value)
{
	double		above = 0;		/* positives in higher bins */
	double		wins = 0;
	double		p = 0;
	double		n = 0;

	for (int b = ML_CBPE_BINS - 1; b >= 0; b--)
	{
		double		negatives = rows[b] - positives[b];

		wins += negatives * (above + positives[b] / 2);
		above += positives[b];
		p += positives[b];
		n += negatives;
	}
	*value = wins / (p * n);
	return p > 0 && n > 0;
}

bool
ml_cbpe_known(const double *rows, const double *positives, MlCbpeMetric metric, double *value)
{
	double		tp = 0;
	double		fp = 0;
	double		fn = 0;
	double		tn = 0;
	double		part;
	double		whole;

	if (metric == ML_CBPE_AUC)
		return ml_cbpe_auc(rows, positives, value);
	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		if (b >= ML_CBPE_BINS / 2)
		{
			tp += positives[b];
			fp += rows[b] - positives[b];
		}
		else
		{
			fn += positives[b];
			tn += rows[b] - positives[b];
		}
	}
	part = metric == ML_CBPE_ACCURACY ? tp + tn : metric == ML_CBPE_SPECIFICITY ? tn :
		metric == ML_CBPE_SHARE ? tp + fn : metric == ML_CBPE_F1 ? 2 * tp : tp;
	whole = metric == ML_CBPE_PRECISION ? tp + fp : metric == ML_CBPE_RECALL ? tp + fn :
		metric == ML_CBPE_SPECIFICITY ? tn + fp : metric == ML_CBPE_F1 ? 2 * tp + fp + fn : tp + fp + fn + tn;
	*value = part / whole;
	return whole > 0;
}

/* How much a metric grows with the positives of a bin. */
static double
ml_cbpe_slope(const double *rows, double *positives, int bin, MlCbpeMetric metric)
{
	double		was = positives[bin];
	double		step = rows[bin] * 1e-4;
	double		lower = was - step > 0 ? was - step : 0;
	double		upper = was + step < rows[bin] ? was + step : rows[bin];
	double		a;
	double		b;
	bool		defined;

	positives[bin] = lower;
	defined = ml_cbpe_known(rows, positives, metric, &a);
	positives[bin] = upper;
	defined &= ml_cbpe_known(rows, positives, metric, &b);
	positives[bin] = was;
	return defined && upper > lower ? (b - a) / (upper - lower) : 0;
}

bool
ml_cbpe_estimate(const MlCbpe *cbpe, const MlCbpeRows *rows, MlCbpeMetric metric, double *value, double *low, double *high)
{
	double		positives[ML_CBPE_BINS];
	double		by_block[ML_CBPE_BINS] = {0};
	double		behind[ML_CBPE_BINS] = {0};
	double		share[ML_CBPE_BINS] = {0};
	double		variance = 0;
	double		held_out;

	for (int b = 0; b < ML_CBPE_BINS; b++)
		positives[b] = rows->rows[b] * cbpe->share[b];
	if (!ml_cbpe_known(rows->rows, positives, metric, &held_out))
		return false;
	if (!cbpe->isotonic)
		memcpy(positives, rows->scores, sizeof positives);
	if (!ml_cbpe_known(rows->rows, positives, metric, value))
		return false;
	/* shares that do no better in cross-fit do not prove the scores: how far the two are apart is not known */
	variance += (held_out - *value) * (held_out - *value);
	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		double		slope;
		double		p;

		if (!(rows->rows[b] > 0))
			continue;
		slope = ml_cbpe_slope(rows->rows, positives, b, metric);
		p = positives[b] / rows->rows[b];
		/* the scores of a bin differ, which makes this an upper bound */
		variance += slope * slope * rows->rows[b] * p * (1 - p);
		by_block[cbpe->block[b]] += slope * rows->rows[b];
		behind[cbpe->block[b]] = cbpe->rows[b];
		share[cbpe->block[b]] = cbpe->share[b];
	}
	for (int k = 0; k < ML_CBPE_BINS; k++)
	{
		/* half a row more of either kind: a share of 0 or 1 is not known for sure */
		double		p = (share[k] * behind[k] + 0.5) / (behind[k] + 1);

		if (by_block[k] != 0)
			variance += by_block[k] * by_block[k] * p * (1 - p) / (behind[k] + 1);
	}
	*low = fmax(*value - ML_CBPE_Z * sqrt(variance), 0);
	*high = fmin(*value + ML_CBPE_Z * sqrt(variance), 1);
	return true;
}
