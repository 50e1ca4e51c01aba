/*
 * clip.c - numbers below or above a bound become the bound.
 *
 * Either end is given ("min", "max"), learned as a quantile of the training
 * rows ("lower", "upper": shares between 0 and 1), or open. Missing values
 * stay missing.
 *
 * Payload: columns.h; u8 ends (1: lower, 2: upper); per treated column f64 low, f64 high, 0 where open.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "transform/columns.h"
#include "transform/quantile.h"

#define ML_CLIP_BELOW	1
#define ML_CLIP_ABOVE	2

typedef struct MlClip
{
	int			ncols;
	bool	   *treated;
	int			ends;
	double	   *low;
	double	   *high;
} MlClip;

enum
{
	ML_CLIP_MIN,
	ML_CLIP_MAX,
	ML_CLIP_LOWER,
	ML_CLIP_UPPER
};

static const MlParam ml_clip_params[] = {
	{"min", ML_PARAM_NUMBER, NULL, -DBL_MAX, DBL_MAX, NULL, "The lower bound."},
	{"max", ML_PARAM_NUMBER, NULL, -DBL_MAX, DBL_MAX, NULL, "The upper bound."},
	{"lower", ML_PARAM_NUMBER, NULL, 0, 1, NULL,
	"The lower bound as the share of training values below it, such as 0.01."},
	{"upper", ML_PARAM_NUMBER, NULL, 0, 1, NULL,
	"The upper bound as the share of training values below it, such as 0.99."},
};

static ML_NORETURN void
ml_clip_refuse(const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("step \"clip\" %s", what),
			 errdetail("%s", detail),
			 errhint("Write it as {\"step\": \"clip\", \"min\": 0, \"max\": 100} or {\"step\": \"clip\", \"lower\": 0.01, \"upper\": 0.99}.")));
}

static void
ml_clip_check(const MlParamValue *params)
{
	if (params[ML_CLIP_MIN].isnull && params[ML_CLIP_MAX].isnull &&
		params[ML_CLIP_LOWER].isnull && params[ML_CLIP_UPPER].isnull)
		ml_clip_refuse("has no bound", "It needs \"min\" or \"lower\", \"max\" or \"upper\", or one of each.");
	if (!params[ML_CLIP_MIN].isnull && !params[ML_CLIP_LOWER].isnull)
		ml_clip_refuse("has two lower bounds", "Both \"min\" and \"lower\" are given.");
	if (!params[ML_CLIP_MAX].isnull && !params[ML_CLIP_UPPER].isnull)
		ml_clip_refuse("has two upper bounds", "Both \"max\" and \"upper\" are given.");
	if (!params[ML_CLIP_MIN].isnull && !params[ML_CLIP_MAX].isnull &&
		params[ML_CLIP_MIN].number > params[ML_CLIP_MAX].number)
		ml_clip_refuse("has bounds that descend", psprintf("\"min\" is %s, and \"max\" %s.",
														   ml_text_number(params[ML_CLIP_MIN].number),
														   ml_text_number(params[ML_CLIP_MAX].number)));
	if (!params[ML_CLIP_LOWER].isnull && !params[ML_CLIP_UPPER].isnull &&
		params[ML_CLIP_LOWER].number > params[ML_CLIP_UPPER].number)
		ml_clip_refuse("has bounds that descend", psprintf("\"lower\" is %s, and \"upper\" %s.",
														   ml_text_number(params[ML_CLIP_LOWER].number),
														   ml_text_number(params[ML_CLIP_UPPER].number)));
}

static MlClip *
ml_clip_create(int ncols)
{
	MlClip	   *s = palloc0(sizeof(MlClip));

	s->ncols = ncols;
	s->low = ml_columns_numbers(ncols);
	s->high = ml_columns_numbers(ncols);
	return s;
}

static void
ml_clip_shape(const MlClip *s, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
		{
			ml_columns_bent(&out->cols[j]);
			/* a time that is cut off is a time */
			out->cols[j].class = in->cols[j].class;
		}
}

/* Learns the bounds that are quantiles. */
static void
ml_clip_learn(const MlFitContext *ctx, MlClip *s)
{
	const MlParamValue *lower = &ctx->params[ML_CLIP_LOWER];
	const MlParamValue *upper = &ctx->params[ML_CLIP_UPPER];
	double	  **values = palloc0(sizeof(double *) * Max(s->ncols, 1));
	double		shares[2];
	int			n = 0;

	if (!lower->isnull)
		shares[n++] = lower->number;
	if (!upper->isnull)
		shares[n++] = upper->number;
	if (n == 0)
		return;
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			values[j] = ml_columns_numbers(n);
	ml_quantile_shares(ctx->rows, s->ncols, s->treated, n, shares, values);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		if (!lower->isnull)
			s->low[j] = values[j][0];
		if (!upper->isnull)
			s->high[j] = values[j][n - 1];
	}
}

