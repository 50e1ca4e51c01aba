/*
 * bucketize.c - a number becomes the bucket that it lies in.
 *
 * The edges between the buckets are given, or learned: bins buckets of equal
 * width between the smallest and the largest training value ("uniform"), or of
 * equally many training rows ("quantile"; edges that fall together are one,
 * and a note says so). A bucket has its lower edge and not its upper one; the
 * first and the last one are open. "output" says what comes out: the number of
 * the bucket from 0 on, a category of the buckets, or a 0/1 column for each.
 * A missing value stays missing, or gives zeros.
 *
 * Payload: columns.h; u8 output; per treated column u32 edges, f64 * edges.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "transform/columns.h"
#include "transform/quantile.h"

#define ML_BUCKETS_MAX	1000

typedef enum MlBucketOutput
{
	ML_BUCKET_ORDINAL,
	ML_BUCKET_CATEGORY,
	ML_BUCKET_ONE_HOT
} MlBucketOutput;

typedef struct MlBuckets
{
	int			ncols;
	bool	   *treated;
	MlBucketOutput output;
	int		   *nedges;
	double	  **edges;			/* ascending */
} MlBuckets;

enum
{
	ML_BUCKET_EDGES,
	ML_BUCKET_BINS,
	ML_BUCKET_STRATEGY,
	ML_BUCKET_OUTPUT
};

static const MlParam ml_bucket_params[] = {
	{"edges", ML_PARAM_VALUE, NULL, 0, 0, NULL,
	"The edges between the buckets: an array of ascending numbers, one fewer than buckets; left out, they are learned."},
	{"bins", ML_PARAM_INTEGER, "5", 2, ML_BUCKETS_MAX, NULL, "How many buckets are learned."},
	{"strategy", ML_PARAM_TEXT, "quantile", 0, 0, "quantile|uniform",
	"Whether learned buckets have equally many training rows, or equal width."},
	{"output", ML_PARAM_TEXT, "ordinal", 0, 0, "ordinal|category|one_hot",
	"What comes out: the bucket's number, a category, or a 0/1 column for each bucket."},
};

static double *
ml_bucket_parse(const MlParamValue *params, int *n)
{
	const MlParam *param = &ml_bucket_params[ML_BUCKET_EDGES];
	double	   *edges = ml_option_numbers("step \"bucketize\"", param, &params[ML_BUCKET_EDGES], 1, ML_BUCKETS_MAX - 1, n);

	for (int k = 1; k < *n; k++)
		if (!(edges[k] > edges[k - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"edges\" of step \"bucketize\" must ascend"),
					 errdetail("%s stands before %s.", ml_text_number(edges[k - 1]), ml_text_number(edges[k])),
					 errhint("%s", param->description)));
	return edges;
}

static void
ml_bucket_check(const MlParamValue *params)
{
	int			n;

	if (!params[ML_BUCKET_EDGES].isnull)
		(void) ml_bucket_parse(params, &n);
}

/* The name of a bucket. */
static char *
ml_bucket_name(const MlBuckets *b, int j, int k)
{
	int			n = b->nedges[j];

	if (n == 0)
		return "any";
	if (k == 0)
		return psprintf("below %s", ml_text_number(b->edges[j][0]));
	if (k == n)
		return psprintf("from %s", ml_text_number(b->edges[j][n - 1]));
	return psprintf("%s to %s", ml_text_number(b->edges[j][k - 1]), ml_text_number(b->edges[j][k]));
}

static void
ml_bucket_category(const MlBuckets *b, int j, MlColumn *column)
{
	column->category = true;
	column->class = ML_TYPE_TEXT;
	column->nlevels = b->nedges[j] + 1;
	column->levels = palloc(sizeof(char *) * column->nlevels);
	for (int k = 0; k < column->nlevels; k++)
		column->levels[k] = ml_bucket_name(b, j, k);
}

