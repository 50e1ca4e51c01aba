/*
 * boost_loss.c - gradients of the losses, scores, and the mean loss of rows.
 *
 * g and h are the first and second derivative of a row's loss in its score:
 * squared error (F - y)^2 / 2, logistic and softmax negative log-likelihood.
 * With softmax the hessian is p (1 - p) K / (K - 1), Friedman's (2001,
 * algorithm 6).
 */
#include <math.h>
#include <string.h>

#include "math/boost_state.h"
#include "math/elementary.h"

/* Rows taken at once. */
#define ML_BOOST_STRETCH	256

/* Gradients that are all below this have nothing left to learn, and no inverse of their scale. */
#define ML_BOOST_G_TINY		0x1p-900

void
ml_boost_start_scores(MlBoost *b)
{
	for (int k = 0; k < b->spec->groups; k++)
	{
		double	   *score = b->score + (size_t) k * b->spec->rows;

		for (int64_t i = b->fit_from; i < b->fit_to; i++)
			score[i] = b->base[k];
		for (int64_t i = b->later_from; i < b->later_to; i++)
			score[i] = b->base[k];
	}
}

/* Softmax of rows from to from + n - 1, shifted by the greatest score; p[k] are ML_BOOST_STRETCH apart. */
static void
ml_boost_softmax(const MlBoost *b, int64_t from, int n, double *p, size_t apart)
{
	int			groups = b->spec->groups;
	double		most[ML_BOOST_STRETCH];
	double		sum[ML_BOOST_STRETCH];

	for (int i = 0; i < n; i++)
	{
		most[i] = -INFINITY;
		sum[i] = 0;
	}
	for (int k = 0; k < groups; k++)
	{
		const double *score = b->score + (size_t) k * b->spec->rows + from;

		for (int i = 0; i < n; i++)
			most[i] = score[i] > most[i] ? score[i] : most[i];
	}
	for (int k = 0; k < groups; k++)
	{
		const double *score = b->score + (size_t) k * b->spec->rows + from;
		double	   *out = p + (size_t) k * apart;

		for (int i = 0; i < n; i++)
			out[i] = score[i] - most[i];
		ml_exp_block(n, out, out);
		for (int i = 0; i < n; i++)
			sum[i] += out[i];
	}
	for (int k = 0; k < groups; k++)
		for (int i = 0; i < n; i++)
			p[(size_t) k * apart + i] /= sum[i];
}

void
ml_boost_probabilities(MlBoost *b)
{
	int			groups = b->spec->groups;
	int			stretch = ML_BOOST_STRETCH;
	double	   *p = (double *) (void *) b->narrow;

	/* the narrow histogram is empty now and lends its room; it holds at least 256 numbers a column */
	while ((size_t) stretch * groups > ML_BIN_CODES * (size_t) ML_BOOST_TILE)
		stretch /= 2;
	for (int64_t from = b->fit_from; from < b->fit_to; from += stretch)
	{
		int			n = (int) (b->fit_to - from < stretch ? b->fit_to - from : stretch);

		ml_breathe(b->tick);
		ml_boost_softmax(b, from, n, p, stretch);
		for (int k = 0; k < groups; k++)
			for (int i = 0; i < n; i++)
				b->probability[(size_t) k * b->spec->rows + from + i] = (float) p[(size_t) k * stretch + i];
	}
	memset(b->narrow, 0, sizeof(uint64_t) * ML_BIN_CODES * ML_BOOST_TILE);
}

