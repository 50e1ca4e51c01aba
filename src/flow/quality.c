/*
 * quality.c - the metrics of a model on rows that carry the truth.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/quality.h"

MlMetricTask
ml_quality_task(const MlModel *model)
{
	return model->task == ML_TASK_REGRESSION ? ML_METRIC_TASK_REGRESSION :
		model->nclasses == 2 ? ML_METRIC_TASK_TWO_CLASS : ML_METRIC_TASK_MULTI_CLASS;
}

MlQuality *
ml_quality_begin(const MlModel *model, MemoryContext context)
{
	MlQuality  *quality = MemoryContextAllocZero(context, sizeof(MlQuality));

	quality->model = model;
	quality->metrics = ml_metrics_for(ml_quality_task(model), &quality->nmetrics);
	quality->states = MemoryContextAlloc(context, sizeof(MlMetricState *) * quality->nmetrics);
	for (int m = 0; m < quality->nmetrics; m++)
		quality->states[m] = ml_metric_begin(quality->metrics[m], context);
	return quality;
}

int
ml_quality_choice(const MlModel *model, const double *out)
{
	int			best = 0;

	for (int k = 1; k < model->nclasses; k++)
		if (out[k] > out[best])
			best = k;
	return best;
}

void
ml_quality_add(MlQuality *quality, double truth, const double *out)
{
	const MlModel *model = quality->model;
	MlMetricRow row;

	memset(&row, 0, sizeof row);
	if (model->task == ML_TASK_REGRESSION)
	{
		row.y = truth;
		row.y_hat = out[0];
	}
	else
	{
		/* a class the model does not know comes after those it does: never chosen, probability 0 */
		row.actual = truth >= 0 ? (int) truth : model->nclasses;
		row.chosen = ml_quality_choice(model, out);
		row.p_actual = truth >= 0 ? out[(int) truth] : 0;
		row.label = row.actual == model->positive;
		row.predicted = row.chosen == model->positive;
		row.score = row.p = out[model->positive];
		quality->strange += truth < 0;
	}
	quality->rows++;
	for (int m = 0; m < quality->nmetrics; m++)
		ml_metric_add(quality->states[m], &row);
}
