/*
 * hypergeometric.c - from the likeliest number outwards, by ratios of neighbours.
 *
 * No factorial is computed, so nothing cancels however many rows there are.
 * Nothing is allocated and nothing jumps.
 */
#include "math/math.h"
#include "math/hypergeometric.h"

int
ml_hypergeometric(double small, double large, double marked, double *first, double *p)
{
	double		least = marked > large ? marked - large : 0.0,
				most = marked < small ? marked : small,
				mode = __builtin_floor((marked + 1.0) * ((small + 1.0) / (small + large + 2.0))),
				sum,
				weight;
	int			reach,
				below,
				above,
				count;

	/* rounding of huge numbers may have left the range */
	mode = mode < least ? least : mode > most ? most : mode;
	/* beyond, what is left of even a Poisson distribution is below 1e-20 */
	reach = (int) (9.5 * __builtin_sqrt(marked * (small / (small + large)))) + 25;
	below = mode - least < reach ? (int) (mode - least) : reach;
	above = most - mode < reach ? (int) (most - mode) : reach;
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
