/*
 * kolmogorov_smirnov.c - the greatest difference of the two distribution functions at the edges of bins, from 0 to 1.
 *
 * Smirnov, Annals of Mathematical Statistics 19 (1948); p-value and limit are
 * the asymptotic ones, which are on the safe side for bins and for few rows.
 * Between edges nothing is known, so D falls short of that of the rows by at
 * most the largest share of a bin. Rows without a place on the axis (NULL,
 * NaN, unseen) are put behind its end: a side that is all NULL is compared as
 * well. The floor is in units of D.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"
#include "math/kolmogorov.h"

static void
ml_kolmogorov_smirnov_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	int64		x = 0;
	int64		y = 0;
	double		root;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	if (pair->nordered == 0)
	{
		ml_drift_undefined(out);
		return;
	}
	out->statistic = 0;
	for (int i = 0; i < pair->nbins; i++)
	{
		x += pair->reference.counts[i];
		y += pair->current.counts[i];
		out->statistic = Max(out->statistic, ml_share_difference(&sizes, (double) x, (double) y));
	}
	root = sqrt(sizes.effective);
	out->p_value = ml_kolmogorov_upper(root * out->statistic);
	out->limit = Max(ml_kolmogorov_upper_quantile(alpha) / root, floor);
}

const MlDriftMethod ml_drift_kolmogorov_smirnov = {
	.name = "kolmogorov_smirnov",
	.summary = "greatest difference of the distribution functions at the edges of bins",
	.needs_order = true,
	.floor = 0.1,
	.compute = ml_kolmogorov_smirnov_compute
};
