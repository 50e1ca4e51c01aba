/*
 * power_transform.c - numbers raised to the power that makes the training rows most like normal ones.
 *
 * math/power.h has the functions and the search for the likeliest exponent.
 * With "standardize" (the default) what comes out has mean 0 and standard
 * deviation 1 over the training rows. Box-Cox is for positive numbers: other
 * training values are an error. At scoring such a value is a missing one or,
 * where an impute came before and so nothing may be missing, what the
 * smallest training value becomes. Missing values stay missing.
 *
 * Payload: columns.h; u8 method; per treated column f64 exponent, f64 middle
 * (math/power.h; 0 where not standardized), f64 mean and f64 standard deviation
 * of what the line gives, f64 smallest value.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "math/power.h"
#include "transform/columns.h"
#include "transform/quantile.h"

typedef struct MlPower
{
	int			ncols;
	bool	   *treated;
	MlPowerMethod method;
	MlPowerLine *line;
	double	   *mean;
	double	   *stddev;
	double	   *least;			/* training value */
	double	   *outside;		/* what a value becomes that the function is not defined for */
} MlPower;

enum
{
	ML_POWER_METHOD,
	ML_POWER_STANDARDIZE
};

static const MlParam ml_power_params[] = {
	{"method", ML_PARAM_TEXT, "yeo_johnson", 0, 0, "yeo_johnson|box_cox",
	"The family of functions; box_cox is for positive numbers only."},
	{"standardize", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether what comes out gets mean 0 and standard deviation 1 over the training rows."},
};

static MlPower *
ml_power_create(int ncols)
{
	MlPower    *s = palloc0(sizeof(MlPower));

	s->ncols = ncols;
	s->line = palloc0(sizeof(MlPowerLine) * Max(ncols, 1));
	s->mean = ml_columns_numbers(ncols);
	s->stddev = ml_columns_numbers(ncols);
	s->least = ml_columns_numbers(ncols);
	s->outside = ml_columns_numbers(ncols);
	return s;
}

static inline double
ml_power_scaled(const MlPower *s, int j, double x)
{
	return (ml_power_mapped(&s->line[j], x) - s->mean[j]) / s->stddev[j];
}

static void
ml_power_shape(const MlPower *s, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		ml_columns_bent(&out->cols[j]);
		s->outside[j] = in->cols[j].filled ? ml_power_scaled(s, j, s->least[j]) : ml_cell_from_bits(ML_NAN_BITS);
	}
}

/* One pass of every column's search; the first also sees that values are what the function is for. */
static void
ml_power_pass(const MlFitContext *ctx, const MlPower *s, MlPowerSearch *search, bool first)
{
	const double *block[ML_BLOCK_ROWS];
	int			n;

	ctx->rows->rewind(ctx->rows->ctx);
	while ((n = ctx->rows->read(ctx->rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			for (int j = 0; j < s->ncols; j++)
			{
				double		x = block[i][j];

				if (!s->treated[j] || search[j].done || ml_cell_is_missing(x))
					continue;
				if (first && s->method == ML_POWER_BOX_COX && !(x > 0))
					ml_columns_outside("power", ctx->in->cols[j].name, x, "above 0 by the method box_cox");
				ml_power_add(&search[j], x);
			}
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j] && !search[j].done)
			ml_power_end_pass(&search[j]);
}

static void
ml_power_search(const MlFitContext *ctx, MlPower *s, bool plain)
{
	MlPowerSearch *search = palloc0(sizeof(MlPowerSearch) * Max(s->ncols, 1));
	bool		again = true;

	for (int j = 0; j < s->ncols; j++)
		ml_power_begin(&search[j], s->method, plain);
	for (bool first = true; again; first = false)
	{
		ml_power_pass(ctx, s, search, first);
		again = false;
		for (int j = 0; j < s->ncols; j++)
			again |= s->treated[j] && !search[j].done;
	}
	for (int j = 0; j < s->ncols; j++)
	{
		ml_power_line(&s->line[j], s->method, search[j].lambda, plain ? 0 : search[j].middle);
		if (s->treated[j] && search[j].at_limit)
			ml_note(ctx->notes, "the likeliest exponent of column \"%s\" is beyond %s, where its values would lose their digits: that was taken",
					ctx->in->cols[j].name, ml_text_number(s->line[j].lambda));
	}
	pfree(search);
}

/* Rows with the columns raised, for what has to be learned of them then. */
typedef struct MlPowerRows
{
	const MlPower *s;
	MlRowSource *base;
	double	   *block;
} MlPowerRows;

static void
ml_power_rewind(void *ctx)
{
	MlPowerRows *rows = ctx;

	rows->base->rewind(rows->base->ctx);
}

static int
ml_power_read_rows(void *ctx, const double **out)
{
	MlPowerRows *rows = ctx;
	int			n = rows->base->read(rows->base->ctx, out);
	int			width = rows->s->ncols;

	for (int i = 0; i < n; i++)
	{
		double	   *row = rows->block + (Size) width * i;

		for (int j = 0; j < width; j++)
			row[j] = rows->s->treated[j] ? ml_power_mapped(&rows->s->line[j], out[i][j]) : 0;
		out[i] = row;
	}
	return n;
}

static void
ml_power_moments(const MlFitContext *ctx, MlPower *s)
{
	MlPowerRows rows;
	MlRowSource source;
	double	   *near = ml_columns_numbers(s->ncols);

	rows.s = s;
	rows.base = ctx->rows;
	rows.block = palloc_extended(sizeof(double) * ML_BLOCK_ROWS * Max(s->ncols, 1), MCXT_ALLOC_HUGE);
	memset(&source, 0, sizeof source);
	source.rewind = ml_power_rewind;
	source.read = ml_power_read_rows;
	source.ctx = &rows;
	source.nrows = ctx->rows->nrows;
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			near[j] = ml_power_mapped(&s->line[j], s->least[j]);
	ml_quantile_moments(&source, s->ncols, s->treated, near, s->mean, s->stddev);
	pfree(rows.block);
	pfree(near);
}

static void *
ml_power_fit(const MlFitContext *ctx, MlShape *out)
{
	MlPower    *s = ml_power_create(ctx->in->ncols);
	bool		standardized = ctx->params[ML_POWER_STANDARDIZE].number != 0;

	s->treated = ml_columns_treated(ctx);
	s->method = strcmp(ctx->params[ML_POWER_METHOD].text, "box_cox") == 0 ? ML_POWER_BOX_COX : ML_POWER_YEO_JOHNSON;
	ml_power_search(ctx, s, !standardized);
	ml_columns_range(ctx->rows, s->ncols, s->treated, s->least, s->stddev);
	if (standardized)
		ml_power_moments(ctx, s);
	for (int j = 0; j < s->ncols; j++)
	{
		if (!standardized || !(s->stddev[j] > 0) || !isfinite(s->stddev[j]) || !isfinite(1 / s->stddev[j]))
			s->stddev[j] = 1;
		if (!standardized)
			s->mean[j] = 0;
	}
	ml_power_shape(s, ctx->in, out);
	return s;
}

static void
ml_power_apply(const void *state, const double *in, double *out)
{
	const MlPower *s = state;

	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j] || ml_cell_is_missing(in[j]))
			out[j] = in[j];
		else if (s->method == ML_POWER_BOX_COX && !(in[j] > 0))
			out[j] = s->outside[j];
		else
			out[j] = ml_power_scaled(s, j, in[j]);
	}
}

