/*
 * ldl.c - factorisation of a symmetric positive semidefinite matrix in double-double.
 *
 * See ldl.h. Sums run in a fixed order and without fused operations, so the
 * same matrix gives the same bits everywhere.
 */
#include "math/ldl.h"

#include <string.h>

/* Iterations of the eigenvalue estimates, and the change that ends them. */
#define ML_LDL_ITERATIONS	60
#define ML_LDL_CHANGE		1e-4
/* Pivots above this part of their diagonal element need no closer look. */
#define ML_LDL_CLEAR		0x1p-40

/*
 * Subtracts from a row c the multiples f[k] of ML_LANES rows, columns from..to,
 * from a multiple of ML_LANES.
 */
ML_CLONES static void
ml_ldl_subtract(double *restrict chi, double *restrict clo, const double *restrict hi,
				const double *restrict lo, size_t ld, const MlDd *f, size_t from, size_t to)
{
	double		fh[ML_LANES],
				fl[ML_LANES];
	size_t		j;
	int			k;

	for (k = 0; k < ML_LANES; k++)
	{
		fh[k] = -f[k].hi;
		fl[k] = -f[k].lo;
	}
	for (j = from; j < to; j++)
	{
		MlDd		c = {chi[j], clo[j]};

#pragma GCC unroll 8
		for (k = 0; k < ML_LANES; k++)
		{
			MlDd		a = {fh[k], fl[k]};
			MlDd		b = {hi[k * ld + j], lo[k * ld + j]};

			c = ml_dd_add(c, ml_dd_mul(a, b));
		}
		chi[j] = c.hi;
		clo[j] = c.lo;
	}
}

double
ml_ldl_reach(const MlLdl *f, int j)
{
	double	   *w = f->work;
	int			kept = j < f->pivots ? j : f->pivots;
	double		reach = 0.0;
	int			i,
				k;

	for (i = kept - 1; i >= 0; i--)
	{
		const double *row = f->hi + i * f->ld;
		double		s = row[j];

		w[i] = 0.0;
		if (f->dropped[i])
			continue;
		for (k = i + 1; k < kept; k++)
			s -= row[k] * w[k];
		w[i] = s / row[i];
		reach += fabs(w[i]) * f->norm[i];
	}
	return reach;
}

/*
 * Tells whether a pivot is no more than what rounding the columns to float8
 * may have left of a column that depends on those before it.
 */
static bool
ml_ldl_negligible(const MlLdl *f, int k)
{
	double		pivot = f->hi[k * f->ld + k];
	double		noise = f->norm[k];

	if (pivot > ML_LDL_CLEAR * f->norm[k] * f->norm[k])
		return false;
	if (!(pivot > 0.0))
		return true;
	noise = (noise + ml_ldl_reach(f, k)) * (ML_LDL_NOISE * 0x1p-53);
	return pivot <= noise * noise;
}

/* Subtracts the panel's earlier rows, or all of it, from row i. */
static void
ml_ldl_reduce(MlLdl *f, int start, int end, int i)
{
	size_t		ld = f->ld;
	size_t		from = (size_t) i / ML_LANES * ML_LANES;
	double	   *hi = f->hi + i * ld;
	double	   *lo = f->lo + i * ld;
	MlDd		factor[ML_LANES];
	int			k;

	memset(factor, 0, sizeof(factor));
	for (k = start; k < end && k < i; k++)
		if (!f->dropped[k])
			factor[k - start] = ml_dd_div(ml_ldl_get(f, k, i), ml_ldl_get(f, k, k));
	if (i >= start + ML_LANES)
		ml_ldl_subtract(hi, lo, f->hi + start * ld, f->lo + start * ld, ld, factor, from, ld);
	else
	{
		/* the row is one of the rows read */
		memcpy(f->work, hi, ld * sizeof(double));
		memcpy(f->work + ld, lo, ld * sizeof(double));
		ml_ldl_subtract(f->work, f->work + ld, f->hi + start * ld, f->lo + start * ld, ld,
						factor, from, ld);
		memcpy(hi, f->work, ld * sizeof(double));
		memcpy(lo, f->work + ld, ld * sizeof(double));
	}
}

