/*
 * exact_sum.c - sums of doubles and of products of two doubles without any rounding.
 *
 * Unsigned 64-bit words, least significant first; all functions take the word
 * array and its length, so that the two widths share them.
 */
#include "math/exact_sum.h"

#include <math.h>
#include <string.h>

#define ML_EXACT_UNIT			(-1074) /* exponent of the last bit of a sum */
#define ML_EXACT_PRODUCT_UNIT	(-2148) /* ... and of a sum of products */

/* A finite double taken apart: (-1)^negative * mantissa * 2^(shift - 1074). */
typedef struct MlExactParts
{
	uint64_t	mantissa;
	int			shift;
	bool		negative;
} MlExactParts;

/* Takes x apart; false when it is infinite or NaN. */
static inline bool
ml_exact_take_apart(double x, MlExactParts *parts)
{
	uint64_t	bits;
	int			exponent;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int) (bits >> 52) & 0x7ff;
	parts->negative = bits >> 63;
	parts->mantissa = bits & ((UINT64_C(1) << 52) - 1);
	parts->shift = 0;
	if (exponent == 0x7ff)
		return false;
	if (exponent > 0)
	{
		parts->mantissa |= UINT64_C(1) << 52;
		parts->shift = exponent - 1;
	}
	return true;
}

/* The flag of a number that is infinite or NaN. */
static uint64_t
ml_exact_flag(double x)
{
	if (isnan(x))
		return ML_EXACT_SAW_NAN;
	return x > 0 ? ML_EXACT_SAW_PLUS_INFINITY : ML_EXACT_SAW_MINUS_INFINITY;
}

/* What a sum with these flags is: infinity, or NaN when infinities of both signs met. */
static double
ml_exact_not_finite(uint64_t flags)
{
	if (flags == ML_EXACT_SAW_PLUS_INFINITY)
		return HUGE_VAL;
	if (flags == ML_EXACT_SAW_MINUS_INFINITY)
		return -HUGE_VAL;
	return NAN;
}

/* The 128-bit product of two words. */
static inline void
ml_word_multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low)
{
	uint64_t	a0 = a & 0xffffffff;
	uint64_t	a1 = a >> 32;
	uint64_t	b0 = b & 0xffffffff;
	uint64_t	b1 = b >> 32;
	uint64_t	ends = a0 * b0;
	uint64_t	cross = a1 * b0 + (ends >> 32);
	uint64_t	cross2 = a0 * b1 + (cross & 0xffffffff);

	*low = (cross2 << 32) | (ends & 0xffffffff);
	*high = a1 * b1 + (cross >> 32) + (cross2 >> 32);
}

/* *word += x + carry; returns the carry out. */
static inline uint64_t
ml_word_add(uint64_t *word, uint64_t x, uint64_t carry)
{
	uint64_t	sum = *word + x;
	uint64_t	out = sum < x;

	*word = sum + carry;
	return out + (*word < carry);
}

/* *word -= x + borrow; returns the borrow out. */
static inline uint64_t
ml_word_subtract(uint64_t *word, uint64_t x, uint64_t borrow)
{
	uint64_t	before = *word;
	uint64_t	difference = before - x;

	*word = difference - borrow;
	return (uint64_t) (before < x) + (difference < borrow);
}

/* Adds or subtracts (high, low) * 2^shift; the caller knows that it fits. */
static inline void
ml_words_add_shifted(uint64_t *word, int words, uint64_t high, uint64_t low, int shift, bool subtract)
{
	int			at = shift >> 6;
	int			bit = shift & 63;
	uint64_t	part[3];
	uint64_t	carry = 0;

	/* Shifting by 64 is undefined, hence the two steps. */
	part[0] = low << bit;
	part[1] = (high << bit) | (low >> 1 >> (63 - bit));
	part[2] = high >> 1 >> (63 - bit);

	if (!subtract)
	{
		carry = ml_word_add(&word[at], part[0], 0);
		carry = ml_word_add(&word[at + 1], part[1], carry);
		carry = ml_word_add(&word[at + 2], part[2], carry);
		for (at += 3; carry && at < words; at++)
			carry = ++word[at] == 0;
	}
	else
	{
		carry = ml_word_subtract(&word[at], part[0], 0);
		carry = ml_word_subtract(&word[at + 1], part[1], carry);
		carry = ml_word_subtract(&word[at + 2], part[2], carry);
		for (at += 3; carry && at < words; at++)
			carry = word[at]-- == 0;
	}
}

/* Adds all words of one number to another of the same width. */
static void
ml_words_merge(uint64_t *into, const uint64_t *from, int words)
{
	uint64_t	carry = 0;
	int			i;

	for (i = 0; i < words; i++)
		carry = ml_word_add(&into[i], from[i], carry);
}

/* Copies the absolute value; returns whether the number is negative. */
static bool
ml_words_absolute(uint64_t *out, const uint64_t *word, int words)
{
	bool		negative = word[words - 1] >> 63;
	uint64_t	carry = negative;
	int			i;

	for (i = 0; i < words; i++)
	{
		out[i] = (negative ? ~word[i] : word[i]) + carry;
		carry = carry && out[i] == 0;
	}
	return negative;
}

