/*
 * logistic.c - the two-class model: one pass over the rows gives likelihood, gradient and Hessian.
 *
 * Memory is the caller's. Sums over rows run row by row within a slice and
 * slice by slice after it.
 */
#include <string.h>

#include "math/elementary.h"
#include "math/logit.h"

typedef struct MlLogistic
{
	MlLogit		logit;			/* first, so that shared parts can be reached */
	/* over the rows of a slice */
	double	   *eta;
	double	   *residual;
	double	   *curvature;
	double	   *likelihood;
} MlLogistic;

#define ML_LOGISTIC_ROWS ((size_t) 4 * ML_PANEL_ROWS)

MlStatus
ml_logistic_size(int cols, bool intercept, size_t *doubles)
{
	size_t		shared = ml_logit_size(cols, intercept, 1, true);

	if (shared == 0 || shared > SIZE_MAX / sizeof(double) - ML_LOGISTIC_ROWS)
		return ML_TOO_LARGE;
	*doubles = shared + ML_LOGISTIC_ROWS;
	return ML_OK;
}

/* The Hessian's lower triangle: the Gram matrix without padding, and the penalty. */
static void
ml_logistic_hessian(MlLogit *l, double factor)
{
	size_t		n = (size_t) l->n;

	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j <= i; j++)
			l->hessian[i * n + j] = factor * l->gram[i * l->gram_width + j];
		if (!(l->options.intercept && i == 0))
			l->hessian[i * n + i] += l->options.l2;
		if (i % 256 == 255)
			ml_breathe(l->design.tick);
	}
}

/* The smallest margin over the rows that count, (2y - 1) eta, and the largest in size. */
static void
ml_logistic_margins(const MlDesign *d, const double *eta, double *least, double *most)
{
	for (int r = 0; r < d->rows; r++)
	{
		double		margin = d->y[r] != 0.0 ? eta[r] : -eta[r];

		if (d->w[r] > 0.0)
		{
			*least = margin < *least ? margin : *least;
			*most = margin > *most ? margin : *most;
		}
	}
}

static void
ml_logistic_evaluate(void *ctx, const double *beta, MlPoint *point)
{
	MlLogistic *m = ctx;
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;
	const MlKernels *k = d->kernels;
	double		least = (double) __builtin_inf(),
				most = 0.0,
				carry = 0.0;

	ml_logit_pad(l, beta);
	memset(l->gram, 0, l->gram_width * l->gram_width * sizeof(double));
	memset(l->total, 0, l->gram_width * sizeof(double));
	memset(l->carry, 0, l->gram_width * sizeof(double));
	point->likelihood = 0.0;

	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		double		slice = 0.0;

		k->dots(d->rows, d->panels, d->x, l->padded, m->eta);
		k->logit_rows(d->rows, m->eta, d->y, d->w, m->residual, m->curvature, m->likelihood);
		ml_design_gram(d, m->curvature, l->gram, l->gram_width);

		memset(l->sums, 0, l->gram_width * sizeof(double));
		k->accumulate(d->rows, d->panels, d->x, m->residual, l->sums);
		ml_add_carried((int) l->gram_width, l->sums, l->total, l->carry);
		for (int r = 0; r < d->rows; r++)
			slice += m->likelihood[r];
		ml_add_carried(1, &slice, &point->likelihood, &carry);
		ml_logistic_margins(d, m->eta, &least, &most);
	}

	point->likelihood += carry;
	point->fits_all = least > ML_MARGIN_ROOM * ml_gain_scale(most);
	ml_logit_gather(l);
	ml_logistic_hessian(l, 1.0);
	ml_logit_penalise(l, beta, point);
}

/*
 * The null model from the moments, without exp: the chance of class 1 is its
 * share p, so the Hessian is p (1 - p) X'WX and the gradient X'W(y - p).
 */
static void
ml_logistic_start(MlLogit *l, const double *xty, const double *weight,
				  MlLogitFit *fit, MlPoint *point)
{
	double		p = l->options.intercept ? weight[1] / fit->weight : 0.5,
				q = l->options.intercept ? weight[0] / fit->weight : 0.5;

	if (l->options.intercept)
		fit->coef[0] = ml_log(weight[1] / weight[0]);
	for (size_t i = 0; i < l->gram_width; i++)
	{
		l->total[i] = q * xty[l->gram_width + i] - p * xty[i];
		l->carry[i] = 0.0;
	}
	point->gradient = l->gradient;
	point->likelihood = fit->null_log_likelihood;
	point->fits_all = false;
	ml_logit_gather(l);
	ml_logistic_hessian(l, p * q);
	ml_logit_penalise(l, fit->coef, point);
}

