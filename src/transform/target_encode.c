/*
 * target_encode.c - a category becomes the mean target of the training rows that have it, drawn towards the mean of all.
 *
 * Of n rows with a level and the sum s of their targets: (s + m * p) / (n + m)
 * with the mean p of all rows and m = "smoothing" (Micci-Barreca, "A
 * preprocessing scheme for high-cardinality categorical attributes", 2001,
 * with the weight n / (n + m)): a level of m rows is halfway between its own
 * mean and that of all. With two classes the target is 1 for the last one,
 * with more there is a column for each class.
 *
 * A training row's own target must have no part in what stands for its
 * category, or a learner would trust levels of few rows. So training rows are
 * cut into five folds by their place in canonical order, which a hash of their
 * content decides, and a row is encoded from the rows of the other folds. Rows
 * to be scored are encoded from all training rows.
 *
 * Weights count as rows do. A missing value is a level of its own where
 * training rows miss values; a text that training did not see gets p.
 *
 * Payload: u32 classes of the columns (0 or 1: one column), their texts; a table of levels.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "transform/level_table.h"
#include "utils/memutils.h"

#define ML_TARGET_FOLDS 5

typedef struct MlTargetEncode
{
	MlLevelTable table;
	char	  **classes;		/* of the columns; NULL: one column */
	double	  **folds[ML_TARGET_FOLDS]; /* training only: the table's values without the rows of a fold */
} MlTargetEncode;

/* Sums over all training rows but those of one fold; the last fold is none. */
typedef struct MlTargetSums
{
	double		weight;
	double	   *total;			/* per class */
	double	  **weights;		/* per treated column and row of its table */
	double	  **sums;			/* the same, per class */
} MlTargetSums;

static const MlParam ml_target_encode_params[] = {
	{"smoothing", ML_PARAM_NUMBER, "10", 0, 1e15, NULL,
	"A level of so many rows is halfway between its own mean target and that of all rows."},
};

/* Refuses tables that do not fit in memory: one for each fold and one for all rows. */
static void
ml_target_check_memory(const MlFitContext *ctx, const bool *treated, int width)
{
	double		bytes = 0;

	for (int j = 0; j < ctx->in->ncols; j++)
		if (treated[j])
			bytes += 2.0 * (ML_TARGET_FOLDS + 1) * (width + 1) * (ctx->in->cols[j].nlevels + 2) * sizeof(double);
	if (bytes > (double) ML_TRAIN_MEMORY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("step \"target_encode\" needs more memory than a training may hold"),
				 errdetail("Its tables of levels take %s; pg_mlops.train_memory is %s.", ml_text_bytes(bytes),
						   ml_text_bytes(ML_TRAIN_MEMORY_BYTES)),
				 errhint("Treat fewer columns, use \"hash_encode\" for those of many levels, or raise pg_mlops.train_memory.")));
}

