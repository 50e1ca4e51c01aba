/*
 * welch_t.c - Welch's t of the difference of two means, without its sign.
 *
 * Welch, "The generalization of Student's problem when several different
 * population variances are involved", Biometrika 34 (1947). Each side needs two
 * values. When neither side varies, t is 0 for equal means and infinite for
 * different ones. The floor is a shift in standard deviations of the
 * reference, turned into t.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"
#include "math/dist.h"

static void
ml_welch_t_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	double		shift = fabs(pair->reference.mean - pair->current.mean);
	double		variance;
	double		freedom;
	double		spread;

	ml_drift_undefined(out);
	if (!ml_drift_welch(pair, &variance, &freedom) || !ml_drift_spread(pair, &spread))
		return;
	out->defined = true;
	out->limit = -ml_t_quantile(0.5 * alpha, freedom);
	if (variance > 0)
	{
		out->statistic = shift / sqrt(variance);
		out->limit = Max(out->limit, floor * spread / sqrt(variance));
	}
	else
		out->statistic = shift > 0 ? INFINITY : 0;
	out->p_value = ml_t_two_sided(out->statistic, freedom);
}

const MlDriftMethod ml_drift_welch_t = {
	.name = "welch_t",
	.summary = "Welch's t of the difference of means",
	.needs_moments = true,
	.floor = 0.1,
	.compute = ml_welch_t_compute
};
