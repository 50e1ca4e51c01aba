/*
 * quality.h - the metrics of a model on rows that carry the truth.
 */
#ifndef ML_QUALITY_H
#define ML_QUALITY_H

#include "metric/metric.h"
#include "store/codec.h"

typedef struct MlQuality
{
	const MlModel *model;
	int			nmetrics;
	const MlMetric *const *metrics;
	MlMetricState **states;
	int64		rows;
	int64		strange;		/* rows of a class the model does not know */
} MlQuality;

/* The task whose metrics judge a model. */
extern MlMetricTask ml_quality_task(const MlModel *model);

/* Starts the metrics of the model's task, in the given context. */
extern MlQuality *ml_quality_begin(const MlModel *model, MemoryContext context);

/*
 * Counts one scored row: truth is the number or the class index (-1 for a
 * class the model does not know), out what the learner's predict gave.
 */
extern void ml_quality_add(MlQuality *quality, double truth, const double *out);

/* The chosen class: the likeliest, the first among equals. */
extern int	ml_quality_choice(const MlModel *model, const double *out);

#endif							/* ML_QUALITY_H */
