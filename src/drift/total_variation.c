/*
 * total_variation.c - total variation distance: half the sum of the differences of shares, from 0 to 1.
 *
 * It is the share of rows that would have to move. What chance makes of it has
 * no common distribution: mean and variance are added up from the bins, those
 * with few rows by counting cases, and a gamma distribution has both. Two bins'
 * normal differences have correlation r, and the covariance of their absolute
 * values is at most (1 - 2 / pi) r^2 times their deviations (reached at |r| = 1;
 * Nabeya, Annals of the Institute of Statistical Mathematics 3, 1951).
 * The floor is in units of the distance.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"

/* 1 - 2 / pi */
#define ML_ABS_NORMAL_VARIANCE 0.36338022763241865

static double
ml_total_variation_of(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftChance *chance)
{
	double		sum = 0;
	double		parts = 0;
	double		squares = 0;

	chance->mean = chance->variance = chance->third = 0;
	for (int i = 0; i < pair->nbins; i++)
	{
		double		x = (double) pair->reference.counts[i];
		double		y = (double) pair->current.counts[i];
		double		share = (x + y) / sizes->total;
		double		part;
		MlDriftChance one;

		if (x + y == 0 || x + y == sizes->total)
			continue;
		sum += ml_share_difference(sizes, x, y);
		ml_chance_difference(sizes, x + y, &one);
		chance->mean += 0.5 * one.mean;
		chance->variance += 0.25 * one.variance;
		/* with these, r^2 times both deviations is a product */
		part = share * sqrt(share / (1 - share));
		parts += part;
		squares += part * part;
	}
	chance->variance += 0.25 * ML_ABS_NORMAL_VARIANCE * Max(parts * parts - squares, 0) / sizes->effective;
	return Min(0.5 * sum, 1.0);
}

static void
ml_total_variation_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = ml_total_variation_of(pair, &sizes, &chance);
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = Max(ml_chance_limit(&chance, alpha), floor);
}

const MlDriftMethod ml_drift_total_variation = {
	.name = "total_variation",
	.summary = "total variation distance: the share of rows that would have to move",
	.floor = 0.1,
	.compute = ml_total_variation_compute
};
