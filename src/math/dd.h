/*
 * dd.h - double-double arithmetic: an unevaluated sum of two float8, about 106 bits.
 *
 * Needs round-to-nearest float64 without excess precision and without
 * contraction. Operands stay far from overflow and underflow (their callers
 * scale by powers of two), |lo| <= ulp(hi) / 2. Products use Dekker's
 * splitting instead of fused multiply-add, so no processor is slow at them.
 *
 * Source: Dekker 1971, "A floating-point technique for extending the
 * available precision"; error bounds as in Joldes, Muller, Popescu 2017,
 * "Tight and rigorous error bounds for basic building blocks of double-word
 * arithmetic", algorithms 6, 12 and 17.
 */
#ifndef ML_DD_H
#define ML_DD_H

#include <math.h>

typedef struct MlDd
{
	double		hi;
	double		lo;
} MlDd;

/* Makes a double-double of one float8. */
static inline MlDd
ml_dd(double a)
{
	MlDd		r = {a, 0.0};

	return r;
}

/* Adds two float8 exactly when |a| >= |b| or a is zero. */
static inline MlDd
ml_dd_quick_sum(double a, double b)
{
	MlDd		r;

	r.hi = a + b;
	r.lo = b - (r.hi - a);
	return r;
}

/* Adds two float8 exactly. */
static inline MlDd
ml_dd_two_sum(double a, double b)
{
	MlDd		r;
	double		bb;

	r.hi = a + b;
	bb = r.hi - a;
	r.lo = (a - (r.hi - bb)) + (b - bb);
	return r;
}

/* Multiplies two float8 exactly. */
static inline MlDd
ml_dd_two_prod(double a, double b)
{
	MlDd		r;
	double		t = a * 134217729.0;	/* 2^27 + 1 */
	double		ah = t - (t - a);
	double		al = a - ah;
	double		u = b * 134217729.0;
	double		bh = u - (u - b);
	double		bl = b - bh;

	r.hi = a * b;
	r.lo = ((ah * bh - r.hi) + ah * bl + al * bh) + al * bl;
	return r;
}

/* Returns a + b. */
static inline MlDd
ml_dd_add(MlDd a, MlDd b)
{
	MlDd		s = ml_dd_two_sum(a.hi, b.hi);
	MlDd		t = ml_dd_two_sum(a.lo, b.lo);

	s = ml_dd_quick_sum(s.hi, s.lo + t.hi);
	return ml_dd_quick_sum(s.hi, s.lo + t.lo);
}

/* Returns -a. */
static inline MlDd
ml_dd_neg(MlDd a)
{
	MlDd		r = {-a.hi, -a.lo};

	return r;
}

/* Returns a - b. */
static inline MlDd
ml_dd_sub(MlDd a, MlDd b)
{
	return ml_dd_add(a, ml_dd_neg(b));
}

/* Returns a * b. */
static inline MlDd
ml_dd_mul(MlDd a, MlDd b)
{
	MlDd		p = ml_dd_two_prod(a.hi, b.hi);

	return ml_dd_quick_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* Returns a / b; b is not zero. */
static inline MlDd
ml_dd_div(MlDd a, MlDd b)
{
	double		q = a.hi / b.hi;
	MlDd		r = ml_dd_sub(a, ml_dd_mul(b, ml_dd(q)));
	double		q2 = r.hi / b.hi;

	r = ml_dd_sub(r, ml_dd_mul(b, ml_dd(q2)));
	return ml_dd_add(ml_dd_quick_sum(q, q2), ml_dd(r.hi / b.hi));
}

/* Returns a times 2 to the power e, exactly within the range of float8. */
static inline MlDd
ml_dd_ldexp(MlDd a, int e)
{
	MlDd		r = {ldexp(a.hi, e), ldexp(a.lo, e)};

	return r;
}

#endif							/* ML_DD_H */
