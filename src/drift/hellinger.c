/*
 * hellinger.c - Hellinger distance: the root of half the sum of (sqrt p - sqrt q)^2, from 0 to 1.
 *
 * Hellinger, Journal fuer die reine und angewandte Mathematik 136 (1909).
 * Without drift its square is nearly (1/n + 1/m) / 8 times chi-square (Freeman
 * and Tukey, Annals of Mathematical Statistics 21, 1950). Empty bins need no
 * care. The floor is in units of the distance.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"

static double
ml_hellinger_term(const MlDriftSizes *sizes, double x, double y)
{
	double		difference = sqrt(x / sizes->n) - sqrt(y / sizes->m);

	return 0.5 * difference * difference;
}

static void
ml_hellinger_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;
	double		square;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	square = ml_drift_divergence(pair, &sizes, ml_hellinger_term, 0.125 / sizes.effective, &chance);
	out->statistic = Min(sqrt(square), 1.0);
	out->p_value = ml_chance_upper(&chance, square);
	out->limit = Max(sqrt(ml_chance_limit(&chance, alpha)), floor);
}

const MlDriftMethod ml_drift_hellinger = {
	.name = "hellinger",
	.summary = "Hellinger distance, from 0 to 1",
	.floor = 0.1,
	.compute = ml_hellinger_compute
};
