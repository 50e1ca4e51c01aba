/*
 * parzen.c - densities in the unit interval and shares of choices, each a prior mixed with what was observed.
 */
#include "math/parzen.h"

#include "math/dist.h"
#include "math/elementary.h"

/* 1 / sqrt(2 pi) */
#define ML_PARZEN_PEAK	0.39894228040143267794

/* Observations beyond this many do not make the Gaussians narrower. */
#define ML_PARZEN_SHARP	100

void
ml_parzen_widths(int n, const double *center, double *width)
{
	double		least = 1.0 / (n + 1 < ML_PARZEN_SHARP ? n + 1 : ML_PARZEN_SHARP);

	for (int i = 0; i < n; i++)
	{
		double		below = center[i] - (i > 0 ? center[i - 1] : 0);
		double		above = (i < n - 1 ? center[i + 1] : 1) - center[i];

		width[i] = below > above ? below : above;
		width[i] = width[i] > least ? width[i] : least;
	}
}

double
ml_parzen_density(int n, const double *center, const double *width, double x)
{
	double		sum = 1;

	for (int i = 0; i < n; i++)
	{
		double		z = (x - center[i]) / width[i];
		double		inside = ml_normal_cdf((1 - center[i]) / width[i]) - ml_normal_cdf(-center[i] / width[i]);

		sum += ML_PARZEN_PEAK * ml_exp(-0.5 * z * z) / (width[i] * inside);
	}
	return sum / (n + 1);
}

double
ml_parzen_draw(int n, const double *center, const double *width, double which, double where)
{
	int			i = (int) (which * (n + 1));
	double		low;
	double		high;
	double		x;

	/* the last one is the prior */
	if (i >= n)
		return where;
	low = ml_normal_cdf(-center[i] / width[i]);
	high = ml_normal_cdf((1 - center[i]) / width[i]);
	x = center[i] + width[i] * ml_normal_quantile(low + where * (high - low));
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

double
ml_parzen_share(int nchoices, const int64_t *count, int k)
{
	int64_t		total = nchoices;

	for (int i = 0; i < nchoices; i++)
		total += count[i];
	return (double) (1 + count[k]) / (double) total;
}

int
ml_parzen_choose(int nchoices, const int64_t *count, double u)
{
	int64_t		total = nchoices;
	int64_t		below = 0;

	for (int i = 0; i < nchoices; i++)
		total += count[i];
	for (int i = 0; i < nchoices - 1; i++)
	{
		below += 1 + count[i];
		if (u * (double) total < (double) below)
			return i;
	}
	return nchoices - 1;
}
