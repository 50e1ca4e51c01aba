/*
 * kullback_leibler.c - Kullback-Leibler divergence of the current side from the reference, in nats: the sum of q ln(q / p).
 *
 * Kullback and Leibler, Annals of Mathematical Statistics 22 (1951). Without
 * drift it is nearly (1/n + 1/m) / 2 times chi-square (Kupperman 1957). A bin
 * that is empty in the reference would give infinity; both sides get the rows
 * that psi.c gives them. The floor, in units of the divergence, is half that
 * of the index, which is the sum of the divergences both ways.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/chance.h"

/* With p - q, which adds up to 0, no bin's part is negative and chance has few surprises. */
static double
ml_kullback_leibler_term(const MlDriftSizes *sizes, double x, double y)
{
	double		prior = sizes->prior * ((x + y) / sizes->total);
	double		p = (x + prior) / (sizes->n + sizes->prior);
	double		q = (y + prior) / (sizes->m + sizes->prior);

	return p * ml_drift_entropy((q - p) / p);
}

static void
ml_kullback_leibler_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	out->statistic = ml_drift_divergence(pair, &sizes, ml_kullback_leibler_term, 0.5 / sizes.effective, &chance);
	out->p_value = ml_chance_upper(&chance, out->statistic);
	out->limit = Max(ml_chance_limit(&chance, alpha), floor);
}

const MlDriftMethod ml_drift_kullback_leibler = {
	.name = "kullback_leibler",
	.summary = "Kullback-Leibler divergence of the current side from the reference, in nats",
	.floor = 0.05,
	.compute = ml_kullback_leibler_compute
};
