/*
 * moments.h - sums over the columns of rows, skipping NaN, in the order of the rows.
 *
 * Sums are compensated by the error of each addition (Knuth's two-sum), so
 * they are right to about twice the precision whatever the order; the order
 * is fixed all the same, so that equal input gives equal bits.
 */
#ifndef ML_MOMENTS_H
#define ML_MOMENTS_H

#include "math/math.h"

/* Running results per column; the arrays are the caller's, cols long. */
typedef struct MlMoments
{
	double	   *count;			/* values that are not NaN */
	double	   *min;			/* start at infinity */
	double	   *max;			/* start at -infinity */
	double	   *sum;			/* of x - shift; the compensation is apart until read */
	double	   *carry;
	double	   *square;			/* of (x - shift)^2 */
	double	   *square_carry;
} MlMoments;

/* Arrays a set of moments needs, in doubles per column. */
#define ML_MOMENTS_ARRAYS	7

/* Lays out and clears the arrays in ML_MOMENTS_ARRAYS * cols doubles. */
extern void ml_moments_init(MlMoments *m, double *arrays, int cols);

/* Adds rows; sums and squares are around shift, which has one value a column. */
extern void ml_moments_add(MlMoments *m, const double *const *rows, int nrows, int cols, const double *shift);

/* The mean of column j, given the shift it was summed around; 0 without values. */
extern double ml_moments_mean(const MlMoments *m, int j, double shift);

/* The population standard deviation of column j; 0 without values. */
extern double ml_moments_stddev(const MlMoments *m, int j);

/*
 * Whether the shift of column j was so far from its mean that the standard
 * deviation lost digits: sum once more around the mean then.
 */
extern bool ml_moments_far(const MlMoments *m, int j);

#endif							/* ML_MOMENTS_H */
