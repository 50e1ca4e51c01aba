/*
 * count_encode.c - a category becomes how many training rows have it.
 *
 * A missing value is a level of its own where training rows miss values; a
 * text that training did not see has 0.
 *
 * Payload: a table of levels.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/level_table.h"

static const MlParam ml_count_encode_params[] = {
	{"share", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether the count is divided by the number of training rows."},
};

static void *
ml_count_encode_fit(const MlFitContext *ctx, MlShape *out)
{
	MlLevelTable *table = palloc0(sizeof(MlLevelTable));
	const bool *treated = ctx->selected;
	int64	  **counts = ml_level_counts(ctx, treated);
	double		rows = ctx->params[0].number != 0 ? (double) ctx->rows->nrows : 1;

	ml_level_table_init(table, ctx->in, treated, 1);
	for (int j = 0; j < ctx->in->ncols; j++)
		for (int k = 0; treated[j] && k <= table->nlevels[j]; k++)
			table->values[j][k] = (double) counts[j][k] / rows;
	ml_level_table_shape(table, ctx->in, NULL, out);
	return table;
}

static void
ml_count_encode_apply(const void *state, const double *in, double *out)
{
	const MlLevelTable *table = state;

	ml_level_table_apply(table, table->values, in, out);
}

static void
ml_count_encode_write(const void *state, StringInfo out)
{
	ml_level_table_write(state, out);
}

static void *
ml_count_encode_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlLevelTable *table = palloc0(sizeof(MlLevelTable));

	ml_level_table_read(table, r, in, 1);
	ml_level_table_shape(table, in, NULL, out);
	return table;
}

static void
ml_count_encode_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_level_table_describe(state, in, out);
	appendStringInfoChar(out, '}');
}

static void
ml_count_encode_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	ml_level_table_words(state, column, out);
}

static void
ml_count_encode_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->all_levels = true;
}

const MlTransform ml_transform_count_encode = {
	.name = "count_encode",
	.summary = "puts in the place of a category how many training rows have it",
	.tag = 10,
	.version = 1,
	.params = ml_count_encode_params,
	.nparams = lengthof(ml_count_encode_params),
	.takes = ML_TAKES_CATEGORIES,
	.fit = ml_count_encode_fit,
	.apply = ml_count_encode_apply,
	.write = ml_count_encode_write,
	.read = ml_count_encode_read,
	.describe = ml_count_encode_describe,
	.words = ml_count_encode_words,
	.claim = ml_count_encode_claim,
};
