/*
 * weighted.h - how a metric is computed when rows count several times: what the bootstrap runs for each replicate.
 *
 * A metric that gets its interval from the bootstrap, or the interval of its
 * paired difference, names a kind. prepare makes of a predictor's rows what
 * the replicates need, once; value computes one replicate, and is a loop over
 * the rows that can be cancelled. Its sums are taken in the canonical order of
 * the sample and are not exact: a replicate is a random number anyway.
 */
#ifndef ML_WEIGHTED_H
#define ML_WEIGHTED_H

#include "math/resample.h"
#include "metric/sample.h"

/* A replicate: the rows' weights in canonical order, and their sum, which is not 0. */
typedef struct MlReplicate
{
	const uint8 *w;
	int64		rows;
	uint64		total;
} MlReplicate;

struct MlWeightedKind
{
	/* Returns what value is to be given, in the current memory context; NULL where rows have no finite number. */
	void	   *(*prepare) (const MlMetric *metric, const MlSample *sample, int predictor);
	/* false: undefined for the replicate. */
	bool		(*value) (const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value);
};

/* The mean of the metric's loss, of its square, and the root of that. */
extern const MlWeightedKind ml_weighted_mean;
extern const MlWeightedKind ml_weighted_mean_square;
extern const MlWeightedKind ml_weighted_root_mean_square;

/* The metric's value of an MlDecisionTally of weights. */
extern const MlWeightedKind ml_weighted_decisions;

/*
 * The numbers of a row as fractions: x * 2^-exponent is below 1 in size, so
 * squares neither overflow nor vanish. Returns false where one of them is not
 * finite. x has n numbers and is changed.
 */
extern bool ml_weighted_scale(double *x, int64 n, int *exponent);

/* The sum of w * x, and of w * x^2, over all rows. */
extern double ml_weighted_sum(const MlReplicate *replicate, const double *x);
extern double ml_weighted_squares(const MlReplicate *replicate, const double *x);

/* The rows in ascending order of a predictor's p, rows of equal p in canonical order; palloc'd, of a two-class task. */
extern uint32 *ml_weighted_order(const MlSample *sample, int predictor);

/*
 * Turns the figures of the replicates, count of them where it was defined,
 * into the limits around out->value; NaN where too many are undefined.
 * figures come out sorted.
 */
extern void ml_bootstrap_limits(double *figures, int count, int replicates, bool inflated, MlInterval *out);

/* Memory for so many rows, which may be more than 1 GB. */
extern void *ml_weighted_alloc(int64 rows, Size bytes);

#endif							/* ML_WEIGHTED_H */
