/*
 * ols.h - ordinary least squares and ridge regression from a Gram matrix in double-double.
 *
 * The columns of the Gram matrix are [intercept,] features, target: with an
 * intercept, column 0 is ones (the root of the weight in weighted problems,
 * whose rows are all multiplied by it). Minimises
 *
 *   sum (y - X b)^2 + l2 * sum over features of (sd_j b_j)^2
 *
 * with sd_j the weighted population standard deviation of column j (its root
 * mean square when there is no intercept); the intercept is not penalised.
 *
 * Everything is done in double-double by U' D U elimination in the order of
 * the columns, so neither the order of rows nor a library changes a bit. A
 * column that depends on those before it, to within what rounding its values
 * to float8 can hide, is aliased: left out, estimate 0.
 *
 * Allocates nothing; the tick may jump out.
 */
#ifndef ML_OLS_H
#define ML_OLS_H

#include "math/gram.h"

typedef struct MlOlsProblem
{
	int			features;
	bool		intercept;
	int64_t		rows;			/* that count for degrees of freedom */
	double		weight;			/* total weight; the number of rows when unweighted */
	double		l2;				/* 0 for least squares */

	/*
	 * Gives the sum of x_i * x_j, for columns divided by 2^exponent[i] and
	 * 2^exponent[j]; exponent may be NULL for none.
	 */
	MlDd		(*entry) (void *ctx, int i, int j);
	void	   *ctx;
	const int  *exponent;
} MlOlsProblem;

/*
 * What a fit gives. The arrays are the caller's and have one element for each
 * of [intercept,] features. Not defined, and NaN: std_error where df = 0, the
 * column is aliased or l2 > 0; adjusted_r2 and residual_sd where df = 0.
 */
typedef struct MlOlsFit
{
	double	   *estimate;
	double	   *std_error;
	bool	   *aliased;
	int			rank;			/* columns not aliased, intercept included */
	int64_t		df;				/* rows - rank, at least 0 */
	double		rss;			/* 0 when it is no more than rounding of the data */
	double		tss;			/* about the mean when there is an intercept */
	double		r2;				/* 1 - rss / tss within 0..1; 0 when tss is 0 */
	double		adjusted_r2;
	double		residual_sd;
	double		condition;		/* 2-norm, of the kept columns scaled to length 1, estimated */
} MlOlsFit;

/* A view of an exact Gram state: the columns of the problem in order, and their exponents. */
typedef struct MlOlsGram
{
	const MlGram *g;
	const int  *column;
	const int  *exponent;
} MlOlsGram;

/* The entry callback for ctx = MlOlsGram, with the problem's exponent that of the view. */
extern MlDd ml_ols_gram_entry(void *ctx, int i, int j);

/* Bytes of workspace; 0 when that is not addressable. */
extern size_t ml_ols_workspace(int features, bool intercept);

/*
 * Fits. ML_NOT_FINITE when an entry or an estimate is not finite, ML_TOO_LARGE
 * when the problem cannot be addressed, ML_OK otherwise (any rank, 0 included).
 */
extern MlStatus ml_ols_fit(const MlOlsProblem *problem, void *work, MlOlsFit *fit,
						   const MlTick *tick);

#endif							/* ML_OLS_H */