static void
ml_bucket_shape(const MlBuckets *b, const MlShape *in, MlShape *out)
{
	Size		n = 0;

	for (int j = 0; j < b->ncols; j++)
		n += b->treated[j] && b->output == ML_BUCKET_ONE_HOT ? b->nedges[j] + 1 : 1;
	out->cols = palloc_extended(sizeof(MlColumn) * Max(n, 1), MCXT_ALLOC_HUGE);
	out->ncols = 0;
	for (int j = 0; j < b->ncols; j++)
	{
		MlColumn   *column = &out->cols[out->ncols];

		if (b->treated[j] && b->output == ML_BUCKET_ONE_HOT)
		{
			for (int k = 0; k <= b->nedges[j]; k++)
			{
				out->cols[out->ncols] = ml_column_number("%s=%s", in->cols[j].name, ml_bucket_name(b, j, k));
				out->cols[out->ncols++].filled = true;
			}
			continue;
		}
		*column = ml_column_copy(&in->cols[j]);
		out->ncols++;
		if (!b->treated[j])
			continue;
		ml_columns_bent(column);
		if (b->output == ML_BUCKET_CATEGORY)
			ml_bucket_category(b, j, column);
	}
}

static MlBuckets *
ml_bucket_create(int ncols)
{
	MlBuckets  *b = palloc0(sizeof(MlBuckets));

	b->ncols = ncols;
	b->nedges = palloc0(sizeof(int) * Max(ncols, 1));
	b->edges = palloc0(sizeof(double *) * Max(ncols, 1));
	return b;
}

/* Edges at equal shares of the training rows. */
static void
ml_bucket_quantiles(const MlFitContext *ctx, MlBuckets *b, int bins)
{
	double	   *shares = ml_columns_numbers(bins + 1);

	for (int k = 0; k <= bins; k++)
		shares[k] = (double) k / bins;
	for (int j = 0; j < b->ncols; j++)
		if (b->treated[j])
			b->edges[j] = ml_columns_numbers(bins + 1);
	ml_quantile_shares(ctx->rows, b->ncols, b->treated, bins + 1, shares, b->edges);
}

/* Edges at equal distances. */
static void
ml_bucket_widths(const MlFitContext *ctx, MlBuckets *b, int bins)
{
	double	   *low = ml_columns_numbers(b->ncols);
	double	   *high = ml_columns_numbers(b->ncols);

	ml_columns_range(ctx->rows, b->ncols, b->treated, low, high);
	for (int j = 0; j < b->ncols; j++)
	{
		if (!b->treated[j])
			continue;
		b->edges[j] = ml_columns_numbers(bins + 1);
		for (int k = 0; k <= bins; k++)
		{
			double		width = (high[j] - low[j]) / bins;

			if (!isfinite(width))
				width = high[j] / bins - low[j] / bins;
			b->edges[j][k] = k == bins ? high[j] : width * k + low[j];
		}
	}
}

/* Takes the outer ends off, and edges that are not above the one before. */
static void
ml_bucket_merge(const MlFitContext *ctx, MlBuckets *b, int bins)
{
	for (int j = 0; j < b->ncols; j++)
	{
		double	   *edges = b->edges[j];
		double		before;
		int			n = 0;

		if (!b->treated[j])
			continue;
		before = edges[0];
		for (int k = 1; k < bins; k++)
			if (edges[k] > before && edges[k] < edges[bins])
				before = edges[n++] = edges[k];
		b->nedges[j] = n;
		if (n < bins - 1)
			ml_note(ctx->notes, "column \"%s\" gets %d of %d buckets: the edges of others fall together",
					ctx->in->cols[j].name, n + 1, bins);
	}
}

static void *
ml_bucket_fit(const MlFitContext *ctx, MlShape *out)
{
	MlBuckets  *b = ml_bucket_create(ctx->in->ncols);
	const char *output = ctx->params[ML_BUCKET_OUTPUT].text;
	int			bins = (int) ctx->params[ML_BUCKET_BINS].number;

	b->treated = ml_columns_treated(ctx);
	b->output = strcmp(output, "ordinal") == 0 ? ML_BUCKET_ORDINAL :
		strcmp(output, "category") == 0 ? ML_BUCKET_CATEGORY : ML_BUCKET_ONE_HOT;
	if (!ctx->params[ML_BUCKET_EDGES].isnull)
	{
		for (int j = 0; j < b->ncols; j++)
			if (b->treated[j])
				b->edges[j] = ml_bucket_parse(ctx->params, &b->nedges[j]);
	}
	else
	{
		if (strcmp(ctx->params[ML_BUCKET_STRATEGY].text, "quantile") == 0)
			ml_bucket_quantiles(ctx, b, bins);
		else
			ml_bucket_widths(ctx, b, bins);
		ml_bucket_merge(ctx, b, bins);
	}
	ml_bucket_shape(b, ctx->in, out);
	return b;
}

