/*
 * test_power.c - power transforms against long double, and the exponent against the likelihood itself.
 */
#include "unit.h"

#include "math/elementary.h"
#include "math/power.h"

#define ML_ROWS 2000

static long double
ml_long_raise(long double a, long double l)
{
	return fabsl(a) < 1e-30L ? l : expm1l(a * l) / a;
}

static long double
ml_long_value(MlPowerMethod method, long double lambda, long double x)
{
	if (method == ML_POWER_BOX_COX)
		return ml_long_raise(lambda, logl(x));
	return x < 0.0L ? -ml_long_raise(2.0L - lambda, log1pl(-x)) : ml_long_raise(lambda, log1pl(x));
}

/* The log likelihood by its definition. */
static long double
ml_long_likelihood(MlPowerMethod method, long double lambda, int n, const double *x)
{
	long double mean = 0.0L,
				logs = 0.0L,
				square = 0.0L;

	for (int i = 0; i < n; i++)
	{
		mean += ml_long_value(method, lambda, x[i]) / n;
		logs += method == ML_POWER_BOX_COX ? logl(x[i]) : (x[i] < 0 ? -log1pl(-(long double) x[i]) : log1pl(x[i]));
	}
	for (int i = 0; i < n; i++)
	{
		long double d = ml_long_value(method, lambda, x[i]) - mean;

		square += d * d / n;
	}
	return (lambda - 1.0L) * logs - n / 2.0L * logl(square);
}

/* The maximum by golden section, in long double; good to about 1e-9. */
static long double
ml_long_maximum(MlPowerMethod method, int n, const double *x, long double low, long double high)
{
	const long double g = 0.6180339887498948482L;

	for (int i = 0; i < 90; i++)
	{
		long double a = high - g * (high - low),
					b = low + g * (high - low);

		if (ml_long_likelihood(method, a, n, x) > ml_long_likelihood(method, b, n, x))
			high = b;
		else
			low = a;
	}
	return (low + high) / 2.0L;
}

static MlPowerSearch
ml_test_search(MlPowerMethod method, int n, const double *x)
{
	MlPowerSearch s;

	ml_power_begin(&s, method);
	while (!s.done)
	{
		for (int i = 0; i < n; i++)
			ml_power_add(&s, x[i]);
		ml_power_end_pass(&s);
	}
	return s;
}

static void
ml_test_values(void)
{
	static const double lambdas[] = {-3.0, -1.0, -1e-9, 0.0, 1e-12, 0.3, 0.5, 1.0, 1.7, 2.0, 2.0 - 1e-10, 5.0};
	double		worst = 0.0;

	for (int k = 0; k < ML_COUNT(lambdas); k++)
		for (int i = 0; i < 2000; i++)
		{
			double		x = ldexp(unit_uniform(), (int) (unit_random() % 40) - 20);

			worst = fmax(worst, ml_error(ml_power_value(ML_POWER_BOX_COX, lambdas[k], x),
										 (double) ml_long_value(ML_POWER_BOX_COX, lambdas[k], x)));
			x = i % 2 ? -x : x;
			worst = fmax(worst, ml_error(ml_power_value(ML_POWER_YEO_JOHNSON, lambdas[k], x),
										 (double) ml_long_value(ML_POWER_YEO_JOHNSON, lambdas[k], x)));
		}
	/* an exponent of 3 makes relative errors of a logarithm of 14 into 42 times as much */
	CHECK(worst < 1e-13, "worst relative error %g", worst);
	ML_CHECK(isnan(ml_power_value(ML_POWER_BOX_COX, 1.0, 0.0)));
	ML_CHECK(isnan(ml_power_value(ML_POWER_BOX_COX, 1.0, -1.0)));
	ML_CHECK(isnan(ml_power_value(ML_POWER_BOX_COX, 1.0, NAN)));
	ML_CHECK(isnan(ml_power_value(ML_POWER_YEO_JOHNSON, 1.0, NAN)));
	ML_CHECK(ml_power_value(ML_POWER_YEO_JOHNSON, 1.0, 0.0) == 0.0);
	ML_CHECK(ml_power_value(ML_POWER_YEO_JOHNSON, 1.0, -3.0) == -3.0);
}

