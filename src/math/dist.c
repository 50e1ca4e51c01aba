/*
 * dist.c - series in the middle, continued fractions in the tails, Newton for the quantiles.
 *
 * Nothing is allocated and nothing jumps. Each probability is written as a
 * prefactor, computed without cancellation even when its parts are huge, and
 * a sum or fraction of positive terms.
 */
#include "math/math.h"
#include "math/dist.h"
#include "math/elementary.h"

#define ML_PI 3.141592653589793238
#define ML_LOG_SQRT_2PI 0.918938533204672741780329736406
#define ML_SQRT_2PI 2.50662827463100050241576528481
#define ML_NAN ((double) __builtin_nan(""))
#define ML_INF ((double) __builtin_inf())

/* Terms below this share of the sum no longer count. */
#define ML_EPSILON 0x1p-54

/*
 * log Gamma(x) - ((x - 1/2) log x - x + log sqrt(2 pi)), the tail of Stirling's
 * series (Abramowitz and Stegun 6.1.41); x >= 15.
 */
static double
ml_stirling_tail(double x)
{
	double		z = 1.0 / (x * x),
				s;

	s = z * (-691.0 / 360360.0) + 1.0 / 1188.0;
	s = s * z - 1.0 / 1680.0;
	s = s * z + 1.0 / 1260.0;
	s = s * z - 1.0 / 360.0;
	s = s * z + 1.0 / 12.0;
	return s / x;
}

double
ml_log_gamma(double x)
{
	double		product = 1.0;

	if (!(x > 0.0))
		return ML_NAN;
	if (x == 1.0 || x == 2.0)
		return 0.0;
	if (x > 0x1p1000)
		return ML_INF;
	for (; x < 15.0; x += 1.0)
		product *= x;
	return (x - 0.5) * ml_log(x) - x + ML_LOG_SQRT_2PI + ml_stirling_tail(x) - ml_log(product);
}

/*
 * The tail of Stirling's series for Gamma(x + 1) at any x > 0:
 * log Gamma(x + 1) - ((x + 1/2) log x - x + log sqrt(2 pi)).
 */
static double
ml_stirling_error(double x)
{
	if (x >= 15.0)
		return ml_stirling_tail(x);
	return ml_log_gamma(x + 1.0) - ((x + 0.5) * ml_log(x) - x + ML_LOG_SQRT_2PI);
}

/* m - log(1 + m) without cancellation, for m > -1. */
static double
ml_log_excess(double m)
{
	double		s,
				z,
				power,
				sum = 0.0;

	if (m < -0.3 || m > 0.4)
		return m - ml_log1p(m);

	/* log(1 + m) = 2 (s + s^3/3 + ...) with s = m / (2 + m), and m - 2 s = m s */
	s = m / (2.0 + m);
	z = s * s;
	power = s * z;
	for (int i = 3; i < 60; i += 2)
	{
		double		term = power / i;

		sum += term;
		if (!(term > sum * ML_EPSILON || -term > -sum * ML_EPSILON))
			break;
		power *= z;
	}
	return m * s - 2.0 * sum;
}

/* exp(-z^2 / 2), with the square split so that its rounding does not reach the result. */
static double
ml_exp_half_square(double z)
{
	double		high = (z * 0x1p20 + 0x1.8p52) - 0x1.8p52;

	high *= 0x1p-20;
	return ml_exp(-0.5 * high * high) * ml_exp(-0.5 * (z - high) * (z + high));
}

/* P(0 < Z < z) for |z| <= 2: the density times z + z^3/3 + z^5/15 + ... (A&S 26.2.11). */
static double
ml_normal_middle(double z)
{
	double		square = z * z,
				term = z,
				sum = z;

	for (int i = 3; i < 200; i += 2)
	{
		term *= square / i;
		sum += term;
		if (!(term > sum * ML_EPSILON || -term > -sum * ML_EPSILON))
			break;
	}
	return sum * ml_exp_half_square(z) / ML_SQRT_2PI;
}

double
ml_normal_upper(double z)
{
	double		fraction;

	if (z < -2.0)
		return 1.0 - ml_normal_upper(-z);
	if (z <= 2.0)
		return 0.5 - ml_normal_middle(z);
	if (z != z)
		return z;
	if (z > 39.0)
		return 0.0;

	/* Laplace's continued fraction (A&S 26.2.14), from far enough down */
	fraction = z;
	for (int i = 160; i > 0; i--)
		fraction = z + i / fraction;
	return ml_exp_half_square(z) / (ML_SQRT_2PI * fraction);
}