void
ml_ldl_factor(MlLdl *f, const MlTick *tick)
{
	int			start,
				i;

	for (start = 0; start < f->pivots; start += ML_LANES)
	{
		int			end = start + ML_LANES < f->pivots ? start + ML_LANES : f->pivots;

		for (i = start; i < f->n; i++)
		{
			ml_ldl_reduce(f, start, end, i);
			if (i < end)
				f->dropped[i] = ml_ldl_negligible(f, i);
			ml_breathe(tick);
		}
	}
}

void
ml_ldl_solve(const MlLdl *f, int j, MlDd *b, const MlTick *tick)
{
	int			i,
				k;

	for (i = f->pivots - 1; i >= 0; i--)
	{
		MlDd		s = ml_ldl_get(f, i, j);

		b[i] = ml_dd(0.0);
		if (f->dropped[i])
			continue;
		for (k = i + 1; k < f->pivots; k++)
			if (!f->dropped[k])
				s = ml_dd_sub(s, ml_dd_mul(ml_ldl_get(f, i, k), b[k]));
		b[i] = ml_dd_div(s, ml_ldl_get(f, i, i));
		ml_breathe(tick);
	}
}

/*
 * Turns a row of the identity into the row of the inverse of U for columns of
 * one panel, and reduces the columns after it. Elements in dropped columns
 * mean nothing.
 */
static void
ml_ldl_invert_panel(const MlLdl *f, int start, double *hi, double *lo)
{
	size_t		ld = f->ld;
	int			end = start + ML_LANES < f->pivots ? start + ML_LANES : f->pivots;
	MlDd		factor[ML_LANES];
	int			i,
				k;

	memset(factor, 0, sizeof(factor));
	for (i = start; i < end; i++)
	{
		MlDd		v = {hi[i], lo[i]};

		for (k = start; k < i; k++)
			v = ml_dd_sub(v, ml_dd_mul(factor[k - start], ml_ldl_get(f, k, i)));
		hi[i] = v.hi;
		lo[i] = v.lo;
		if (!f->dropped[i])
			factor[i - start] = ml_dd_div(v, ml_ldl_get(f, i, i));
	}
	if (start + ML_LANES < f->pivots)
		ml_ldl_subtract(hi, lo, f->hi + start * ld, f->lo + start * ld, ld, factor,
						start + ML_LANES, ld);
}

void
ml_ldl_inverse_diagonal(const MlLdl *f, double *diagonal, const MlTick *tick)
{
	size_t		ld = f->ld;
	double	   *hi = f->work;
	double	   *lo = f->work + ML_LANES * ld;
	int			first,
				start,
				i,
				k;

	/* rows of the inverse of U in groups, so that a panel of U is read once for all of them */
	for (first = 0; first < f->pivots; first += ML_LANES)
	{
		int			rows = f->pivots - first < ML_LANES ? f->pivots - first : ML_LANES;

		memset(f->work, 0, 2 * ML_LANES * ld * sizeof(double));
		for (i = 0; i < rows; i++)
			hi[i * ld + first + i] = 1.0;
		for (start = first; start < f->pivots; start += ML_LANES)
		{
			for (i = 0; i < rows; i++)
				ml_ldl_invert_panel(f, start, hi + i * ld, lo + i * ld);
			ml_breathe(tick);
		}
		for (i = 0; i < rows; i++)
		{
			MlDd		s = ml_dd(0.0);

			for (k = first + i; k < f->pivots && !f->dropped[first + i]; k++)
			{
				MlDd		v = {hi[i * ld + k], lo[i * ld + k]};

				if (!f->dropped[k])
					s = ml_dd_add(s, ml_dd_div(ml_dd_mul(v, v), ml_ldl_get(f, k, k)));
			}
			diagonal[first + i] = s.hi;
		}
	}
}

