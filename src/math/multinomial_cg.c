/*
 * multinomial_cg.c - Newton's equation for many coefficients, by preconditioned conjugate gradients.
 *
 * The Hessian is never formed: its product with a vector takes one pass over
 * the rows. Memory is the caller's.
 */
#include <string.h>

#include "math/elementary.h"
#include "math/multinomial.h"
#include "math/spd.h"

/* Products a step may take; the outer loop goes on from what has been reached. */
#define ML_CG_STEPS_MAX 1000

/*
 * Without penalty the preconditioner is the null model's Hessian,
 * (diag(s) - s s') x X'WX with s the classes' shares, whose inverse is
 * (diag(1/s) + 1 1'/s0) x (X'WX)^-1. With penalty it is the mean class's
 * block, prior X'WX + l2, for each class.
 */
void
ml_multinomial_metric(MlMultinomial *m, const double *gram)
{
	MlLogit    *l = &m->logit;
	size_t		terms = (size_t) l->design.terms;
	bool		penalty = l->options.l2 != 0.0;

	for (size_t i = 0; i < terms; i++)
	{
		for (size_t j = 0; j <= i; j++)
			m->metric[i * terms + j] = (penalty ? m->prior : 1.0) * gram[i * l->design.width + j];
		if (penalty && !(l->options.intercept && i == 0))
			m->metric[i * terms + i] += l->options.l2;
	}
	memcpy(l->flags, l->aliased, terms);
	ml_spd_factor((int) terms, m->metric, terms, 1e-15, l->flags, l->design.tick);
}

/* scaled = M^-1 residual; the flags of the first vector are those of the metric. */
static void
ml_multinomial_precondition(MlMultinomial *m)
{
	MlLogit    *l = &m->logit;
	size_t		terms = (size_t) l->design.terms;

	memcpy(m->scaled, m->residual, (size_t) l->n * sizeof(double));
	for (int v = 0; v < l->vectors; v++)
		ml_spd_solve((int) terms, m->metric, terms, l->flags, m->scaled + v * terms);
	if (m->first == 0)
	{
		/* a common shift of the intercepts costs nothing: rounding must not be magnified along it */
		double		mean = 0.0;

		if (!l->options.intercept)
			return;
		for (int v = 0; v < l->vectors; v++)
			mean += m->scaled[v * terms] / l->vectors;
		for (int v = 0; v < l->vectors; v++)
			m->scaled[v * terms] -= mean;
		return;
	}
	for (size_t i = 0; i < terms; i++)
	{
		double		all = 0.0;

		for (int v = 0; v < l->vectors; v++)
			all += m->scaled[v * terms + i];
		for (int v = 0; v < l->vectors; v++)
			m->scaled[v * terms + i] = m->scaled[v * terms + i] / m->share[v + 1] + all / m->share[0];
	}
}

/*
 * curved = H along at beta. Per row and class, with u = x along and its mean
 * under the model taken off, the product's weight is w p (u - mean).
 */
static void
ml_multinomial_product(MlMultinomial *m, const double *beta)
{
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;
	size_t		terms = (size_t) d->terms;

	memset(l->total, 0, l->gram_width * sizeof(double));
	memset(l->carry, 0, l->gram_width * sizeof(double));
	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		double		mean[ML_PANEL_ROWS] = {0};

		ml_logit_pad(l, beta);
		ml_multinomial_predict(m);
		ml_multinomial_softmax(m);
		ml_logit_pad(l, m->along);
		ml_multinomial_predict(m);
		for (int c = 0; c < m->classes; c++)
			for (int r = 0; r < d->rows; r++)
				mean[r] += m->p[(size_t) c * ML_PANEL_ROWS + r] * m->eta[(size_t) c * ML_PANEL_ROWS + r];

		memset(l->sums, 0, l->gram_width * sizeof(double));
		for (int v = 0; v < l->vectors; v++)
		{
			size_t		at = (size_t) (v + m->first) * ML_PANEL_ROWS;

			for (int r = 0; r < d->rows; r++)
				m->row[r] = d->w[r] * m->p[at + r] * (m->eta[at + r] - mean[r]);
			d->kernels->accumulate(d->rows, d->panels, d->x, m->row, l->sums + (size_t) v * d->width);
		}
		ml_add_carried((int) l->gram_width, l->sums, l->total, l->carry);
	}

	for (int v = 0; v < l->vectors; v++)
		for (size_t i = 0; i < terms; i++)
		{
			size_t		at = (size_t) v * d->width + i;
			bool		free = l->options.intercept && i == 0;

			m->curved[v * terms + i] = l->aliased[i] ? 0.0 : l->total[at] + l->carry[at] +
				(free ? 0.0 : l->options.l2) * m->along[v * terms + i];
		}
}

static double
ml_multinomial_dot(int n, const double *a, const double *b)
{
	double		s = 0.0;

	for (int i = 0; i < n; i++)
		s += a[i] * b[i];
	return s;
}

void
ml_multinomial_cg(MlMultinomial *m, const double *beta, double weight,
				  const double *gradient, double *direction)
{
	int			n = m->logit.n;
	double		norm,
				start,
				goal;

	memset(direction, 0, (size_t) n * sizeof(double));
	memcpy(m->residual, gradient, (size_t) n * sizeof(double));
	ml_multinomial_precondition(m);
	memcpy(m->along, m->scaled, (size_t) n * sizeof(double));
	start = norm = ml_multinomial_dot(n, m->residual, m->scaled);

	/* the nearer the top, the more digits the step needs for quadratic convergence, as far as there are any */
	goal = start / weight < 1e-2 ? start / weight : 1e-2;
	goal = goal > 1e-14 ? goal : 1e-14;
	for (int i = 0; i < ML_CG_STEPS_MAX && norm > goal * start; i++)
	{
		double		curvature,
					step,
					before = norm;

		ml_multinomial_product(m, beta);
		curvature = ml_multinomial_dot(n, m->along, m->curved);
		if (!(curvature > 0.0))
			break;
		step = norm / curvature;
		for (int j = 0; j < n; j++)
		{
			direction[j] += step * m->along[j];
			m->residual[j] -= step * m->curved[j];
		}
		ml_multinomial_precondition(m);
		norm = ml_multinomial_dot(n, m->residual, m->scaled);
		for (int j = 0; j < n; j++)
			m->along[j] = m->scaled[j] + norm / before * m->along[j];
	}
	if (!(ml_multinomial_dot(n, direction, gradient) > 0.0))
		memcpy(direction, gradient, (size_t) n * sizeof(double));
}
