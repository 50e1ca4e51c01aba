/*
 * chi_square.c - Pearson's chi-square of two samples: the sum of (observed - expected)^2 / expected over both rows of counts.
 *
 * Pearson, Biometrika 8 (1911). The reference is a sample too, not the truth.
 * Where expected counts are small the chi-square distribution is not that of
 * the statistic. Then p-value and limit are those of a gamma distribution with
 * the mean and variance that the statistic has by chance (chance.c), so no bin
 * has to be left out or put with others; with large counts it is chi-square
 * with one degree of freedom less than there are bins that hold a row. The
 * floor is in units of the statistic over n m / (n + m), which does not grow
 * with the rows and is near the population stability index for small shifts.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/chi_square.h"

static double
ml_chi_square_term(const MlDriftSizes *sizes, double x, double y)
{
	double		difference = x / sizes->n - y / sizes->m;

	return sizes->effective * difference * difference / ((x + y) / sizes->total);
}

double
ml_chi_square_of(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftChance *chance)
{
	return ml_drift_divergence(pair, sizes, ml_chi_square_term, 1, chance);
}

static void
ml_chi_square_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = ml_chi_square_of(pair, &sizes, &chance);
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = Max(ml_chance_limit(&chance, alpha), floor * sizes.effective);
}

const MlDriftMethod ml_drift_chi_square = {
	.name = "chi_square",
	.summary = "Pearson's chi-square of two samples",
	.floor = 0.1,
	.compute = ml_chi_square_compute
};
