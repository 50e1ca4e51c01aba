/*
 * log1p.c - the natural logarithm of 1 + x.
 *
 * A training value of -1 or below is an error. At scoring such a value is a
 * missing one or, where an impute came before and so nothing may be missing,
 * what the smallest training value becomes. Missing values stay missing.
 *
 * Payload: columns.h; per treated column f64 smallest training value.
 */
#include "postgres.h"

#include "base/cell.h"
#include "base/compat.h"
#include "math/elementary.h"
#include "transform/columns.h"

typedef struct MlLog
{
	int			ncols;
	bool	   *treated;
	double	   *least;
	double	   *outside;		/* what a value of -1 or below becomes */
} MlLog;

static void
ml_log_shape(MlLog *s, const MlShape *in, MlShape *out)
{
	s->outside = ml_columns_numbers(s->ncols);
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		ml_columns_bent(&out->cols[j]);
		s->outside[j] = in->cols[j].filled ? ml_log1p(s->least[j]) : ml_cell_from_bits(ML_NAN_BITS);
	}
}

static void *
ml_log_fit(const MlFitContext *ctx, MlShape *out)
{
	MlLog	   *s = palloc0(sizeof(MlLog));
	double	   *greatest = ml_columns_numbers(ctx->in->ncols);

	s->ncols = ctx->in->ncols;
	s->treated = ml_columns_treated(ctx);
	s->least = ml_columns_numbers(s->ncols);
	ml_columns_range(ctx->rows, s->ncols, s->treated, s->least, greatest);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j] && !(s->least[j] > -1))
			ml_columns_outside("log1p", ctx->in->cols[j].name, s->least[j], "above -1");
	ml_log_shape(s, ctx->in, out);
	return s;
}

static void
ml_log_apply(const void *state, const double *in, double *out)
{
	const MlLog *s = state;

	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j] || ml_cell_is_missing(in[j]))
			out[j] = in[j];
		else
			out[j] = in[j] > -1 ? ml_log1p(in[j]) : s->outside[j];
	}
}

static void
ml_log_write(const void *state, StringInfo out)
{
	const MlLog *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			ml_write_f64(out, s->least[j]);
}

static void *
ml_log_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlLog	   *s = palloc0(sizeof(MlLog));

	s->ncols = in->ncols;
	s->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	s->least = ml_columns_numbers(s->ncols);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		s->least[j] = ml_read_finite(r);
		if (!(s->least[j] > -1))
			ml_read_corrupted("log1p has learned a value that it is not for");
	}
	ml_log_shape(s, in, out);
	return s;
}

static void
ml_log_learned(const void *state, int column, StringInfo out)
{
	ml_columns_member(out, "min", ((const MlLog *) state)->least[column]);
}

static void
ml_log_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_columns_describe(state, in, ((const MlLog *) state)->treated, ml_log_learned, out);
	appendStringInfoChar(out, '}');
}

const MlTransform ml_transform_log1p = {
	.name = "log1p",
	.summary = "takes the natural logarithm of 1 plus a number",
	.tag = 24,
	.version = 1,
	.takes = ML_TAKES_NUMBERS,
	.fit = ml_log_fit,
	.apply = ml_log_apply,
	.write = ml_log_write,
	.read = ml_log_read,
	.describe = ml_log_describe,
};