static void *
ml_clip_fit(const MlFitContext *ctx, MlShape *out)
{
	MlClip	   *s = ml_clip_create(ctx->in->ncols);
	const MlParamValue *p = ctx->params;

	s->treated = ml_columns_treated(ctx);
	s->ends = (p[ML_CLIP_MIN].isnull && p[ML_CLIP_LOWER].isnull ? 0 : ML_CLIP_BELOW) |
		(p[ML_CLIP_MAX].isnull && p[ML_CLIP_UPPER].isnull ? 0 : ML_CLIP_ABOVE);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!p[ML_CLIP_MIN].isnull)
			s->low[j] = p[ML_CLIP_MIN].number;
		if (!p[ML_CLIP_MAX].isnull)
			s->high[j] = p[ML_CLIP_MAX].number;
	}
	ml_clip_learn(ctx, s);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j] && s->ends == (ML_CLIP_BELOW | ML_CLIP_ABOVE) && s->low[j] > s->high[j])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bounds of step \"clip\" descend for column \"%s\"", ctx->in->cols[j].name),
					 errdetail("The lower bound is %s, and the upper one %s.", ml_text_number(s->low[j]),
							   ml_text_number(s->high[j])),
					 errhint("Give both bounds as numbers, or both as shares.")));
	ml_clip_shape(s, ctx->in, out);
	return s;
}

static void
ml_clip_apply(const void *state, const double *in, double *out)
{
	const MlClip *s = state;

	for (int j = 0; j < s->ncols; j++)
	{
		out[j] = in[j];
		if (!s->treated[j])
			continue;
		/* comparisons that a missing value does not pass */
		if ((s->ends & ML_CLIP_BELOW) && in[j] < s->low[j])
			out[j] = s->low[j];
		if ((s->ends & ML_CLIP_ABOVE) && in[j] > s->high[j])
			out[j] = s->high[j];
	}
}

static void
ml_clip_write(const void *state, StringInfo out)
{
	const MlClip *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	ml_write_u8(out, s->ends);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
		{
			ml_write_f64(out, s->low[j]);
			ml_write_f64(out, s->high[j]);
		}
}

static void *
ml_clip_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlClip	   *s = ml_clip_create(in->ncols);

	s->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	s->ends = ml_read_u8(r);
	if (s->ends < 1 || s->ends > (ML_CLIP_BELOW | ML_CLIP_ABOVE))
		ml_read_corrupted("clip has no bound");
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		s->low[j] = ml_read_finite(r);
		s->high[j] = ml_read_finite(r);
		if (s->ends == (ML_CLIP_BELOW | ML_CLIP_ABOVE) && s->low[j] > s->high[j])
			ml_read_corrupted("bounds descend");
	}
	ml_clip_shape(s, in, out);
	return s;
}

static void
ml_clip_learned(const void *state, int column, StringInfo out)
{
	const MlClip *s = state;

	if (s->ends & ML_CLIP_BELOW)
		ml_columns_member(out, "min", s->low[column]);
	if (s->ends == (ML_CLIP_BELOW | ML_CLIP_ABOVE))
		appendStringInfoString(out, ", ");
	if (s->ends & ML_CLIP_ABOVE)
		ml_columns_member(out, "max", s->high[column]);
}

static void
ml_clip_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_columns_describe(state, in, ((const MlClip *) state)->treated, ml_clip_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_clip_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlClip *s = state;

	if (s->ends & ML_CLIP_BELOW)
		appendStringInfo(out, "not below %s", ml_text_number(s->low[column]));
	if (s->ends == (ML_CLIP_BELOW | ML_CLIP_ABOVE))
		appendStringInfoString(out, ", ");
	if (s->ends & ML_CLIP_ABOVE)
		appendStringInfo(out, "not above %s", ml_text_number(s->high[column]));
}

const MlTransform ml_transform_clip = {
	.name = "clip",
	.summary = "keeps numbers within bounds",
	.tag = 25,
	.version = 1,
	.params = ml_clip_params,
	.nparams = lengthof(ml_clip_params),
	.takes = ML_TAKES_NUMBERS,
	.check = ml_clip_check,
	.fit = ml_clip_fit,
	.apply = ml_clip_apply,
	.write = ml_clip_write,
	.read = ml_clip_read,
	.describe = ml_clip_describe,
	.words = ml_clip_words,
};