static void
ml_logistic_solve(void *ctx, const double *gradient, double *direction)
{
	ml_logit_solve(&((MlLogistic *) ctx)->logit, gradient, direction);
}

/* The least and the largest gain of a row along direction. */
static void
ml_logistic_gains(MlLogistic *m, const double *direction, double *least, double *most)
{
	MlDesign   *d = &m->logit.design;

	*least = (double) __builtin_inf();
	*most = 0.0;
	ml_logit_pad(&m->logit, direction);
	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		d->kernels->dots(d->rows, d->panels, d->x, m->logit.padded, m->eta);
		ml_logistic_margins(d, m->eta, least, most);
	}
}

/* The Gram matrix, into the Hessian's place, of the rows that direction moves by less than limit. */
static void
ml_logistic_idle_rows(MlLogistic *m, const double *direction, double limit)
{
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;

	memset(l->gram, 0, l->gram_width * l->gram_width * sizeof(double));
	ml_logit_pad(l, direction);
	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		d->kernels->dots(d->rows, d->panels, d->x, l->padded, m->eta);
		for (int r = 0; r < d->rows; r++)
			m->curvature[r] = d->w[r] > 0.0 && m->eta[r] <= limit && m->eta[r] >= -limit ? 1.0 : 0.0;
		ml_design_gram(d, m->curvature, l->gram, l->gram_width);
	}
	ml_logistic_hessian(l, 1.0);
}

/*
 * Does no row lose along a direction near this one, while some row gains? A
 * Newton step leaves the rows that overlap alone only nearly, so the rows it
 * hardly moves are made to stay exactly before the others are judged.
 */
static bool
ml_logistic_separates(void *ctx, const double *direction)
{
	MlLogistic *m = ctx;
	MlLogit    *l = &m->logit;
	double		least,
				most;

	ml_logistic_gains(m, direction, &least, &most);
	if (least >= 0.0)
		return most > 0.0;
	if (least < -ML_LOSS_MAX * ml_gain_scale(most))
		return false;

	ml_logistic_idle_rows(m, direction, -4.0 * least);
	memcpy(l->exact, direction, (size_t) l->n * sizeof(double));
	ml_logit_leave_alone(l, l->exact);
	ml_logistic_gains(m, l->exact, &least, &most);
	return most > 0.0 && least >= -ML_LOSS_ROUNDING * ml_gain_scale(most);
}

MlStatus
ml_logistic_fit(const MlBlocks *blocks, const MlLogitOptions *options,
				double *work, size_t work_doubles,
				MlLogitFit *fit, const MlTick *tick)
{
	MlLogistic	m;
	MlLogit    *l = &m.logit;
	MlNewtonTask task = {0};
	MlNewtonResult result;
	MlPoint		point = {0};
	MlStatus	status;
	double		weight[2],
			   *xty;
	size_t		need;

	status = ml_logistic_size(blocks->cols, options->intercept, &need);
	if (status != ML_OK)
		return status;
	if (work_doubles < need)
		return ML_NEED_SPACE;

	m.eta = ml_logit_carve(l, blocks, options, 1, true, work, fit, tick);
	m.residual = m.eta + ML_PANEL_ROWS;
	m.curvature = m.residual + ML_PANEL_ROWS;
	m.likelihood = m.curvature + ML_PANEL_ROWS;
	memset(m.eta, 0, ML_LOGISTIC_ROWS * sizeof(double));

	/* padded and sums, total and carry are neighbours: two classes' sums each */
	xty = l->padded;
	status = ml_design_moments(&l->design, 2, l->gram, xty, weight, l->total);
	if (status == ML_OK)
		status = ml_logit_null(l, 2, weight, fit);
	if (status != ML_OK)
		return status;
	ml_logit_alias(l, l->gram, l->hessian, fit);
	if (fit->rank == 0)
		return ML_SINGULAR;
	ml_logistic_start(l, xty, weight, fit, &point);
	memset(l->padded, 0, l->gram_width * sizeof(double));

	task.n = l->n;
	task.weight = fit->weight;
	task.may_separate = options->l2 == 0.0;
	task.stretch = true;
	task.max_iterations = options->max_iterations;
	task.tolerance = options->tolerance;
	task.ctx = &m;
	task.evaluate = ml_logistic_evaluate;
	task.solve = ml_logistic_solve;
	task.separates = ml_logistic_separates;
	status = ml_newton(&task, fit->coef, &point, l->steps, &result);
	if (status == ML_OK || status == ML_NOT_CONVERGED)
		ml_logit_finish(l, &point, &result, true, fit);
	return status;
}
