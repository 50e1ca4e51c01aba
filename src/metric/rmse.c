/*
 * rmse.c - root mean squared error.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

static double
ml_rmse_loss(const MlMetricRow *row)
{
	return row->y - row->y_hat;
}

static void
ml_rmse_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_square(tally, ml_rmse_loss(row));
}

static bool
ml_rmse_value(MlTally *tally, double *value)
{
	*value = ml_exact_products_root_mean(&((MlSquaresTally *) tally)->squares, tally->rows);
	return true;
}

const MlMetric ml_metric_rmse = {
	.name = "rmse",
	.summary = "root mean squared error",
	.input = ML_METRIC_REGRESSION,
	.larger_is_better = false,
	.kind = &ml_tally_squares,
	.add = ml_rmse_add,
	.value = ml_rmse_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_root_mean_square,
	.loss = ml_rmse_loss
};
