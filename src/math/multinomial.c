/*
 * multinomial.c - the many-class model: softmax over a reference class, or over all with a penalty.
 *
 * Memory is the caller's. The whole Hessian is one Gram matrix a pair of
 * classes (Boehning, Ann. Inst. Statist. Math. 44, 1992); beyond dense_max
 * coefficients multinomial_cg.c takes over.
 */
#include <string.h>

#include "math/elementary.h"
#include "math/multinomial.h"
#include "math/spd.h"

static int
ml_multinomial_vectors(int classes, const MlLogitOptions *options)
{
	return options->l2 == 0.0 ? classes - 1 : classes;
}

static bool
ml_multinomial_dense(int cols, int classes, const MlLogitOptions *options)
{
	int64_t		terms = (int64_t) cols + (options->intercept ? 1 : 0);

	return terms * ml_multinomial_vectors(classes, options) <= options->dense_max;
}

/* Doubles beyond the shared workspace, 0 when too large. */
static size_t
ml_multinomial_extra(int cols, int classes, const MlLogitOptions *options)
{
	size_t		vectors = (size_t) ml_multinomial_vectors(classes, options),
				terms = (size_t) cols + (options->intercept ? 1 : 0),
				width = (terms + 7) / 8 * 8,
				extra;

	if (classes < 2 || classes > INT32_MAX / (8 * ML_PANEL_ROWS))
		return 0;
	/* rows of a slice; the classes' sums and their carry, shares and weights */
	extra = ((size_t) 3 * classes + 2) * ML_PANEL_ROWS + 2 * classes * width + 2 * (size_t) classes;
	if (!ml_multinomial_dense(cols, classes, options))
	{
		if (width > ((size_t) 1 << (sizeof(size_t) * 4 - 3)))
			return 0;
		extra += width * width + terms * terms + 4 * terms * vectors;
	}
	return extra;
}

MlStatus
ml_multinomial_size(int cols, int classes, const MlLogitOptions *options, size_t *doubles)
{
	size_t		shared,
				extra;

	if (cols < 0 || cols > INT32_MAX / 16 || classes < 2)
		return ML_TOO_LARGE;
	shared = ml_logit_size(cols, options->intercept, ml_multinomial_vectors(classes, options),
						   ml_multinomial_dense(cols, classes, options));
	extra = ml_multinomial_extra(cols, classes, options);
	if (shared == 0 || extra == 0 || shared > SIZE_MAX / sizeof(double) - extra)
		return ML_TOO_LARGE;
	*doubles = shared + extra;
	return ML_OK;
}

void
ml_multinomial_predict(MlMultinomial *m)
{
	MlDesign   *d = &m->logit.design;

	if (m->first == 1)
		memset(m->eta, 0, ML_PANEL_ROWS * sizeof(double));
	for (int v = 0; v < m->logit.vectors; v++)
		d->kernels->dots(d->rows, d->panels, d->x, m->logit.padded + (size_t) v * d->width,
						 m->eta + (size_t) (v + m->first) * ML_PANEL_ROWS);
}

/* best = the largest eta of each row, row = the first class that has it. */
static void
ml_multinomial_best(MlMultinomial *m)
{
	int			rows = m->logit.design.rows;

	memcpy(m->best, m->eta, (size_t) rows * sizeof(double));
	memset(m->row, 0, (size_t) rows * sizeof(double));
	for (int c = 1; c < m->classes; c++)
	{
		const double *eta = m->eta + (size_t) c * ML_PANEL_ROWS;

		for (int r = 0; r < rows; r++)
			if (eta[r] > m->best[r])
			{
				m->best[r] = eta[r];
				m->row[r] = c;
			}
	}
}