/* Multiplies x, zero for dropped columns, by the kept part scaled to a diagonal of ones. */
static void
ml_ldl_multiply(const MlLdl *f, const double *x, double *y)
{
	double	   *scaled = f->work;
	int			i,
				k;

	for (i = 0; i < f->pivots; i++)
		scaled[i] = f->dropped[i] ? 0.0 : x[i] / f->norm[i];
	memset(y, 0, f->pivots * sizeof(double));
	for (k = 0; k < f->pivots; k++)
	{
		const double *row = f->hi + k * f->ld;
		double		s = 0.0;

		if (f->dropped[k])
			continue;
		for (i = k; i < f->pivots; i++)
			s += row[i] * scaled[i];
		s /= row[k];
		for (i = k; i < f->pivots; i++)
			y[i] += row[i] * s;
	}
	for (i = 0; i < f->pivots; i++)
		y[i] = f->dropped[i] ? 0.0 : y[i] / f->norm[i];
}

/* Multiplies x by the inverse of the kept part scaled to a diagonal of ones. */
static void
ml_ldl_divide(const MlLdl *f, const double *x, double *y)
{
	int			i,
				k;

	for (i = 0; i < f->pivots; i++)
		y[i] = x[i] * f->norm[i];
	for (k = 0; k < f->pivots; k++)
	{
		const double *row = f->hi + k * f->ld;

		y[k] = f->dropped[k] ? 0.0 : y[k] / row[k];
		for (i = k + 1; i < f->pivots; i++)
			y[i] -= row[i] * y[k];
	}
	for (k = f->pivots - 1; k >= 0; k--)
	{
		const double *row = f->hi + k * f->ld;
		double		s = 0.0;

		if (f->dropped[k])
			continue;
		for (i = k + 1; i < f->pivots; i++)
			s += row[i] * y[i];
		y[k] -= s / row[k];
	}
	for (i = 0; i < f->pivots; i++)
		y[i] *= f->norm[i];
}

/* Finds the largest eigenvalue of a map by power iteration from a fixed start. */
static double
ml_ldl_largest(const MlLdl *f, void (*map) (const MlLdl *, const double *, double *),
			   double *v, const MlTick *tick)
{
	double	   *w = v + f->pivots;
	uint32_t	random = 1;
	double		value = 0.0;
	int			iteration,
				i;

	for (i = 0; i < f->pivots; i++)
	{
		random = random * UINT32_C(1664525) + UINT32_C(1013904223);
		v[i] = f->dropped[i] ? 0.0 : 1.0 + random * 0x1p-32;
		if (random & UINT32_C(0x00010000))
			v[i] = -v[i];
	}
	for (iteration = 0; iteration < ML_LDL_ITERATIONS; iteration++)
	{
		double		square = 0.0;
		double		before = value;

		for (i = 0; i < f->pivots; i++)
			square += v[i] * v[i];
		if (!(square > 0.0) || square - square != 0.0)
			break;
		for (i = 0; i < f->pivots; i++)
			v[i] /= sqrt(square);
		map(f, v, w);
		value = 0.0;
		for (i = 0; i < f->pivots; i++)
		{
			value += v[i] * w[i];
			v[i] = w[i];
		}
		ml_breathe(tick);
		if (fabs(value - before) <= ML_LDL_CHANGE * fabs(value))
			break;
	}
	return value;
}

double
ml_ldl_condition(const MlLdl *f, double *v, const MlTick *tick)
{
	double		largest = ml_ldl_largest(f, ml_ldl_multiply, v, tick);
	double		inverse = ml_ldl_largest(f, ml_ldl_divide, v, tick);
	double		ratio = largest * inverse;

	return ratio > 1.0 ? ratio : 1.0;
}
