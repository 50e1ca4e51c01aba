/*
 * metrics.c - the table of all metrics, and their use by the flows.
 *
 * A new metric is a file of its own and a line here.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/metric.h"
#include "metric/tally.h"

static const MlMetric *const ml_metrics_regression[] = {
	&ml_metric_rmse,
	&ml_metric_mae,
	&ml_metric_r2,
	&ml_metric_mape
};

static const MlMetric *const ml_metrics_two_class[] = {
	&ml_metric_auc,
	&ml_metric_average_precision,
	&ml_metric_log_loss,
	&ml_metric_brier,
	&ml_metric_accuracy,
	&ml_metric_f1,
	&ml_metric_precision,
	&ml_metric_recall,
	&ml_metric_mcc,
	&ml_metric_calibration_error
};

static const MlMetric *const ml_metrics_multi_class[] = {
	&ml_metric_class_accuracy,
	&ml_metric_class_log_loss,
	&ml_metric_macro_f1
};

const MlMetric *const *
ml_metrics_for(MlMetricTask task, int *count)
{
	switch (task)
	{
		case ML_METRIC_TASK_REGRESSION:
			*count = lengthof(ml_metrics_regression);
			return ml_metrics_regression;
		case ML_METRIC_TASK_TWO_CLASS:
			*count = lengthof(ml_metrics_two_class);
			return ml_metrics_two_class;
		case ML_METRIC_TASK_MULTI_CLASS:
			*count = lengthof(ml_metrics_multi_class);
			return ml_metrics_multi_class;
	}
	*count = 0;
	return NULL;
}

const MlMetric *
ml_metric_find(MlMetricTask task, const char *name)
{
	int			count;
	const MlMetric *const *metrics = ml_metrics_for(task, &count);
	int			i;

	for (i = 0; i < count; i++)
	{
		if (strcmp(metrics[i]->name, name) == 0)
			return metrics[i];
	}
	return NULL;
}

MlMetricState *
ml_metric_begin(const MlMetric *metric, MemoryContext context)
{
	MlMetricState *state = MemoryContextAlloc(context, sizeof(MlMetricState));

	state->metric = metric;
	state->tally = metric->kind->open(metric->kind, context);
	state->rows = 0;
	return state;
}

void
ml_metric_add(MlMetricState *state, const MlMetricRow *row)
{
	state->metric->add(state->tally, row);
	state->rows++;
}

bool
ml_metric_value(MlMetricState *state, double *value)
{
	return state->rows > 0 && state->metric->value(state->tally, value);
}
