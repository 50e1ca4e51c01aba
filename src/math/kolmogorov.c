/*
 * kolmogorov.c - theta series: one that converges fast in the tail, its Poisson sum near 0.
 *
 * Sources: Smirnov, "Table for estimating the goodness of fit of empirical
 * distributions", Annals of Mathematical Statistics 19 (1948); Kuiper, "Tests
 * concerning random points on a circle", Indagationes Mathematicae 22 (1960);
 * Stephens, Biometrika 52 (1965). Nothing is allocated and nothing jumps.
 */
#include "math/math.h"
#include "math/elementary.h"
#include "math/kolmogorov.h"

#define ML_PI 3.141592653589793238
#define ML_SQRT_2PI 2.50662827463100050241576528481
#define ML_NAN ((double) __builtin_nan(""))
#define ML_INF ((double) __builtin_inf())

/* Where both series need few terms, and the one from 0 does not cancel. */
#define ML_KOLMOGOROV_TAIL 1.0
#define ML_KUIPER_TAIL 1.3

double
ml_kolmogorov_upper(double x)
{
	double		sum = 0.0;

	if (x != x)
		return x;
	if (x <= 0.0)
		return 1.0;
	if (x < ML_KOLMOGOROV_TAIL)
	{
		for (int k = 1; k < 12; k += 2)
			sum += ml_exp(-(k * k) * (ML_PI * ML_PI / 8.0) / (x * x));
		return 1.0 - ML_SQRT_2PI / x * sum;
	}
	for (int j = 8; j > 0; j--)
		sum = ml_exp(-2.0 * (j * j) * x * x) - sum;
	return 2.0 * sum;
}

double
ml_kuiper_upper(double x)
{
	double		sum = 0.0;

	if (x != x)
		return x;
	if (x <= 0.0)
		return 1.0;
	if (x < ML_KUIPER_TAIL)
	{
		for (int k = 1; k < 10; k++)
			sum += (k * k) * ml_exp(-(k * k) * (ML_PI * ML_PI / 2.0) / (x * x));
		/* x^3 is 0 where the sum is too */
		return sum > 0.0 ? 1.0 - ML_SQRT_2PI * ML_PI * ML_PI / (x * x * x) * sum : 1.0;
	}
	for (int j = 8; j > 0; j--)
	{
		double		square = (j * j) * x * x;

		sum += (4.0 * square - 1.0) * ml_exp(-2.0 * square);
	}
	return 2.0 * sum;
}

/* The place where a falling function has the value p, by halving: it is as exact as the function. */
static double
ml_falling_quantile(double (*upper) (double), double p)
{
	double		low = 0.0,
				high = 1.0;

	if (!(p >= 0.0 && p <= 1.0))
		return ML_NAN;
	if (p == 0.0)
		return ML_INF;
	if (p == 1.0)
		return 0.0;
	while (upper(high) > p)
	{
		low = high;
		high *= 2.0;
	}
	for (;;)
	{
		double		middle = 0.5 * (low + high);

		if (!(middle > low && middle < high))
			return high;
		if (upper(middle) > p)
			low = middle;
		else
			high = middle;
	}
}

double
ml_kolmogorov_upper_quantile(double p)
{
	return ml_falling_quantile(ml_kolmogorov_upper, p);
}

double
ml_kuiper_upper_quantile(double p)
{
	return ml_falling_quantile(ml_kuiper_upper, p);
}
