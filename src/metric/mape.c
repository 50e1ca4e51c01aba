/*
 * mape.c - mean absolute percentage error, as a fraction: 0.1 is ten percent.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/*
 * An error at y = 0 has no percentage. Leaving such rows out would flatter
 * the model unseen; dividing by a tiny number, as scikit-learn does, makes
 * the result so large that nobody overlooks it.
 */
static double
ml_mape_loss(const MlMetricRow *row)
{
	double		size = fabs(row->y);

	/* Written so that NaN stays NaN. */
	return fabs(row->y - row->y_hat) / (size < DBL_EPSILON ? DBL_EPSILON : size);
}

static void
ml_mape_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_number(tally, ml_mape_loss(row));
}

const MlMetric ml_metric_mape = {
	.name = "mape",
	.summary = "mean absolute error as a fraction of the true value",
	.input = ML_METRIC_REGRESSION,
	.larger_is_better = false,
	.kind = &ml_tally_mean,
	.add = ml_mape_add,
	.value = ml_tally_mean_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_mean,
	.loss = ml_mape_loss
};
