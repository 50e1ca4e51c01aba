/*
 * gate_metric.h - what the metric of a gate names: a metric of the family, a fairness metric, a figure
 * of the version itself, or a rule on how it behaves.
 */
#ifndef ML_GATE_METRIC_H
#define ML_GATE_METRIC_H

#include "metric/fairness.h"
#include "metric/metric.h"
#include "store/codec.h"
#include "store/gates.h"

typedef enum MlGateKind
{
	ML_GATE_METRIC,				/* of the rows: auc, rmse, ... */
	ML_GATE_FAIRNESS,			/* of the groups that a slice column makes */
	ML_GATE_LATENCY,			/* microseconds a row */
	ML_GATE_ARTIFACT,			/* bytes */
	ML_GATE_INVARIANCE,			/* how far a column alone moves the prediction */
	ML_GATE_INCREASING,			/* share of rows where the prediction falls while a column rises */
	ML_GATE_DECREASING			/* share of rows where it rises */
} MlGateKind;

/* A gate's metric, understood. */
typedef struct MlGateMetric
{
	MlGateKind	kind;
	const MlMetric *metric;		/* ML_GATE_METRIC */
	const MlFairness *fairness; /* ML_GATE_FAIRNESS */
	const char *column;			/* behaviour: the column that is changed */
	bool		larger_is_better;
} MlGateMetric;

/* One line of ml.gate_metrics. */
typedef struct MlGateMetricInfo
{
	const char *name;
	List	   *tasks;			/* char * */
	bool		larger_is_better;
	const char *summary;
} MlGateMetricInfo;

/* All that a gate can judge by: MlGateMetricInfo *. */
extern List *ml_gate_metric_list(void);

/*
 * Understands the metric of a gate for a model of a task ("regression",
 * "classification"); raises ERRCODE_INVALID_PARAMETER_VALUE with what there
 * is. Fills in what the definition leaves to the metric: its limit.
 */
extern void ml_gate_metric_check(MlGate *gate, const char *task);

/* The same for a version; false when its classes have no such metric. */
extern bool ml_gate_metric_for(const MlGate *gate, const MlModel *model, MlGateMetric *out);

#endif							/* ML_GATE_METRIC_H */
