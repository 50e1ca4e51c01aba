/*
 * select.c - columns that go on to the next step: all but those named (drop), or those alone (select).
 *
 * Payload: columns.h, where a column that is treated goes on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/columns.h"

typedef struct MlSelected
{
	int			ncols;
	bool	   *kept;
} MlSelected;

static void
ml_select_shape(const MlSelected *s, const MlShape *in, MlShape *out)
{
	ml_columns_copy(in, 0, out);
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
		if (s->kept[j])
			out->cols[out->ncols++] = out->cols[j];
}

static MlSelected *
ml_select_make(const MlFitContext *ctx, bool keep, MlShape *out)
{
	MlSelected *s = palloc0(sizeof(MlSelected));

	s->ncols = ctx->in->ncols;
	s->kept = palloc0(sizeof(bool) * Max(s->ncols, 1));
	for (int j = 0; j < s->ncols; j++)
		s->kept[j] = ctx->selected[j] == keep;
	ml_select_shape(s, ctx->in, out);
	return s;
}

static void *
ml_select_fit(const MlFitContext *ctx, MlShape *out)
{
	return ml_select_make(ctx, true, out);
}

static void *
ml_drop_fit(const MlFitContext *ctx, MlShape *out)
{
	return ml_select_make(ctx, false, out);
}

static void
ml_select_apply(const void *state, const double *in, double *out)
{
	const MlSelected *s = state;

	for (int j = 0; j < s->ncols; j++)
		if (s->kept[j])
			*out++ = in[j];
}

static void
ml_select_write(const void *state, StringInfo out)
{
	const MlSelected *s = state;

	ml_columns_write(s->kept, s->ncols, out);
}

static void *
ml_select_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlSelected *s = palloc0(sizeof(MlSelected));

	s->ncols = in->ncols;
	s->kept = ml_columns_read(r, in, ML_TAKES_ANY);
	ml_select_shape(s, in, out);
	return s;
}

static void
ml_select_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlSelected *s = state;
	bool		first = true;

	appendStringInfoString(out, "{\"kept\": [");
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->kept[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		first = false;
	}
	appendStringInfoString(out, "]}");
}

const MlTransform ml_transform_select = {
	.name = "select",
	.summary = "keeps the columns it names and no others",
	.tag = 27,
	.version = 1,
	.names_columns = true,
	.blind = true,
	.fit = ml_select_fit,
	.apply = ml_select_apply,
	.write = ml_select_write,
	.read = ml_select_read,
	.describe = ml_select_describe,
};

const MlTransform ml_transform_drop = {
	.name = "drop",
	.summary = "leaves the columns it names out",
	.tag = 28,
	.version = 1,
	.names_columns = true,
	.blind = true,
	.fit = ml_drop_fit,
	.apply = ml_select_apply,
	.write = ml_select_write,
	.read = ml_select_read,
	.describe = ml_select_describe,
};
