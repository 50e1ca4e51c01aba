/*
 * resample.h - the inner loops of the bootstrap: weights of rows drawn again, and sums under them.
 *
 * A replicate gives every row a weight, how often it was drawn: Poisson with
 * mean 1, so that rows are independent of each other and a weight is a
 * function of the seed, the replicate and the row's number alone. (Chamandy,
 * Muralidharan, Najmi and Naidu, "Estimating Uncertainty for Massive Data
 * Streams", Google 2012; Hanley and MacGibbon, "Creating non-parametric
 * bootstrap samples using Poisson frequencies", 2006.) Weights are at most
 * ML_RESAMPLE_WEIGHT_MAX.
 */
#ifndef ML_RESAMPLE_H
#define ML_RESAMPLE_H

#include "math/math.h"

/* The chance of a greater weight is below 2^-32. */
#define ML_RESAMPLE_WEIGHT_MAX	12

/* Rows are handed over in blocks of at most this many, so that callers can be cancelled in between. */
#define ML_RESAMPLE_BLOCK		32768

/* The state of the walk over the ranks of ml_resample_precision; all zero before the first block. */
typedef struct MlResamplePrecision
{
	uint64_t	counts;			/* rows so far; in the upper half, positive ones */
	uint64_t	taken;			/* positive rows up to the step before */
	size_t		step;			/* the next step */
	double		sum;			/* over the steps, of gained positives times precision */
} MlResamplePrecision;

/* The weights of rows first .. first + n - 1 in a replicate; first is even. */
extern void ml_resample_weights(uint64_t seed, uint64_t replicate, uint64_t first, size_t n, uint8_t *w);

/* The sum of w. */
extern uint64_t ml_resample_total(const uint8_t *w, size_t n);

/* The sum of w * x. */
extern double ml_resample_sum(const uint8_t *w, const double *x, size_t n);

/* The sum of w * x^2. */
extern double ml_resample_squares(const uint8_t *w, const double *x, size_t n);

/* The sum of w[at] * x: x is in another order than the rows. */
extern double ml_resample_sum_at(const uint8_t *w, const uint32_t *at, const double *x, size_t n);

/* Adds the weights of the rows of each cell, 0 to 3, to its count; n is at most ML_RESAMPLE_BLOCK. */
extern void ml_resample_cells(const uint8_t *w, const uint8_t *cell, size_t n, uint64_t count[4]);

/*
 * Takes n rows in descending order of their scores, from rank first on, into
 * the sum of average precision: at[i] is the row of rank first + i, label[i]
 * whether it is positive. steps are the ranks at which a group of equal
 * scores with a positive row ends, ascending, for all ranks. The rows'
 * weights add up to less than 2^32. room holds n numbers.
 */
extern void ml_resample_precision(MlResamplePrecision *state, const uint8_t *w, const uint32_t *at,
								  const uint8_t *label, size_t first, size_t n,
								  const uint32_t *steps, size_t nsteps, uint64_t *room);

/*
 * The Poisson number of a mean >= 0 that the fraction u, 0 < u < 1, of such
 * numbers does not exceed; for large means by the first terms of the
 * Cornish-Fisher expansion, which may be one off.
 */
extern double ml_resample_poisson(double mean, double u);

/* A number between 0 and 1, both excluded, from the seed and two places. */
extern double ml_resample_uniform(uint64_t seed, uint64_t a, uint64_t b);

/* The p-quantile of n > 0 ascending numbers, between two of them by a straight line (Hyndman and Fan's type 7). */
extern double ml_sorted_quantile(const double *x, size_t n, double p);

#endif							/* ML_RESAMPLE_H */