/* How many edges are not above x. */
static inline int
ml_bucket_of(const double *edges, int n, double x)
{
	int			low = 0;

	while (low < n)
	{
		int			middle = (low + n) / 2;

		if (edges[middle] <= x)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static void
ml_bucket_apply(const void *state, const double *in, double *out)
{
	const MlBuckets *b = state;

	for (int j = 0; j < b->ncols; j++)
	{
		bool		missing = ml_cell_is_missing(in[j]);
		int			bucket = b->treated[j] && !missing ? ml_bucket_of(b->edges[j], b->nedges[j], in[j]) : -1;

		if (!b->treated[j] || (missing && b->output != ML_BUCKET_ONE_HOT))
			*out++ = in[j];
		else if (b->output != ML_BUCKET_ONE_HOT)
			*out++ = bucket;
		else
			for (int k = 0; k <= b->nedges[j]; k++)
				*out++ = bucket == k;
	}
}

static void
ml_bucket_write(const void *state, StringInfo out)
{
	const MlBuckets *b = state;

	ml_columns_write(b->treated, b->ncols, out);
	ml_write_u8(out, b->output);
	for (int j = 0; j < b->ncols; j++)
	{
		if (!b->treated[j])
			continue;
		ml_write_u32(out, b->nedges[j]);
		for (int k = 0; k < b->nedges[j]; k++)
			ml_write_f64(out, b->edges[j][k]);
	}
}

static void *
ml_bucket_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlBuckets  *b = ml_bucket_create(in->ncols);
	uint8		output;

	b->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	output = ml_read_u8(r);
	if (output > ML_BUCKET_ONE_HOT)
		ml_read_corrupted("bucketize has no such output");
	b->output = (MlBucketOutput) output;
	for (int j = 0; j < b->ncols; j++)
	{
		if (!b->treated[j])
			continue;
		b->nedges[j] = ml_read_count(r, 8);
		if (b->nedges[j] >= ML_BUCKETS_MAX)
			ml_read_corrupted("bucketize has too many buckets");
		b->edges[j] = ml_columns_numbers(b->nedges[j]);
		for (int k = 0; k < b->nedges[j]; k++)
		{
			b->edges[j][k] = ml_read_finite(r);
			if (k > 0 && !(b->edges[j][k] > b->edges[j][k - 1]))
				ml_read_corrupted("edges do not ascend");
		}
	}
	ml_bucket_shape(b, in, out);
	return b;
}

static void
ml_bucket_learned(const void *state, int column, StringInfo out)
{
	const MlBuckets *b = state;

	appendStringInfoString(out, "\"edges\": ");
	ml_columns_array(out, b->edges[column], b->nedges[column]);
}

static void
ml_bucket_describe(const void *state, const MlShape *in, StringInfo out)
{
	static const char *const outputs[] = {"ordinal", "category", "one_hot"};
	const MlBuckets *b = state;

	appendStringInfo(out, "{\"output\": \"%s\", \"columns\": ", outputs[b->output]);
	ml_columns_describe(state, in, b->treated, ml_bucket_learned, out);
	appendStringInfoChar(out, '}');
}

static void
ml_bucket_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlBuckets *b = state;

	appendStringInfo(out, b->nedges[column] == 0 ? "one bucket" : "%d buckets with edges", b->nedges[column] + 1);
	for (int k = 0; k < Min(b->nedges[column], 6); k++)
		appendStringInfo(out, k > 0 ? ", %s" : " %s", ml_text_number(b->edges[column][k]));
	if (b->nedges[column] > 6)
		appendStringInfo(out, " and %d more", b->nedges[column] - 6);
}

const MlTransform ml_transform_bucketize = {
	.name = "bucketize",
	.summary = "replaces numbers by the bucket they lie in",
	.tag = 26,
	.version = 1,
	.params = ml_bucket_params,
	.nparams = lengthof(ml_bucket_params),
	.takes = ML_TAKES_NUMBERS,
	.check = ml_bucket_check,
	.fit = ml_bucket_fit,
	.apply = ml_bucket_apply,
	.write = ml_bucket_write,
	.read = ml_bucket_read,
	.describe = ml_bucket_describe,
	.words = ml_bucket_words,
};