double
ml_multinomial_softmax(MlMultinomial *m)
{
	const MlDesign *d = &m->logit.design;
	double		total[ML_PANEL_ROWS] = {0},
				rest[ML_PANEL_ROWS] = {0},
				slice = 0.0;

	ml_multinomial_best(m);
	for (int c = 0; c < m->classes; c++)
	{
		const double *eta = m->eta + (size_t) c * ML_PANEL_ROWS;
		double	   *p = m->p + (size_t) c * ML_PANEL_ROWS;

		for (int r = 0; r < d->rows; r++)
			p[r] = eta[r] - m->best[r];
		d->kernels->exp(d->rows, p, p);
		for (int r = 0; r < d->rows; r++)
		{
			total[r] += p[r];
			rest[r] += m->row[r] == c ? 0.0 : p[r];
		}
	}
	for (int r = 0; r < d->rows; r++)
		slice += d->w[r] *
			((m->eta[(size_t) d->y[r] * ML_PANEL_ROWS + r] - m->best[r]) - ml_log1p(rest[r]));

	/* only the largest can exceed one half, where 1 - p would cancel */
	for (int c = 0; c < m->classes; c++)
	{
		double	   *p = m->p + (size_t) c * ML_PANEL_ROWS,
				   *q = m->q + (size_t) c * ML_PANEL_ROWS;

		for (int r = 0; r < d->rows; r++)
		{
			p[r] /= total[r];
			q[r] = m->row[r] == c ? rest[r] / total[r] : 1.0 - p[r];
		}
	}
	return slice;
}

/* The least and the largest lead of a row's class over any other class. */
static void
ml_multinomial_margins(const MlMultinomial *m, double *least, double *most)
{
	const MlDesign *d = &m->logit.design;

	for (int r = 0; r < d->rows; r++)
	{
		int			label = (int) d->y[r];

		if (!(d->w[r] > 0.0))
			continue;
		for (int c = 0; c < m->classes; c++)
		{
			double		lead = m->eta[(size_t) label * ML_PANEL_ROWS + r] -
				m->eta[(size_t) c * ML_PANEL_ROWS + r];

			if (c == label)
				continue;
			*least = lead < *least ? lead : *least;
			*most = lead > *most ? lead : *most;
		}
	}
}

/* Adds the slice to the gradient's sums. */
static void
ml_multinomial_gradient(MlMultinomial *m)
{
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;

	memset(l->sums, 0, l->gram_width * sizeof(double));
	for (int v = 0; v < l->vectors; v++)
	{
		int			c = v + m->first;
		const double *p = m->p + (size_t) c * ML_PANEL_ROWS,
				   *q = m->q + (size_t) c * ML_PANEL_ROWS;

		for (int r = 0; r < d->rows; r++)
			m->row[r] = d->w[r] * (d->y[r] == c ? q[r] : -p[r]);
		d->kernels->accumulate(d->rows, d->panels, d->x, m->row, l->sums + (size_t) v * d->width);
	}
	ml_add_carried((int) l->gram_width, l->sums, l->total, l->carry);
}

/* Adds the slice, weighted by row, to the Gram matrix of a pair of vectors. */
static void
ml_multinomial_add_gram(MlMultinomial *m, int u, int v)
{
	MlLogit    *l = &m->logit;

	ml_design_gram(&l->design, m->row,
				   l->gram + ((size_t) u * l->gram_width + v) * l->design.width, l->gram_width);
}

/* Adds the slice to the Gram matrices of all pairs of vectors. */
static void
ml_multinomial_gram(MlMultinomial *m)
{
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;

	for (int u = 0; u < l->vectors; u++)
	{
		for (int v = 0; v <= u; v++)
		{
			const double *p = m->p + (size_t) (u + m->first) * ML_PANEL_ROWS,
					   *other = (u == v ? m->q : m->p) + (size_t) (v + m->first) * ML_PANEL_ROWS;

			for (int r = 0; r < d->rows; r++)
				m->row[r] = d->w[r] * (u == v ? p[r] * other[r] : -(p[r] * other[r]));
			ml_multinomial_add_gram(m, u, v);
		}
		ml_breathe(d->tick);
	}
}

/*
 * Writes one block of the Hessian's lower triangle from a lower triangular
 * Gram block, which stands for a symmetric one.
 */
static void
ml_multinomial_block(MlLogit *l, int u, int v, const double *gram, size_t stride, double factor)
{
	size_t		n = (size_t) l->n,
				terms = (size_t) l->design.terms;

	for (size_t i = 0; i < terms; i++)
		for (size_t j = 0; j < (u == v ? i + 1 : terms); j++)
			l->hessian[(u * terms + i) * n + v * terms + j] =
				factor * (i >= j ? gram[i * stride + j] : gram[j * stride + i]);
}

