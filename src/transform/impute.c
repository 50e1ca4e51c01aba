/*
 * impute.c - fills missing cells: median, mean or most frequent value of a number, most frequent level of a category,
 * or a constant.
 *
 * A constant text that is no level of a category becomes a level of its own,
 * the last. A column that missed values in training gets an indicator column
 * beside it (1 where the cell was missing), after all columns of its row.
 *
 * Payload: u32 columns; per column u8 treated, f64 fill, u8 indicator, text level of its own (or NULL).
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "transform/quantile.h"
#include "transform/transform.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

typedef struct MlImpute
{
	int			ncols;
	int			nout;
	bool		all;			/* every column is treated */
	bool	   *treated;
	bool	   *changed;		/* training only: values were filled in */
	double	   *fill;
	bool	   *indicator;
	char	  **level;			/* a level of its own, or NULL */
} MlImpute;

enum
{
	ML_IMPUTE_STRATEGY,
	ML_IMPUTE_INDICATOR,
	ML_IMPUTE_VALUE
};

static const MlParam ml_impute_params[] = {
	{"strategy", ML_PARAM_TEXT, "auto", 0, 0, "auto|median|mean|most_frequent|constant",
		"How a missing number is filled: median, mean, most_frequent (the smallest of several), constant (\"value\"), or "
		"auto: the median where training rows missed values, else the mean. A missing category becomes the most frequent "
	"level, or the constant."},
	{"indicator", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether a column that missed values in training gets a column that says where."},
	{"value", ML_PARAM_VALUE, NULL, 0, 0, NULL,
	"What the strategy constant fills in: a number for numbers, a text for categories."},
};

static bool
ml_impute_constant(const MlParamValue *params)
{
	return strcmp(params[ML_IMPUTE_STRATEGY].text, "constant") == 0;
}

/* The constant, which is a number or a text. */
static const JsonbValue *
ml_impute_value(const MlParamValue *params)
{
	const MlParamValue *value = &params[ML_IMPUTE_VALUE];
	JsonbValue *scalar;

	if (value->isnull || !JB_ROOT_IS_SCALAR(value->json))
		return NULL;
	scalar = getIthJsonbValueFromContainer(&value->json->root, 0);
	return scalar->type == jbvNumeric || scalar->type == jbvString ? scalar : NULL;
}

static double
ml_impute_number(const JsonbValue *value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
}

static void
ml_impute_check(const MlParamValue *params)
{
	const JsonbValue *value = ml_impute_value(params);

	if (!params[ML_IMPUTE_VALUE].isnull && !ml_impute_constant(params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step \"impute\" has a \"value\" that it does not use"),
				 errdetail("Its strategy is %s.", params[ML_IMPUTE_STRATEGY].text),
				 errhint("Add \"strategy\": \"constant\", or leave \"value\" out.")));
	if (ml_impute_constant(params) &&
		(value == NULL || (value->type == jbvNumeric && !isfinite(ml_impute_number(value)))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("strategy \"constant\" of step \"impute\" needs a \"value\" that is a number or a text"),
				 params[ML_IMPUTE_VALUE].isnull ? errdetail("There is none.") :
				 errdetail("It is %s.", params[ML_IMPUTE_VALUE].text),
				 errhint("Write it as {\"step\": \"impute\", \"strategy\": \"constant\", \"value\": 0}.")));
}

static MlImpute *
ml_impute_create(int ncols)
{
	MlImpute   *impute = palloc0(sizeof(MlImpute));

	impute->ncols = impute->nout = ncols;
	impute->treated = palloc0(sizeof(bool) * Max(ncols, 1));
	impute->changed = palloc0(sizeof(bool) * Max(ncols, 1));
	impute->fill = palloc0(sizeof(double) * Max(ncols, 1));
	impute->indicator = palloc0(sizeof(bool) * Max(ncols, 1));
	impute->level = palloc0(sizeof(char *) * Max(ncols, 1));
	return impute;
}