/* Rounds the number, in units of 2^unit, to fraction * 2^exponent, nearest even. */
static void
ml_words_round(const uint64_t *word, int words, int unit, double *fraction, int *exponent)
{
	uint64_t	size[ML_EXACT_PRODUCT_WORDS];
	bool		negative = ml_words_absolute(size, word, words);
	bool		sticky = false;
	int			top = words - 1;
	int			zeros = 0;
	int			i;
	uint64_t	lead;
	uint64_t	kept;
	uint64_t	rest;

	while (top >= 0 && size[top] == 0)
		top--;
	if (top < 0)
	{
		*fraction = 0;
		*exponent = 0;
		return;
	}
	while (!((size[top] << zeros) >> 63))
		zeros++;

	lead = size[top] << zeros;
	if (top > 0)
	{
		lead |= size[top - 1] >> 1 >> (63 - zeros);
		sticky = (size[top - 1] << zeros) != 0;
	}
	for (i = 0; i < top - 1 && !sticky; i++)
		sticky = size[i] != 0;

	kept = lead >> 11;
	rest = lead & 0x7ff;
	if (rest > 0x400 || (rest == 0x400 && (sticky || (kept & 1))))
		kept++;
	*fraction = frexp((double) kept, exponent);
	*exponent += 64 * (top + 1) - zeros - 53 + unit;
	if (negative)
		*fraction = -*fraction;
}

void
ml_exact_add(MlExactSum *sum, double x)
{
	MlExactParts parts;

	if (!ml_exact_take_apart(x, &parts))
	{
		sum->flags |= ml_exact_flag(x);
		return;
	}
	ml_words_add_shifted(sum->word, ML_EXACT_WORDS, 0, parts.mantissa, parts.shift, parts.negative);
}

void
ml_exact_merge(MlExactSum *into, const MlExactSum *from)
{
	into->flags |= from->flags;
	ml_words_merge(into->word, from->word, ML_EXACT_WORDS);
}

double
ml_exact_value(const MlExactSum *sum)
{
	return ml_exact_mean(sum, 1);
}

double
ml_exact_mean(const MlExactSum *sum, int64_t n)
{
	double		fraction;
	int			exponent;

	if (sum->flags)
		return ml_exact_not_finite(sum->flags);
	ml_words_round(sum->word, ML_EXACT_WORDS, ML_EXACT_UNIT, &fraction, &exponent);
	return ldexp(fraction / (double) n, exponent);
}

void
ml_exact_products_add(MlExactProducts *sum, double a, double b)
{
	MlExactParts pa;
	MlExactParts pb;
	uint64_t	high;
	uint64_t	low;

	if (!ml_exact_take_apart(a, &pa) || !ml_exact_take_apart(b, &pb))
	{
		sum->flags |= ml_exact_flag(a * b);
		return;
	}
	ml_word_multiply(pa.mantissa, pb.mantissa, &high, &low);
	ml_words_add_shifted(sum->word, ML_EXACT_PRODUCT_WORDS, high, low, pa.shift + pb.shift,
						 pa.negative != pb.negative);
}

void
ml_exact_products_merge(MlExactProducts *into, const MlExactProducts *from)
{
	into->flags |= from->flags;
	ml_words_merge(into->word, from->word, ML_EXACT_PRODUCT_WORDS);
}

void
ml_exact_products_parts(const MlExactProducts *sum, double *fraction, int *exponent)
{
	if (sum->flags)
	{
		*fraction = ml_exact_not_finite(sum->flags);
		*exponent = 0;
		return;
	}
	ml_words_round(sum->word, ML_EXACT_PRODUCT_WORDS, ML_EXACT_PRODUCT_UNIT, fraction, exponent);
}

double
ml_exact_products_mean(const MlExactProducts *sum, int64_t n)
{
	double		fraction;
	int			exponent;

	ml_exact_products_parts(sum, &fraction, &exponent);
	return ldexp(fraction / (double) n, exponent);
}

double
ml_exact_products_root_mean(const MlExactProducts *sum, int64_t n)
{
	double		fraction;
	int			exponent;

	ml_exact_products_parts(sum, &fraction, &exponent);
	if (exponent % 2 != 0)
	{
		fraction *= 2;
		exponent--;
	}
	return ldexp(sqrt(fraction / (double) n), exponent / 2);
}

void
ml_exact_variation(const MlExactSum *y, const MlExactProducts *y_squared, int64_t n,
				   double *fraction, int *exponent)
{
	uint64_t	size[ML_EXACT_WORDS];
	uint64_t	result[ML_EXACT_PRODUCT_WORDS];
	uint64_t	carry;
	uint64_t	high;
	uint64_t	low;
	int			i;
	int			j;

	if (y->flags || y_squared->flags)
	{
		*fraction = NAN;
		*exponent = 0;
		return;
	}

	carry = 0;
	for (i = 0; i < ML_EXACT_PRODUCT_WORDS; i++)
	{
		ml_word_multiply(y_squared->word[i], (uint64_t) n, &high, &low);
		result[i] = low + carry;
		carry = high + (result[i] < carry);
	}

	ml_words_absolute(size, y->word, ML_EXACT_WORDS);
	for (i = 0; i < ML_EXACT_WORDS; i++)
	{
		if (size[i] == 0)
			continue;
		for (j = 0; j < ML_EXACT_WORDS; j++)
		{
			int			at = i + j;

			if (size[j] == 0)
				continue;
			ml_word_multiply(size[i], size[j], &high, &low);
			carry = ml_word_subtract(&result[at], low, 0);
			carry = ml_word_subtract(&result[at + 1], high, carry);
			for (at += 2; carry && at < ML_EXACT_PRODUCT_WORDS; at++)
				carry = result[at]-- == 0;
		}
	}
	ml_words_round(result, ML_EXACT_PRODUCT_WORDS, ML_EXACT_PRODUCT_UNIT, fraction, exponent);
}