/* The Hessian's lower triangle from the Gram matrices of the pairs. */
static void
ml_multinomial_hessian(MlMultinomial *m)
{
	MlLogit    *l = &m->logit;

	for (int u = 0; u < l->vectors; u++)
		for (int v = 0; v <= u; v++)
			ml_multinomial_block(l, u, v,
								 l->gram + ((size_t) u * l->gram_width + v) * l->design.width,
								 l->gram_width, 1.0);
}

/*
 * Adds the penalty to the Hessian. Over all classes the intercepts may shift
 * together at no cost; a term in their sum, which the gradient lacks, makes
 * the matrix definite and leaves the step as it is.
 */
static void
ml_multinomial_penalty(MlMultinomial *m, double weight)
{
	MlLogit    *l = &m->logit;
	size_t		n = (size_t) l->n,
				terms = (size_t) l->design.terms;

	if (l->options.l2 == 0.0)
		return;
	for (size_t i = 0; i < n; i++)
		if (!(l->options.intercept && i % terms == 0))
			l->hessian[i * n + i] += l->options.l2;
	if (!l->options.intercept)
		return;
	for (size_t u = 0; u < (size_t) l->vectors; u++)
		for (size_t v = 0; v <= u; v++)
			l->hessian[u * terms * n + v * terms] += weight / ((double) m->classes * m->classes);
}

typedef struct MlMultinomialTask
{
	MlMultinomial *m;
	double		weight;
	const double *beta;			/* where the last evaluation was, for conjugate gradients */
} MlMultinomialTask;

static void
ml_multinomial_evaluate(void *ctx, const double *beta, MlPoint *point)
{
	MlMultinomialTask *task = ctx;
	MlMultinomial *m = task->m;
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;
	double		least = (double) __builtin_inf(),
				most = 0.0,
				carry = 0.0;

	task->beta = beta;
	ml_logit_pad(l, beta);
	if (m->dense)
		memset(l->gram, 0, l->gram_width * l->gram_width * sizeof(double));
	memset(l->total, 0, l->gram_width * sizeof(double));
	memset(l->carry, 0, l->gram_width * sizeof(double));
	point->likelihood = 0.0;

	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		double		slice;

		ml_multinomial_predict(m);
		slice = ml_multinomial_softmax(m);
		ml_add_carried(1, &slice, &point->likelihood, &carry);
		ml_multinomial_margins(m, &least, &most);
		ml_multinomial_gradient(m);
		if (m->dense)
			ml_multinomial_gram(m);
	}

	point->likelihood += carry;
	point->fits_all = least > ML_MARGIN_ROOM * ml_gain_scale(most);
	ml_logit_gather(l);
	if (m->dense)
	{
		ml_multinomial_hessian(m);
		ml_multinomial_penalty(m, task->weight);
	}
	ml_logit_penalise(l, beta, point);
}

/* The null model: every row has the classes' shares, so all follows from the moments. */
static void
ml_multinomial_start(MlMultinomial *m, const double *gram, const double *xty,
					 MlLogitFit *fit, MlPoint *point)
{
	MlLogit    *l = &m->logit;
	size_t		width = (size_t) l->design.width;
	double		center = 0.0;

	if (l->options.intercept)
	{
		/* against the reference class, or against the mean of all */
		for (int c = 0; c < m->classes; c++)
			center += m->first == 1 ? (c == 0 ? ml_log(m->share[0]) : 0.0)
				: ml_log(m->share[c]) / m->classes;
		for (int v = 0; v < l->vectors; v++)
			fit->coef[(size_t) v * l->design.terms] = ml_log(m->share[v + m->first]) - center;
	}
	for (int v = 0; v < l->vectors; v++)
		for (size_t i = 0; i < width; i++)
		{
			double		all = 0.0;

			for (int c = 0; c < m->classes; c++)
				all += xty[c * width + i];
			l->total[v * width + i] = xty[(v + m->first) * width + i] - m->share[v + m->first] * all;
			l->carry[v * width + i] = 0.0;
		}

	point->gradient = l->gradient;
	point->likelihood = fit->null_log_likelihood;
	point->fits_all = false;
	ml_logit_gather(l);
	if (m->dense)
	{
		for (int u = 0; u < l->vectors; u++)
			for (int v = 0; v <= u; v++)
				ml_multinomial_block(l, u, v, gram, width, m->share[u + m->first] *
									 ((u == v ? 1.0 : 0.0) - m->share[v + m->first]));
		ml_multinomial_penalty(m, fit->weight);
	}
	ml_logit_penalise(l, fit->coef, point);
}

