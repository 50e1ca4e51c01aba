/*
 * quantile.h - means, standard deviations and medians of columns of the training rows, exact and repeatable.
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

#endif							/* ML_QUANTILE_H */
