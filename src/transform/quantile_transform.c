/*
 * quantile_transform.c - numbers by their rank among the training rows: the share below, or its normal quantile.
 *
 * n_quantiles reference points are learned at equal shares of all training
 * rows (quantiles between neighbours on straight lines). A value becomes the
 * share that straight lines between them give; of equal points, the middle of
 * theirs. Values beyond the training rows are 0 or 1. With "output": "normal"
 * the share goes through the normal quantile, and ends at +-5.2, where the
 * share is 1e-7 from its end. The same as scikit-learn's QuantileTransformer,
 * but without drawing a part of the rows. Missing values stay missing.
 *
 * Payload: columns.h; u8 normal; u32 points; per treated column f64 * points.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "math/dist.h"
#include "transform/columns.h"
#include "transform/quantile.h"

#define ML_RANK_POINTS_MAX	100000

/* What counts as the end of the range, in units of the column, and of shares. */
#define ML_RANK_END			1e-7

typedef struct MlRank
{
	int			ncols;
	bool	   *treated;
	bool		normal;
	int			npoints;
	double	  **points;			/* per column treated: ascending */
	double		lowest;			/* of normal quantiles */
	double		highest;
} MlRank;

enum
{
	ML_RANK_POINTS,
	ML_RANK_OUTPUT
};

static const MlParam ml_rank_params[] = {
	{"n_quantiles", ML_PARAM_INTEGER, "1000", 2, ML_RANK_POINTS_MAX, NULL,
	"How many reference points are learned; at most the number of training rows."},
	{"output", ML_PARAM_TEXT, "uniform", 0, 0, "uniform|normal",
	"What numbers become: the share of training values below, or the normal quantile of that."},
};

static MlRank *
ml_rank_create(int ncols, bool normal)
{
	MlRank	   *s = palloc0(sizeof(MlRank));

	s->ncols = ncols;
	s->normal = normal;
	s->points = palloc0(sizeof(double *) * Max(ncols, 1));
	s->lowest = ml_normal_quantile(ML_RANK_END - 0x1p-52);
	s->highest = ml_normal_quantile(1 - (ML_RANK_END - 0x1p-52));
	return s;
}

static void
ml_rank_shape(const MlRank *s, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			ml_columns_bent(&out->cols[j]);
}

static void *
ml_rank_fit(const MlFitContext *ctx, MlShape *out)
{
	MlRank	   *s = ml_rank_create(ctx->in->ncols, strcmp(ctx->params[ML_RANK_OUTPUT].text, "normal") == 0);
	double	   *shares;

	s->treated = ml_columns_treated(ctx);
	s->npoints = (int) Max(Min((int64) ctx->params[ML_RANK_POINTS].number, ctx->rows->nrows), 2);
	shares = ml_columns_numbers(s->npoints);
	for (int k = 0; k < s->npoints; k++)
		shares[k] = k == 0 ? 0 : k == s->npoints - 1 ? 1 : (double) k / (s->npoints - 1);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			s->points[j] = ml_columns_numbers(s->npoints);
	ml_quantile_shares(ctx->rows, s->ncols, s->treated, s->npoints, shares, s->points);
	/* straight lines may round a point below the one before */
	for (int j = 0; j < s->ncols; j++)
		for (int k = 1; s->treated[j] && k < s->npoints; k++)
			s->points[j][k] = Max(s->points[j][k], s->points[j][k - 1]);
	ml_rank_shape(s, ctx->in, out);
	return s;
}

