/*
 * sample.h - rows of truth with the predictions of one or more predictors, and what they say about a metric: its value,
 * a 95 % interval, and the paired difference of two predictors.
 *
 * Rows are added in any order and then sorted by their content, so nothing
 * here depends on where they stood. Rows of equal content are exchangeable
 * and stay as many as they are. A sample holds eight bytes a row and
 * predictor (two classes), twice that for more classes, and for regression
 * eight and eight more for each predictor.
 *
 * All of it may raise an error and can be cancelled. Memory belongs to the
 * context given to ml_sample_begin; what the computing needs besides is given
 * back before it returns.
 */
#ifndef ML_SAMPLE_H
#define ML_SAMPLE_H

#include "metric/metric.h"

/* A loop over rows can be cancelled every so many of them. */
#define ML_SAMPLE_BREATH			65536

/* Rows of one sample. */
#define ML_SAMPLE_ROWS_MAX			PG_INT32_MAX

/* The bootstrap draws this many replicates, fewer where their rows together exceed the work, never below the least. */
#define ML_BOOTSTRAP_REPLICATES		1000
#define ML_BOOTSTRAP_REPLICATES_MIN	200
#define ML_BOOTSTRAP_WORK			INT64CONST(100000000)

typedef struct MlSample MlSample;

typedef struct MlInterval
{
	double		value;
	double		low;			/* NaN, as high is, where no interval can be given */
	double		high;
	MlIntervalMethod method;
	const char *how;			/* such as "DeLong" or "paired bootstrap, 1000 replicates"; palloc'd or constant */
	int64		n;				/* the rows it rests on: of precision, those predicted to be positive */
} MlInterval;

/*
 * Starts a sample of rows for the metrics of a task. nclasses counts the
 * classes that the predictors know; positive is not used unless there are
 * two.
 */
extern MlSample *ml_sample_begin(MlMetricTask task, int nclasses, int positive, int npredictors,
								 MemoryContext context);

/*
 * Adds a row: npredictors of them, all with the same truth. Of a two-class
 * task label, predicted and p are kept, and the score is p; an error for a p
 * outside 0 to 1.
 */
extern void ml_sample_add(MlSample *sample, const MlMetricRow *rows);

/* Puts the rows into their canonical order; no row can be added any more. */
extern void ml_sample_close(MlSample *sample);

/* The number of rows. */
extern int64 ml_sample_rows(const MlSample *sample);

/* The number of classes the predictors know. */
extern int	ml_sample_classes(const MlSample *sample);

/* A row of a closed sample as one predictor has it, counted from 0 in canonical order. */
extern void ml_sample_row(const MlSample *sample, int64 i, int predictor, MlMetricRow *row);

/* Whether two predictors of a closed sample have the same predictions in every row, bit by bit. */
extern bool ml_sample_same(const MlSample *sample, int a, int b);

/* A metric of one predictor and its interval; false where the metric is not defined for the rows. */
extern bool ml_sample_interval(const MlSample *sample, const MlMetric *metric, int predictor, MlInterval *out);

/* The same of several metrics, which share the replicates of the bootstrap; defined[i] says whether out[i] is set. */
extern void ml_sample_intervals(const MlSample *sample, const MlMetric *const *metrics, int nmetrics, int predictor,
								MlInterval *out, bool *defined);

/*
 * The difference of a metric, that of a minus that of b, on the same rows,
 * and its interval; false where one of them is not defined. Predictors that
 * are the same in every row differ by 0, with low and high 0.
 */
extern bool ml_sample_difference(const MlSample *sample, const MlMetric *metric, int a, int b, MlInterval *out);

/* What one predictor has on the rows beside another. */
typedef struct MlBeside
{
	MlInterval	figure;			/* of the first, with its interval */
	double		other;			/* of the second, which gets none */
	MlInterval	difference;		/* as of ml_sample_difference */
} MlBeside;

/* The same figures as one by one, from the same replicates; false where one of them is not defined. */
extern bool ml_sample_beside(const MlSample *sample, const MlMetric *metric, int a, int b, MlBeside *out);

/*
 * The exact two-sided p-value of McNemar's test that two predictors are right
 * equally often, with the rows in which only one of them is; 1 where they
 * agree everywhere.
 */
extern double ml_sample_mcnemar(const MlSample *sample, int a, int b, int64 *only_a, int64 *only_b);

#endif							/* ML_SAMPLE_H */
