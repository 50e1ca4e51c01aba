/*
 * boost_search.c - the best split of a leaf in one column.
 *
 * The gain of a split is what it takes off the second-order approximation of
 * the loss (Chen and Guestrin 2016, equation 7, without the factor a half).
 * Sums are turned into doubles without rounding, so the same histogram gives
 * the same gain to the bit everywhere.
 */
#include <math.h>
#include <string.h>

#include "math/boost_internal.h"

/* A gain below this share of the terms it is the difference of is rounding. */
#define ML_BOOST_GAIN_TINY	1e-12

/* So few levels have few enough sets that their choice needs no penalty. */
#define ML_BOOST_LEVELS_FEW	4

/* Sums of the bins up to each one. */
typedef struct MlBoostPrefix
{
	double		g[ML_BIN_CODES];
	double		h[ML_BIN_CODES];
	double		rows[ML_BIN_CODES];
	double		gain[ML_BIN_CODES];
} MlBoostPrefix;

/* The part of the loss that a leaf of this value takes off. */
static inline double
ml_boost_taken(double g, double h, double value)
{
	return -(2 * g + h * value) * value;
}

/* Gains of the first n prefixes; what can't be a split has -1. */
ML_CLONES static void
ml_boost_gains(MlBoostPrefix *p, int n, double g, double h, double rows, double l2, double min_rows,
			   double min_hessian)
{
	double		parent = g * g / (h + l2);

	for (int b = 0; b < n; b++)
	{
		double		gr = g - p->g[b];
		double		hr = h - p->h[b];
		double		left = p->g[b] * p->g[b] / (p->h[b] + l2);
		double		right = gr * gr / (hr + l2);
		double		gain = left + right - parent;
		bool		good = p->rows[b] >= min_rows && rows - p->rows[b] >= min_rows &&
			p->h[b] >= min_hessian && hr >= min_hessian && gain > ML_BOOST_GAIN_TINY * (left + right);

		p->gain[b] = good ? gain : -1;
	}
}

/* The same where values have bounds and the column may have a direction. */
static void
ml_boost_gains_bounded(const MlBoostSearch *s, MlBoostPrefix *p, int n, double g, double h, double rows, double l2,
					   int monotone)
{
	const MlBoostSpec *spec = s->spec;
	double		parent = ml_boost_taken(g, h + l2, ml_boost_value(g, h, l2, s->low, s->high));

	for (int b = 0; b < n; b++)
	{
		double		hr = h - p->h[b];
		double		left = ml_boost_value(p->g[b], p->h[b], l2, s->low, s->high);
		double		right = ml_boost_value(g - p->g[b], hr, l2, s->low, s->high);
		double		taken = ml_boost_taken(p->g[b], p->h[b] + l2, left) +
			ml_boost_taken(g - p->g[b], hr + l2, right);
		double		gain = taken - parent;
		bool		good = p->rows[b] >= spec->min_rows && rows - p->rows[b] >= spec->min_rows &&
			p->h[b] >= spec->min_hessian && hr >= spec->min_hessian && gain > ML_BOOST_GAIN_TINY * fabs(taken) &&
			!(monotone > 0 && left > right) && !(monotone < 0 && left < right);

		p->gain[b] = good ? gain : -1;
	}
}

static void
ml_boost_judge(const MlBoostSearch *s, MlBoostPrefix *p, int n, double l2, int monotone)
{
	double		g = (double) s->all.g * s->g_unit;
	double		h = (double) s->all.h * s->h_unit;
	double		rows = (double) s->all.rows;

	if (s->spec->monotone)
		ml_boost_gains_bounded(s, p, n, g, h, rows, l2, monotone);
	else
		ml_boost_gains(p, n, g, h, rows, l2, (double) s->spec->min_rows, s->spec->min_hessian);
}

/* The first of the greatest gains, or -1 when none is more than the best so far. */
static int
ml_boost_greatest(const double *gain, int n, double best)
{
	double		most = best;
	int			at = -1;

	for (int b = 0; b < n; b++)
		if (gain[b] > most)
		{
			most = gain[b];
			at = b;
		}
	return at;
}

static void
ml_boost_take(const MlBoostSearch *s, int index, double gain, MlBoostSplit *best)
{
	memset(best, 0, sizeof *best);
	best->gain = gain;
	best->column = index;
	best->all = s->all;
}

/* Sums of the bins up to each one; begin is what is on the left before the first. */
static void
ml_boost_sum_up(const MlBoostSearch *s, const int64_t *g, const int64_t *h, const int64_t *rows, int n,
				MlBoostTotals begin, MlBoostPrefix *p)
{
	for (int b = 0; b < n; b++)
	{
		begin.g += g[b];
		begin.h += h[b];
		begin.rows += rows[b];
		p->g[b] = (double) begin.g * s->g_unit;
		p->h[b] = (double) begin.h * s->h_unit;
		p->rows[b] = (double) begin.rows;
	}
}

/* Of the edges that part the rows in the same way, the one in the middle. */
static int
ml_boost_middle(const int64_t *rows, int nbins, int bin)
{
	int			last = bin;

	while (last + 1 < nbins && rows[last + 1] == 0)
		last++;
	/* with no value beyond, the split is between values and missing ones */
	return last + 1 == nbins ? nbins - 1 : bin + (last - bin) / 2;
}

