/*
 * tfidf.c - counts of terms become weights: rarer terms weigh more, and long texts not more than short ones.
 *
 * Of a term that a text has c > 0 times, n training rows and d of them with
 * the term, as scikit-learn's TfidfTransformer does it:
 *
 *	   frequency		c, or 1 + ln c ("sublinear")
 *	   inverse			ln((1 + n) / (1 + d)) + 1, or ln(n / d) + 1 without "smooth", or 1 without "use_idf"
 *	   weight			their product, over the root of the sum of squares of the text's products ("norm": "l2")
 *
 * The entrance parses the text and counts; which terms there are was chosen
 * before the fit. A text that is NULL has no term. Rows whose text is NULL
 * count in n.
 *
 * Payload: u32 columns; u8 sublinear; u8 norm; per column u32 group (0: not treated; the terms of one input share a
 * number), f64 inverse of those treated.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "math/elementary.h"
#include "transform/transform.h"
#include "utils/memutils.h"

typedef struct MlTfidf
{
	int			ncols;
	bool		sublinear;
	bool		norm;
	int		   *group;
	double	   *inverse;
} MlTfidf;

enum
{
	ML_TFIDF_CONFIG,
	ML_TFIDF_MAX_TERMS,
	ML_TFIDF_MIN_DOCUMENTS,
	ML_TFIDF_MAX_SHARE,
	ML_TFIDF_USE_IDF,
	ML_TFIDF_SMOOTH,
	ML_TFIDF_SUBLINEAR,
	ML_TFIDF_NORM
};

static const MlParam ml_tfidf_params[] = {
	{"config", ML_PARAM_TEXT, NULL, 0, 0, NULL,
	"The text search configuration that makes terms of texts; default_text_search_config of the training's session by default."},
	{"max_terms", ML_PARAM_INTEGER, "1000", 1, 65536, NULL,
	"How many terms of a column are kept: those that the most training rows have."},
	{"min_documents", ML_PARAM_INTEGER, "2", 1, 1e9, NULL,
	"A term that fewer training rows have is left out."},
	{"max_share", ML_PARAM_NUMBER, "1", 0, 1, NULL,
	"A term that a greater share of the training rows has is left out."},
	{"use_idf", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether terms that few rows have weigh more."},
	{"smooth", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether one more row that has every term is counted."},
	{"sublinear", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether a count c is replaced by 1 + ln c."},
	{"norm", ML_PARAM_TEXT, "l2", 0, 0, "l2|none",
	"Whether the weights of a text are scaled so that their squares add up to 1."},
};

static void
ml_tfidf_shape(const MlTfidf *t, const MlShape *in, MlShape *out)
{
	out->ncols = in->ncols;
	out->cols = palloc_extended(sizeof(MlColumn) * Max(in->ncols, 1), MCXT_ALLOC_HUGE);
	for (int j = 0; j < in->ncols; j++)
	{
		out->cols[j] = ml_column_copy(&in->cols[j]);
		if (t->group[j] == 0)
			continue;
		out->cols[j].encoding = ML_ENCODING_LEVELS;
		out->cols[j].entrance = -1;
		out->cols[j].filled = true;
		out->cols[j].misses = false;
	}
}

static MlTfidf *
ml_tfidf_create(int ncols)
{
	MlTfidf    *t = palloc0(sizeof(MlTfidf));

	t->ncols = ncols;
	t->group = palloc_extended(sizeof(int) * Max(ncols, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	t->inverse = palloc_extended(sizeof(double) * Max(ncols, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return t;
}

static double
ml_tfidf_inverse(const MlFitContext *ctx, int64 documents)
{
	double		one = ctx->params[ML_TFIDF_SMOOTH].number;

	if (ctx->params[ML_TFIDF_USE_IDF].number == 0)
		return 1;
	return ml_log((one + (double) ctx->rows->nrows) / (one + (double) documents)) + 1;
}

static void *
ml_tfidf_fit(const MlFitContext *ctx, MlShape *out)
{
	MlTfidf    *t = ml_tfidf_create(ctx->in->ncols);
	int			groups = 0;

	t->sublinear = ctx->params[ML_TFIDF_SUBLINEAR].number != 0;
	t->norm = strcmp(ctx->params[ML_TFIDF_NORM].text, "l2") == 0;
	for (int j = 0; j < t->ncols; j++)
	{
		const MlColumn *column = &ctx->in->cols[j];

		if (!ctx->selected[j])
			continue;
		if (j == 0 || t->group[j - 1] == 0 || strcmp(ctx->in->cols[j - 1].of, column->of) != 0)
			groups++;
		t->group[j] = groups;
		t->inverse[j] = ml_tfidf_inverse(ctx, ctx->stats[column->entrance].documents);
	}
	ml_tfidf_shape(t, ctx->in, out);
	return t;
}

/* The weights of one text: columns from first up to, and without, end. */
static void
ml_tfidf_weigh(const MlTfidf *t, int first, int end, const double *in, double *out)
{
	double		squares = 0;
	double		factor;

	for (int j = first; j < end; j++)
	{
		double		count = in[j];

		out[j] = 0;
		/* a text that is NULL has no terms, and most terms are not in a text */
		if (!(count > 0))
			continue;
		out[j] = (t->sublinear && count > 1 ? 1 + ml_log(count) : count) * t->inverse[j];
		squares += out[j] * out[j];
	}
	if (!t->norm || squares == 0)
		return;
	factor = sqrt(squares);
	for (int j = first; j < end; j++)
		if (out[j] != 0)
			out[j] /= factor;
}

