/*
 * exact_sum.h - sums of doubles and of products of two doubles without any rounding.
 *
 * A sum is one wide integer in two's complement, counted in units of the
 * smallest number a double (or a product of two doubles) can hold. Adding is
 * integer arithmetic, so a sum depends neither on the order of its terms nor
 * on how they were divided, and equal sums have equal bytes. The one rounding
 * happens when a result is read. Every bit pattern is a valid sum: bytes from
 * an unknown hand give a wrong number, never a fault. (A superaccumulator in
 * the sense of Kulisch, "Computer Arithmetic and Validity", chapter 8.)
 *
 * Infinity and NaN are not added but remembered in flags.
 */
#ifndef ML_EXACT_SUM_H
#define ML_EXACT_SUM_H

#include "math/math.h"

/*
 * Units of 2^-1074 up to 2^1024 take 2098 bits and products twice that; the
 * rest of the words is room for 2^63 terms and the sign.
 */
#define ML_EXACT_WORDS			34
#define ML_EXACT_PRODUCT_WORDS	68

#define ML_EXACT_SAW_NAN				1
#define ML_EXACT_SAW_PLUS_INFINITY		2
#define ML_EXACT_SAW_MINUS_INFINITY		4

/* All zero bytes is the empty sum. */
typedef struct MlExactSum
{
	uint64_t	flags;
	uint64_t	word[ML_EXACT_WORDS];	/* least significant first, unit 2^-1074 */
} MlExactSum;

typedef struct MlExactProducts
{
	uint64_t	flags;
	uint64_t	word[ML_EXACT_PRODUCT_WORDS];	/* unit 2^-2148 */
} MlExactProducts;

/* Adds x. */
extern void ml_exact_add(MlExactSum *sum, double x);

/* Adds every term of another sum. */
extern void ml_exact_merge(MlExactSum *into, const MlExactSum *from);

/* The sum, rounded once to nearest even; infinity beyond the range of a double. */
extern double ml_exact_value(const MlExactSum *sum);

/* The sum divided by n > 0, also where the sum itself is beyond the range of a double. */
extern double ml_exact_mean(const MlExactSum *sum, int64_t n);

/* Adds a * b, neither rounded nor overflowing nor underflowing. */
extern void ml_exact_products_add(MlExactProducts *sum, double a, double b);

/* Adds every term of another sum of products. */
extern void ml_exact_products_merge(MlExactProducts *into, const MlExactProducts *from);

/*
 * The sum as fraction * 2^exponent with 0.5 <= |fraction| < 1, rounded once to
 * nearest even; zero has fraction 0 and exponent 0. With flags the fraction
 * is infinity or NaN.
 */
extern void ml_exact_products_parts(const MlExactProducts *sum, double *fraction, int *exponent);

/* The sum divided by n > 0. */
extern double ml_exact_products_mean(const MlExactProducts *sum, int64_t n);

/* The square root of the sum divided by n > 0, also where the mean is beyond the range of a double. */
extern double ml_exact_products_root_mean(const MlExactProducts *sum, int64_t n);

/*
 * n * (sum of y^2) - (sum of y)^2, which is n times the sum of squared
 * deviations from the mean, exactly, in the form of ml_exact_products_parts.
 */
extern void ml_exact_variation(const MlExactSum *y, const MlExactProducts *y_squared, int64_t n,
							   double *fraction, int *exponent);

#endif							/* ML_EXACT_SUM_H */
