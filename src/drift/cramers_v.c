/*
 * cramers_v.c - Cramer's V of side and bin, from 0 to 1, corrected for the bias of many bins.
 *
 * Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the
 * Korean Statistical Society 42 (2013). p-value and limit are those of the
 * chi-square in it. When one side has far more rows than the other, V is small
 * whatever they hold; so the floor, in units of V, is meant for sides of equal
 * size and shrinks with 2 sqrt(n m) / (n + m), as V does.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chi_square.h"

static double
ml_cramers_v_of(const MlDriftSizes *sizes, double chi_square)
{
	double		over = 1 / (sizes->total - 1);
	double		bins = sizes->filled - 1;
	double		association = chi_square / sizes->total - bins * over;

	if (association <= 0 || bins < 1)
		return 0;
	return Min(sqrt(association / Min(1 - over, bins - bins * bins * over)), 1.0);
}

static void
ml_cramers_v_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	MlDriftChance chance;
	double		chi_square;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	chi_square = ml_chi_square_of(pair, &sizes, &chance);
	out->statistic = ml_cramers_v_of(&sizes, chi_square);
	out->p_value = ml_chance_upper(&chance, chi_square);
	out->limit = Max(ml_cramers_v_of(&sizes, ml_chance_limit(&chance, alpha)),
					 floor * 2 * sqrt(sizes.effective / sizes.total));
}

const MlDriftMethod ml_drift_cramers_v = {
	.name = "cramers_v",
	.summary = "Cramer's V, bias corrected, from 0 to 1",
	.floor = 0.1,
	.compute = ml_cramers_v_compute
};
