/*
 * eigen.c - eigenvalues and eigenvectors of a symmetric matrix, in a fixed order of operations.
 *
 * The matrix of the vectors is kept transposed, so that every inner loop runs
 * along a row. See eigen.h.
 */
#include "math/eigen.h"

#include <math.h>

/* Iterations for one eigenvalue; two or three are usual. */
#define ML_EIGEN_ITERATIONS	60

/* The root of a^2 + b^2, without overflow and with the same bits everywhere. */
static double
ml_eigen_length(double a, double b)
{
	double		big = fmax(fabs(a), fabs(b)),
				small = fmin(fabs(a), fabs(b)),
				ratio = big > 0.0 ? small / big : 0.0;

	return big * sqrt(1.0 + ratio * ratio);
}

/* The reflection that clears row i left of its last element but one: d has the row, e the part beside the diagonal. */
static double
ml_eigen_reflect(int n, double *v, int i, double scale, double *d, double *e)
{
	double		h = 0.0,
				f,
				g;

	for (int k = 0; k < i; k++)
	{
		d[k] /= scale;
		h += d[k] * d[k];
	}
	f = d[i - 1];
	g = f > 0.0 ? -sqrt(h) : sqrt(h);
	e[i] = scale * g;
	h -= f * g;
	d[i - 1] = f - g;
	for (int j = 0; j < i; j++)
		e[j] = 0.0;
	for (int j = 0; j < i; j++)
	{
		double	   *row = v + (size_t) j * n;

		f = d[j];
		v[(size_t) i * n + j] = f;
		g = e[j] + row[j] * f;
		for (int k = j + 1; k < i; k++)
		{
			g += row[k] * d[k];
			e[k] += row[k] * f;
		}
		e[j] = g;
	}
	f = 0.0;
	for (int j = 0; j < i; j++)
	{
		e[j] /= h;
		f += e[j] * d[j];
	}
	f /= h + h;
	for (int j = 0; j < i; j++)
		e[j] -= f * d[j];
	for (int j = 0; j < i; j++)
	{
		double	   *row = v + (size_t) j * n;

		f = d[j];
		g = e[j];
		for (int k = j; k < i; k++)
			row[k] -= f * e[k] + g * d[k];
		d[j] = row[i - 1];
		row[i] = 0.0;
	}
	return h;
}

/* Turns the matrix into one of three diagonals: d and, from e[1] on, e. */
static void
ml_eigen_tridiagonal(int n, double *v, double *d, double *e, const MlTick *tick)
{
	for (int j = 0; j < n; j++)
		d[j] = v[(size_t) j * n + n - 1];
	for (int i = n - 1; i > 0; i--)
	{
		double		scale = 0.0,
					h = 0.0;

		ml_breathe(tick);
		for (int k = 0; k < i; k++)
			scale += fabs(d[k]);
		if (scale == 0.0)
		{
			e[i] = d[i - 1];
			for (int j = 0; j < i; j++)
			{
				d[j] = v[(size_t) j * n + i - 1];
				v[(size_t) j * n + i] = v[(size_t) i * n + j] = 0.0;
			}
		}
		else
			h = ml_eigen_reflect(n, v, i, scale, d, e);
		d[i] = h;
	}
}

/* Multiplies the reflections out: row k of v becomes the k-th vector of the three diagonals. */
static void
ml_eigen_accumulate(int n, double *v, double *d, double *e, const MlTick *tick)
{
	for (int i = 0; i < n - 1; i++)
	{
		double	   *next = v + (size_t) (i + 1) * n;
		double		h = d[i + 1];

		ml_breathe(tick);
		v[(size_t) i * n + n - 1] = v[(size_t) i * n + i];
		v[(size_t) i * n + i] = 1.0;
		for (int k = 0; k <= i && h != 0.0; k++)
			d[k] = next[k] / h;
		for (int j = 0; j <= i && h != 0.0; j++)
		{
			double	   *row = v + (size_t) j * n;
			double		g = 0.0;

			for (int k = 0; k <= i; k++)
				g += next[k] * row[k];
			for (int k = 0; k <= i; k++)
				row[k] -= g * d[k];
		}
		for (int k = 0; k <= i; k++)
			next[k] = 0.0;
	}
	for (int j = 0; j < n; j++)
	{
		d[j] = v[(size_t) j * n + n - 1];
		v[(size_t) j * n + n - 1] = 0.0;
	}
	v[(size_t) n * n - 1] = 1.0;
	e[0] = 0.0;
}