static void
ml_power_write(const void *state, StringInfo out)
{
	const MlPower *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	ml_write_u8(out, s->method);
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
		{
			ml_write_f64(out, s->line[j].lambda);
			ml_write_f64(out, s->line[j].middle);
			ml_write_f64(out, s->mean[j]);
			ml_write_f64(out, s->stddev[j]);
			ml_write_f64(out, s->least[j]);
		}
}

static void *
ml_power_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlPower    *s = ml_power_create(in->ncols);
	uint8		method;
	double		lambda;

	s->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	method = ml_read_u8(r);
	if (method > ML_POWER_YEO_JOHNSON)
		ml_read_corrupted("a power transform has no such method");
	s->method = (MlPowerMethod) method;
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			continue;
		lambda = ml_read_finite(r);
		ml_power_line(&s->line[j], s->method, lambda, ml_read_finite(r));
		s->mean[j] = ml_read_finite(r);
		s->stddev[j] = ml_read_finite(r);
		s->least[j] = ml_read_finite(r);
		if (!(s->stddev[j] > 0) || !isfinite(1 / s->stddev[j]))
			ml_read_corrupted("a standard deviation is not positive");
		if (!isfinite(s->line[j].at) || !isfinite(s->line[j].by) || !(s->line[j].by > 0))
			ml_read_corrupted("a power is out of range");
	}
	ml_power_shape(s, in, out);
	return s;
}

static void
ml_power_learned(const void *state, int column, StringInfo out)
{
	const MlPower *s = state;
	const MlPowerLine *line = &s->line[column];
	bool		straight = line->middle == 0;

	ml_columns_member(out, "lambda", line->lambda);
	appendStringInfoString(out, ", ");
	ml_columns_member(out, "mean", straight ? s->mean[column] : line->at + line->by * s->mean[column]);
	appendStringInfoString(out, ", ");
	ml_columns_member(out, "stddev", straight ? s->stddev[column] : line->by * s->stddev[column]);
}

static void
ml_power_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlPower *s = state;

	appendStringInfo(out, "{\"method\": \"%s\", \"columns\": ", s->method == ML_POWER_BOX_COX ? "box_cox" : "yeo_johnson");
	ml_columns_describe(state, in, s->treated, ml_power_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_power_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	appendStringInfo(out, "lambda %s", ml_text_number(((const MlPower *) state)->line[column].lambda));
}

const MlTransform ml_transform_power = {
	.name = "power",
	.summary = "raises numbers to the power that makes the training rows most like normal ones",
	.tag = 23,
	.version = 1,
	.params = ml_power_params,
	.nparams = lengthof(ml_power_params),
	.takes = ML_TAKES_NUMBERS,
	.fit = ml_power_fit,
	.apply = ml_power_apply,
	.write = ml_power_write,
	.read = ml_power_read,
	.describe = ml_power_describe,
	.words = ml_power_words,
};
