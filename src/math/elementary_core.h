/*
 * elementary_core.h - exp, log and the logistic functions, written once for one lane and for many.
 *
 * A template: it is included with ML_W (lanes: 1, 2, 4 or 8), ML_TARGET (the
 * instruction set) and ML_NAME (a suffix) defined, and has no include guard.
 * Every lane goes through the same IEEE operations whatever ML_W is, nothing
 * is contracted and no branch depends on a value, so the bits agree between
 * widths and processors.
 *
 * Sources: argument reduction by a two-part ln 2 (Cody and Waite 1980);
 * log(1+f) through s = f/(2+f) (Tang, ACM TOMS 16, 1990). The polynomials are
 * the Taylor coefficients.
 */
#if ML_W == 1
typedef double ML_NAME(MlReal);
typedef uint64_t ML_NAME(MlBits);
#else
typedef double ML_NAME(MlReal) __attribute__((vector_size(8 * ML_W)));
typedef uint64_t ML_NAME(MlBits) __attribute__((vector_size(8 * ML_W)));
typedef double ML_NAME(MlSpan) __attribute__((vector_size(8 * ML_W), aligned(8), may_alias));
#endif

#define V ML_NAME(MlReal)
#define B ML_NAME(MlBits)

#define ML_INLINE static inline ML_TARGET __attribute__((always_inline, unused))

ML_INLINE V
ML_NAME(ml_all) (double x)
{
#if ML_W == 1
	return x;
#else
	return x - (V) {0};
#endif
}