double
ml_normal_cdf(double z)
{
	return ml_normal_upper(-z);
}

double
ml_normal_two_sided(double z)
{
	return 2.0 * ml_normal_upper(z < 0.0 ? -z : z);
}

double
ml_normal_quantile(double p)
{
	double		tail = p < 0.5 ? p : 1.0 - p,
				t,
				z;

	if (!(p >= 0.0 && p <= 1.0))
		return ML_NAN;
	if (tail == 0.0)
		return p < 0.5 ? -ML_INF : ML_INF;

	if (tail > 0.1)
	{
		/* near the middle the distance from 1/2 carries the accuracy */
		double		distance = 0.5 - tail;

		z = distance * ML_SQRT_2PI;
		for (int i = 0; i < 6; i++)
			z -= (ml_normal_middle(z) - distance) * ML_SQRT_2PI / ml_exp_half_square(z);
	}
	else
	{
		/* log of the tail is nearly quadratic in z, so Newton on it needs few steps (start: A&S 26.2.23) */
		t = __builtin_sqrt(-2.0 * ml_log(tail));
		z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
			(1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
		for (int i = 0; i < 4; i++)
		{
			double		upper = ml_normal_upper(z),
						density = ml_exp_half_square(z) / ML_SQRT_2PI;

			if (!(upper > 0.0 && density > 0.0))
				break;
			z += ml_log(upper / tail) * upper / density;
		}
	}
	return p < 0.5 ? -z : z;
}

/* Gamma(a + 1/2) / Gamma(a), a > 0: raised to a + n >= 20, then Stirling's series for the ratio. */
static double
ml_gamma_ratio_half(double a)
{
	double		factor = 1.0,
				w,
				z,
				s;

	for (; a < 20.0; a += 1.0)
		factor *= a / (a + 0.5);

	/* in w = a - 1/4 the logarithm of the ratio over sqrt(w) has even powers only */
	w = a - 0.25;
	z = 1.0 / (w * w);
	s = z * (50521.0 / 20971520.0) - 1385.0 / 1048576.0;
	s = s * z + 61.0 / 49152.0;
	s = s * z - 5.0 / 2048.0;
	s = s * z + 1.0 / 64.0;
	return factor * __builtin_sqrt(w) * ml_exp(s * z);
}

/* What the Student functions share: u = |t| / sqrt(df), the arguments of the beta integral, the prefactor. */
typedef struct MlStudent
{
	double		a;				/* df / 2 */
	double		u;
	double		x;				/* 1 / (1 + u^2) */
	double		y;				/* u^2 / (1 + u^2) */
	double		log_x;
	double		ratio;			/* 1 / B(a, 1/2) */
} MlStudent;

static void
ml_student_prepare(double t, double df, MlStudent *s)
{
	s->a = 0.5 * df;
	s->u = t / __builtin_sqrt(df);
	if (s->u > 1e8)
	{
		/* the square may overflow, and 1 + u^2 is u^2 here */
		s->log_x = -2.0 * ml_log(s->u);
		s->x = (1.0 / s->u) / s->u;
		s->y = 1.0;
	}
	else
	{
		double		square = t * t / df;

		s->log_x = -ml_log1p(square);
		s->x = 1.0 / (1.0 + square);
		s->y = square * s->x;
	}
	s->ratio = ml_gamma_ratio_half(s->a) / __builtin_sqrt(ML_PI);
}

/* P(|T| <= t) for t up to about 2, by the series of the beta integral in y (A&S 26.5.4). */
static double
ml_student_middle(const MlStudent *s)
{
	double		term = 1.0,
				sum = 1.0;

	for (int n = 0; n < 10000; n++)
	{
		term *= s->y * (s->a + 0.5 + n) / (1.5 + n);
		sum += term;
		if (term < sum * ML_EPSILON)
			break;
	}
	return 2.0 * __builtin_sqrt(s->y) * ml_exp(s->a * s->log_x) * s->ratio * sum;
}

/*
 * P(|T| > t) for t > 1: I_x(a, 1/2) by the continued fraction of DiDonato and
 * Morris (ACM TOMS 18, 1992, eq. 9), which keeps its accuracy for large a,
 * evaluated by Lentz's method.
 */
static double
ml_student_tail(const MlStudent *s)
{
	double		a = s->a,
				x = s->x,
				lambda = a * s->y - 0.5 * x,
				f = a * (lambda + 1.0) / (a + 1.0),
				c = f,
				d = 0.0;

	for (int m = 1; m < 100000; m++)
	{
		double		middle = a + 2.0 * m - 1.0,
					numerator = (a + m - 1.0) / middle * ((a + m - 0.5) / middle) * m * (0.5 - m) * x * x,
					denominator = m + m * (0.5 - m) * x / middle +
		(a + m) / (a + 2.0 * m + 1.0) * (lambda + 1.0 + m * (2.0 - x)),
					step;

		d = 1.0 / (denominator + numerator * d);
		c = denominator + numerator / c;
		step = c * d;
		f *= step;
		if (step > 1.0 - 0x1p-52 && step < 1.0 + 0x1p-52)
			break;
	}
	return ml_exp(a * s->log_x + 0.5 * ml_log(s->y)) * s->ratio / f;
}

/* From here on Student's distribution is the normal one to all digits. */
#define ML_DF_NORMAL 1e20

/* Up to here the series is used, beyond it the fraction. */
#define ML_STUDENT_MIDDLE_MAX 1.7

double
ml_t_two_sided(double t, double df)
{
	MlStudent	s;

	if (t != t || !(df > 0.0))
		return ML_NAN;
	t = t < 0.0 ? -t : t;
	if (df >= ML_DF_NORMAL)
		return ml_normal_two_sided(t);
	if (t > 1e300)
		return t == ML_INF ? 0.0 : ml_t_two_sided(1e300, df) * ml_exp(-df * ml_log(t / 1e300));
	ml_student_prepare(t, df, &s);
	if (t <= ML_STUDENT_MIDDLE_MAX)
		return 1.0 - ml_student_middle(&s);
	return ml_student_tail(&s);
}

double
ml_t_cdf(double t, double df)
{
	double		tail = 0.5 * ml_t_two_sided(t, df);

	return t < 0.0 ? tail : 1.0 - tail;
}

/* t f(t), the density times its argument, which does not underflow where t is huge. */
static double
ml_student_slope(const MlStudent *s)
{
	if (s->u > 1e8)
		return s->ratio * ml_exp(-2.0 * s->a * ml_log(s->u));
	return s->ratio * s->u * ml_exp((s->a + 0.5) * s->log_x);
}

/* The t > 0 with P(|T| > t) = p, by Newton on log P against log t, which is concave: no bracket is needed. */
static double
ml_student_tail_quantile(double p, double df)
{
	double		t = -ml_normal_quantile(0.5 * p),
				target = ml_log(p);

	for (int i = 0; i < 200; i++)
	{
		MlStudent	s;
		double		tail = ml_t_two_sided(t, df),
					change;

		if (!(tail > 0.0))
		{
			t *= 0.5;
			continue;
		}
		ml_student_prepare(t, df, &s);
		change = (ml_log(tail) - target) * tail / (2.0 * ml_student_slope(&s));
		if (change > 650.0)
			return ML_INF;
		t *= ml_exp(change);
		if (change < 1e-14 && change > -1e-14)
			break;
	}
	return t;
}

/* The t > 0 with P(|T| <= t) = c, by Newton from below on a concave function. */
static double
ml_student_middle_quantile(double c, double df)
{
	MlStudent	s;
	double		t;

	ml_student_prepare(0.0, df, &s);
	t = 0.5 * c / (s.ratio / __builtin_sqrt(df));
	for (int i = 0; i < 100; i++)
	{
		double		change;

		ml_student_prepare(t, df, &s);
		change = (c - ml_student_middle(&s)) /
			(2.0 * s.ratio / __builtin_sqrt(df) * ml_exp((s.a + 0.5) * s.log_x));
		t += change;
		if (change < t * 1e-15 && change > t * -1e-15)
			break;
	}
	return t;
}

double
ml_t_quantile(double p, double df)
{
	double		tail = p < 0.5 ? p : 1.0 - p,
				t;

	if (!(p >= 0.0 && p <= 1.0) || !(df > 0.0))
		return ML_NAN;
	if (df >= ML_DF_NORMAL)
		return ml_normal_quantile(p);
	if (tail == 0.0)
		return p < 0.5 ? -ML_INF : ML_INF;
	if (tail == 0.5)
		return 0.0;
	if (2.0 * tail > ml_t_two_sided(ML_STUDENT_MIDDLE_MAX, df))
		t = ml_student_middle_quantile(2.0 * (0.5 - tail), df);
	else
		t = ml_student_tail_quantile(2.0 * tail, df);
	return p < 0.5 ? -t : t;
}

/* x^a exp(-x) / Gamma(a + 1), from the distance between x and a rather than from huge parts (Loader 2000). */
static double
ml_gamma_prefactor(double a, double x)
{
	/* x - a would forget an x that is nothing beside a */
	double		excess = x < 1e-3 * a ? (x - a) / a - ml_log(x / a) : ml_log_excess((x - a) / a);

	return ml_exp(-a * excess - ml_stirling_error(a)) / (ML_SQRT_2PI * __builtin_sqrt(a));
}

double
ml_chi_square_upper(double x, double df)
{
	double		a = 0.5 * df,
				z = 0.5 * x,
				f,
				c,
				d = 0.0;

	if (x != x || !(df > 0.0) || df == ML_INF)
		return ML_NAN;
	if (x <= 0.0)
		return 1.0;
	if (x == ML_INF)
		return 0.0;

	if (z < a + 1.0)
	{
		double		term = 1.0,
					sum = 1.0;

		for (int n = 1; n < 10000000; n++)
		{
			term *= z / (a + n);
			sum += term;
			if (term < sum * ML_EPSILON)
				break;
		}
		return 1.0 - ml_gamma_prefactor(a, z) * sum;
	}

	/* Legendre's continued fraction (A&S 6.5.31, contracted), by Lentz's method */
	f = c = z + 1.0 - a;
	for (int n = 1; n < 10000000; n++)
	{
		double		numerator = n * (a - n),
					denominator = z + 1.0 - a + 2.0 * n,
					step;

		d = 1.0 / (denominator + numerator * d);
		c = denominator + numerator / c;
		step = c * d;
		f *= step;
		if (step > 1.0 - 0x1p-52 && step < 1.0 + 0x1p-52)
			break;
	}
	return ml_gamma_prefactor(a, z) * a / f;
}

/* A bracket around the answer that halves in log x, with Newton's step on log P where it stays inside. */
double
ml_chi_square_upper_quantile(double p, double df)
{
	double		low = 1e-300,
				high,
				x;

	if (!(p >= 0.0 && p <= 1.0) || !(df > 0.0) || df == ML_INF)
		return ML_NAN;
	if (p == 0.0)
		return ML_INF;
	if (p == 1.0 || ml_chi_square_upper(low, df) <= p)
		return 0.0;
	for (high = df + 10.0; ml_chi_square_upper(high, df) > p; high *= 2.0)
		low = high;
	x = high;
	for (int i = 0; i < 300; i++)
	{
		double		upper = ml_chi_square_upper(x, df),
					slope = ml_gamma_prefactor(0.5 * df, 0.5 * x) * 0.5 * df / x,
					next;

		if (upper > p)
			low = x;
		else
			high = x;
		next = upper > 0.0 && slope > 0.0 ? x + ml_log(upper / p) * upper / slope : 0.0;
		if (!(next > low && next < high))
			next = low * __builtin_sqrt(high / low);
		if (next - x < 1e-15 * x && x - next < 1e-15 * x)
			return next;
		x = next;
	}
	return x;
}

double
ml_gamma_matched_upper(double x, double mean, double variance)
{
	if (!(mean > 0.0 && variance > 0.0))
		return ML_NAN;
	return ml_chi_square_upper(2.0 * x * (mean / variance), 2.0 * mean * (mean / variance));
}

double
ml_gamma_matched_quantile(double p, double mean, double variance)
{
	if (!(mean > 0.0 && variance > 0.0))
		return ML_NAN;
	return 0.5 * (variance / mean) * ml_chi_square_upper_quantile(p, 2.0 * mean * (mean / variance));
}
