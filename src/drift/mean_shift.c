/*
 * mean_shift.c - the difference of the means in standard deviations of the reference, without its sign.
 *
 * Glass's delta (Glass, "Primary, secondary, and meta-analysis of research",
 * Educational Researcher 5, 1976). p-value and limit are those of Welch's t
 * (welch_t.c), so both sides need two values. When all values of the reference
 * are the same, the deviation is that of both sides together; when all values
 * of both are, the shift is 0. The floor is in standard deviations.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"
#include "math/dist.h"

static void
ml_mean_shift_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	double		shift = fabs(pair->reference.mean - pair->current.mean);
	double		variance;
	double		freedom;
	double		spread;

	ml_drift_undefined(out);
	if (!ml_drift_welch(pair, &variance, &freedom) || !ml_drift_spread(pair, &spread))
		return;
	out->defined = true;
	out->statistic = spread > 0 ? shift / spread : 0;
	out->p_value = shift > 0 ? ml_t_two_sided(shift / sqrt(variance), freedom) : 1;
	out->limit = spread > 0 ? Max(-ml_t_quantile(0.5 * alpha, freedom) * sqrt(variance) / spread, floor) : floor;
}

const MlDriftMethod ml_drift_mean_shift = {
	.name = "mean_shift",
	.summary = "difference of the means in standard deviations of the reference",
	.needs_moments = true,
	.floor = 0.1,
	.compute = ml_mean_shift_compute
};