/* How many points are below x, or not above it. */
static int
ml_rank_count(const double *points, int n, double x, bool equal)
{
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (points[middle] < x || (equal && points[middle] == x))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The share at x between point k and the next. */
static double
ml_rank_between(const MlRank *s, const double *points, int k, double x)
{
	double		width = points[k + 1] - points[k];
	double		part = (x - points[k]) / width;

	/* a width beyond the range of a double */
	if (!isfinite(width))
		part = (x / 2 - points[k] / 2) / (points[k + 1] / 2 - points[k] / 2);
	return (k + part) / (s->npoints - 1);
}

static double
ml_rank_share(const MlRank *s, const double *points, double x)
{
	int			last = s->npoints - 1;
	int			below;
	int			upto;

	if (s->normal ? x - ML_RANK_END < points[0] : x <= points[0])
		return 0;
	if (s->normal ? x + ML_RANK_END > points[last] : x >= points[last])
		return 1;
	below = ml_rank_count(points, s->npoints, x, false);
	upto = ml_rank_count(points, s->npoints, x, true);
	/* of points that equal x, the middle of the first's and the last's share */
	if (upto > below)
		return (below + upto - 1) / 2.0 / last;
	return ml_rank_between(s, points, below - 1, x);
}

static void
ml_rank_apply(const void *state, const double *in, double *out)
{
	const MlRank *s = state;

	for (int j = 0; j < s->ncols; j++)
	{
		out[j] = in[j];
		if (!s->treated[j] || ml_cell_is_missing(in[j]))
			continue;
		out[j] = ml_rank_share(s, s->points[j], in[j]);
		if (s->normal)
			out[j] = Min(Max(ml_normal_quantile(out[j]), s->lowest), s->highest);
	}
}

static void
ml_rank_write(const void *state, StringInfo out)
{
	const MlRank *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	ml_write_u8(out, s->normal);
	ml_write_u32(out, s->npoints);
	for (int j = 0; j < s->ncols; j++)
		for (int k = 0; s->treated[j] && k < s->npoints; k++)
			ml_write_f64(out, s->points[j][k]);
}

static void *
ml_rank_read(MlReader *r, const MlShape *in, MlShape *out)
{
	bool	   *treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	MlRank	   *s = ml_rank_create(in->ncols, ml_read_u8(r) != 0);

	s->treated = treated;
	s->npoints = ml_read_count(r, ml_columns_count(treated, in->ncols) > 0 ? 8 : 0);
	if (s->npoints < 2 || s->npoints > ML_RANK_POINTS_MAX)
		ml_read_corrupted("quantile_transform has no reference points");
	for (int j = 0; j < s->ncols; j++)
	{
		if (!treated[j])
			continue;
		if ((int64) s->npoints * 8 > r->end - r->at)
			ml_read_corrupted("a count exceeds the artifact");
		s->points[j] = ml_columns_numbers(s->npoints);
		for (int k = 0; k < s->npoints; k++)
		{
			s->points[j][k] = ml_read_finite(r);
			if (k > 0 && s->points[j][k] < s->points[j][k - 1])
				ml_read_corrupted("reference points do not ascend");
		}
	}
	ml_rank_shape(s, in, out);
	return s;
}

static void
ml_rank_learned(const void *state, int column, StringInfo out)
{
	const MlRank *s = state;

	appendStringInfoString(out, "\"quantiles\": ");
	ml_columns_array(out, s->points[column], s->npoints);
}

static void
ml_rank_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlRank *s = state;

	appendStringInfo(out, "{\"n_quantiles\": %d, \"columns\": ", s->npoints);
	ml_columns_describe(state, in, s->treated, ml_rank_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_rank_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlRank *s = state;

	appendStringInfo(out, "%d reference points from %s to %s", s->npoints, ml_text_number(s->points[column][0]),
					 ml_text_number(s->points[column][s->npoints - 1]));
}

const MlTransform ml_transform_quantile = {
	.name = "quantile_transform",
	.summary = "replaces numbers by their rank among the training rows",
	.tag = 22,
	.version = 1,
	.params = ml_rank_params,
	.nparams = lengthof(ml_rank_params),
	.takes = ML_TAKES_NUMBERS,
	.fit = ml_rank_fit,
	.apply = ml_rank_apply,
	.write = ml_rank_write,
	.read = ml_rank_read,
	.describe = ml_rank_describe,
	.words = ml_rank_words,
};
