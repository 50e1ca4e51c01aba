/*
 * mae.c - mean absolute error.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

static double
ml_mae_loss(const MlMetricRow *row)
{
	return fabs(row->y - row->y_hat);
}

static void
ml_mae_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_number(tally, ml_mae_loss(row));
}

const MlMetric ml_metric_mae = {
	.name = "mae",
	.summary = "mean absolute error",
	.input = ML_METRIC_REGRESSION,
	.larger_is_better = false,
	.kind = &ml_tally_mean,
	.add = ml_mae_add,
	.value = ml_tally_mean_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_mean,
	.loss = ml_mae_loss
};
