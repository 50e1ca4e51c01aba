/*
 * psi.c - population stability index: the sum over bins of (q - p) ln(q / p).
 *
 * Without drift n m / (n + m) times it is nearly chi-square (Yurdakul and
 * Naranjo, "Statistical properties of the population stability index",
 * Journal of Risk Model Validation 14, 2020), so a fixed limit fires too often
 * on few rows. A bin that is empty on one side would give infinity. So each
 * side is taken together with half a row per bin, spread as the rows of both
 * sides are (pseudo-Bayes estimates: Fienberg and Holland, JASA 68, 1973); a
 * bin that is empty on both sides does not count. The floor is in units of the
 * index; 0.1 is what banks call a small shift.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/chance.h"
#include "math/elementary.h"

static double
ml_psi_term(const MlDriftSizes *sizes, double x, double y)
{
	double		prior = sizes->prior * ((x + y) / sizes->total);
	double		p = (x + prior) / (sizes->n + sizes->prior);
	double		q = (y + prior) / (sizes->m + sizes->prior);

	/* the logarithm of nearly 1 from the difference, any other from the ratio */
	return (q - p) * (q < 0.5 * p ? ml_log(q / p) : ml_log1p((q - p) / p));
}

static void
ml_psi_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = ml_drift_divergence(pair, &sizes, ml_psi_term, 1 / sizes.effective, &chance);
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = Max(ml_chance_limit(&chance, alpha), floor);
}

const MlDriftMethod ml_drift_psi = {
	.name = "psi",
	.summary = "population stability index",
	.floor = 0.1,
	.compute = ml_psi_compute
};
