/*
 * interval.h - intervals of shares, of paired shares, and of areas under the curve.
 */
#ifndef ML_INTERVAL_H
#define ML_INTERVAL_H

#include "math/math.h"

/* Mean and spread of one area under the curve, or of the difference of two. */
typedef struct MlArea
{
	double		value;
	double		variance;		/* NaN with fewer than two rows of a class */
} MlArea;

/*
 * The score interval of a share of part in whole > 0, for a quantile z > 0 of
 * the normal distribution (Wilson, "Probable inference, the law of
 * succession, and statistical inference", JASA 1927).
 */
extern void ml_wilson(double part, double whole, double z, double *low, double *high);

/*
 * The score interval of the difference of two paired shares, (only_a -
 * only_b) / rows, rows > 0: only_a rows count for the first alone, only_b for
 * the second alone. It excludes 0 exactly where McNemar's statistic exceeds
 * z^2. (Tango, "Equivalence test and confidence interval for the difference
 * in proportions for the paired-sample design", Statistics in Medicine 1998.)
 */
extern void ml_paired_shares(double only_a, double only_b, double rows, double z, double *low, double *high);

/* McNemar's test: the exact two-sided chance, at most 1, of a split as uneven as this one where both are as likely. */
extern double ml_mcnemar_exact(double only_a, double only_b);

/*
 * For each row the number of rows of the other class that it is on the right
 * side of, twice that, equal scores counting one: 0 to 2 * (rows of the other
 * class). key ascends, at[i] < n is the row that key[i] belongs to, label[row]
 * whether it is positive; wins[row] comes out. These are DeLong's structural
 * components, from midranks in one pass (Sun and Xu, "Fast Implementation of
 * DeLong's Algorithm", IEEE Signal Processing Letters 2014).
 */
extern void ml_delong_wins(const uint64_t *key, const uint32_t *at, const uint8_t *label, size_t n, int64_t *wins,
						   const MlTick *tick);

/*
 * The area under the curve from the wins of all rows, or the difference of
 * two areas where wins are the differences of theirs, and its variance
 * (DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More
 * Correlated Receiver Operating Characteristic Curves", Biometrics 1988).
 * Both classes occur.
 */
extern MlArea ml_delong_area(const int64_t *wins, const uint8_t *label, size_t n, const MlTick *tick);

#endif							/* ML_INTERVAL_H */
