/*
 * moments.c - sums over the columns of rows, skipping NaN, in the order of the rows.
 */
#include "math/moments.h"

#include <math.h>

void
ml_moments_init(MlMoments *m, double *arrays, int cols)
{
	m->count = arrays;
	m->min = arrays + cols;
	m->max = arrays + 2 * (size_t) cols;
	m->sum = arrays + 3 * (size_t) cols;
	m->carry = arrays + 4 * (size_t) cols;
	m->square = arrays + 5 * (size_t) cols;
	m->square_carry = arrays + 6 * (size_t) cols;
	for (int j = 0; j < cols; j++)
	{
		m->count[j] = m->sum[j] = m->carry[j] = m->square[j] = m->square_carry[j] = 0;
		m->min[j] = INFINITY;
		m->max[j] = -INFINITY;
	}
}

/* Static, because the clones of an external function would be exported. */
static ML_CLONES void
ml_moments_add_rows(MlMoments *m, const double *const *rows, int nrows, int cols, const double *shift)
{
	double	   *restrict count = m->count;
	double	   *restrict min = m->min;
	double	   *restrict max = m->max;
	double	   *restrict sum = m->sum;
	double	   *restrict carry = m->carry;
	double	   *restrict square = m->square;
	double	   *restrict square_carry = m->square_carry;

	for (int i = 0; i < nrows; i++)
	{
		const double *restrict row = rows[i];

		for (int j = 0; j < cols; j++)
		{
			double		x = row[j];
			double		value = x == x ? x - shift[j] : 0;
			double		total = sum[j] + value;
			double		part = total - sum[j];

			count[j] += x == x ? 1 : 0;
			min[j] = x < min[j] ? x : min[j];
			max[j] = x > max[j] ? x : max[j];
			carry[j] += (sum[j] - (total - part)) + (value - part);
			sum[j] = total;
			value *= value;
			total = square[j] + value;
			part = total - square[j];
			square_carry[j] += (square[j] - (total - part)) + (value - part);
			square[j] = total;
		}
	}
}

void
ml_moments_add(MlMoments *m, const double *const *rows, int nrows, int cols, const double *shift)
{
	ml_moments_add_rows(m, rows, nrows, cols, shift);
}

double
ml_moments_mean(const MlMoments *m, int j, double shift)
{
	if (m->count[j] == 0)
		return 0;
	return shift + (m->sum[j] + m->carry[j]) / m->count[j];
}

double
ml_moments_stddev(const MlMoments *m, int j)
{
	double		mean;
	double		variance;

	if (m->count[j] == 0)
		return 0;
	mean = ml_moments_mean(m, j, 0);
	variance = (m->square[j] + m->square_carry[j]) / m->count[j] - mean * mean;
	return variance > 0 ? sqrt(variance) : 0;
}

bool
ml_moments_far(const MlMoments *m, int j)
{
	return fabs(ml_moments_mean(m, j, 0)) > 16 * ml_moments_stddev(m, j);
}
