/*
 * brier.c - the Brier score: mean squared distance of the probability from 1 or 0.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

static double
ml_brier_loss(const MlMetricRow *row)
{
	double		p = ml_check_probability(row->p);

	return row->label ? 1 - p : p;
}

static void
ml_brier_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_square(tally, ml_brier_loss(row));
}

static bool
ml_brier_value(MlTally *tally, double *value)
{
	*value = ml_exact_products_mean(&((MlSquaresTally *) tally)->squares, tally->rows);
	return true;
}

const MlMetric ml_metric_brier = {
	.name = "brier",
	.summary = "mean squared error of the probability",
	.input = ML_METRIC_PROBABILITY,
	.larger_is_better = false,
	.kind = &ml_tally_squares,
	.add = ml_brier_add,
	.value = ml_brier_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_mean_square,
	.loss = ml_brier_loss
};
