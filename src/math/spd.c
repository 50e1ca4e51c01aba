/*
 * spd.c - blocked Cholesky factor and inverse from dot products of rows.
 *
 * The workspace is the caller's; a jump out of the tick leaves the matrix half
 * done and nothing else. All long sums run in the eight lanes of the dots_2x2
 * kernel.
 */
#include "math/math.h"
#include "math/kernel.h"
#include "math/spd.h"

/* Columns that are finished together; the dots before them have this granularity. */
#define ML_SPD_BLOCK 32

/* a[i][k] -= dot of rows i and k of L over [0, from), for k in the panel [from, to) and i >= k. */
static void
ml_spd_update(const MlKernels *kernels, int n, double *a, size_t stride, int from, int to,
			  const MlTick *tick)
{
	for (int i = from; i < n; i += 2)
	{
		int			i1 = i + 1 < n ? i + 1 : i;

		for (int k = from; k < to && k <= i1; k += 2)
		{
			int			k1 = k + 1 < to ? k + 1 : k;
			double		c[4];

			kernels->dots_2x2(from, a + i * stride, a + i1 * stride,
							  a + k * stride, a + k1 * stride, c);
			if (k <= i)
				a[i * stride + k] -= c[0];
			if (k1 <= i && k1 != k)
				a[i * stride + k1] -= c[1];
			if (i1 != i)
			{
				a[i1 * stride + k] -= c[2];
				if (k1 <= i1 && k1 != k)
					a[i1 * stride + k1] -= c[3];
			}
		}
		if ((i - from) % 64 == 62)
			ml_breathe(tick);
	}
}

/* Finishes the pivot of column k of the panel that starts at from. */
static bool
ml_spd_pivot(double *a, size_t stride, int from, int k, double floor)
{
	double	   *row = a + k * stride,
				d = row[k];

	for (int j = from; j < k; j++)
		d -= row[j] * row[j];
	/* written so that NaN fails */
	if (!(d > floor))
	{
		for (int j = 0; j <= k; j++)
			row[j] = 0.0;
		return false;
	}
	row[k] = __builtin_sqrt(d);
	return true;
}

int
ml_spd_factor(int n, double *a, size_t stride, double tolerance,
			  unsigned char *flags, const MlTick *tick)
{
	const MlKernels *kernels = ml_kernels();
	int			flagged = 0;

	for (int from = 0; from < n; from += ML_SPD_BLOCK)
	{
		int			to = from + ML_SPD_BLOCK < n ? from + ML_SPD_BLOCK : n;
		double		floor[ML_SPD_BLOCK],
					inverse[ML_SPD_BLOCK];

		for (int k = from; k < to; k++)
			floor[k - from] = tolerance * a[k * stride + k];
		if (from > 0)
			ml_spd_update(kernels, n, a, stride, from, to, tick);

		for (int i = from; i < n; i++)
		{
			double	   *row = a + i * stride;
			int			last = i < to ? i : to;

			for (int k = from; k < last; k++)
			{
				const double *other = a + k * stride;
				double		s = row[k];

				for (int j = from; j < k; j++)
					s -= row[j] * other[j];
				row[k] = s * inverse[k - from];
			}
			if (i < to)
			{
				bool		given = flags[i] != 0;

				if (!ml_spd_pivot(a, stride, from, i, given ? (double) __builtin_inf() : floor[i - from]))
				{
					flagged += !given;
					flags[i] = 1;
				}
				inverse[i - from] = flags[i] ? 0.0 : 1.0 / row[i];
			}
			if ((i - from) % 1024 == 1023)
				ml_breathe(tick);
		}
		ml_breathe(tick);
	}
	return flagged;
}