static void
ml_multinomial_solve(void *ctx, const double *gradient, double *direction)
{
	MlMultinomialTask *task = ctx;

	if (task->m->dense)
		ml_logit_solve(&task->m->logit, gradient, direction);
	else
		ml_multinomial_cg(task->m, task->beta, task->weight, gradient, direction);
}

/* The least and the largest gain along direction of a row's class over another. */
static void
ml_multinomial_gains(MlMultinomial *m, const double *direction, double *least, double *most)
{
	MlDesign   *d = &m->logit.design;

	*least = (double) __builtin_inf();
	*most = 0.0;
	ml_logit_pad(&m->logit, direction);
	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		ml_multinomial_predict(m);
		ml_multinomial_margins(m, least, most);
	}
}

/*
 * In p, for each class other than a row's own, 1 when the row's lead over it
 * is within limit, and for its own how many of these there are.
 */
static void
ml_multinomial_idle_pairs(MlMultinomial *m, double limit)
{
	const MlDesign *d = &m->logit.design;

	for (int r = 0; r < d->rows; r++)
	{
		int			label = (int) d->y[r];
		double	   *own = m->p + (size_t) label * ML_PANEL_ROWS + r;

		*own = 0.0;
		for (int c = 0; c < m->classes; c++)
		{
			size_t		at = (size_t) c * ML_PANEL_ROWS + r;
			double		lead = m->eta[(size_t) label * ML_PANEL_ROWS + r] - m->eta[at];

			if (c == label)
				continue;
			m->p[at] = d->w[r] > 0.0 && lead <= limit && lead >= -limit ? 1.0 : 0.0;
			*own += m->p[at];
		}
	}
}

/* The Gram matrix, into the Hessian's place, of the leads that direction moves by less than limit. */
static void
ml_multinomial_idle_rows(MlMultinomial *m, const double *direction, double limit)
{
	MlLogit    *l = &m->logit;
	MlDesign   *d = &l->design;

	memset(l->gram, 0, l->gram_width * l->gram_width * sizeof(double));
	ml_logit_pad(l, direction);
	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		ml_multinomial_predict(m);
		ml_multinomial_idle_pairs(m, limit);
		for (int u = 0; u < l->vectors; u++)
			for (int v = 0; v <= u; v++)
			{
				int			a = u + m->first,
							b = v + m->first;

				/* the lead of a over b is (e_a - e_b) x: its square has a minus between classes */
				for (int r = 0; r < d->rows; r++)
				{
					double		left = m->p[(size_t) a * ML_PANEL_ROWS + r],
								right = m->p[(size_t) b * ML_PANEL_ROWS + r];

					m->row[r] = a == b ? left : d->y[r] == a ? -right : d->y[r] == b ? -left : 0.0;
				}
				ml_multinomial_add_gram(m, u, v);
			}
	}
	ml_multinomial_hessian(m);
}

/* As for two classes, for every pair of a row's class and another. */
static bool
ml_multinomial_separates(void *ctx, const double *direction)
{
	MlMultinomial *m = ((MlMultinomialTask *) ctx)->m;
	MlLogit    *l = &m->logit;
	double		least,
				most;

	ml_multinomial_gains(m, direction, &least, &most);
	if (least >= 0.0)
		return most > 0.0;
	if (least < -ML_LOSS_MAX * ml_gain_scale(most))
		return false;
	if (m->dense)
	{
		ml_multinomial_idle_rows(m, direction, -4.0 * least);
		memcpy(l->exact, direction, (size_t) l->n * sizeof(double));
		ml_logit_leave_alone(l, l->exact);
		ml_multinomial_gains(m, l->exact, &least, &most);
	}
	return most > 0.0 && least >= -ML_LOSS_ROUNDING * ml_gain_scale(most);
}

