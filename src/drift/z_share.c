/*
 * z_share.c - z of the test of two proportions, without its sign, where at most two bins hold rows.
 *
 * The difference of the shares over sqrt(P (1 - P) (1/n + 1/m)), P being the
 * share on both sides together (Pearson, Biometrika 34, 1947). When both sides
 * have all rows in one and the same bin, z is 0. With more than two bins that
 * hold rows it is undefined: l_infinity asks which of many has changed. The
 * p-value is exact while rows in the rarer bin are few (null_share.c). The
 * floor is a difference of shares, turned into z.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/share.h"
#include "math/dist.h"

static void
ml_z_share_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	double		share;
	double		error;
	int			i = 0;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	if (sizes.filled > 2)
	{
		ml_drift_undefined(out);
		return;
	}
	while (pair->reference.counts[i] == 0 && pair->current.counts[i] == 0)
		i++;
	ml_drift_share(&sizes, (double) pair->reference.counts[i], (double) pair->current.counts[i], alpha, out);
	if (sizes.filled < 2)
	{
		out->statistic = 0;
		out->p_value = 1;
		out->limit = -ml_normal_quantile(0.5 * alpha);
		return;
	}
	share = ((double) pair->reference.counts[i] + (double) pair->current.counts[i]) / sizes.total;
	error = sqrt(share * (1 - share) / sizes.effective);
	out->statistic /= error;
	out->limit = Max(out->limit, floor) / error;
}

const MlDriftMethod ml_drift_z_share = {
	.name = "z_share",
	.summary = "z of the test of two proportions, where at most two bins hold rows",
	.floor = 0.05,
	.compute = ml_z_share_compute
};
