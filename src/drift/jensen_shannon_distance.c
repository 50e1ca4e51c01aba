/*
 * jensen_shannon_distance.c - the root of the Jensen-Shannon divergence in bits: 0 for the same shares, 1 for no bin in common.
 *
 * Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions
 * on Information Theory 37 (1991); a distance by Endres and Schindelin, IEEE
 * Transactions on Information Theory 49 (2003). In nats and without drift the
 * divergence is nearly (1/n + 1/m) / 8 times chi-square. Empty bins need no
 * care. The floor is in units of the distance.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"

#define ML_LN_2 0.69314718055994531

static double
ml_jensen_shannon_term(const MlDriftSizes *sizes, double x, double y)
{
	double		p = x / sizes->n;
	double		q = y / sizes->m;

	double		u = (p - q) / (p + q);

	return 0.25 * (p + q) * (ml_drift_entropy(u) + ml_drift_entropy(-u));
}

static void
ml_jensen_shannon_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;
	double		divergence;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	divergence = ml_drift_divergence(pair, &sizes, ml_jensen_shannon_term, 0.125 / sizes.effective, &chance);
	out->statistic = Min(sqrt(divergence / ML_LN_2), 1.0);
	out->p_value = ml_chance_upper(&chance, divergence);
	out->limit = Max(sqrt(ml_chance_limit(&chance, alpha) / ML_LN_2), floor);
}

const MlDriftMethod ml_drift_jensen_shannon_distance = {
	.name = "jensen_shannon_distance",
	.summary = "Jensen-Shannon distance, base 2, from 0 to 1",
	.floor = 0.1,
	.compute = ml_jensen_shannon_compute
};
