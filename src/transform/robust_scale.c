/*
 * robust_scale.c - numbers less their median, divided by the distance of two quantiles.
 *
 * out = (in - median) / (upper quantile - lower quantile), so that a few
 * extreme values move neither. Where both quantiles are equal nothing is
 * divided. Quantiles lie between neighbours on straight lines. Missing values
 * stay missing.
 *
 * Payload: columns.h; per treated column f64 center, f64 scale.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "transform/columns.h"
#include "transform/quantile.h"

typedef struct MlRobust
{
	int			ncols;
	bool	   *treated;
	double	   *center;
	double	   *scale;
} MlRobust;

enum
{
	ML_ROBUST_RANGE,
	ML_ROBUST_CENTER,
	ML_ROBUST_SCALE
};

static const MlParam ml_robust_params[] = {
	{"quantile_range", ML_PARAM_VALUE, "[25, 75]", 0, 0, NULL,
	"The two quantiles whose distance is the unit, in percent: an array of two ascending numbers from 0 to 100."},
	{"center", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether the median is taken off; false suits a learner whose model has no constant term."},
	{"scale", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether numbers are divided by the distance of the quantiles."},
};

/* The two shares, as parts of 1. */
static void
ml_robust_parse(const MlParamValue *params, double *shares)
{
	const MlParam *param = &ml_robust_params[ML_ROBUST_RANGE];
	int			n;
	double	   *range = ml_option_numbers("step \"robust_scale\"", param, &params[ML_ROBUST_RANGE], 2, 2, &n);

	if (!(range[0] >= 0 && range[0] < range[1] && range[1] <= 100))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"quantile_range\" of step \"robust_scale\" must ascend from 0 to 100"),
				 errdetail("It is [%s, %s].", ml_text_number(range[0]), ml_text_number(range[1])),
				 errhint("%s", param->description)));
	shares[0] = range[0] / 100;
	shares[1] = range[1] / 100;
}

static void
ml_robust_check(const MlParamValue *params)
{
	double		shares[2];

	ml_robust_parse(params, shares);
}

static MlRobust *
ml_robust_create(int ncols)
{
	MlRobust   *s = palloc0(sizeof(MlRobust));

	s->ncols = ncols;
	s->center = ml_columns_numbers(ncols);
	s->scale = ml_columns_numbers(ncols);
	return s;
}

static void
ml_robust_shape(const MlRobust *s, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			ml_columns_scaled(&out->cols[j], s->center[j], s->scale[j]);
}

static void *
ml_robust_fit(const MlFitContext *ctx, MlShape *out)
{
	MlRobust   *s = ml_robust_create(ctx->in->ncols);
	double	  **quantiles = palloc0(sizeof(double *) * Max(s->ncols, 1));
	double		shares[2];

	s->treated = ml_columns_treated(ctx);
	ml_robust_parse(ctx->params, shares);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			quantiles[j] = ml_columns_numbers(2);
	ml_quantile_shares(ctx->rows, s->ncols, s->treated, 2, shares, quantiles);
	if (ctx->params[ML_ROBUST_CENTER].number != 0)
		ml_quantile_medians(ctx->rows, s->ncols, s->treated, s->center);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		s->scale[j] = quantiles[j][1] - quantiles[j][0];
		if (ctx->params[ML_ROBUST_SCALE].number == 0 || !(s->scale[j] > 0) || !isfinite(s->scale[j]) ||
			!isfinite(1 / s->scale[j]))
			s->scale[j] = 1;
	}
	ml_robust_shape(s, ctx->in, out);
	return s;
}

static void
ml_robust_apply(const void *state, const double *in, double *out)
{
	const MlRobust *s = state;

	for (int j = 0; j < s->ncols; j++)
		out[j] = s->treated[j] ? (in[j] - s->center[j]) / s->scale[j] : in[j];
}

static void
ml_robust_write(const void *state, StringInfo out)
{
	const MlRobust *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
		{
			ml_write_f64(out, s->center[j]);
			ml_write_f64(out, s->scale[j]);
		}
}

static void *
ml_robust_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlRobust   *s = ml_robust_create(in->ncols);

	s->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		s->center[j] = ml_read_finite(r);
		s->scale[j] = ml_read_finite(r);
		if (!(s->scale[j] > 0) || !isfinite(1 / s->scale[j]))
			ml_read_corrupted("a scale is not positive");
	}
	ml_robust_shape(s, in, out);
	return s;
}

static void
ml_robust_learned(const void *state, int column, StringInfo out)
{
	const MlRobust *s = state;

	ml_columns_member(out, "center", s->center[column]);
	appendStringInfoString(out, ", ");
	ml_columns_member(out, "scale", s->scale[column]);
}

static void
ml_robust_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_columns_describe(state, in, ((const MlRobust *) state)->treated, ml_robust_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_robust_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlRobust *s = state;

	appendStringInfo(out, "less %s, divided by %s", ml_text_number(s->center[column]), ml_text_number(s->scale[column]));
}

const MlTransform ml_transform_robust_scale = {
	.name = "robust_scale",
	.summary = "takes the median off numbers and divides them by the distance of two quantiles",
	.tag = 21,
	.version = 1,
	.params = ml_robust_params,
	.nparams = lengthof(ml_robust_params),
	.takes = ML_TAKES_NUMBERS,
	.check = ml_robust_check,
	.fit = ml_robust_fit,
	.apply = ml_robust_apply,
	.write = ml_robust_write,
	.read = ml_robust_read,
	.describe = ml_robust_describe,
	.words = ml_robust_words,
};