/* Gives a category one more level. */
static void
ml_impute_add_level(MlColumn *column, char *level)
{
	char	  **levels = palloc(sizeof(char *) * (column->nlevels + 1));

	if (column->nlevels > 0)
		memcpy(levels, column->levels, sizeof(char *) * column->nlevels);
	levels[column->nlevels++] = level;
	column->levels = levels;
}

/* The shape that comes out: the columns, then the indicators. */
static void
ml_impute_shape(MlImpute *impute, const MlShape *in, MlShape *out)
{
	out->cols = palloc(sizeof(MlColumn) * Max(2 * in->ncols, 1));
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		out->cols[out->ncols] = ml_column_copy(&in->cols[j]);
		if (impute->changed[j])
			out->cols[out->ncols].entrance = -1;
		if (impute->treated[j])
		{
			out->cols[out->ncols].filled = true;
			out->cols[out->ncols].misses = false;
			if (impute->level[j])
				ml_impute_add_level(&out->cols[out->ncols], impute->level[j]);
		}
		out->ncols++;
	}
	for (int j = 0; j < in->ncols; j++)
		if (impute->indicator[j])
		{
			out->cols[out->ncols] = ml_column_number("%s is null", in->cols[j].name);
			out->cols[out->ncols++].filled = true;
		}
	impute->nout = out->ncols;
	impute->all = true;
	for (int j = 0; j < in->ncols; j++)
		impute->all &= impute->treated[j];
}

/* Counts what is missing per column, and levels of categories, for columns that the entrance's statistics do not cover. */
static void
ml_impute_count(const MlFitContext *ctx, MlColumnStats *stats)
{
	const double *rows[ML_BLOCK_ROWS];
	int			n;

	for (int j = 0; j < ctx->in->ncols; j++)
		if (ctx->in->cols[j].entrance < 0)
			stats[j].level_counts = palloc0(sizeof(int64) * Max(ctx->in->cols[j].nlevels, 1));
	ctx->rows->rewind(ctx->rows->ctx);
	while ((n = ctx->rows->read(ctx->rows->ctx, rows)) > 0)
		for (int i = 0; i < n; i++)
			for (int j = 0; j < ctx->in->ncols; j++)
			{
				if (ctx->in->cols[j].entrance >= 0)
					continue;
				if (ml_cell_is_missing(rows[i][j]))
					stats[j].nulls++;
				else if (ctx->in->cols[j].category)
					stats[j].level_counts[(int) rows[i][j]]++;
			}
	for (int j = 0; j < ctx->in->ncols; j++)
	{
		if (ctx->in->cols[j].entrance >= 0)
			continue;
		stats[j].mean = NAN;
		for (int k = 1; k < ctx->in->cols[j].nlevels; k++)
			if (stats[j].level_counts[k] > stats[j].level_counts[stats[j].mode])
				stats[j].mode = k;
	}
}

/* What the training rows hold in each column at this step. */
static MlColumnStats *
ml_impute_stats(const MlFitContext *ctx)
{
	MlColumnStats *stats = palloc0(sizeof(MlColumnStats) * Max(ctx->in->ncols, 1));
	bool		covered = true;

	for (int j = 0; j < ctx->in->ncols; j++)
	{
		if (ctx->in->cols[j].entrance >= 0)
			stats[j] = ctx->stats[ctx->in->cols[j].entrance];
		else
			covered = false;
	}
	if (!covered)
		ml_impute_count(ctx, stats);
	return stats;
}

/* The code of the constant among a category's levels, or one more than they are. */
static double
ml_impute_code(const MlColumn *column, const JsonbValue *value, char **level)
{
	char	   *text = pnstrdup(value->val.string.val, value->val.string.len);

	for (int k = 0; k < column->nlevels; k++)
		if (strcmp(column->levels[k], text) == 0)
			return k;
	*level = text;
	return column->nlevels;
}

