/*
 * ols.c - ordinary least squares and ridge regression from a Gram matrix in double-double.
 *
 * See ols.h; works in the caller's workspace only.
 */
#include "math/ols.h"
#include "math/ldl.h"

#include <limits.h>
#include <string.h>

/* Workspace of a fit; n columns, the target last. */
typedef struct MlOlsWork
{
	MlLdl		f;
	double	   *norm;
	double	   *diagonal;
	double	   *vectors;
	MlDd	   *b;
	MlDd	   *penalty;
	int		   *exponent;
} MlOlsWork;

MlDd
ml_ols_gram_entry(void *ctx, int i, int j)
{
	const MlOlsGram *view = ctx;

	return ml_gram_entry(view->g, view->column[i], view->column[j],
						 -(view->exponent[i] + view->exponent[j]));
}

/* Cuts the workspace into its parts and counts its bytes. */
static size_t
ml_ols_cut(void *work, int n, MlOlsWork *w)
{
	uintptr_t	start = ((uintptr_t) work + 63) & ~(uintptr_t) 63;
	size_t		ld = ml_ldl_ld(n);

	w->f.n = n;
	w->f.pivots = n - 1;
	w->f.ld = ld;
	w->f.hi = (double *) start;
	w->f.lo = w->f.hi + ld * ld;
	w->f.work = w->f.lo + ld * ld;
	w->norm = w->f.work + 2 * ML_LANES * ld;
	w->f.norm = w->norm;
	w->diagonal = w->norm + n;
	w->vectors = w->diagonal + n;
	w->b = (MlDd *) (w->vectors + 2 * (size_t) n);
	w->penalty = w->b + n;
	w->exponent = (int *) (w->penalty + n);
	return 64 + (size_t) ((char *) (w->exponent + n) - (char *) start);
}

size_t
ml_ols_workspace(int features, bool intercept)
{
	MlOlsWork	w;
	double		n = features + 10.0;

	if (features < 0 || 16.0 * n * n + 256.0 * n > (double) (SIZE_MAX / 4) || features > INT_MAX - 16)
		return 0;
	/* any address will do to count from */
	return ml_ols_cut(&w, features + intercept + 1, &w);
}

/*
 * Reads the Gram matrix, scaling each column by a power of two so that the
 * diagonal is in [1/4, 1).
 */
static MlStatus
ml_ols_read(const MlOlsProblem *problem, MlOlsWork *w, const MlTick *tick)
{
	MlLdl	   *f = &w->f;
	int			i,
				j;

	memset(f->hi, 0, f->ld * f->ld * sizeof(double));
	memset(f->lo, 0, f->ld * f->ld * sizeof(double));
	for (j = 0; j < f->n; j++)
	{
		double		d = problem->entry(problem->ctx, j, j).hi;
		int			e = 0;

		if (d - d != 0.0)
			return ML_NOT_FINITE;
		if (d > 0.0)
			frexp(d, &e);
		w->exponent[j] = e > 0 ? (e + 1) / 2 : -(-e / 2);
	}
	for (i = 0; i < f->n; i++)
	{
		for (j = i; j < f->n; j++)
		{
			MlDd		v = ml_dd_ldexp(problem->entry(problem->ctx, i, j),
										-(w->exponent[i] + w->exponent[j]));

			if (v.hi - v.hi != 0.0)
				return ML_NOT_FINITE;
			f->hi[i * f->ld + j] = v.hi;
			f->lo[i * f->ld + j] = v.lo;
		}
		ml_breathe(tick);
	}
	for (j = 0; j < f->n && problem->exponent; j++)
		w->exponent[j] += problem->exponent[j];
	return ML_OK;
}

/* Returns a sum of squares, or 0 where it is no more than rounding of vectors of a length. */
static MlDd
ml_ols_square(MlDd square, double length)
{
	double		noise = length * (ML_LDL_NOISE * 0x1p-53);

	return square.hi > noise * noise ? square : ml_dd(0.0);
}

/*
 * Returns the sum of squares of a column before elimination, about its mean
 * when there is an intercept.
 */
static MlDd
ml_ols_total(const MlOlsProblem *problem, const MlLdl *f, int j)
{
	MlDd		total = ml_ldl_get(f, j, j);
	double		length = sqrt(total.hi);
	MlDd		sum;

	if (!problem->intercept || !(f->hi[0] > 0.0))
		return total;
	sum = ml_ldl_get(f, 0, j);
	total = ml_dd_sub(total, ml_dd_div(ml_dd_mul(sum, sum), ml_ldl_get(f, 0, 0)));
	return ml_ols_square(total, 2.0 * length);
}

