/*
 * hypergeometric.h - how rows fall to two sides by chance alone.
 *
 * Of all rows, `small` stand on one side and `large` on the other; `marked`
 * of them, wherever they stand, have a property. If the property has nothing
 * to do with the side, the number of marked rows on the small side follows
 * this distribution. The numbers are whole and given as double.
 */
#ifndef ML_HYPERGEOMETRIC_H
#define ML_HYPERGEOMETRIC_H

/* The greatest mean for which the probabilities are given, and how many there are at most. */
#define ML_HYPERGEOMETRIC_MEAN	64
#define ML_HYPERGEOMETRIC_MAX	256

/*
 * Fills p with the probabilities of *first, *first + 1, ... marked rows on the small side and returns how many there are.
 * Those left out on both sides are below 1e-20 together; the rest add up to 1. The mean, marked * small / (small + large),
 * must not exceed ML_HYPERGEOMETRIC_MEAN, nor marked half of all rows.
 */
extern int	ml_hypergeometric(double small, double large, double marked, double *first, double *p);

#endif							/* ML_HYPERGEOMETRIC_H */