/* Fills in the constant where its type is the column's; others are left alone unless they are named. */
static void
ml_impute_fit_constant(const MlFitContext *ctx, MlImpute *impute)
{
	const JsonbValue *value = ml_impute_value(ctx->params);

	for (int j = 0; j < ctx->in->ncols; j++)
	{
		const MlColumn *column = &ctx->in->cols[j];

		if (!ctx->selected[j] || column->category == (value->type == jbvString))
			continue;
		if (ctx->named)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("step \"impute\" cannot fill column \"%s\" with %s", column->name,
							ctx->params[ML_IMPUTE_VALUE].text),
					 errdetail("The column is %s.", column->category ? "a category" : "a number"),
					 errhint("Give %s as \"value\", or leave the column out of \"columns\".",
							 column->category ? "a text" : "a number")));
		impute->treated[j] = false;
	}
	for (int j = 0; j < ctx->in->ncols; j++)
	{
		if (!impute->treated[j])
			continue;
		if (value->type == jbvString)
			impute->fill[j] = ml_impute_code(&ctx->in->cols[j], value, &impute->level[j]);
		else
			impute->fill[j] = ml_impute_number(value);
	}
}

/* Learns what missing values of the columns treated become. */
static void
ml_impute_learn(const MlFitContext *ctx, const MlColumnStats *stats, MlImpute *impute)
{
	const char *strategy = ctx->params[ML_IMPUTE_STRATEGY].text;
	int			n = Max(ctx->in->ncols, 1);
	bool	   *need_median = palloc0(sizeof(bool) * n);
	bool	   *need_mean = palloc0(sizeof(bool) * n);
	bool	   *need_mode = palloc0(sizeof(bool) * n);

	for (int j = 0; j < ctx->in->ncols; j++)
	{
		if (!impute->treated[j])
			continue;
		if (ctx->in->cols[j].category)
			impute->fill[j] = stats[j].mode;
		else if (strcmp(strategy, "most_frequent") == 0)
			need_mode[j] = true;
		else if (strcmp(strategy, "median") == 0 ||
				 (strcmp(strategy, "auto") == 0 && stats[j].nulls + stats[j].nans > 0))
			need_median[j] = true;
		else if (ctx->rows)
			need_mean[j] = true;
		else
			impute->fill[j] = stats[j].mean;
	}
	ml_quantile_medians(ctx->rows, ctx->in->ncols, need_median, impute->fill);
	ml_quantile_means(ctx->rows, ctx->in->ncols, need_mean, impute->fill);
	ml_quantile_modes(ctx->rows, ctx->in->ncols, need_mode, impute->fill);
	pfree(need_median);
	pfree(need_mean);
	pfree(need_mode);
}

/* What a column's missing values become, as a text. */
static const char *
ml_impute_text(const MlImpute *impute, const MlShape *in, int j)
{
	const MlColumn *column = &in->cols[j];

	if (!column->category)
		return ml_text_number(impute->fill[j]);
	if (impute->level[j])
		return psprintf("\"%s\"", impute->level[j]);
	return column->nlevels > 0 ? psprintf("\"%s\"", column->levels[(int) impute->fill[j]]) : "nothing";
}

static void *
ml_impute_fit(const MlFitContext *ctx, MlShape *out)
{
	MlImpute   *impute = ml_impute_create(ctx->in->ncols);
	bool		indicate = ctx->params[ML_IMPUTE_INDICATOR].number != 0;
	const MlColumnStats *stats = ml_impute_stats(ctx);

	memcpy(impute->treated, ctx->selected, sizeof(bool) * ctx->in->ncols);
	if (ml_impute_constant(ctx->params))
		ml_impute_fit_constant(ctx, impute);
	else
		ml_impute_learn(ctx, stats, impute);
	for (int j = 0; j < ctx->in->ncols; j++)
	{
		bool		missed = stats[j].nulls + stats[j].nans > 0;

		impute->changed[j] = impute->treated[j] && missed;
		impute->indicator[j] = impute->changed[j] && indicate;
		if (impute->changed[j])
			ml_note(ctx->notes, "column \"%s\" misses %lld values: they are filled with %s%s", ctx->in->cols[j].name,
					(long long) (stats[j].nulls + stats[j].nans), ml_impute_text(impute, ctx->in, j),
					impute->indicator[j] ? ", and a column says where" : "");
	}
	ml_impute_shape(impute, ctx->in, out);
	return impute;
}

