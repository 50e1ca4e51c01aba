/*
 * g_test.c - likelihood ratio of two samples: twice the sum of observed ln(observed / expected) over both rows of counts.
 *
 * Wilks, Annals of Mathematical Statistics 9 (1938). Small counts and the
 * floor are as with chi_square.c.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/chance.h"

static double
ml_g_test_term(const MlDriftSizes *sizes, double x, double y)
{
	double		share = (x + y) / sizes->total;
	double		excess = sizes->effective * (x / sizes->n - y / sizes->m);	/* of x over what is expected */
	double		p = share * sizes->n;
	double		q = share * sizes->m;

	return 2 * (p * ml_drift_entropy(excess / p) + q * ml_drift_entropy(-excess / q));
}

static void
ml_g_test_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = ml_drift_divergence(pair, &sizes, ml_g_test_term, 1, &chance);
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = Max(ml_chance_limit(&chance, alpha), floor * sizes.effective);
}

const MlDriftMethod ml_drift_g_test = {
	.name = "g_test",
	.summary = "G-test (likelihood ratio) of two samples",
	.floor = 0.1,
	.compute = ml_g_test_compute
};
