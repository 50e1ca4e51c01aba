/*
 * null_share.c - the difference of the shares of rows that are NULL, from 0 to 1.
 *
 * p-value and limit are those of the number of NULLs on one side given that on
 * both: Fisher's exact test of two samples (Fisher, Journal of the Royal
 * Statistical Society 98, 1935) while NULLs are few, the normal test of two
 * proportions beyond. Without a bin of NULLs no row is one. The floor is a
 * difference of shares.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/share.h"

typedef struct MlShareTail
{
	const MlDriftSizes *sizes;
	double		rows;
} MlShareTail;

static double
ml_share_beyond(const void *ctx, double d)
{
	const MlShareTail *tail = ctx;

	return ml_chance_share(tail->sizes, tail->rows, d, true);
}

void
ml_drift_share(const MlDriftSizes *sizes, double x, double y, double alpha, MlDriftResult *out)
{
	MlShareTail tail = {sizes, x + y};

	out->statistic = ml_share_difference(sizes, x, y);
	out->p_value = ml_chance_share(sizes, x + y, out->statistic, false);
	out->limit = ml_chance_bisect(ml_share_beyond, &tail, alpha);
}

static void
ml_null_share_compute(const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out)
{
	MlDriftSizes sizes;
	int			i = pair->null_bin;

	if (!ml_drift_sizes(pair, &sizes, out))
		return;
	ml_drift_share(&sizes, i < 0 ? 0 : (double) pair->reference.counts[i], i < 0 ? 0 : (double) pair->current.counts[i],
				   alpha, out);
	out->limit = Max(out->limit, floor);
}

const MlDriftMethod ml_drift_null_share = {
	.name = "null_share",
	.summary = "difference of the shares of NULLs",
	.floor = 0.02,
	.compute = ml_null_share_compute
};