/* Adds l2 times the features' mean squares to the diagonal. */
static void
ml_ols_penalise(const MlOlsProblem *problem, MlOlsWork *w)
{
	MlLdl	   *f = &w->f;
	double		scale = problem->weight > 0.0 ? problem->l2 / problem->weight : 0.0;
	int			j;

	for (j = problem->intercept; j < f->pivots; j++)
	{
		MlDd		sum;

		w->penalty[j] = ml_dd_mul(ml_ols_total(problem, f, j), ml_dd(scale));
		sum = ml_dd_add(ml_ldl_get(f, j, j), w->penalty[j]);
		f->hi[j * f->ld + j] = sum.hi;
		f->lo[j * f->ld + j] = sum.lo;
	}
}

/*
 * Returns the residual sum of squares, in the target's scale: what elimination
 * leaves of the target, which cancels nothing but rounding.
 */
static double
ml_ols_residual(const MlOlsWork *w, double length)
{
	const MlLdl *f = &w->f;
	MlDd		rss = ml_ldl_get(f, f->pivots, f->pivots);
	int			j;

	for (j = 0; j < f->pivots; j++)
	{
		length += fabs(w->b[j].hi) * w->norm[j];
		rss = ml_dd_sub(rss, ml_dd_mul(w->penalty[j], ml_dd_mul(w->b[j], w->b[j])));
	}
	return ml_ols_square(rss, length).hi;
}

/* Fills what follows from the sums of squares. */
static void
ml_ols_summarise(const MlOlsProblem *problem, double rss, double tss, MlOlsFit *fit)
{
	double		r2 = tss > 0.0 ? 1.0 - rss / tss : 0.0;
	int64_t		centred = fit->rank > 0 && problem->intercept && !fit->aliased[0];

	fit->r2 = r2 > 0.0 ? r2 : 0.0;
	fit->df = problem->rows > fit->rank ? problem->rows - fit->rank : 0;
	fit->adjusted_r2 = fit->residual_sd = NAN;
	if (fit->df > 0)
	{
		fit->adjusted_r2 = 1.0 - (1.0 - fit->r2) * ((double) (problem->rows - centred) / fit->df);
		fit->residual_sd = sqrt(rss / fit->df);
	}
}

/* Brings estimates and standard errors to the scale of the data. */
static MlStatus
ml_ols_deliver(const MlOlsProblem *problem, MlOlsWork *w, MlOlsFit *fit, const MlTick *tick)
{
	MlLdl	   *f = &w->f;
	int			y = w->exponent[f->pivots];
	bool		errors = fit->df > 0 && problem->l2 == 0.0;
	int			j;

	if (errors)
		ml_ldl_inverse_diagonal(f, w->diagonal, tick);
	for (j = 0; j < f->pivots; j++)
	{
		fit->estimate[j] = ldexp(w->b[j].hi, y - w->exponent[j]);
		fit->std_error[j] = NAN;
		if (errors && !f->dropped[j])
			fit->std_error[j] = ldexp(fit->residual_sd * sqrt(w->diagonal[j]), y - w->exponent[j]);
		if (fit->estimate[j] - fit->estimate[j] != 0.0)
			return ML_NOT_FINITE;
	}
	fit->rss = ldexp(fit->rss, 2 * y);
	fit->tss = ldexp(fit->tss, 2 * y);
	fit->residual_sd = ldexp(fit->residual_sd, y);
	return ML_OK;
}

MlStatus
ml_ols_fit(const MlOlsProblem *problem, void *work, MlOlsFit *fit, const MlTick *tick)
{
	MlOlsWork	w;
	MlLdl	   *f = &w.f;
	MlStatus	status;
	double		length;
	int			j;

	if (ml_ols_workspace(problem->features, problem->intercept) == 0)
		return ML_TOO_LARGE;
	ml_ols_cut(work, problem->features + problem->intercept + 1, &w);
	f->dropped = fit->aliased;
	status = ml_ols_read(problem, &w, tick);
	if (status != ML_OK)
		return status;
	length = sqrt(ml_ldl_get(f, f->pivots, f->pivots).hi);
	fit->tss = ml_ols_total(problem, f, f->pivots).hi;
	for (j = 0; j < f->pivots; j++)
		w.penalty[j] = ml_dd(0.0);
	if (problem->l2 > 0.0)
		ml_ols_penalise(problem, &w);
	for (j = 0; j < f->pivots; j++)
		w.norm[j] = sqrt(ml_ldl_get(f, j, j).hi);
	ml_ldl_factor(f, tick);
	ml_ldl_solve(f, f->pivots, w.b, tick);
	fit->rank = 0;
	for (j = 0; j < f->pivots; j++)
		fit->rank += !f->dropped[j];
	fit->rss = ml_ols_residual(&w, length);
	fit->condition = sqrt(ml_ldl_condition(f, w.vectors, tick));
	ml_ols_summarise(problem, fit->rss, fit->tss, fit);
	return ml_ols_deliver(problem, &w, fit, tick);
}
