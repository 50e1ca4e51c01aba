/*
 * min_max.c - numbers stretched so that the training rows reach from one end of a range to the other.
 *
 * out = (in - low) * (to - from) / (high - low) + from, where low and high are
 * the smallest and the largest training value. A column that does not vary
 * becomes from. With "clip" what lies outside at scoring is put to the nearer
 * end. Missing values stay missing.
 *
 * Payload: columns.h; f64 from, f64 to, u8 clip; per treated column f64 low, f64 high.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "transform/columns.h"

typedef struct MlMinMax
{
	int			ncols;
	bool	   *treated;
	double		from;
	double		to;
	bool		clip;
	double	   *low;
	double	   *high;
	double	   *factor;
	double	   *offset;			/* out = in * factor + offset */
} MlMinMax;

enum
{
	ML_MIN_MAX_RANGE,
	ML_MIN_MAX_CLIP
};

static const MlParam ml_min_max_params[] = {
	{"feature_range", ML_PARAM_VALUE, "[0, 1]", 0, 0, NULL,
	"What the smallest and the largest training value become: an array of two ascending numbers."},
	{"clip", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether values beyond those of the training rows become the nearer end of the range."},
};

static void
ml_min_max_parse(const MlParamValue *params, double *from, double *to)
{
	const MlParam *param = &ml_min_max_params[ML_MIN_MAX_RANGE];
	int			n;
	double	   *range = ml_option_numbers("step \"min_max\"", param, &params[ML_MIN_MAX_RANGE], 2, 2, &n);

	if (!(range[0] < range[1]) || !isfinite(range[1] - range[0]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"feature_range\" of step \"min_max\" must ascend"),
				 errdetail("It is [%s, %s].", ml_text_number(range[0]), ml_text_number(range[1])),
				 errhint("%s", param->description)));
	*from = range[0];
	*to = range[1];
}

static void
ml_min_max_check(const MlParamValue *params)
{
	double		from;
	double		to;

	ml_min_max_parse(params, &from, &to);
}

static MlMinMax *
ml_min_max_create(int ncols)
{
	MlMinMax   *m = palloc0(sizeof(MlMinMax));

	m->ncols = ncols;
	m->low = ml_columns_numbers(ncols);
	m->high = ml_columns_numbers(ncols);
	m->factor = ml_columns_numbers(ncols);
	m->offset = ml_columns_numbers(ncols);
	return m;
}

static void
ml_min_max_shape(MlMinMax *m, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < m->ncols; j++)
	{
		double		width = m->high[j] - m->low[j];

		if (!m->treated[j])
			continue;
		/* a column that does not vary counts as one wide */
		if (!(width > 0) || !isfinite(width) || !isfinite((m->to - m->from) / width) || (m->to - m->from) / width == 0)
			width = 1;
		m->factor[j] = (m->to - m->from) / width;
		m->offset[j] = m->from - m->low[j] * m->factor[j];
		if (m->clip)
			ml_columns_bent(&out->cols[j]);
		else
			ml_columns_scaled(&out->cols[j], -m->offset[j] / m->factor[j], 1 / m->factor[j]);
	}
}

static void *
ml_min_max_fit(const MlFitContext *ctx, MlShape *out)
{
	MlMinMax   *m = ml_min_max_create(ctx->in->ncols);

	m->treated = ml_columns_treated(ctx);
	m->clip = ctx->params[ML_MIN_MAX_CLIP].number != 0;
	ml_min_max_parse(ctx->params, &m->from, &m->to);
	ml_columns_range(ctx->rows, m->ncols, m->treated, m->low, m->high);
	ml_min_max_shape(m, ctx->in, out);
	return m;
}

static void
ml_min_max_apply(const void *state, const double *in, double *out)
{
	const MlMinMax *m = state;

	for (int j = 0; j < m->ncols; j++)
	{
		out[j] = in[j];
		if (!m->treated[j])
			continue;
		out[j] = in[j] * m->factor[j] + m->offset[j];
		/* comparisons that a missing value does not pass */
		if (m->clip && out[j] < m->from)
			out[j] = m->from;
		if (m->clip && out[j] > m->to)
			out[j] = m->to;
	}
}

static void
ml_min_max_write(const void *state, StringInfo out)
{
	const MlMinMax *m = state;

	ml_columns_write(m->treated, m->ncols, out);
	ml_write_f64(out, m->from);
	ml_write_f64(out, m->to);
	ml_write_u8(out, m->clip);
	for (int j = 0; j < m->ncols; j++)
		if (m->treated[j])
		{
			ml_write_f64(out, m->low[j]);
			ml_write_f64(out, m->high[j]);
		}
}

static void *
ml_min_max_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlMinMax   *m = ml_min_max_create(in->ncols);

	m->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	m->from = ml_read_finite(r);
	m->to = ml_read_finite(r);
	m->clip = ml_read_u8(r) != 0;
	if (!(m->from < m->to))
		ml_read_corrupted("the range of min_max does not ascend");
	for (int j = 0; j < m->ncols; j++)
	{
		if (!m->treated[j])
			continue;
		m->low[j] = ml_read_finite(r);
		m->high[j] = ml_read_finite(r);
		if (m->high[j] < m->low[j])
			ml_read_corrupted("a largest value is below the smallest");
	}
	ml_min_max_shape(m, in, out);
	return m;
}

static void
ml_min_max_learned(const void *state, int column, StringInfo out)
{
	const MlMinMax *m = state;

	ml_columns_member(out, "min", m->low[column]);
	appendStringInfoString(out, ", ");
	ml_columns_member(out, "max", m->high[column]);
}

static void
ml_min_max_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_columns_describe(state, in, ((const MlMinMax *) state)->treated, ml_min_max_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_min_max_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlMinMax *m = state;

	appendStringInfo(out, "from %s to %s", ml_text_number(m->low[column]), ml_text_number(m->high[column]));
}

const MlTransform ml_transform_min_max = {
	.name = "min_max",
	.summary = "stretches numbers so that the training rows just fill a range",
	.tag = 20,
	.version = 1,
	.params = ml_min_max_params,
	.nparams = lengthof(ml_min_max_params),
	.takes = ML_TAKES_NUMBERS,
	.check = ml_min_max_check,
	.fit = ml_min_max_fit,
	.apply = ml_min_max_apply,
	.write = ml_min_max_write,
	.read = ml_min_max_read,
	.describe = ml_min_max_describe,
	.words = ml_min_max_words,
};