static void
ml_tfidf_apply(const void *state, const double *in, double *out)
{
	const MlTfidf *t = state;
	int			end;

	for (int j = 0; j < t->ncols; j = end)
	{
		end = j + 1;
		if (t->group[j] == 0)
		{
			out[j] = in[j];
			continue;
		}
		while (end < t->ncols && t->group[end] == t->group[j])
			end++;
		ml_tfidf_weigh(t, j, end, in, out);
	}
}

static void
ml_tfidf_write(const void *state, StringInfo out)
{
	const MlTfidf *t = state;

	ml_write_u32(out, t->ncols);
	ml_write_u8(out, t->sublinear);
	ml_write_u8(out, t->norm);
	for (int j = 0; j < t->ncols; j++)
	{
		ml_write_u32(out, t->group[j]);
		if (t->group[j] != 0)
			ml_write_f64(out, t->inverse[j]);
	}
}

static void *
ml_tfidf_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlTfidf    *t = ml_tfidf_create(in->ncols);

	if (ml_read_count(r, 4) != in->ncols)
		ml_read_corrupted("tfidf does not fit its columns");
	t->sublinear = ml_read_u8(r) != 0;
	t->norm = ml_read_u8(r) != 0;
	for (int j = 0; j < in->ncols; j++)
	{
		t->group[j] = (int) ml_read_u32(r);
		if (t->group[j] == 0)
			continue;
		t->inverse[j] = ml_read_finite(r);
		if (in->cols[j].encoding != ML_ENCODING_TERMS)
			ml_read_corrupted("tfidf treats a column that is no term");
	}
	ml_tfidf_shape(t, in, out);
	return t;
}

static void
ml_tfidf_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlTfidf *t = state;
	bool		first = true;

	appendStringInfo(out, "{\"sublinear\": %s, \"norm\": \"%s\", \"columns\": {", t->sublinear ? "true" : "false",
					 t->norm ? "l2" : "none");
	for (int j = 0; j < t->ncols; j++)
	{
		if (t->group[j] == 0)
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		first = false;
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": ");
		ml_json_number(out, t->inverse[j]);
	}
	appendStringInfoString(out, "}}");
}

static void
ml_tfidf_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->encoding = ML_ENCODING_TERMS;
	claim->config = unconstify(MlParamValue *, &params[ML_TFIDF_CONFIG]);
	claim->max_terms = (int) params[ML_TFIDF_MAX_TERMS].number;
	claim->min_documents = (int64) params[ML_TFIDF_MIN_DOCUMENTS].number;
	claim->max_share = params[ML_TFIDF_MAX_SHARE].number;
}

const MlTransform ml_transform_tfidf = {
	.name = "tfidf",
	.summary = "gives the terms of a text a column each, weighed by how rare they are",
	.tag = 14,
	.version = 1,
	.params = ml_tfidf_params,
	.nparams = lengthof(ml_tfidf_params),
	.fit = ml_tfidf_fit,
	.apply = ml_tfidf_apply,
	.write = ml_tfidf_write,
	.read = ml_tfidf_read,
	.describe = ml_tfidf_describe,
	.claim = ml_tfidf_claim,
};
