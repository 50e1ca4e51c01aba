/*
 * standardise.c - number columns to mean 0 and standard deviation 1 over the training rows.
 *
 * Indicators and one-hot columns that come after keep their units. A column
 * that does not vary is centred and not divided. With "center": false nothing
 * is centred, and 0 stays 0.
 *
 * Payload: u32 columns; per column u8 treated, f64 mean, f64 standard deviation.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "transform/quantile.h"
#include "transform/transform.h"

typedef struct MlStandardise
{
	int			ncols;
	bool	   *treated;
	double	   *mean;
	double	   *stddev;
	double	   *factor;			/* 1 / stddev */
} MlStandardise;

enum
{
	ML_STANDARDISE_CENTER
};

static const MlParam ml_standardise_params[] = {
	{"center", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether the mean is taken off; false suits a learner whose model has no constant term."},
};

static MlStandardise *
ml_standardise_create(int ncols)
{
	MlStandardise *s = palloc0(sizeof(MlStandardise));

	s->ncols = ncols;
	s->treated = palloc0(sizeof(bool) * Max(ncols, 1));
	s->mean = palloc0(sizeof(double) * Max(ncols, 1));
	s->stddev = palloc0(sizeof(double) * Max(ncols, 1));
	s->factor = palloc0(sizeof(double) * Max(ncols, 1));
	return s;
}

static void
ml_standardise_shape(MlStandardise *s, const MlShape *in, MlShape *out)
{
	out->ncols = in->ncols;
	out->cols = palloc(sizeof(MlColumn) * Max(in->ncols, 1));
	for (int j = 0; j < in->ncols; j++)
	{
		out->cols[j] = ml_column_copy(&in->cols[j]);
		s->factor[j] = 1 / s->stddev[j];
		if (s->treated[j])
		{
			out->cols[j].center += out->cols[j].scale * s->mean[j];
			out->cols[j].scale *= s->stddev[j];
			out->cols[j].entrance = -1;
		}
	}
}

static void *
ml_standardise_fit(const MlFitContext *ctx, MlShape *out)
{
	MlStandardise *s = ml_standardise_create(ctx->in->ncols);
	bool	   *unknown = palloc0(sizeof(bool) * Max(ctx->in->ncols, 1));

	for (int j = 0; j < ctx->in->ncols; j++)
	{
		int			entrance = ctx->in->cols[j].entrance;

		s->treated[j] = unknown[j] = ctx->selected[j] && !ctx->in->cols[j].category;
		if (s->treated[j] && entrance >= 0 && isfinite(ctx->stats[entrance].stddev))
		{
			s->mean[j] = ctx->stats[entrance].mean;
			s->stddev[j] = ctx->stats[entrance].stddev;
			unknown[j] = false;
		}
	}
	ml_quantile_moments(ctx->rows, ctx->in->ncols, unknown, ctx->near, s->mean, s->stddev);
	pfree(unknown);
	for (int j = 0; j < ctx->in->ncols; j++)
	{
		if (!(s->stddev[j] > 0) || !isfinite(1 / s->stddev[j]))
			s->stddev[j] = 1;
		if (ctx->params[ML_STANDARDISE_CENTER].number == 0)
			s->mean[j] = 0;
	}
	ml_standardise_shape(s, ctx->in, out);
	return s;
}

static void
ml_standardise_apply(const void *state, const double *in, double *out)
{
	const MlStandardise *s = state;

	/* columns that are not treated have mean 0 and factor 1 */
	for (int j = 0; j < s->ncols; j++)
		out[j] = (in[j] - s->mean[j]) * s->factor[j];
}

static void
ml_standardise_write(const void *state, StringInfo out)
{
	const MlStandardise *s = state;

	ml_write_u32(out, s->ncols);
	for (int j = 0; j < s->ncols; j++)
	{
		ml_write_u8(out, s->treated[j]);
		ml_write_f64(out, s->mean[j]);
		ml_write_f64(out, s->stddev[j]);
	}
}

static void *
ml_standardise_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlStandardise *s = ml_standardise_create(in->ncols);

	if (ml_read_count(r, 17) != in->ncols)
		ml_read_corrupted("standardise does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		s->treated[j] = ml_read_u8(r) != 0;
		s->mean[j] = ml_read_finite(r);
		s->stddev[j] = ml_read_finite(r);
		if (!(s->stddev[j] > 0) || !isfinite(1 / s->stddev[j]))
			ml_read_corrupted("a standard deviation is not positive");
	}
	ml_standardise_shape(s, in, out);
	return s;
}

static void
ml_standardise_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlStandardise *s = state;
	bool		first = true;

	appendStringInfoString(out, "{\"columns\": {");
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": {\"mean\": ");
		ml_json_number(out, s->mean[j]);
		appendStringInfoString(out, ", \"stddev\": ");
		ml_json_number(out, s->stddev[j]);
		appendStringInfoChar(out, '}');
		first = false;
	}
	appendStringInfoString(out, "}}");
}

static void
ml_standardise_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlStandardise *s = state;

	appendStringInfo(out, "less %s, divided by %s", ml_text_number(s->mean[column]), ml_text_number(s->stddev[column]));
}

const MlTransform ml_transform_standardise = {
	.name = "standardise",
	.summary = "shifts and scales numbers to mean 0 and standard deviation 1 over the training rows",
	.tag = 2,
	.version = 1,
	.params = ml_standardise_params,
	.nparams = lengthof(ml_standardise_params),
	.takes = ML_TAKES_NUMBERS,
	.fit = ml_standardise_fit,
	.apply = ml_standardise_apply,
	.write = ml_standardise_write,
	.read = ml_standardise_read,
	.describe = ml_standardise_describe,
	.words = ml_standardise_words,
};
