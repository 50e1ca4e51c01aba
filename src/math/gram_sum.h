/*
 * gram_sum.h - long two's complement integers that hold exact sums of products.
 *
 * Private to gram.c. A sum is n 64-bit words, least significant first, times
 * a power of two that its owner knows. All additions are modulo 2^(64 n); the
 * owner makes n large enough for the true sum.
 */
#ifndef ML_GRAM_SUM_H
#define ML_GRAM_SUM_H

#include "math/dd.h"
#include "math/math.h"

/* Words a sum has at most: products of any two float8, 2^62 of them. */
#define ML_GRAM_SUM_MAX	80

/* A float8 as value * 2^bit with value odd, or zero. */
typedef struct MlGramFactor
{
	int64_t		value;
	int			bit;
} MlGramFactor;

extern MlGramFactor ml_gram_factor(double x);
extern void ml_gram_sum_add(uint64_t *sum, int n, int64_t value, int bit);
extern void ml_gram_sum_add_product(uint64_t *sum, int n, MlGramFactor a,
									MlGramFactor b, int base);
extern void ml_gram_sum_add_sum(uint64_t *sum, int n, const uint64_t *src, int m, int bit);
extern int	ml_gram_sum_length(const uint64_t *sum, int n);
extern MlDd ml_gram_sum_round(uint64_t *sum, int n, int exponent);

#endif							/* ML_GRAM_SUM_H */
