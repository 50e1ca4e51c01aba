/*
 * one_hot.c - a category becomes a 0/1 column per level, the first level being the one without a column.
 *
 * The first level is the reference (treatment coding, as in R), so that the
 * columns and an intercept do not determine each other. With "drop": false
 * every level has its column. The columns stand where the category stood. A
 * missing category gives zeros.
 *
 * With "max_levels" or "min_count" only the levels that many training rows
 * have get a column. The others, and texts that training did not see, share
 * the last one, "column=(other)"; with "other": false they have zeros.
 *
 * Payload: u32 columns; per column u8 treated; u8 flags: 1 drop, 2 limited. If limited, per treated column: u8 other,
 * u32 kept, u32 code of each.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/level_table.h"

typedef struct MlOneHot
{
	int			ncols;
	bool		drop;
	bool		limited;		/* not every level has a column */
	bool	   *treated;
	int		   *nlevels;

	/* limited, per treated column */
	bool	   *other;			/* the levels left out share a column */
	int		   *nkept;
	int		  **kept;			/* codes, ascending */
	int		  **mark;			/* by row of a level table: the column, or -1; training's unseen texts come last */
	int		   *width;			/* columns */
} MlOneHot;

enum
{
	ML_ONE_HOT_DROP,
	ML_ONE_HOT_MAX_LEVELS,
	ML_ONE_HOT_MIN_COUNT,
	ML_ONE_HOT_OTHER
};