static void
ml_boost_take_numbers(const MlBoostSearch *s, const MlBinColumn *column, int index, double gain, int bin,
					  bool missing_left, const int64_t *g, const int64_t *h, const int64_t *rows,
					  MlBoostSplit *best)
{
	int			nbins = column->nbins;

	ml_boost_take(s, index, gain, best);
	for (int b = 0; b <= bin; b++)
	{
		best->left.g += g[b];
		best->left.h += h[b];
		best->left.rows += rows[b];
	}
	best->missing_left = missing_left;
	best->bin = ml_boost_middle(rows, nbins, bin);
	if (column->missing && rows[nbins] > 0)
	{
		if (missing_left)
		{
			best->left.g += g[nbins];
			best->left.h += h[nbins];
			best->left.rows += rows[nbins];
		}
	}
	else
		/* none was missing here: one that comes goes with the many */
		best->missing_left = best->left.rows >= s->all.rows - best->left.rows;
}

void
ml_boost_search_numbers(const MlBoostSearch *s, const MlBinColumn *column, int index, const int64_t *g,
						const int64_t *h, const int64_t *rows, MlBoostSplit *best)
{
	MlBoostPrefix p;
	MlBoostTotals none = {0, 0, 0};
	int			nbins = column->nbins;
	bool		missing = column->missing && rows[nbins] > 0;
	int			n = missing ? nbins : nbins - 1;
	int			at;

	if (n <= 0)
		return;
	ml_boost_sum_up(s, g, h, rows, n, none, &p);
	ml_boost_judge(s, &p, n, s->spec->l2, column->monotone);
	at = ml_boost_greatest(p.gain, n, best->gain);
	if (at >= 0)
		ml_boost_take_numbers(s, column, index, p.gain[at], at, false, g, h, rows, best);
	if (!missing)
		return;
	none.g = g[nbins];
	none.h = h[nbins];
	none.rows = rows[nbins];
	ml_boost_sum_up(s, g, h, rows, nbins - 1, none, &p);
	ml_boost_judge(s, &p, nbins - 1, s->spec->l2, column->monotone);
	at = ml_boost_greatest(p.gain, nbins - 1, best->gain);
	if (at >= 0)
		ml_boost_take_numbers(s, column, index, p.gain[at], at, true, g, h, rows, best);
}

/* The levels that occur, by mean gradient; the missing ones are a level of their own. */
static int
ml_boost_order_levels(const MlBoostSearch *s, const int64_t *g, const int64_t *h, const int64_t *rows, int codes,
					  int *order)
{
	double		place[ML_BIN_CODES];
	double		smoothing = s->spec->level_smoothing * (double) s->all.h * s->h_unit / (double) s->all.rows;
	double		middle = (double) s->all.g * s->g_unit / ((double) s->all.h * s->h_unit + 1e-300);
	int			n = 0;

	for (int c = 0; c < codes; c++)
	{
		int			at = n;

		if (rows[c] == 0)
			continue;
		place[c] = ((double) g[c] * s->g_unit + smoothing * middle) / ((double) h[c] * s->h_unit + smoothing + 1e-300);
		while (at > 0 && place[order[at - 1]] > place[c])
		{
			order[at] = order[at - 1];
			at--;
		}
		order[at] = c;
		n++;
	}
	return n;
}

void
ml_boost_search_levels(const MlBoostSearch *s, const MlBinColumn *column, int index, const int64_t *g,
					   const int64_t *h, const int64_t *rows, MlBoostSplit *best)
{
	MlBoostPrefix p;
	MlBoostTotals sum = {0, 0, 0};
	int			order[ML_BIN_CODES];
	int			codes = column->nbins + column->missing;
	int			n = ml_boost_order_levels(s, g, h, rows, codes, order);
	bool		many = n > ML_BOOST_LEVELS_FEW;
	double		l2 = s->spec->l2 + (many ? s->spec->level_l2 + s->spec->level_l2_each * n : 0);
	bool		rest_left;
	int			at;

	if (n < 2)
		return;
	for (int i = 0; i < n - 1; i++)
	{
		sum.g += g[order[i]];
		sum.h += h[order[i]];
		sum.rows += rows[order[i]];
		p.g[i] = (double) sum.g * s->g_unit;
		p.h[i] = (double) sum.h * s->h_unit;
		p.rows[i] = (double) sum.rows;
	}
	ml_boost_judge(s, &p, n - 1, l2, 0);
	for (int i = 0; i < n - 1 && many; i++)
		if (p.rows[i] < s->spec->level_rows || (double) s->all.rows - p.rows[i] < s->spec->level_rows)
			p.gain[i] = -1;
	at = ml_boost_greatest(p.gain, n - 1, best->gain);
	if (at < 0)
		return;
	ml_boost_take(s, index, p.gain[at], best);
	best->category = true;
	for (int i = 0; i <= at; i++)
	{
		best->left.g += g[order[i]];
		best->left.h += h[order[i]];
		best->left.rows += rows[order[i]];
		best->set[order[i] >> 6] |= UINT64_C(1) << (order[i] & 63);
	}
	/* levels that do not occur here go with the many, and so does what is missing unless it occurs */
	rest_left = best->left.rows >= s->all.rows - best->left.rows;
	for (int c = 0; c < column->nbins && rest_left; c++)
		if (rows[c] == 0)
			best->set[c >> 6] |= UINT64_C(1) << (c & 63);
	if (column->missing && rows[column->nbins] > 0)
		best->missing_left = (best->set[column->nbins >> 6] >> (column->nbins & 63)) & 1;
	else
		best->missing_left = rest_left;
	/* the code of what is missing is no level */
	if (column->nbins < ML_BIN_CODES)
		best->set[column->nbins >> 6] &= ~(UINT64_C(1) << (column->nbins & 63));
}
