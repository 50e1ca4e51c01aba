/*
 * logit.c - workspace, null model, Newton equation and reports of the logistic fits.
 *
 * All memory is carved from the caller's workspace; nothing outlives a jump.
 */
#include <string.h>

#include "math/elementary.h"
#include "math/logit.h"
#include "math/spd.h"

/* Pivots below this share of their diagonal are rounding. */
#define ML_PIVOT_FLOOR 1e-15

size_t
ml_logit_size(int cols, bool intercept, int vectors, bool with_hessian)
{
	size_t		design = ml_design_size(cols, intercept),
				terms = (size_t) cols + (intercept ? 1 : 0),
				width = (terms + 7) / 8 * 8,
				n,
				wide,
				total;

	if (design == 0 || vectors < 1 || terms > (size_t) INT32_MAX / 16 / (size_t) vectors)
		return 0;
	n = terms * (size_t) vectors;
	wide = width * (size_t) vectors;
	/* n, wide < 2^28, so the squares fit; the bytes must as well */
	total = design + 7 * n + 4 * wide + (n + 7) / 8 + (terms + 7) / 8 + 8;
	if (with_hessian)
	{
		if (wide > ((size_t) 1 << (sizeof(size_t) * 4 - 3)))
			return 0;
		total += wide * wide + n * n;
	}
	return total;
}

double *
ml_logit_carve(MlLogit *l, const MlBlocks *blocks, const MlLogitOptions *options,
			   int vectors, bool with_hessian, double *work,
			   MlLogitFit *fit, const MlTick *tick)
{
	size_t		n,
				wide;

	memset(l, 0, sizeof(*l));
	memset(fit, 0, sizeof(*fit));

	/* whole cache lines for the panels, which come first */
	while ((uintptr_t) work % 64 != 0)
		work++;
	ml_design_init(&l->design, blocks, options->intercept, work, tick);
	work += ml_design_size(blocks->cols, options->intercept);

	l->options = *options;
	l->vectors = vectors;
	l->n = vectors * l->design.terms;
	l->gram_width = (size_t) vectors * l->design.width;
	n = (size_t) l->n;
	wide = l->gram_width;

	if (with_hessian)
	{
		l->gram = work;
		work += wide * wide;
		l->hessian = work;
		work += n * n;
	}
	l->padded = work;
	work += wide;
	l->sums = work;
	work += wide;
	l->total = work;
	work += wide;
	l->carry = work;
	work += wide;
	l->diagonal = work;
	work += n;
	l->gradient = work;
	work += n;
	l->steps = work;
	work += 2 * n;
	l->rhs = work;
	work += n;
	l->exact = work;
	work += n;
	fit->coef = work;
	work += n;
	l->flags = (unsigned char *) work;
	work += (n + 7) / 8;
	fit->aliased = l->aliased = (unsigned char *) work;
	work += ((size_t) l->design.terms + 7) / 8;

	memset(fit->coef, 0, n * sizeof(double));
	memset(l->flags, 0, n);
	memset(fit->aliased, 0, (size_t) l->design.terms);
	memset(l->padded, 0, wide * sizeof(double));
	fit->vectors = vectors;
	fit->terms = l->design.terms;
	fit->intercept = options->intercept;
	fit->empty_class = -1;
	return work;
}

void
ml_logit_pad(MlLogit *l, const double *beta)
{
	int			terms = l->design.terms;

	for (int v = 0; v < l->vectors; v++)
		memcpy(l->padded + (size_t) v * l->design.width, beta + (size_t) v * terms,
			   (size_t) terms * sizeof(double));
}

void
ml_logit_alias(MlLogit *l, const double *gram, double *scratch, MlLogitFit *fit)
{
	int			terms = l->design.terms,
				dependent = 0;

	if (l->options.l2 == 0.0)
	{
		for (int i = 0; i < terms; i++)
			memcpy(scratch + (size_t) i * terms, gram + (size_t) i * l->design.width,
				   (size_t) (i + 1) * sizeof(double));
		dependent = ml_spd_factor(terms, scratch, (size_t) terms, ML_ALIAS_TOLERANCE,
								  fit->aliased, l->design.tick);
	}
	fit->rank = terms - dependent;
}

void
ml_logit_penalise(const MlLogit *l, const double *beta, MlPoint *point)
{
	int			terms = l->design.terms;
	double		squares = 0.0;

	point->value = point->likelihood;
	if (l->options.l2 == 0.0)
		return;
	for (int i = 0; i < l->n; i++)
	{
		if (l->options.intercept && i % terms == 0)
			continue;
		squares += beta[i] * beta[i];
		point->gradient[i] -= l->options.l2 * beta[i];
	}
	point->value -= 0.5 * l->options.l2 * squares;
}

void
ml_logit_gather(MlLogit *l)
{
	int			terms = l->design.terms;

	for (int v = 0; v < l->vectors; v++)
		for (int i = 0; i < terms; i++)
		{
			size_t		at = (size_t) v * l->design.width + i;

			l->gradient[(size_t) v * terms + i] =
				l->aliased[i] ? 0.0 : l->total[at] + l->carry[at];
		}
}

/* Marks the coefficients of aliased terms, and no others, as left out. */
static void
ml_logit_reset_flags(MlLogit *l)
{
	for (int v = 0; v < l->vectors; v++)
		memcpy(l->flags + (size_t) v * l->design.terms, l->aliased, (size_t) l->design.terms);
}

/*
 * Rounding can make a Hessian that is nearly singular indefinite, as when the
 * classes separate. A ridge then keeps the step an ascent.
 */
