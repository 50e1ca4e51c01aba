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

/* The log likelihood; values of one sign less their middle, which takes nothing from it but the noise. */
static long double
ml_long_likelihood(MlPowerMethod method, long double lambda, int n, const double *x)
{
	long double mean = 0.0L,
				logs = 0.0L,
				square = 0.0L,
				middle;
	bool		mixed = false;

	for (int i = 0; i < n; i++)
	{
		logs += method == ML_POWER_BOX_COX ? logl(x[i]) : (x[i] < 0 ? -log1pl(-(long double) x[i]) : log1pl(x[i]));
		mixed |= method == ML_POWER_YEO_JOHNSON && (x[i] < 0) != (x[0] < 0);
	}
	middle = mixed ? 0.0L : logs / n;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < n; i++)
		{
			long double l = (method == ML_POWER_BOX_COX ? logl(x[i]) : x[i] < 0 ? -log1pl(-(long double) x[i]) : log1pl(x[i])),
						value;

			if (method == ML_POWER_YEO_JOHNSON && x[i] < 0)
				value = -ml_long_raise(2.0L - lambda, middle - l);
			else
				value = ml_long_raise(lambda, l - middle);
			if (pass == 0)
				mean += value / n;
			else
				square += (value - mean) * (value - mean) / n;
		}
	return (mixed ? (lambda - 1.0L) * logs : 0.0L) - n / 2.0L * logl(square);
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
ml_test_search(MlPowerMethod method, bool plain, int n, const double *x)
{
	MlPowerSearch s;

	ml_power_begin(&s, method, plain);
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

	for (int kind = 0; kind < 7; kind++)
		for (int method = ML_POWER_BOX_COX; method <= ML_POWER_YEO_JOHNSON; method++)
		{
			MlPowerSearch s,
						plain;
			long double want;

			for (int i = 0; i < ML_ROWS; i++)
			{
				double		z = unit_normal();

				/* skewed right, left, a square, years, tiny, both signs where allowed, longitudes */
				x[i] = kind == 0 ? exp(z) : kind == 1 ? 100.0 - exp(z / 2.0) : kind == 2 ? (z + 6.0) * (z + 6.0) :
					kind == 3 ? 1990.0 + 10.0 * unit_uniform() : kind == 4 ? 1e-6 * exp(2.0 * z) :
					kind == 5 ? z * z * z + z : -120.0 - exp(z / 3.0);
				if (method == ML_POWER_BOX_COX)
					x[i] = fabs(x[i]) + (kind == 5 ? 0.01 : 0.0);
			}
			s = ml_test_search(method, false, ML_ROWS, x);
			plain = ml_test_search(method, true, ML_ROWS, x);
			/* tiny values: what is added to 1 needs an exponent beyond all reach */
			CHECK(s.at_limit == (kind == 4 && method == ML_POWER_YEO_JOHNSON), "kind %d, method %d: %g", kind, method, s.lambda);
			/* of years and their like the transform itself would leave no digits: it stops before */
			CHECK(plain.at_limit ? fabs(plain.lambda) < fabs(s.lambda) || s.at_limit : fabs(plain.lambda - s.lambda) < 1e-7,
				  "kind %d, method %d: %g, plain %g", kind, method, s.lambda, plain.lambda);
			CHECK(plain.at_limit || (kind != 3 && kind != 6) || method == ML_POWER_YEO_JOHNSON,
				  "kind %d, method %d: plain %g", kind, method, plain.lambda);
			if (s.at_limit)
				continue;
			want = ml_long_maximum(method, ML_ROWS, x, s.lambda - 1.0, s.lambda + 1.0);
			/* years: the likelihood is so flat that its values tell no more */
			CHECK(fabsl(s.lambda - want) <= (kind == 3 ? 1e-6L : 1e-8L) * fmaxl(1.0L, fabsl(want)), "kind %d, method %d: %.17g, not %.17Lg",
				  kind, method, s.lambda, want);
			CHECK(s.passes < 40, "kind %d, method %d: %d passes", kind, method, s.passes);
		}
	free(x);
}

/* The line that maps the transform, against long double. */
static void
ml_test_line(void)
{
	static const double lambdas[] = {-8.0, -1.0, 0.0, 0.5, 3.0, 9.0};
	double		worst = 0.0;

	for (int k = 0; k < ML_COUNT(lambdas); k++)
		for (int i = 0; i < 3000; i++)
			for (int method = ML_POWER_BOX_COX; method <= ML_POWER_YEO_JOHNSON; method++)
			{
				double		base = method == ML_POWER_YEO_JOHNSON && i % 2 ? -40.0 : 40.0,
							x = base + unit_normal();
				MlPowerLine line;
				long double l;

				ml_power_line(&line, method, lambdas[k], method == ML_POWER_BOX_COX ? log(base) : base < 0 ? -log1p(-base) : log1p(base));
				l = method == ML_POWER_BOX_COX ? logl(x) : x < 0 ? -log1pl(-(long double) x) : log1pl(x);
				if (x < 0)
					worst = fmax(worst, fabs((double) (ml_power_mapped(&line, x) + ml_long_raise(2.0L - lambdas[k], line.middle - l))));
				else
					worst = fmax(worst, fabs((double) (ml_power_mapped(&line, x) - ml_long_raise(lambdas[k], l - line.middle))));
				/* and back, where the transform has its digits */
				if (lambdas[k] == 0.5)
					ML_CHECK_NEAR(line.at + line.by * ml_power_mapped(&line, x), ml_power_value(method, lambdas[k], x), 1e-13);
				if (lambdas[k] == 0.5 && method == ML_POWER_YEO_JOHNSON)
					ML_CHECK_NEAR(line.at + line.by * ml_power_mapped(&line, -x), ml_power_value(method, lambdas[k], -x), 1e-12);
			}
	CHECK(worst < 1e-14, "worst error %g", worst);
}

static void
ml_test_odd(void)
{
	double		constant[3] = {7.0, 7.0, 7.0};
	MlPowerSearch s = ml_test_search(ML_POWER_BOX_COX, false, 3, constant);

	ML_CHECK(s.lambda == 1.0 && !s.at_limit);
	s = ml_test_search(ML_POWER_YEO_JOHNSON, true, 1, constant);
	ML_CHECK(s.lambda == 1.0);
	s = ml_test_search(ML_POWER_YEO_JOHNSON, false, 0, constant);
	ML_CHECK(s.lambda == 1.0);
}

int
main(void)
{
	ml_test_expm1();
	ml_test_values();
	ml_test_exponent();
	ml_test_line();
	ml_test_odd();
	return unit_result("power");
}