static void
ml_test_expm1(void)
{
	double		worst = 0.0;

	for (int i = 0; i < 200000; i++)
	{
		double		x = (unit_uniform() - 0.5) * ldexp(4.0, -(int) (unit_random() % 60));

		worst = fmax(worst, ml_error(ml_expm1(x), (double) expm1l(x)));
	}
	CHECK(worst < 3 * 0x1p-52, "worst relative error %g", worst);
	ML_CHECK(ml_expm1(0.0) == 0.0);
	ML_CHECK(ml_expm1(-INFINITY) == -1.0);
	ML_CHECK(ml_expm1(INFINITY) == INFINITY);
	ML_CHECK(isnan(ml_expm1(NAN)));
}

static void
ml_test_exponent(void)
{
	double	   *x = unit_alloc(sizeof(double) * ML_ROWS);

	for (int kind = 0; kind < 6; kind++)
		for (int method = ML_POWER_BOX_COX; method <= ML_POWER_YEO_JOHNSON; method++)
		{
			MlPowerSearch s;
			long double want;

			for (int i = 0; i < ML_ROWS; i++)
			{
				double		z = unit_normal();

				/* skewed right, left, a square, years, tiny, both signs where allowed */
				x[i] = kind == 0 ? exp(z) : kind == 1 ? 100.0 - exp(z / 2.0) : kind == 2 ? (z + 6.0) * (z + 6.0) :
					kind == 3 ? 1990.0 + 10.0 * unit_uniform() : kind == 4 ? 1e-6 * exp(2.0 * z) : z * z * z + z;
				if (method == ML_POWER_BOX_COX)
					x[i] = fabs(x[i]) + (kind == 5 ? 0.01 : 0.0);
			}
			s = ml_test_search(method, ML_ROWS, x);
			/* beyond the range of a double; where nothing would be left of values that lie close together */
			CHECK(s.at_limit == (kind == 1 || (kind == 3 && method == ML_POWER_BOX_COX) ||
								 (kind == 4 && method == ML_POWER_YEO_JOHNSON)), "kind %d, method %d: %g", kind, method, s.lambda);
			if (s.at_limit)
			{
				ML_CHECK(kind == 1 ? s.lambda > 60.0 : kind == 3 ? s.lambda < -2.3 && s.lambda > -2.4 : s.lambda == -300.0);
				continue;
			}
			want = ml_long_maximum(method, ML_ROWS, x, s.lambda - 1.0, s.lambda + 1.0);
			/* years: the likelihood is so flat that its values tell no more */
			CHECK(fabsl(s.lambda - want) <= (kind == 3 ? 1e-5L : 1e-8L) * fmaxl(1.0L, fabsl(want)), "kind %d, method %d: %.17g, not %.17Lg",
				  kind, method, s.lambda, want);
			CHECK(s.passes < 30, "kind %d, method %d: %d passes", kind, method, s.passes);
		}
	free(x);
}

static void
ml_test_odd(void)
{
	double		constant[3] = {7.0, 7.0, 7.0};
	MlPowerSearch s = ml_test_search(ML_POWER_BOX_COX, 3, constant);

	ML_CHECK(s.lambda == 1.0 && !s.at_limit);
	s = ml_test_search(ML_POWER_YEO_JOHNSON, 1, constant);
	ML_CHECK(s.lambda == 1.0);
	s = ml_test_search(ML_POWER_YEO_JOHNSON, 0, constant);
	ML_CHECK(s.lambda == 1.0);
}

int
main(void)
{
	ml_test_expm1();
	ml_test_values();
	ml_test_exponent();
	ml_test_odd();
	return unit_result("power");
}
