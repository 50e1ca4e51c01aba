/*
 * hypergeometric.c - from the likeliest number outwards, by ratios of neighbours.
 *
 * No factorial is computed, so nothing cancels however many rows there are.
 * Nothing is allocated and nothing jumps.
 */
#include "math/math.h"
#include "math/hypergeometric.h"

/* How far from the likeliest number there is anything to tell, at most: 1e-21 is 10 deviations of 8, and a Poisson tail. */
#define ML_REACH 190

int
ml_hypergeometric(double small, double large, double marked, double *first, double *p)
{
	double		least = marked > large ? marked - large : 0.0,
				most = marked < small ? marked : small,
				mode = __builtin_floor((marked + 1.0) * ((small + 1.0) / (small + large + 2.0))),
				sum,
				weight;
	int			below,
				above,
				count;

	/* rounding of huge numbers may have left the range */
	mode = mode < least ? least : mode > most ? most : mode;
	below = mode - least < ML_REACH ? (int) (mode - least) : ML_REACH;
	above = most - mode < ML_REACH ? (int) (most - mode) : ML_REACH;
	count = below + above + 1;
	*first = mode - below;

	p[below] = weight = sum = 1.0;
	for (int i = below; i > 0; i--)
	{
		double		k = *first + i;

		weight *= k * (large - marked + k) / ((small - k + 1.0) * (marked - k + 1.0));
		p[i - 1] = weight;
		sum += weight;
	}
	weight = 1.0;
	for (int i = below; i < count - 1; i++)
	{
		double		k = *first + i;

		weight *= (small - k) * (marked - k) / ((k + 1.0) * (large - marked + k + 1.0));
		p[i + 1] = weight;
		sum += weight;
	}
	for (int i = 0; i < count; i++)
		p[i] /= sum;
	return count;
}
