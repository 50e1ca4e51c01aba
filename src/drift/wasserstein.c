/*
 * wasserstein.c - how far values have moved on average, in standard deviations of the reference.
 *
 * The first Wasserstein distance is the area between the distribution
 * functions (Vallender, Theory of Probability and its Applications 18, 1974).
 * All values of a bin are taken to lie in its middle; the outer bins end at
 * the least and the greatest value. So an error of half a bin's width is
 * possible, but for bins of one number each. Rows without a place on the axis
 * do not count. By chance the
 * differences of the functions at the edges are a Brownian bridge at N = n m /
 * (n + m) rows (del Barrio, Gine and Matran, Annals of Probability 27, 1999);
 * mean and variance of the area follow, the covariance of absolute values as
 * in total_variation.c, and a gamma distribution has both. The floor is in
 * standard deviations. When all values of the reference are the same, the
 * deviation is that of both sides together.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"

/* sqrt(2 / pi) and 1 - 2 / pi: mean and variance of the absolute value of a standard normal number. */
#define ML_ABS_NORMAL_MEAN 0.79788456080286536
#define ML_ABS_NORMAL_VARIANCE 0.36338022763241865

/* The middle of a bin, or the number that it is of. */
static double
ml_wasserstein_middle(const MlDriftPair *pair, int i)
{
	int			last = pair->nordered - 1;
	double		left = i > 0 ? pair->edges[i - 1] : pair->low;
	double		right = i < last ? pair->edges[i] : pair->high;

	if (pair->own && i > 0 && i < last)
		return left;
	/* an outer bin whose end is not known, or not beyond the edge, lies at the edge */
	if (i == 0 && !(left < right))
		left = right;
	if (i == last && !(right > left))
		right = left;
	return 0.5 * left + 0.5 * right;
}

/* The area between the distribution functions of the ordered bins; sizes count their rows only. */
static double
ml_wasserstein_area(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftChance *chance)
{
	double		area = 0;
	double		x = 0;
	double		y = 0;
	double		before = 0;		/* the sum over the edges so far that their covariances with the next share */

	chance->mean = chance->variance = chance->third = 0;
	for (int i = 0; i < pair->nordered - 1; i++)
	{
		double		width = ml_wasserstein_middle(pair, i + 1) - ml_wasserstein_middle(pair, i);
		double		below;
		double		deviation;

		x += (double) pair->reference.counts[i];
		y += (double) pair->current.counts[i];
		below = (x + y) / sizes->total;
		if (x + y == 0 || !(below < 1))
			continue;
		area += width * ml_share_difference(sizes, x, y);
		deviation = width * sqrt(below * (1 - below) / sizes->effective);
		chance->mean += ML_ABS_NORMAL_MEAN * deviation;
		chance->variance += ML_ABS_NORMAL_VARIANCE * deviation * (deviation + 2 * before * (1 - below) / below);
		before += deviation * below / (1 - below);
	}
	return area;
}

static void
ml_wasserstein_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftPair ordered = *pair;
	MlDriftChance chance;
	double		spread;

	ordered.nbins = pair->nordered;
	ordered.reference.n = ordered.current.n = 0;
	for (int i = 0; i < pair->nordered; i++)
	{
		ordered.reference.n += pair->reference.counts[i];
		ordered.current.n += pair->current.counts[i];
	}
	if (!ml_drift_sizes(&ordered, &sizes, out))
		return;
	out->statistic = ml_wasserstein_area(&ordered, &sizes, &chance);
	if (!ml_drift_spread(pair, &spread) || (spread == 0 && out->statistic > 0))
	{
		ml_drift_undefined(out);
		return;
	}
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = ml_chance_limit(&chance, alpha);
	if (spread > 0)
	{
		out->statistic /= spread;
		out->limit /= spread;
	}
	out->limit = Max(out->limit, floor);
}

const MlDriftMethod ml_drift_wasserstein = {
	.name = "wasserstein",
	.summary = "Wasserstein distance in standard deviations of the reference",
	.needs_order = true,
	.needs_moments = true,
	.floor = 0.1,
	.compute = ml_wasserstein_compute
};