ML_INLINE B
ML_NAME(ml_to_bits) (V x)
{
	B			b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

ML_INLINE V
ML_NAME(ml_from_bits) (B b)
{
	V			x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

/* Turns a comparison into a mask of all ones or all zeros. */
#if ML_W == 1
#define ML_MASK(condition) ((B) -(int64_t) (condition))
#else
#define ML_MASK(condition) ((B) (condition))
#endif

ML_INLINE V
ML_NAME(ml_pick) (B mask, V yes, V no)
{
	return ML_NAME(ml_from_bits) ((ML_NAME(ml_to_bits) (yes) & mask) |
								  (ML_NAME(ml_to_bits) (no) & ~mask));
}

ML_INLINE V
ML_NAME(ml_abs) (V x)
{
	return ML_NAME(ml_from_bits) (ML_NAME(ml_to_bits) (x) & UINT64_C(0x7fffffffffffffff));
}

/* exp(x) within 0.6 ulp, 0.8 where the result is denormal; NaN for NaN. */
ML_INLINE V
ML_NAME(ml_exp_core) (V x)
{
	V			clamped,
				k,
				half,
				t,
				low,
				r,
				r_error,
				p,
				sum;
	B			k1,
				k2;

	/* outside these bounds the result is infinite or rounds to zero anyway */
	clamped = ML_NAME(ml_pick) (ML_MASK(x < 710.0), x, ML_NAME(ml_all) (710.0));
	clamped = ML_NAME(ml_pick) (ML_MASK(clamped > -746.0), clamped, ML_NAME(ml_all) (-746.0));

	/* adding 1.5 * 2^52 rounds to an integer, which also sits in the low bits */
	k = (clamped * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
	t = clamped - k * 0x1.62e42fefa0000p-1;
	low = k * 0x1.cf79abc9e3b3ap-40;
	r = t - low;
	r_error = (t - r) - low;

	p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
	p = p * r + 1.0 / 39916800.0;
	p = p * r + 1.0 / 3628800.0;
	p = p * r + 1.0 / 362880.0;
	p = p * r + 1.0 / 40320.0;
	p = p * r + 1.0 / 5040.0;
	p = p * r + 1.0 / 720.0;
	p = p * r + 1.0 / 120.0;
	p = p * r + 1.0 / 24.0;
	p = p * r + 1.0 / 6.0;
	p = p * r + 0.5;

	/* 1 + r loses its tail unless it is carried along */
	sum = 1.0 + r;
	p = sum + ((((1.0 - sum) + r) + r_error) + r * r * p);

	/* 2^k in two factors, so that neither overflows and a denormal rounds once */
	half = (k * 0.5 + 0x1.8p52) - 0x1.8p52;
	k1 = (ML_NAME(ml_to_bits) (half + 0x1.8p52) + 1023) << 52;
	k2 = (ML_NAME(ml_to_bits) ((k - half) + 0x1.8p52) + 1023) << 52;
	p = (p * ML_NAME(ml_from_bits) (k1)) * ML_NAME(ml_from_bits) (k2);
	return ML_NAME(ml_pick) (ML_MASK(x == x), p, x);
}

/* k ln 2 + log(1 + f) for 1 + f in [sqrt 1/2, sqrt 2]. */
ML_INLINE V
ML_NAME(ml_log_core) (V k, V f)
{
	V			s = f / (2.0 + f),
				z = s * s,
				half_square = f * f * 0.5,
				p;

	p = z * (2.0 / 23.0) + 2.0 / 21.0;
	p = p * z + 2.0 / 19.0;
	p = p * z + 2.0 / 17.0;
	p = p * z + 2.0 / 15.0;
	p = p * z + 2.0 / 13.0;
	p = p * z + 2.0 / 11.0;
	p = p * z + 2.0 / 9.0;
	p = p * z + 2.0 / 7.0;
	p = p * z + 2.0 / 5.0;
	p = p * z + 2.0 / 3.0;
	p = p * z;
	return k * 0x1.62e42fefa0000p-1 -
		((half_square - (s * (half_square + p) + k * 0x1.cf79abc9e3b3ap-40)) - f);
}

/* log(x) within 1 ulp; -inf at 0, NaN below, inf at inf. */
ML_INLINE V
ML_NAME(ml_log_any) (V x)
{
	B			tiny = ML_MASK(x < 0x1p-1022);
	V			scaled = ML_NAME(ml_pick) (tiny, x * 0x1p54, x);
	B			bits = ML_NAME(ml_to_bits) (scaled),
				shifted,
				exponent;
	V			k,
				f,
				result;

	/* shifted by the bits of sqrt 1/2, the exponent field steps where m leaves [sqrt 1/2, sqrt 2) */
	shifted = bits + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
	exponent = shifted >> 52;
	k = ML_NAME(ml_from_bits) (exponent | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
	k = k - ML_NAME(ml_pick) (tiny, ML_NAME(ml_all) (54.0), ML_NAME(ml_all) (0.0));
	f = ML_NAME(ml_from_bits) (bits - (exponent << 52) + UINT64_C(0x3ff0000000000000)) - 1.0;
	result = ML_NAME(ml_log_core) (k, f);

	result = ML_NAME(ml_pick) (ML_MASK(x > 0.0), result, ML_NAME(ml_all) (ML_VALUE_NAN));
	result = ML_NAME(ml_pick) (ML_MASK(x == 0.0), ML_NAME(ml_all) (-ML_VALUE_INF), result);
	return ML_NAME(ml_pick) (ML_MASK(x < ML_VALUE_INF), result,
							 ML_NAME(ml_pick) (ML_MASK(x == x), ML_NAME(ml_all) (ML_VALUE_INF), x));
}

/* log(1 + z) for z in [0, 1]. */
ML_INLINE V
ML_NAME(ml_log1p_unit) (V z)
{
	B			upper = ML_MASK(z > 0.41421356237309503);

	return ML_NAME(ml_log_core) (ML_NAME(ml_pick) (upper, ML_NAME(ml_all) (1.0), ML_NAME(ml_all) (0.0)),
								 ML_NAME(ml_pick) (upper, 0.5 * z - 0.5, z));
}

/* log(1 + exp(x)), without overflow and without loss in the lower tail. */
ML_INLINE V
ML_NAME(ml_log1p_exp_core) (V x)
{
	V			z = ML_NAME(ml_exp_core) (-ML_NAME(ml_abs) (x));

	return ML_NAME(ml_pick) (ML_MASK(x > 0.0), x, ML_NAME(ml_all) (0.0)) + ML_NAME(ml_log1p_unit) (z);
}

/* 1 / (1 + exp(-x)), with full relative accuracy in the lower tail. */
ML_INLINE V
ML_NAME(ml_sigmoid_core) (V x)
{
	V			z = ML_NAME(ml_exp_core) (-ML_NAME(ml_abs) (x)),
				d = 1.0 / (1.0 + z);

	return ML_NAME(ml_pick) (ML_MASK(x < 0.0), z * d, d);
}

#undef ML_MASK