static void
ml_impute_apply(const void *state, const double *in, double *out)
{
	const MlImpute *impute = state;
	double	   *indicator = out + impute->ncols;

	if (impute->all)
		for (int j = 0; j < impute->ncols; j++)
			out[j] = in[j] != in[j] ? impute->fill[j] : in[j];
	else
		for (int j = 0; j < impute->ncols; j++)
			out[j] = impute->treated[j] && ml_cell_is_missing(in[j]) ? impute->fill[j] : in[j];
	if (impute->nout > impute->ncols)
		for (int j = 0; j < impute->ncols; j++)
			if (impute->indicator[j])
				*indicator++ = ml_cell_is_missing(in[j]);
}

static bool
ml_impute_copies(const void *state)
{
	const MlImpute *impute = state;

	return impute->nout == impute->ncols;
}

static void
ml_impute_write(const void *state, StringInfo out)
{
	const MlImpute *impute = state;

	ml_write_u32(out, impute->ncols);
	for (int j = 0; j < impute->ncols; j++)
	{
		ml_write_u8(out, impute->treated[j]);
		ml_write_f64(out, impute->fill[j]);
		ml_write_u8(out, impute->indicator[j]);
		ml_write_text(out, impute->level[j]);
	}
}

static void *
ml_impute_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlImpute   *impute = ml_impute_create(in->ncols);

	if (ml_read_count(r, 14) != in->ncols)
		ml_read_corrupted("impute does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		impute->treated[j] = ml_read_u8(r) != 0;
		impute->fill[j] = ml_read_finite(r);
		impute->indicator[j] = ml_read_u8(r) != 0;
		impute->level[j] = ml_read_text(r);
		if (impute->level[j] && (!in->cols[j].category || !impute->treated[j] ||
								 impute->fill[j] != in->cols[j].nlevels || in->cols[j].nlevels == INT_MAX))
			ml_read_corrupted("impute has a level that fits nowhere");
		if (in->cols[j].category && impute->level[j] == NULL &&
			(impute->fill[j] < 0 || impute->fill[j] >= Max(in->cols[j].nlevels, 1) ||
			 impute->fill[j] != floor(impute->fill[j])))
			ml_read_corrupted("impute fills in a level that does not exist");
	}
	ml_impute_shape(impute, in, out);
	return impute;
}

static void
ml_impute_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlImpute *impute = state;
	bool		first = true;

	appendStringInfoString(out, "{\"fill\": {");
	for (int j = 0; j < impute->ncols; j++)
	{
		if (!impute->treated[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": ");
		if (!in->cols[j].category)
			ml_json_number(out, impute->fill[j]);
		else if (impute->level[j])
			ml_json_text(out, impute->level[j]);
		else
			ml_json_text(out, in->cols[j].nlevels > 0 ? in->cols[j].levels[(int) impute->fill[j]] : NULL);
		first = false;
	}
	appendStringInfoString(out, "}, \"indicator\": [");
	first = true;
	for (int j = 0; j < impute->ncols; j++)
	{
		if (!impute->indicator[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		first = false;
	}
	appendStringInfoString(out, "]}");
}

static void
ml_impute_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	const MlImpute *impute = state;

	if (impute->treated[column])
		appendStringInfo(out, "%s%s", ml_impute_text(impute, in, column),
						 impute->indicator[column] ? ", and a column says where" : "");
	else
		appendStringInfoString(out, "left alone");
}

const MlTransform ml_transform_impute = {
	.name = "impute",
	.summary = "fills missing values, and says where",
	.tag = 1,
	.version = 1,
	.params = ml_impute_params,
	.nparams = lengthof(ml_impute_params),
	.check = ml_impute_check,
	.fit = ml_impute_fit,
	.apply = ml_impute_apply,
	.write = ml_impute_write,
	.read = ml_impute_read,
	.describe = ml_impute_describe,
	.words = ml_impute_words,
	.copies = ml_impute_copies,
};
