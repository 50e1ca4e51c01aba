/*
 * rmse.c - root mean squared error.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"

static void
ml_rmse_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_square(tally, row->y - row->y_hat);
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
	.value = ml_rmse_value
};
