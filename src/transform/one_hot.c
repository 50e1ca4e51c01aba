/*
 * one_hot.c - a category becomes a 0/1 column per level, the first level being the one without a column.
 *
 * The first level is the reference (treatment coding, as in R), so that the
 * columns and an intercept do not determine each other. With "drop": false
 * every level has its column. The columns stand where the category stood. A
 * missing category gives zeros.
 *
 * Payload: u32 columns; per column u8 treated; u8 drop.
 */
#include "postgres.h"

#include "base/cell.h"
#include "base/compat.h"
#include "transform/transform.h"

typedef struct MlOneHot
{
	int			ncols;
	bool		drop;
	bool	   *treated;
	int		   *nlevels;
} MlOneHot;

static const MlParam ml_one_hot_params[] = {
	{"drop", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether the first level has no column of its own (reference level)."},
};

static void
ml_one_hot_shape(const MlOneHot *o, const MlShape *in, MlShape *out)
{
	int			n = 0;

	for (int j = 0; j < in->ncols; j++)
		n += o->treated[j] ? in->cols[j].nlevels : 1;
	out->cols = palloc(sizeof(MlColumn) * Max(n, 1));
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		if (!o->treated[j])
			out->cols[out->ncols++] = ml_column_copy(&in->cols[j]);
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
	for (int j = 0; j < in->ncols; j++)
		o->nlevels[j] = in->cols[j].nlevels;
	return o;
}

static void *
ml_one_hot_fit(const MlFitContext *ctx, MlShape *out)
{
	MlOneHot   *o = ml_one_hot_create(ctx->in, ctx->params[0].number != 0);

	for (int j = 0; j < ctx->in->ncols; j++)
		o->treated[j] = ctx->selected[j] && ctx->in->cols[j].category;
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
		{
			*out++ = in[j];
			continue;
		}
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
	ml_write_u8(out, o->drop);
}

static void *
ml_one_hot_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlOneHot   *o = ml_one_hot_create(in, false);

	if (ml_read_count(r, 1) != in->ncols)
		ml_read_corrupted("one_hot does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		o->treated[j] = ml_read_u8(r) != 0;
		if (o->treated[j] && !in->cols[j].category)
			ml_read_corrupted("one_hot treats a column that is no category");
	}
	o->drop = ml_read_u8(r) != 0;
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
		for (int k = 0; k < o->nlevels[j]; k++)
		{
			appendStringInfoString(out, k > 0 ? ", " : "");
			ml_json_text(out, in->cols[j].levels[k]);
		}
		appendStringInfoChar(out, ']');
		first = false;
	}
	appendStringInfoString(out, "}}");
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
};
