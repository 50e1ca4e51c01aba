/*
 * dot.h - the inner product of scoring.
 */
#ifndef ML_DOT_H
#define ML_DOT_H

/*
 * Sum of a[i] * b[i] over n: four running sums over i modulo 4, added as
 * (0 + 1) + (2 + 3), then the rest in order. The order is fixed, so that a
 * row scores the same in training and everywhere else.
 */
static inline double
ml_dot(const double *a, const double *b, int n)
{
	double		s0 = 0;
	double		s1 = 0;
	double		s2 = 0;
	double		s3 = 0;
	double		rest = 0;
	int			i = 0;

	for (; i + 4 <= n; i += 4)
	{
		s0 += a[i] * b[i];
		s1 += a[i + 1] * b[i + 1];
		s2 += a[i + 2] * b[i + 2];
		s3 += a[i + 3] * b[i + 3];
	}
	for (; i < n; i++)
		rest += a[i] * b[i];
	return ((s0 + s1) + (s2 + s3)) + rest;
}

#endif							/* ML_DOT_H */
