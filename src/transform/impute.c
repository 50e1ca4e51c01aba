/*
 * impute.c - fills missing cells: median or mean of a number, most frequent level of a category.
 *
 * A column that missed values in training gets an indicator column beside it
 * (1 where the cell was missing), after all columns of its row.
 *
 * Payload: u32 columns; per column u8 treated, f64 fill, u8 indicator.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "transform/quantile.h"
#include "transform/transform.h"

typedef struct MlImpute
{
	int			ncols;
	int			nout;
	bool		all;			/* every column is treated */
	bool	   *treated;
	bool	   *changed;		/* training only: values were filled in */
	double	   *fill;
	bool	   *indicator;
} MlImpute;

enum
{
	ML_IMPUTE_STRATEGY,
	ML_IMPUTE_INDICATOR
};

static const MlParam ml_impute_params[] = {
	{"strategy", ML_PARAM_TEXT, "auto", 0, 0, "auto|median|mean",
		"How a missing number is filled: median, mean, or auto: the median where training rows missed values, "
	"else the mean. A missing category becomes the most frequent level."},
	{"indicator", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether a column that missed values in training gets a column that says where."},
};

static MlImpute *
ml_impute_create(int ncols)
{
	MlImpute   *impute = palloc0(sizeof(MlImpute));

	impute->ncols = impute->nout = ncols;
	impute->treated = palloc0(sizeof(bool) * Max(ncols, 1));
	impute->changed = palloc0(sizeof(bool) * Max(ncols, 1));
	impute->fill = palloc0(sizeof(double) * Max(ncols, 1));
	impute->indicator = palloc0(sizeof(bool) * Max(ncols, 1));
	return impute;
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

static void *
ml_impute_fit(const MlFitContext *ctx, MlShape *out)
{
	MlImpute   *impute = ml_impute_create(ctx->in->ncols);
	const char *strategy = ctx->params[ML_IMPUTE_STRATEGY].text;
	bool		indicate = ctx->params[ML_IMPUTE_INDICATOR].number != 0;
	const MlColumnStats *stats = ml_impute_stats(ctx);
	bool	   *need_median = palloc0(sizeof(bool) * Max(ctx->in->ncols, 1));
	bool	   *need_mean = palloc0(sizeof(bool) * Max(ctx->in->ncols, 1));

	for (int j = 0; j < ctx->in->ncols; j++)
	{
		bool		missed = stats[j].nulls + stats[j].nans > 0;

		impute->treated[j] = ctx->selected[j];
		impute->changed[j] = ctx->selected[j] && missed;
		if (!ctx->selected[j])
			continue;
		impute->indicator[j] = indicate && missed;
		if (ctx->in->cols[j].category)
			impute->fill[j] = stats[j].mode;
		else if (strcmp(strategy, "median") == 0 || (strcmp(strategy, "auto") == 0 && missed))
			need_median[j] = true;
		else if (isnan(stats[j].mean))
			need_mean[j] = true;
		else
			impute->fill[j] = stats[j].mean;
	}
	ml_quantile_medians(ctx->rows, ctx->in->ncols, need_median, impute->fill);
	ml_quantile_means(ctx->rows, ctx->in->ncols, need_mean, impute->fill);
	for (int j = 0; j < ctx->in->ncols; j++)
		if (impute->changed[j])
			ml_note(ctx->notes, "column \"%s\" misses %lld values: they are filled with %s%s", ctx->in->cols[j].name,
					(long long) (stats[j].nulls + stats[j].nans),
					ctx->in->cols[j].category ? psprintf("\"%s\"", ctx->in->cols[j].levels[(int) impute->fill[j]]) :
					ml_text_number(impute->fill[j]),
					impute->indicator[j] ? ", and a column says where" : "");
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
	}
}

static void *
ml_impute_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlImpute   *impute = ml_impute_create(in->ncols);

	if (ml_read_count(r, 10) != in->ncols)
		ml_read_corrupted("impute does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		impute->treated[j] = ml_read_u8(r) != 0;
		impute->fill[j] = ml_read_finite(r);
		impute->indicator[j] = ml_read_u8(r) != 0;
		if (in->cols[j].category &&
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

const MlTransform ml_transform_impute = {
	.name = "impute",
	.summary = "fills missing values with the median, the mean or the most frequent level, and says where",
	.tag = 1,
	.version = 1,
	.params = ml_impute_params,
	.nparams = lengthof(ml_impute_params),
	.fit = ml_impute_fit,
	.apply = ml_impute_apply,
	.write = ml_impute_write,
	.read = ml_impute_read,
	.describe = ml_impute_describe,
	.copies = ml_impute_copies,
};