/* One sweep of rotations from m down to l, where d[l], d[l + 1] have been shifted; returns the shift. */
static double
ml_eigen_sweep(int n, double *v, double *d, double *e, int l, int m)
{
	double		g = d[l],
				p = (d[l + 1] - g) / (2.0 * e[l]),
				r = p < 0.0 ? -ml_eigen_length(p, 1.0) : ml_eigen_length(p, 1.0),
				h,
				shift,
				c = 1.0,
				c2 = 1.0,
				c3 = 1.0,
				s = 0.0,
				s2 = 0.0,
				next,
				beside;

	d[l] = e[l] / (p + r);
	d[l + 1] = e[l] * (p + r);
	next = d[l + 1];
	shift = g - d[l];
	for (int i = l + 2; i < n; i++)
		d[i] -= shift;
	p = d[m];
	beside = e[l + 1];
	for (int i = m - 1; i >= l; i--)
	{
		double	   *a = v + (size_t) i * n,
				   *b = a + n;

		c3 = c2;
		c2 = c;
		s2 = s;
		g = c * e[i];
		h = c * p;
		r = ml_eigen_length(p, e[i]);
		e[i + 1] = s * r;
		s = e[i] / r;
		c = p / r;
		p = c * d[i] - s * g;
		d[i + 1] = h + s * (c * g + s * d[i]);
		for (int k = 0; k < n; k++)
		{
			double		y = b[k];

			b[k] = s * a[k] + c * y;
			a[k] = c * a[k] - s * y;
		}
	}
	p = -s * s2 * c3 * beside * e[l] / next;
	e[l] = s * p;
	d[l] = c * p;
	return shift;
}

/* Diagonalises the three diagonals, rotating the rows of v along. */
static MlStatus
ml_eigen_ql(int n, double *v, double *d, double *e, const MlTick *tick)
{
	double		shift = 0.0,
				size = 0.0;

	for (int i = 1; i < n; i++)
		e[i - 1] = e[i];
	e[n - 1] = 0.0;
	for (int l = 0; l < n; l++)
	{
		int			m = l;

		size = fmax(size, fabs(d[l]) + fabs(e[l]));
		while (m < n - 1 && fabs(e[m]) > 0x1p-52 * size)
			m++;
		for (int i = 0; m > l && (i == 0 || fabs(e[l]) > 0x1p-52 * size); i++)
		{
			if (i == ML_EIGEN_ITERATIONS)
				return ML_NOT_CONVERGED;
			ml_breathe(tick);
			shift += ml_eigen_sweep(n, v, d, e, l, m);
		}
		d[l] += shift;
		e[l] = 0.0;
	}
	return ML_OK;
}

/* Puts the largest eigenvalues first. */
static void
ml_eigen_order(int n, double *v, double *d)
{
	for (int i = 0; i < n - 1; i++)
	{
		int			best = i;
		double		value;

		for (int j = i + 1; j < n; j++)
			if (d[j] > d[best])
				best = j;
		if (best == i)
			continue;
		value = d[i];
		d[i] = d[best];
		d[best] = value;
		for (int k = 0; k < n; k++)
		{
			value = v[(size_t) i * n + k];
			v[(size_t) i * n + k] = v[(size_t) best * n + k];
			v[(size_t) best * n + k] = value;
		}
	}
}

MlStatus
ml_eigen_symmetric(int n, double *a, double *values, double *work, const MlTick *tick)
{
	MlStatus	status;

	for (size_t i = 0; i < (size_t) n * n; i++)
		if (!isfinite(a[i]))
			return ML_NOT_FINITE;
	ml_eigen_tridiagonal(n, a, values, work, tick);
	ml_eigen_accumulate(n, a, values, work, tick);
	status = ml_eigen_ql(n, a, values, work, tick);
	if (status == ML_OK)
		ml_eigen_order(n, a, values);
	return status;
}
