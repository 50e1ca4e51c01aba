/*
 * metric.h - the family of metrics: what a metric is, the table of all of them, and how a flow uses one without SQL.
 *
 * A metric reads rows one at a time into a tally and is computed from the
 * tally. Tallies are integers, exact sums and unordered lists, so a metric
 * has the same bits whatever the order of the rows and however they were
 * divided among workers. The aggregates of SQL run the same functions.
 *
 * Memory belongs to the context given to ml_metric_begin. Everything here
 * may raise an error.
 */
#ifndef ML_METRIC_H
#define ML_METRIC_H

#include "utils/palloc.h"

/* What a metric compares: the members of MlMetricRow it reads. */
typedef enum MlMetricInput
{
	ML_METRIC_REGRESSION,		/* y, y_hat */
	ML_METRIC_SCORE,			/* label, score */
	ML_METRIC_PROBABILITY,		/* label, p */
	ML_METRIC_DECISION,			/* label, predicted */
	ML_METRIC_CLASSES,			/* actual, chosen */
	ML_METRIC_CLASS_PROBABILITY /* p_actual */
} MlMetricInput;

/* One row of truth and prediction; only what the metric's input names has to be set. */
typedef struct MlMetricRow
{
	double		y;				/* the true value */
	double		y_hat;			/* the predicted value */
	bool		label;			/* whether the row is a positive one */
	bool		predicted;		/* whether it was decided to be one */
	double		score;			/* any number that is greater for likelier positives */
	double		p;				/* the probability of the positive class */
	int			actual;			/* index of the true class, from 0 */
	int			chosen;			/* index of the predicted class */
	double		p_actual;		/* the probability that was given to the true class */
} MlMetricRow;

/* How a metric gets its 95 % interval. */
typedef enum MlIntervalMethod
{
	ML_INTERVAL_NONE,
	ML_INTERVAL_DELONG,			/* the variance of an area under the curve */
	ML_INTERVAL_WILSON,			/* the score interval of a share */
	ML_INTERVAL_BOOTSTRAP,		/* rows drawn again and again */
	ML_INTERVAL_MCNEMAR			/* the score interval of the difference of paired shares */
} MlIntervalMethod;

typedef struct MlTally MlTally;
typedef struct MlWeightedKind MlWeightedKind;
typedef struct MlTallyKind MlTallyKind;

/* Probabilities are kept this far from 0 and 1: a model that was certain and wrong costs 34.5 and not infinity. */
#define ML_LOG_LOSS_CLIP	1e-15

/* A member of the family. */
typedef struct MlMetric
{
	const char *name;
	const char *summary;
	MlMetricInput input;
	bool		larger_is_better;
	const MlTallyKind *kind;	/* what it counts in; see tally.h */
	void		(*add) (MlTally *tally, const MlMetricRow *row);
	bool		(*value) (MlTally *tally, double *value);	/* false: undefined for these rows */

	/* Its 95 % interval, and that of the difference of two predictors on the same rows. */
	MlIntervalMethod interval;
	MlIntervalMethod difference;
	void		(*share) (const MlTally *tally, int64 *part, int64 *whole);	/* Wilson: what it is a share of */
	const MlWeightedKind *weighted; /* bootstrap: how rows that count several times make it; see weighted.h */
	double		(*loss) (const MlMetricRow *row);	/* of the kinds that are means of a loss */
	bool		inflated;		/* a distance, to which drawing rows again adds */
} MlMetric;

/* The tasks that have metrics. */
typedef enum MlMetricTask
{
	ML_METRIC_TASK_REGRESSION,
	ML_METRIC_TASK_TWO_CLASS,
	ML_METRIC_TASK_MULTI_CLASS
} MlMetricTask;

/* Returns the metrics of a task in the order in which they are reported. */
extern const MlMetric *const *ml_metrics_for(MlMetricTask task, int *count);

/* Returns the task's metric of that name, or NULL. */
extern const MlMetric *ml_metric_find(MlMetricTask task, const char *name);

/* A metric being computed. */
typedef struct MlMetricState
{
	const MlMetric *metric;
	MlTally    *tally;
	int64		rows;
} MlMetricState;

/* Starts a metric; all its memory is in the context. */
extern MlMetricState *ml_metric_begin(const MlMetric *metric, MemoryContext context);

/* Counts one row in; raises ERRCODE_INVALID_PARAMETER_VALUE for a NaN score and for a p outside 0 to 1. */
extern void ml_metric_add(MlMetricState *state, const MlMetricRow *row);

/*
 * Computes the metric of the rows so far; more may be added afterwards.
 * Returns false, and leaves *value alone, when it is not defined for them:
 * no rows, or one class where two are needed.
 */
extern bool ml_metric_value(MlMetricState *state, double *value);

/* The members; those named class_ are the metrics of more than two classes. */
extern const MlMetric ml_metric_rmse;
extern const MlMetric ml_metric_mae;
extern const MlMetric ml_metric_r2;
extern const MlMetric ml_metric_mape;
extern const MlMetric ml_metric_auc;
extern const MlMetric ml_metric_average_precision;
extern const MlMetric ml_metric_log_loss;
extern const MlMetric ml_metric_brier;
extern const MlMetric ml_metric_accuracy;
extern const MlMetric ml_metric_f1;
extern const MlMetric ml_metric_precision;
extern const MlMetric ml_metric_recall;
extern const MlMetric ml_metric_mcc;
extern const MlMetric ml_metric_calibration_error;
extern const MlMetric ml_metric_class_accuracy;
extern const MlMetric ml_metric_class_log_loss;
extern const MlMetric ml_metric_macro_f1;

#endif							/* ML_METRIC_H */
