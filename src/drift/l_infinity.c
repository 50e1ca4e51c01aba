/*
 * l_infinity.c - the greatest difference of shares in any bin, from 0 to 1.
 *
 * What chance makes of it is bounded by the sum over bins of the probability
 * that this one differs so much (Bonferroni; Dunn, JASA 56, 1961), each that
 * of a hypergeometric number for few rows and of a normal one for many.
 * Noise does not add up over bins, so this finds what befalls one category
 * among many. The floor is a difference of shares.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/chance.h"

typedef struct MlBinTails
{
	const MlDriftPair *pair;
	const MlDriftSizes *sizes;
	double		alpha;
} MlBinTails;

/* The sum of the bins' probabilities; one above enough is as good as any. */
static double
ml_l_infinity_tails(const MlBinTails *tails, double d, bool beyond, double enough)
{
	double		sum = 0;

	for (int i = 0; i < tails->pair->nbins; i++)
	{
		double		rows = (double) tails->pair->reference.counts[i] + (double) tails->pair->current.counts[i];

		if (rows == 0)
			continue;
		sum += ml_chance_share(tails->sizes, rows, d, beyond);
		/* the second of two bins differs when the first does */
		if (sum > enough || tails->sizes->filled <= 2)
			break;
	}
	return Min(sum, 1.0);
}

static double
ml_l_infinity_beyond(const void *ctx, double d)
{
	const MlBinTails *tails = ctx;

	return ml_l_infinity_tails(tails, d, true, tails->alpha);
}

static void
ml_l_infinity_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlBinTails	tails = {pair, &sizes, alpha};

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = 0;
	for (int i = 0; i < pair->nbins; i++)
		out->statistic = Max(out->statistic, ml_share_difference(&sizes, (double) pair->reference.counts[i],
																 (double) pair->current.counts[i]));
	out->p_value = ml_l_infinity_tails(&tails, out->statistic, false, 1);
	out->limit = Max(ml_chance_bisect(ml_l_infinity_beyond, &tails, alpha), floor);
}

const MlDriftMethod ml_drift_l_infinity = {
	.name = "l_infinity",
	.summary = "greatest difference of shares in any bin",
	.floor = 0.05,
	.compute = ml_l_infinity_compute
};