static MlTargetSums *
ml_target_sums_create(const MlLevelTable *table)
{
	MlTargetSums *sums = palloc0(sizeof(MlTargetSums) * (ML_TARGET_FOLDS + 1));

	for (int f = 0; f <= ML_TARGET_FOLDS; f++)
	{
		sums[f].total = palloc0(sizeof(double) * table->width);
		sums[f].weights = palloc0(sizeof(double *) * Max(table->ncols, 1));
		sums[f].sums = palloc0(sizeof(double *) * Max(table->ncols, 1));
		for (int j = 0; j < table->ncols; j++)
		{
			Size		rows = table->nlevels[j] + 2;

			if (!table->treated[j])
				continue;
			sums[f].weights[j] = palloc_extended(sizeof(double) * rows, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
			sums[f].sums[j] = palloc_extended(sizeof(double) * rows * table->width, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		}
	}
	return sums;
}

static inline int
ml_target_fold(int64 place, int64 nrows)
{
	return (int) (place * ML_TARGET_FOLDS / nrows);
}

/* Adds a row to the sums of all folds but its own: what is taken off again leaves rounding errors behind. */
static void
ml_target_add(const MlLevelTable *table, MlTargetSums *sums, int fold, const double *row, double y, double w, bool class)
{
	for (int f = 0; f <= ML_TARGET_FOLDS; f++)
	{
		if (f == fold)
			continue;
		sums[f].weight += w;
		for (int k = 0; k < table->width; k++)
			sums[f].total[k] += w * (!class ? y : table->width > 1 ? y == k : y == 1);
		for (int j = 0; j < table->ncols; j++)
		{
			int			level;

			if (!table->treated[j])
				continue;
			level = ml_level_row(row[j], table->nlevels[j]);
			sums[f].weights[j][level] += w;
			for (int k = 0; k < table->width; k++)
				sums[f].sums[j][(Size) level * table->width + k] += w * (!class ? y : table->width > 1 ? y == k : y == 1);
		}
	}
}

static void
ml_target_read_rows(const MlFitContext *ctx, const MlLevelTable *table, MlTargetSums *sums)
{
	MlRowSource *rows = ctx->rows;
	const double *block[ML_BLOCK_ROWS];
	int			n;

	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			ml_target_add(table, sums, ml_target_fold(rows->place + i, rows->nrows), block[i], rows->y[i],
						  rows->w ? rows->w[i] : 1, ctx->target == ML_TRANSFORM_CLASS);
}

/* The numbers in the place of the levels of a column, from the sums over some rows. */
static void
ml_target_values(const MlLevelTable *table, const MlTargetSums *sums, int column, double smoothing, double *values)
{
	for (int level = 0; level < table->nlevels[column] + 2; level++)
		for (int k = 0; k < table->width; k++)
		{
			double		prior = sums->weight > 0 ? sums->total[k] / sums->weight : 0;
			double		weight = sums->weights[column][level];
			double	   *value = &values[(Size) level * table->width + k];

			*value = prior;
			if (weight > 0)
				*value = (sums->sums[column][(Size) level * table->width + k] + smoothing * prior) / (weight + smoothing);
		}
}

static void *
ml_target_encode_fit(const MlFitContext *ctx, MlShape *out)
{
	MlTargetEncode *t = palloc0(sizeof(MlTargetEncode));
	MlLevelTable *table = &t->table;
	const bool *treated = ctx->selected;
	int			width = ctx->target == ML_TRANSFORM_CLASS && ctx->nclasses > 2 ? ctx->nclasses : 1;
	MlTargetSums *sums;

	ml_target_check_memory(ctx, treated, width);
	ml_level_table_init(table, ctx->in, treated, width);
	t->classes = width > 1 ? ctx->classes : NULL;
	sums = ml_target_sums_create(table);
	ml_target_read_rows(ctx, table, sums);
	for (int f = 0; f <= ML_TARGET_FOLDS; f++)
	{
		if (f < ML_TARGET_FOLDS)
			t->folds[f] = palloc0(sizeof(double *) * Max(table->ncols, 1));
		for (int j = 0; j < table->ncols; j++)
		{
			double	   *values;

			if (!treated[j])
				continue;
			values = f == ML_TARGET_FOLDS ? table->values[j] :
				palloc_extended(sizeof(double) * (table->nlevels[j] + 2) * width, MCXT_ALLOC_HUGE);
			ml_target_values(table, &sums[f], j, ctx->params[0].number, values);
			if (f < ML_TARGET_FOLDS)
				t->folds[f][j] = values;
			pfree(sums[f].weights[j]);
			pfree(sums[f].sums[j]);
		}
	}
	ml_level_table_shape(table, ctx->in, t->classes, out);
	return t;
}

static void
ml_target_encode_apply(const void *state, const double *in, double *out)
{
	const MlTargetEncode *t = state;

	ml_level_table_apply(&t->table, t->table.values, in, out);
}

static void
ml_target_encode_apply_training(const void *state, const double *in, double *out, int64 place, int64 nrows)
{
	const MlTargetEncode *t = state;

	ml_level_table_apply(&t->table, t->folds[ml_target_fold(place, nrows)], in, out);
}

static void
ml_target_encode_write(const void *state, StringInfo out)
{
	const MlTargetEncode *t = state;

	ml_write_u32(out, t->classes ? t->table.width : 0);
	for (int k = 0; t->classes && k < t->table.width; k++)
		ml_write_text(out, t->classes[k]);
	ml_level_table_write(&t->table, out);
}

static void *
ml_target_encode_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlTargetEncode *t = palloc0(sizeof(MlTargetEncode));
	int			n = ml_read_count(r, 4);

	if (n > 0)
		t->classes = palloc(sizeof(char *) * n);
	for (int k = 0; k < n; k++)
		if ((t->classes[k] = ml_read_text(r)) == NULL)
			ml_read_corrupted("target_encode has a class without a name");
	ml_level_table_read(&t->table, r, in, Max(n, 1));
	ml_level_table_shape(&t->table, in, t->classes, out);
	return t;
}

static void
ml_target_encode_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlTargetEncode *t = state;

	appendStringInfo(out, "{\"folds\": %d, \"classes\": ", ML_TARGET_FOLDS);
	for (int k = 0; t->classes && k < t->table.width; k++)
	{
		appendStringInfoString(out, k > 0 ? ", " : "[");
		ml_json_text(out, t->classes[k]);
	}
	appendStringInfoString(out, t->classes ? "], \"columns\": " : "null, \"columns\": ");
	ml_level_table_describe(&t->table, in, out);
	appendStringInfoChar(out, '}');
}

static void
ml_target_encode_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	ml_level_table_words(&((const MlTargetEncode *) state)->table, column, out);
}

static void
ml_target_encode_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->all_levels = true;
}

const MlTransform ml_transform_target_encode = {
	.name = "target_encode",
	.summary = "puts in the place of a category the mean target of the training rows that have it",
	.tag = 13,
	.version = 1,
	.params = ml_target_encode_params,
	.nparams = lengthof(ml_target_encode_params),
	.takes = ML_TAKES_CATEGORIES,
	.fit = ml_target_encode_fit,
	.apply = ml_target_encode_apply,
	.apply_training = ml_target_encode_apply_training,
	.write = ml_target_encode_write,
	.read = ml_target_encode_read,
	.describe = ml_target_encode_describe,
	.words = ml_target_encode_words,
	.claim = ml_target_encode_claim,
};
