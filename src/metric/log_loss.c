/*
 * log_loss.c - the mean of -ln(probability given to what happened), for two classes and for more.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/* The loss of a row whose outcome had the probability. */
static double
ml_log_loss_of(double p)
{
	return -log(Max(Min(p, 1 - ML_LOG_LOSS_CLIP), ML_LOG_LOSS_CLIP));
}

static double
ml_log_loss_loss(const MlMetricRow *row)
{
	double		p = ml_check_probability(row->p);

	return ml_log_loss_of(row->label ? p : 1 - p);
}

static void
ml_log_loss_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_number(tally, ml_log_loss_loss(row));
}

static double
ml_class_log_loss_loss(const MlMetricRow *row)
{
	return ml_log_loss_of(ml_check_probability(row->p_actual));
}

static void
ml_class_log_loss_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_number(tally, ml_class_log_loss_loss(row));
}

const MlMetric ml_metric_log_loss = {
	.name = "log_loss",
	.summary = "mean negative logarithm of the probability given to what happened",
	.input = ML_METRIC_PROBABILITY,
	.larger_is_better = false,
	.kind = &ml_tally_mean,
	.add = ml_log_loss_add,
	.value = ml_tally_mean_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_mean,
	.loss = ml_log_loss_loss
};

const MlMetric ml_metric_class_log_loss = {
	.name = "log_loss",
	.summary = "mean negative logarithm of the probability given to the true class",
	.input = ML_METRIC_CLASS_PROBABILITY,
	.larger_is_better = false,
	.kind = &ml_tally_mean,
	.add = ml_class_log_loss_add,
	.value = ml_tally_mean_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_mean,
	.loss = ml_class_log_loss_loss
};
