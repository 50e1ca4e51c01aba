/*
 * gram_sum.c - long two's complement integers that hold exact sums of products.
 *
 * Works on the caller's words; see gram_sum.h.
 */
#include "math/gram_sum.h"

#include <string.h>

/* Adds value * 2^bit, 0 <= bit < 64 n. */
void
ml_gram_sum_add(uint64_t *sum, int n, int64_t value, int bit)
{
	int			k = bit / 64;
	int			shift = bit % 64;
	uint64_t	sign = value < 0 ? UINT64_MAX : 0;
	uint64_t	low = (uint64_t) value << shift;
	uint64_t	high = shift ? ((uint64_t) value >> (64 - shift)) | (sign << shift) : sign;
	uint64_t	carry;

	sum[k] += low;
	carry = sum[k] < low;
	for (k++; k < n; k++)
	{
		uint64_t	add = high + carry;

		/* high is all ones and carry is set: nothing changes from here on */
		if (add == 0 && high == sign)
			return;
		carry = add < carry;
		sum[k] += add;
		carry |= sum[k] < add;
		high = sign;
	}
}

/* Splits a finite float8 into an odd integer and a power of two. */
MlGramFactor
ml_gram_factor(double x)
{
	MlGramFactor f = {0, 0};
	uint64_t	bits;
	int			exponent,
				zeros;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int) (bits >> 52 & 0x7ff);
	f.value = (int64_t) (bits & ((UINT64_C(1) << 52) - 1));
	if (exponent > 0)
		f.value |= INT64_C(1) << 52;
	else
		exponent = 1;			/* denormal */
	if (f.value == 0)
		return f;
	zeros = __builtin_ctzll((unsigned long long) f.value);
	f.value >>= zeros;
	f.bit = exponent - 1075 + zeros;
	if (bits >> 63)
		f.value = -f.value;
	return f;
}

/*
 * Adds a * b exactly to a sum whose lowest bit weighs 2^base; a * b is a
 * multiple of that.
 */
void
ml_gram_sum_add_product(uint64_t *sum, int n, MlGramFactor a, MlGramFactor b, int base)
{
	int			bit = a.bit + b.bit - base;
	int64_t		ah = a.value / (1 << 27);
	int64_t		al = a.value % (1 << 27);
	int64_t		bh = b.value / (1 << 27);
	int64_t		bl = b.value % (1 << 27);

	if (a.value == 0 || b.value == 0)
		return;
	ml_gram_sum_add(sum, n, al * bl, bit);
	if (ah != 0 || bh != 0)
		ml_gram_sum_add(sum, n, ah * bl + al * bh, bit + 27);
	if (ah != 0 && bh != 0)
		ml_gram_sum_add(sum, n, ah * bh, bit + 54);
}

/* Adds src * 2^bit, src having m words. */
void
ml_gram_sum_add_sum(uint64_t *sum, int n, const uint64_t *src, int m, int bit)
{
	int			k;

	/* every word but the top one is unsigned: two halves that fit int64 */
	for (k = 0; k < m - 1; k++)
	{
		if ((src[k] & UINT32_MAX) != 0)
			ml_gram_sum_add(sum, n, (int64_t) (src[k] & UINT32_MAX), bit + 64 * k);
		if ((src[k] >> 32) != 0)
			ml_gram_sum_add(sum, n, (int64_t) (src[k] >> 32), bit + 64 * k + 32);
	}
	if (src[m - 1] != 0)
		ml_gram_sum_add(sum, n, (int64_t) src[m - 1], bit + 64 * (m - 1));
}

/* Negates a sum. */
static void
ml_gram_sum_negate(uint64_t *sum, int n)
{
	uint64_t	carry = 1;
	int			k;

	for (k = 0; k < n; k++)
	{
		sum[k] = ~sum[k] + carry;
		carry = carry && sum[k] == 0;
	}
}

/* Returns the number of bits of a sum that is not negative. */
int
ml_gram_sum_length(const uint64_t *sum, int n)
{
	int			k;

	for (k = n - 1; k >= 0; k--)
		if (sum[k] != 0)
			return 64 * k + 64 - __builtin_clzll(sum[k]);
	return 0;
}

/* Returns 64 bits of a sum that is not negative, from a bit on. */
static uint64_t
ml_gram_sum_bits(const uint64_t *sum, int n, int bit)
{
	int			k = bit / 64;
	int			shift = bit % 64;
	uint64_t	low = k < n ? sum[k] >> shift : 0;

	return shift && k + 1 < n ? low | sum[k + 1] << (64 - shift) : low;
}

/*
 * Takes the float8 nearest to sum * 2^exponent (ties to even) off the sum and
 * returns it.
 */
static double
ml_gram_sum_take(uint64_t *sum, int n, int exponent)
{
	bool		negative = sum[n - 1] >> 63;
	int			length,
				drop;
	uint64_t	mantissa;
	double		result;

	if (negative)
		ml_gram_sum_negate(sum, n);
	length = ml_gram_sum_length(sum, n);
	drop = length - 53;
	if (drop < -1074 - exponent)
		drop = -1074 - exponent;	/* denormals have no lower bits */
	if (drop < 0)
		drop = 0;
	if (drop > length)
		drop = length + 1;
	mantissa = drop < length ? ml_gram_sum_bits(sum, n, drop) : 0;
	if (drop > 0 && drop <= length)
	{
		bool		half = ml_gram_sum_bits(sum, n, drop - 1) & 1;
		bool		sticky = false;
		int			k;

		for (k = 0; k < (drop - 1) / 64 && !sticky; k++)
			sticky = sum[k] != 0;
		if ((drop - 1) % 64 != 0)
			sticky = sticky || (sum[(drop - 1) / 64] << (64 - (drop - 1) % 64)) != 0;
		if (half && (sticky || (mantissa & 1)))
			mantissa++;
	}
	result = mantissa ? ldexp((double) mantissa, exponent + drop) : 0.0;
	if (mantissa)
		ml_gram_sum_add(sum, n, -(int64_t) mantissa, drop);
	if (negative)
		ml_gram_sum_negate(sum, n);
	return negative ? -result : result;
}

/*
 * Rounds sum * 2^exponent to a double-double: the nearest float8 and the
 * nearest one of what is left. Destroys the sum.
 */
MlDd
ml_gram_sum_round(uint64_t *sum, int n, int exponent)
{
	MlDd		r;

	r.hi = ml_gram_sum_take(sum, n, exponent);
	r.lo = 0.0;
	if (r.hi - r.hi == 0.0)		/* finite */
		r.lo = ml_gram_sum_take(sum, n, exponent);
	return r;
}