static void
ml_logit_rescue(MlLogit *l)
{
	size_t		n = (size_t) l->n;
	double		ridge = 1e-12;

	l->regular = false;
	for (;;)
	{
		for (size_t i = 0; i < n; i++)
		{
			for (size_t j = 0; j < i; j++)
				l->hessian[i * n + j] = l->hessian[j * n + i];
			/* weights that underflowed leave nothing to scale */
			l->hessian[i * n + i] = l->diagonal[i] > 0.0 ? l->diagonal[i] * (1.0 + ridge) : 1.0;
		}
		ml_logit_reset_flags(l);
		if (ridge > 1.0 ||
			ml_spd_factor(l->n, l->hessian, n, ML_PIVOT_FLOOR, l->flags, l->design.tick) == 0)
			return;
		ridge *= 100.0;
	}
}

/* Keeps in the strict upper triangle and the diagonal what a factor will overwrite. */
static void
ml_logit_mirror(MlLogit *l)
{
	size_t		n = (size_t) l->n;

	for (size_t i = 0; i < n; i++)
	{
		l->diagonal[i] = l->hessian[i * n + i];
		for (size_t j = 0; j < i; j++)
			l->hessian[j * n + i] = l->hessian[i * n + j];
		if (i % 64 == 63)
			ml_breathe(l->design.tick);
	}
	ml_logit_reset_flags(l);
}

void
ml_logit_solve(MlLogit *l, const double *gradient, double *direction)
{
	size_t		n = (size_t) l->n;

	ml_logit_mirror(l);
	l->regular = true;
	if (ml_spd_factor(l->n, l->hessian, n, ML_PIVOT_FLOOR, l->flags, l->design.tick) > 0)
		ml_logit_rescue(l);

	memcpy(direction, gradient, n * sizeof(double));
	ml_spd_solve(l->n, l->hessian, n, l->flags, direction);
}

void
ml_logit_leave_alone(MlLogit *l, double *direction)
{
	size_t		n = (size_t) l->n;

	/*
	 * Columns that depend on others over those rows are free; the others
	 * follow from them.
	 */
	ml_logit_mirror(l);
	ml_spd_factor(l->n, l->hessian, n, ML_ALIAS_TOLERANCE, l->flags, l->design.tick);
	for (size_t i = 0; i < n; i++)
	{
		l->rhs[i] = 0.0;
		for (size_t j = 0; j < n; j++)
			if (l->flags[j] && !l->flags[i])
				l->rhs[i] -= l->hessian[i < j ? i * n + j : j * n + i] * direction[j];
	}
	ml_spd_solve(l->n, l->hessian, n, l->flags, l->rhs);
	for (size_t i = 0; i < n; i++)
		if (!l->flags[i])
			direction[i] = l->rhs[i];
}

void
ml_logit_finish(MlLogit *l, const MlPoint *point, const MlNewtonResult *result,
				bool covariance, MlLogitFit *fit)
{
	fit->log_likelihood = point->likelihood;
	fit->iterations = result->iterations;
	fit->evaluations = result->evaluations + 1;
	fit->converged = result->converged;
	fit->separated = result->separated;
	if (!covariance || result->separated || !l->regular)
		return;
	ml_spd_inverse(l->n, l->hessian, (size_t) l->n, l->flags, l->gram, l->design.tick);
	fit->covariance = l->hessian;
}

MlStatus
ml_logit_null(const MlLogit *l, int classes, const double *weight, MlLogitFit *fit)
{
	for (int c = 0; c < classes; c++)
		fit->weight += weight[c];
	if (!(fit->weight > 0.0))
		return ML_SINGULAR;
	if (!(fit->weight < (double) __builtin_inf()))
		return ML_NOT_FINITE;
	if (!l->options.intercept)
	{
		fit->null_log_likelihood = -fit->weight * ml_log(classes);
		return ML_OK;
	}
	for (int c = 0; c < classes; c++)
	{
		if (weight[c] > 0.0)
			fit->null_log_likelihood += weight[c] * ml_log(weight[c] / fit->weight);
		else if (fit->empty_class < 0)
			fit->empty_class = c;
	}
	return fit->empty_class < 0 ? ML_OK : ML_NOT_CONVERGED;
}

double
ml_logit_std_error(const MlLogitFit *fit, int vector, int term)
{
	size_t		n = (size_t) fit->vectors * fit->terms,
				i = (size_t) vector * fit->terms + term;

	if (!fit->covariance || fit->aliased[term])
		return (double) __builtin_nan("");
	return __builtin_sqrt(fit->covariance[i * n + i]);
}

double
ml_logit_combination_error(const MlLogitFit *fit, int vector, const double *a)
{
	size_t		n = (size_t) fit->vectors * fit->terms,
				at = (size_t) vector * fit->terms;
	double		variance;

	if (!fit->covariance)
		return (double) __builtin_nan("");
	variance = ml_spd_quadratic(fit->terms, fit->covariance + at * n + at, n, a);
	return __builtin_sqrt(variance > 0.0 ? variance : 0.0);
}

void
ml_logit_raw(const MlLogitFit *fit, int vector, const double *center, const double *scale,
			 double *coef, double *std_error, double *scratch)
{
	const double *b = fit->coef + (size_t) vector * fit->terms;
	int			lead = fit->intercept ? 1 : 0;
	double		shift = 0.0;

	for (int i = lead; i < fit->terms; i++)
	{
		coef[i] = b[i] / scale[i - lead];
		std_error[i] = ml_logit_std_error(fit, vector, i) / scale[i - lead];
		scratch[i] = -center[i - lead] / scale[i - lead];
		shift += b[i] * scratch[i];
	}
	if (!lead)
		return;
	scratch[0] = 1.0;
	coef[0] = b[0] + shift;
	std_error[0] = ml_logit_combination_error(fit, vector, scratch);
}