void
ml_spd_solve(int n, const double *l, size_t stride, const unsigned char *flags, double *b)
{
	for (int i = 0; i < n; i++)
	{
		const double *row = l + i * stride;
		double		s = b[i];

		for (int j = 0; j < i; j++)
			s -= row[j] * b[j];
		b[i] = flags[i] ? 0.0 : s / row[i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		const double *row = l + i * stride;

		if (flags[i])
			continue;
		b[i] /= row[i];
		for (int j = 0; j < i; j++)
			b[j] -= row[j] * b[i];
	}
}

/*
 * Columns [from, to) of U = (L^-1)', rows 0 .. to - 1: U(r, i) solves
 * L U(r, .)' = e_r, so it needs only dots of rows of L with rows of U.
 */
static void
ml_spd_inverse_panel(const MlKernels *kernels, const double *l, size_t stride,
					 const unsigned char *flags, double *u, size_t ustride, int from, int to,
					 const MlTick *tick)
{
	for (int r = 0; r < to; r += 2)
	{
		int			r1 = r + 1 < to ? r + 1 : r,
					start = r / ML_SPD_BLOCK * ML_SPD_BLOCK;

		for (int i = from; i < to; i += 2)
		{
			int			i1 = i + 1 < to ? i + 1 : i;
			double		c[4] = {0};

			if (start < from)
				kernels->dots_2x2(from - start, u + r * ustride + start, u + r1 * ustride + start,
								  l + i * stride + start, l + i1 * stride + start, c);
			u[r * ustride + i] = (r == i ? 1.0 : 0.0) - c[0];
			if (i1 != i)
				u[r * ustride + i1] = (r == i1 ? 1.0 : 0.0) - c[1];
			if (r1 != r)
			{
				u[r1 * ustride + i] = (r1 == i ? 1.0 : 0.0) - c[2];
				if (i1 != i)
					u[r1 * ustride + i1] = (r1 == i1 ? 1.0 : 0.0) - c[3];
			}
		}
		if (r % 64 == 62)
			ml_breathe(tick);
	}
	for (int r = 0; r < to; r++)
	{
		double	   *row = u + r * ustride;

		for (int i = from; i < to; i++)
		{
			double		s = row[i];

			for (int j = from; j < i; j++)
				s -= l[i * stride + j] * row[j];
			row[i] = flags[i] ? 0.0 : s / l[i * stride + i];
		}
	}
}

void
ml_spd_inverse(int n, double *a, size_t stride, const unsigned char *flags,
			   double *work, const MlTick *tick)
{
	const MlKernels *kernels = ml_kernels();
	size_t		ustride = ML_SPD_STRIDE(n);

	/* what lies left of the diagonal block or past the last column must read as zero */
	for (size_t i = 0; i < (size_t) n * ustride; i++)
		work[i] = 0.0;
	for (int from = 0; from < n; from += ML_SPD_BLOCK)
	{
		int			to = from + ML_SPD_BLOCK < n ? from + ML_SPD_BLOCK : n;

		ml_spd_inverse_panel(kernels, a, stride, flags, work, ustride, from, to, tick);
		ml_breathe(tick);
	}

	/* the inverse is U U', and L is no longer needed */
	for (int i = 0; i < n; i += 2)
	{
		int			i1 = i + 1 < n ? i + 1 : i,
					start = i / 8 * 8;

		for (int j = 0; j <= i; j += 2)
		{
			int			j1 = j + 1 < n ? j + 1 : j;
			double		c[4];

			kernels->dots_2x2((int) ustride - start, work + i * ustride + start, work + i1 * ustride + start,
							  work + j * ustride + start, work + j1 * ustride + start, c);
			a[i * stride + j] = a[j * stride + i] = c[0];
			a[i1 * stride + j] = a[j * stride + i1] = c[2];
			/* inside a diagonal pair (i, j + 1) is the mirror of (i + 1, j) */
			if (j1 <= i)
				a[i * stride + j1] = a[j1 * stride + i] = c[1];
			if (j1 <= i1)
				a[i1 * stride + j1] = a[j1 * stride + i1] = c[3];
		}
		if (i % 64 == 62)
			ml_breathe(tick);
	}
}

double
ml_spd_quadratic(int n, const double *a, size_t stride, const double *v)
{
	double		total = 0.0;

	for (int i = 0; i < n; i++)
	{
		double		s = 0.0;

		for (int j = 0; j < n; j++)
			s += a[i * stride + j] * v[j];
		total += s * v[i];
	}
	return total;
}