/* Derivatives of a stretch of rows. */
static void
ml_boost_derive(const MlBoost *b, int group, int64_t from, int n, double *g, double *h)
{
	const MlBoostSpec *spec = b->spec;
	const double *score = b->score + (size_t) group * spec->rows + from;

	if (spec->loss == ML_BOOST_SQUARED)
		for (int i = 0; i < n; i++)
		{
			g[i] = score[i] - b->targets[from + i];
			h[i] = 1;
		}
	else if (spec->loss == ML_BOOST_LOGISTIC)
	{
		ml_sigmoid_block(n, score, g);
		for (int i = 0; i < n; i++)
		{
			h[i] = g[i] * (1 - g[i]);
			g[i] -= b->classes[from + i];
		}
	}
	else
	{
		const float *p = b->probability + (size_t) group * spec->rows + from;
		double		factor = spec->groups / (spec->groups - 1.0);

		for (int i = 0; i < n; i++)
		{
			h[i] = p[i] * (1.0 - p[i]) * factor;
			g[i] = p[i] - (b->classes[from + i] == group);
		}
	}
	for (int i = 0; spec->weighted && i < n; i++)
	{
		g[i] *= b->weights[from + i];
		h[i] *= b->weights[from + i];
	}
}

/* The greatest |g| of the rows of all members. */
static double
ml_boost_bound(MlBoost *b)
{
	double		g[ML_BOOST_STRETCH];
	double		h[ML_BOOST_STRETCH];
	double		most = 0;

	for (int64_t from = b->fit_from; from < b->fit_to; from += ML_BOOST_STRETCH)
	{
		int			n = (int) (b->fit_to - from < ML_BOOST_STRETCH ? b->fit_to - from : ML_BOOST_STRETCH);

		ml_boost_derive(b, 0, from, n, g, h);
		for (int i = 0; i < n; i++)
			most = fabs(g[i]) > most ? fabs(g[i]) : most;
	}
	b->bound[b->team.me] = most;
	ml_boost_meet(b);
	for (int m = 0; m < b->team.members; m++)
		most = b->bound[m] > most ? b->bound[m] : most;
	ml_boost_meet(b);
	return most;
}

/* Powers of two that bring g and h to fractions: |g| <= 2^30, h <= 2^31. */
static void
ml_boost_scale(MlBoost *b, double g_bound, double h_bound)
{
	int			exponent;

	if (frexp(g_bound, &exponent) == 0.5)
		exponent--;
	b->g_scale = ldexp(1, exponent - ML_BOOST_FRACTION_BITS);
	b->g_unit = b->plain ? b->g_scale : ldexp(1, exponent - ML_BOOST_G_STEP_BITS);
	if (frexp(h_bound, &exponent) == 0.5)
		exponent--;
	b->h_scale = ldexp(1, exponent - ML_BOOST_FRACTION_BITS - 1);
	b->h_unit = b->plain ? 1 : ldexp(1, exponent - ML_BOOST_H_STEP_BITS);
}

/* Fractions and increments of a stretch of rows. */
ML_CLONES static void
ml_boost_fractions(MlBoost *b, int64_t from, int n, const double *g, const double *h)
{
	double		g_inverse = 1 / b->g_scale;
	double		h_inverse = 1 / b->h_scale;

	for (int i = 0; i < n; i++)
	{
		/* adding and taking off 1.5 * 2^52 rounds to the nearest integer */
		double		f = (h[i] * h_inverse + 0x1.8p52) - 0x1.8p52;

		b->g[from + i] = (int32_t) ((g[i] * g_inverse + 0x1.8p52) - 0x1.8p52);
		b->h[from + i] = (uint32_t) (int64_t) (f < 4294967295.0 ? f : 4294967295.0);
	}
}

