/*
 * kuiper.c - Kuiper's V: the greatest difference of the distribution functions above plus that below, from 0 to 1.
 *
 * Kuiper, Indagationes Mathematicae 22 (1960). It does not depend on where a
 * cyclic axis (hours, weekdays, angles) begins, and sees a change of spread as
 * well as one of place. Bins, and rows without a place on the axis, are as with
 * kolmogorov_smirnov.c; where such rows come and go, the place of the beginning
 * has a say. The floor is in units of V.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"
#include "math/kolmogorov.h"

static void
ml_kuiper_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	double		above = 0;
	double		below = 0;
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
	for (int i = 0; i < pair->nbins; i++)
	{
		double		difference;

		x += pair->reference.counts[i];
		y += pair->current.counts[i];
		difference = (double) x / sizes.n - (double) y / sizes.m;
		above = Max(above, difference);
		below = Max(below, -difference);
	}
	root = sqrt(sizes.effective);
	out->statistic = Min(above + below, 1.0);
	out->p_value = ml_kuiper_upper(root * out->statistic);
	out->limit = Max(ml_kuiper_upper_quantile(alpha) / root, floor);
}

const MlDriftMethod ml_drift_kuiper = {
	.name = "kuiper",
	.summary = "Kuiper's V: greatest difference of the distribution functions above plus that below; for cyclic columns",
	.needs_order = true,
	.floor = 0.1,
	.compute = ml_kuiper_compute
};
