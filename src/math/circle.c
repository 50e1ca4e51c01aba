/*
 * circle.c - sine and cosine of whole parts of a turn, with the same bits on every processor.
 *
 * The eighth of the turn is found in integers, so that no digit of the angle
 * is lost; within it, the angle is at most pi / 4 and the Taylor series are
 * cut where a term is below the last bit.
 */
#include "math/circle.h"

#define ML_TURN 6.283185307179586476925286766559

static double
ml_circle_sine(double x)
{
	double		square = x * x;
	double		sum = 0;

	for (int i = 19; i >= 3; i -= 2)
		sum = (1 + sum) * -square / (double) (i * (i - 1));
	return x + x * sum;
}

static double
ml_circle_cosine(double x)
{
	double		square = x * x;
	double		sum = 0;

	for (int i = 20; i >= 2; i -= 2)
		sum = (1 + sum) * -square / (double) (i * (i - 1));
	return 1 + sum;
}

void
ml_circle(int k, int n, double *sine, double *cosine)
{
	int			quarter = (int) (4LL * k / n);
	long long	rest = 4LL * k - (long long) quarter * n;	/* of a quarter, in parts of n */
	int			mirrored = 2 * rest > n;
	double		x = ML_TURN * (double) (mirrored ? n - rest : rest) / (4.0 * n);
	double		s = mirrored ? ml_circle_cosine(x) : ml_circle_sine(x);
	double		c = mirrored ? ml_circle_sine(x) : ml_circle_cosine(x);

	*sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
	*cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
	/* -0 of a quarter turn is 0 */
	*sine += 0.0;
	*cosine += 0.0;
}