bool
ml_boost_gradients(MlBoost *b, int group)
{
	const MlBoostSpec *spec = b->spec;
	double		g[ML_BOOST_STRETCH];
	double		h[ML_BOOST_STRETCH];
	uint32_t	key = (uint32_t) ((spec->seed + (uint64_t) b->round * spec->groups + group + 1) *
								  UINT64_C(0x9e3779b97f4a7c15) >> 32);

	if (spec->loss == ML_BOOST_SQUARED)
	{
		double		bound = ml_boost_bound(b);

		if (!(bound > ML_BOOST_G_TINY && bound < INFINITY))
			return false;
		ml_boost_scale(b, bound, spec->weight_max);
	}
	else
		ml_boost_scale(b, spec->weight_max, spec->weight_max * (spec->loss == ML_BOOST_SOFTMAX ? 0.5 : 0.25));
	for (int64_t from = b->fit_from; from < b->fit_to; from += ML_BOOST_STRETCH)
	{
		int			n = (int) (b->fit_to - from < ML_BOOST_STRETCH ? b->fit_to - from : ML_BOOST_STRETCH);

		if (from % (64 * ML_BOOST_STRETCH) == 0)
			ml_breathe(b->tick);
		ml_boost_derive(b, group, from, n, g, h);
		if (b->plain)
		{
			double		inverse = 1 / b->g_scale;

			for (int i = 0; i < n; i++)
				b->inc[from + i] = ((uint64_t) (int64_t) ((g[i] * inverse + 0x1.8p52) - 0x1.8p52)
									<< ML_BOOST_ROWS_BITS) | 1;
			continue;
		}
		ml_boost_fractions(b, from, n, g, h);
		ml_boost_increments(b->g + from, b->h + from, from, n, key, b->inc + from);
	}
	return true;
}

/* Losses of a stretch of rows; p has room for a stretch of every group. */
static void
ml_boost_losses(const MlBoost *b, int64_t from, int n, double *p, double *loss)
{
	const MlBoostSpec *spec = b->spec;
	const double *score = b->score + from;

	if (spec->loss == ML_BOOST_SQUARED)
		for (int i = 0; i < n; i++)
			loss[i] = (score[i] - b->targets[from + i]) * (score[i] - b->targets[from + i]);
	else if (spec->loss == ML_BOOST_LOGISTIC)
	{
		for (int i = 0; i < n; i++)
			loss[i] = b->classes[from + i] ? -score[i] : score[i];
		ml_log1p_exp_block(n, loss, loss);
	}
	else
	{
		ml_boost_softmax(b, from, n, p, n);
		for (int i = 0; i < n; i++)
			loss[i] = p[(size_t) b->classes[from + i] * n + i] + 1e-300;
		ml_log_block(n, loss, loss);
		for (int i = 0; i < n; i++)
			loss[i] = -loss[i];
	}
}

double
ml_boost_mean_loss(MlBoost *b, int64_t first, int64_t last)
{
	MlBoostJudgement *mine = &b->judgement[b->team.me];
	MlBoostJudgement all;
	double		loss[ML_BOOST_STRETCH];
	int			stretch = ML_BOOST_STRETCH;

	while ((size_t) stretch * b->spec->groups > ML_BIN_CODES * (size_t) ML_BOOST_TILE)
		stretch /= 2;
	memset(mine, 0, sizeof *mine);
	for (int64_t from = first; from < last; from += stretch)
	{
		int			n = (int) (last - from < stretch ? last - from : stretch);

		if ((from - first) % (64 * ML_BOOST_STRETCH) == 0)
			ml_breathe(b->tick);
		ml_boost_losses(b, from, n, (double *) (void *) b->narrow, loss);
		for (int i = 0; i < n; i++)
		{
			double		w = b->spec->weighted ? b->weights[from + i] : 1;

			ml_exact_add(&mine->loss, w * loss[i]);
			ml_exact_add(&mine->weight, w);
		}
	}
	if (b->spec->loss == ML_BOOST_SOFTMAX)
		memset(b->narrow, 0, sizeof(uint64_t) * ML_BIN_CODES * ML_BOOST_TILE);
	ml_boost_meet(b);
	all = b->judgement[0];
	for (int m = 1; m < b->team.members; m++)
	{
		ml_exact_merge(&all.loss, &b->judgement[m].loss);
		ml_exact_merge(&all.weight, &b->judgement[m].weight);
	}
	ml_boost_meet(b);
	return ml_exact_value(&all.loss) / ml_exact_value(&all.weight);
}