static const MlParam ml_one_hot_params[] = {
	{"drop", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether the first level has no column of its own (reference level)."},
	{"max_levels", ML_PARAM_INTEGER, NULL, 1, 100000, NULL,
	"How many levels of a category have a column at most: the most frequent ones."},
	{"min_count", ML_PARAM_INTEGER, NULL, 1, 1e15, NULL,
	"A level that fewer training rows have gets no column."},
	{"other", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether the levels without a column, and those that training did not see, share one."},
};

/* The names of the columns in the place of a category of which not every level has one. */
static void
ml_one_hot_shape_limited(const MlOneHot *o, int column, const MlColumn *in, MlShape *out)
{
	for (int k = o->drop; k < o->nkept[column] + o->other[column]; k++)
	{
		out->cols[out->ncols] = ml_column_number("%s=%s", in->name,
												 k < o->nkept[column] ? in->levels[o->kept[column][k]] : "(other)");
		out->cols[out->ncols++].filled = true;
	}
}

static void
ml_one_hot_shape(const MlOneHot *o, const MlShape *in, MlShape *out)
{
	int			n = 0;

	for (int j = 0; j < in->ncols; j++)
		n += o->treated[j] ? in->cols[j].nlevels + 1 : 1;
	out->cols = palloc(sizeof(MlColumn) * Max(n, 1));
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		if (!o->treated[j])
			out->cols[out->ncols++] = ml_column_copy(&in->cols[j]);
		else if (o->limited)
			ml_one_hot_shape_limited(o, j, &in->cols[j], out);
		else
			for (int k = o->drop; k < in->cols[j].nlevels; k++)
			{
				out->cols[out->ncols] = ml_column_number("%s=%s", in->cols[j].name, in->cols[j].levels[k]);
				out->cols[out->ncols++].filled = true;
			}
	}
}

static MlOneHot *
ml_one_hot_create(const MlShape *in, bool drop)
{
	MlOneHot   *o = palloc0(sizeof(MlOneHot));

	o->ncols = in->ncols;
	o->drop = drop;
	o->treated = palloc0(sizeof(bool) * Max(in->ncols, 1));
	o->nlevels = palloc0(sizeof(int) * Max(in->ncols, 1));
	o->other = palloc0(sizeof(bool) * Max(in->ncols, 1));
	o->nkept = palloc0(sizeof(int) * Max(in->ncols, 1));
	o->kept = palloc0(sizeof(int *) * Max(in->ncols, 1));
	o->mark = palloc0(sizeof(int *) * Max(in->ncols, 1));
	o->width = palloc0(sizeof(int) * Max(in->ncols, 1));
	for (int j = 0; j < in->ncols; j++)
		o->nlevels[j] = in->cols[j].nlevels;
	return o;
}

/* Works out which column each level of a category marks. */
static void
ml_one_hot_marks(MlOneHot *o, int column)
{
	int			nlevels = o->nlevels[column];
	int			rest = o->other[column] ? o->nkept[column] - o->drop : -1;
	int		   *mark = palloc(sizeof(int) * (nlevels + 2));

	for (int k = 0; k < nlevels; k++)
		mark[k] = rest;
	for (int k = 0; k < o->nkept[column]; k++)
		mark[o->kept[column][k]] = k - o->drop;
	mark[nlevels] = -1;
	mark[nlevels + 1] = rest;
	o->mark[column] = mark;
	o->width[column] = Max(o->nkept[column] + o->other[column] - o->drop, 0);
}

/* A level with the training rows that have it. */
typedef struct MlOneHotLevel
{
	int			code;
	int64		count;
} MlOneHotLevel;

/* Most frequent first; codes are in bytewise order. */
static int
ml_one_hot_by_count(const void *a, const void *b)
{
	const MlOneHotLevel *x = a;
	const MlOneHotLevel *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : x->code - y->code;
}

static int
ml_one_hot_by_code(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

/* Chooses the levels of a category that get a column. */
static void
ml_one_hot_limit(const MlFitContext *ctx, MlOneHot *o, int column, const int64 *counts)
{
	const MlParamValue *most = &ctx->params[ML_ONE_HOT_MAX_LEVELS];
	const MlParamValue *least = &ctx->params[ML_ONE_HOT_MIN_COUNT];
	int			nlevels = o->nlevels[column];
	MlOneHotLevel *levels = palloc(sizeof(MlOneHotLevel) * Max(nlevels, 1));
	int			n = 0;

	for (int k = 0; k < nlevels; k++)
	{
		levels[k].code = k;
		levels[k].count = counts[k];
	}
	qsort(levels, nlevels, sizeof(MlOneHotLevel), ml_one_hot_by_count);
	while (n < nlevels && (most->isnull || n < most->number) && (least->isnull || levels[n].count >= least->number))
		n++;
	o->nkept[column] = n;
	o->kept[column] = palloc(sizeof(int) * Max(n, 1));
	for (int k = 0; k < n; k++)
		o->kept[column][k] = levels[k].code;
	qsort(o->kept[column], n, sizeof(int), ml_one_hot_by_code);
	o->other[column] = n < nlevels && ctx->params[ML_ONE_HOT_OTHER].number != 0;
	if (n < nlevels)
		ml_note(ctx->notes, "column \"%s\" has %d categories: %d of them have a column, the others %s",
				ctx->in->cols[column].name, nlevels, n, o->other[column] ? "share \"(other)\"" : "have zeros");
	pfree(levels);
	ml_one_hot_marks(o, column);
}

static void *
ml_one_hot_fit(const MlFitContext *ctx, MlShape *out)
{
	MlOneHot   *o = ml_one_hot_create(ctx->in, ctx->params[ML_ONE_HOT_DROP].number != 0);
	int64	  **counts;

	o->limited = !ctx->params[ML_ONE_HOT_MAX_LEVELS].isnull || !ctx->params[ML_ONE_HOT_MIN_COUNT].isnull;
	memcpy(o->treated, ctx->selected, sizeof(bool) * o->ncols);
	counts = o->limited ? ml_level_counts(ctx, o->treated) : NULL;
	for (int j = 0; j < ctx->in->ncols && o->limited; j++)
		if (o->treated[j])
			ml_one_hot_limit(ctx, o, j, counts[j]);
	ml_one_hot_shape(o, ctx->in, out);
	return o;
}

static void
ml_one_hot_apply(const void *state, const double *in, double *out)
{
	const MlOneHot *o = state;

	for (int j = 0; j < o->ncols; j++)
	{
		if (!o->treated[j])
			*out++ = in[j];
		else if (o->limited)
		{
			int			mark = o->mark[j][ml_level_row(in[j], o->nlevels[j])];

			memset(out, 0, sizeof(double) * o->width[j]);
			if (mark >= 0)
				out[mark] = 1;
			out += o->width[j];
		}
		else
			for (int k = o->drop; k < o->nlevels[j]; k++)
				*out++ = in[j] == k;
	}
}

static void
ml_one_hot_write(const void *state, StringInfo out)
{
	const MlOneHot *o = state;

	ml_write_u32(out, o->ncols);
	for (int j = 0; j < o->ncols; j++)
		ml_write_u8(out, o->treated[j]);
	ml_write_u8(out, o->drop | o->limited << 1);
	for (int j = 0; j < o->ncols && o->limited; j++)
	{
		if (!o->treated[j])
			continue;
		ml_write_u8(out, o->other[j]);
		ml_write_u32(out, o->nkept[j]);
		for (int k = 0; k < o->nkept[j]; k++)
			ml_write_u32(out, o->kept[j][k]);
	}
}

/* Reads which levels of a category have a column. */
static void
ml_one_hot_read_limit(MlReader *r, MlOneHot *o, int column)
{
	o->other[column] = ml_read_u8(r) != 0;
	o->nkept[column] = ml_read_count(r, 4);
	o->kept[column] = palloc(sizeof(int) * Max(o->nkept[column], 1));
	if (o->nkept[column] > o->nlevels[column])
		ml_read_corrupted("one_hot keeps too many levels");
	for (int k = 0; k < o->nkept[column]; k++)
	{
		o->kept[column][k] = ml_read_index(r, o->nlevels[column]);
		if (k > 0 && o->kept[column][k] <= o->kept[column][k - 1])
			ml_read_corrupted("levels of one_hot are not in order");
	}
	ml_one_hot_marks(o, column);
}

static void *
ml_one_hot_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlOneHot   *o = ml_one_hot_create(in, false);
	uint8		flags;

	if (ml_read_count(r, 1) != in->ncols)
		ml_read_corrupted("one_hot does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		o->treated[j] = ml_read_u8(r) != 0;
		if (o->treated[j] && !in->cols[j].category)
			ml_read_corrupted("one_hot treats a column that is no category");
	}
	flags = ml_read_u8(r);
	o->drop = (flags & 1) != 0;
	o->limited = (flags & 2) != 0;
	for (int j = 0; j < in->ncols && o->limited; j++)
		if (o->treated[j])
			ml_one_hot_read_limit(r, o, j);
	ml_one_hot_shape(o, in, out);
	return o;
}

static void
ml_one_hot_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlOneHot *o = state;
	bool		first = true;

	appendStringInfo(out, "{\"drop\": %s, \"levels\": {", o->drop ? "true" : "false");
	for (int j = 0; j < o->ncols; j++)
	{
		if (!o->treated[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": [");
		for (int k = 0; k < (o->limited ? o->nkept[j] : o->nlevels[j]); k++)
		{
			appendStringInfoString(out, k > 0 ? ", " : "");
			ml_json_text(out, in->cols[j].levels[o->limited ? o->kept[j][k] : k]);
		}
		if (o->other[j])
			appendStringInfoString(out, o->nkept[j] > 0 ? ", \"(other)\"" : "\"(other)\"");
		appendStringInfoChar(out, ']');
		first = false;
	}
	appendStringInfoString(out, "}}");
}

static void
ml_one_hot_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->all_levels = !params[ML_ONE_HOT_MAX_LEVELS].isnull || !params[ML_ONE_HOT_MIN_COUNT].isnull;
}

const MlTransform ml_transform_one_hot = {
	.name = "one_hot",
	.summary = "gives each level of a category a 0/1 column of its own, except the first",
	.tag = 3,
	.version = 1,
	.params = ml_one_hot_params,
	.nparams = lengthof(ml_one_hot_params),
	.takes = ML_TAKES_CATEGORIES,
	.fit = ml_one_hot_fit,
	.apply = ml_one_hot_apply,
	.write = ml_one_hot_write,
	.read = ml_one_hot_read,
	.describe = ml_one_hot_describe,
	.claim = ml_one_hot_claim,
};
