/*
 * quantile.h - means, standard deviations, quantiles and modes of columns of the training rows, exact and repeatable.
 *
 * Each takes the columns where wanted[j] is true and leaves the others'
 * results alone. Missing cells are skipped; a column with none left gives 0.
 * Sums run in the order of the rows (canonical order).
 */
#ifndef ML_QUANTILE_H
#define ML_QUANTILE_H

#include "transform/transform.h"

extern void ml_quantile_means(MlRowSource *rows, int ncols, const bool *wanted, double *mean);

/*
 * Means and population standard deviations, in one pass when near[] is close
 * to the means (any finite value will do), else in two.
 */
extern void ml_quantile_moments(MlRowSource *rows, int ncols, const bool *wanted, const double *near,
								double *mean, double *stddev);

/*
 * Medians (the mean of the two middle values of an even count) by radix
 * selection: a pass per 16 bits of the value, in memory that does not depend
 * on the number of rows.
 */
extern void ml_quantile_medians(MlRowSource *rows, int ncols, const bool *wanted, double *median);

/*
 * Quantiles of each column at nshares ascending shares from 0 to 1, between
 * neighbours by straight lines (as numpy's), into values[j]; by sorting each
 * column, in files where memory does not suffice.
 */
extern void ml_quantile_shares(MlRowSource *rows, int ncols, const bool *wanted, int nshares,
							   const double *shares, double **values);

/* The most frequent value of each column, the smallest of several. */
extern void ml_quantile_modes(MlRowSource *rows, int ncols, const bool *wanted, double *mode);

#endif							/* ML_QUANTILE_H */