/* Carves what the shared workspace lacks; returns the space of the classes' sums. */
static double *
ml_multinomial_carve(MlMultinomial *m, double *work)
{
	MlLogit    *l = &m->logit;
	size_t		rows = (size_t) m->classes * ML_PANEL_ROWS;

	memset(work, 0, (3 * rows + 2 * ML_PANEL_ROWS) * sizeof(double));
	m->eta = work;
	m->p = m->eta + rows;
	m->q = m->p + rows;
	m->row = m->q + rows;
	m->best = m->row + ML_PANEL_ROWS;
	m->share = m->best + ML_PANEL_ROWS;
	work = m->share + m->classes;
	if (!m->dense)
	{
		size_t		terms = (size_t) l->design.terms;

		l->gram = work;
		m->metric = l->gram + (size_t) l->design.width * l->design.width;
		m->residual = m->metric + terms * terms;
		m->scaled = m->residual + l->n;
		m->along = m->scaled + l->n;
		m->curved = m->along + l->n;
		work = m->curved + l->n;
	}
	return work;
}

/* Takes the moments, the null model and the dependent terms; anything but ML_OK ends the fit. */
static MlStatus
ml_multinomial_prepare(MlMultinomial *m, double *sums, MlLogitFit *fit, MlPoint *point)
{
	MlLogit    *l = &m->logit;
	size_t		width = (size_t) l->design.width;
	double	   *carry = sums + (size_t) m->classes * width,
			   *weight = carry + (size_t) m->classes * width;
	MlStatus	status;

	status = ml_design_moments(&l->design, m->classes, l->gram, sums, weight, carry);
	if (status == ML_OK)
		status = ml_logit_null(l, m->classes, weight, fit);
	if (status != ML_OK)
		return status;

	for (int c = 0; c < m->classes; c++)
	{
		m->share[c] = l->options.intercept ? weight[c] / fit->weight : 1.0 / m->classes;
		m->prior += m->share[c] * (1.0 - m->share[c]) / m->classes;
	}
	ml_logit_alias(l, l->gram, m->dense ? l->hessian : m->metric, fit);
	if (fit->rank == 0)
		return ML_SINGULAR;
	if (!m->dense)
		ml_multinomial_metric(m, l->gram);
	ml_multinomial_start(m, l->gram, sums, fit, point);
	return ML_OK;
}

/* Over all classes the intercepts are free to shift together: their sum is fixed at zero. */
static void
ml_multinomial_center(MlLogitFit *fit, bool all_classes)
{
	double		mean = 0.0;

	if (!all_classes || !fit->intercept)
		return;
	for (int v = 0; v < fit->vectors; v++)
		mean += fit->coef[(size_t) v * fit->terms] / fit->vectors;
	for (int v = 0; v < fit->vectors; v++)
		fit->coef[(size_t) v * fit->terms] -= mean;
}

MlStatus
ml_multinomial_fit(const MlBlocks *blocks, int classes, const MlLogitOptions *options,
				   double *work, size_t work_doubles,
				   MlLogitFit *fit, const MlTick *tick)
{
	MlMultinomial m;
	MlMultinomialTask context;
	MlNewtonTask task = {0};
	MlNewtonResult result;
	MlPoint		point = {0};
	MlStatus	status;
	size_t		need;

	status = ml_multinomial_size(blocks->cols, classes, options, &need);
	if (status != ML_OK)
		return status;
	if (work_doubles < need)
		return ML_NEED_SPACE;

	memset(&m, 0, sizeof(m));
	m.classes = classes;
	m.first = options->l2 == 0.0 ? 1 : 0;
	m.dense = ml_multinomial_dense(blocks->cols, classes, options);
	work = ml_logit_carve(&m.logit, blocks, options, ml_multinomial_vectors(classes, options),
						  m.dense, work, fit, tick);
	work = ml_multinomial_carve(&m, work);
	status = ml_multinomial_prepare(&m, work, fit, &point);
	if (status != ML_OK)
		return status;

	context.m = &m;
	context.weight = fit->weight;
	context.beta = fit->coef;
	task.n = m.logit.n;
	task.weight = fit->weight;
	task.may_separate = options->l2 == 0.0;
	task.max_iterations = options->max_iterations;
	task.tolerance = options->tolerance;
	task.ctx = &context;
	task.evaluate = ml_multinomial_evaluate;
	task.solve = ml_multinomial_solve;
	task.separates = ml_multinomial_separates;
	status = ml_newton(&task, fit->coef, &point, m.logit.steps, &result);
	if (status == ML_OK || status == ML_NOT_CONVERGED)
	{
		ml_logit_finish(&m.logit, &point, &result, m.dense && m.first == 1, fit);
		ml_multinomial_center(fit, m.first == 0);
	}
	return status;
}
