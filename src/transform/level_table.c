/*
 * level_table.c - what steps share that put numbers in the place of categories: a table of numbers by level.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/level_table.h"
#include "utils/memutils.h"

int64 **
ml_level_counts(const MlFitContext *ctx, const bool *treated)
{
	int			ncols = ctx->in->ncols;
	int64	  **counts = palloc0(sizeof(int64 *) * Max(ncols, 1));
	const double *rows[ML_BLOCK_ROWS];
	bool		covered = true;
	int			n;

	for (int j = 0; j < ncols; j++)
	{
		int			nlevels = ctx->in->cols[j].nlevels;
		int			entrance = ctx->in->cols[j].entrance;

		if (!treated[j])
			continue;
		counts[j] = palloc_extended(sizeof(int64) * (nlevels + 2), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		if (entrance < 0)
		{
			covered = false;
			continue;
		}
		memcpy(counts[j], ctx->stats[entrance].level_counts, sizeof(int64) * nlevels);
		counts[j][nlevels] = ctx->stats[entrance].nulls + ctx->stats[entrance].nans;
	}
	if (covered)
		return counts;
	ctx->rows->rewind(ctx->rows->ctx);
	while ((n = ctx->rows->read(ctx->rows->ctx, rows)) > 0)
		for (int j = 0; j < ncols; j++)
			if (treated[j] && ctx->in->cols[j].entrance < 0)
				for (int i = 0; i < n; i++)
					counts[j][ml_level_row(rows[i][j], ctx->in->cols[j].nlevels)]++;
	return counts;
}

void
ml_level_table_init(MlLevelTable *table, const MlShape *in, const bool *treated, int width)
{
	table->ncols = in->ncols;
	table->width = width;
	table->treated = palloc0(sizeof(bool) * Max(in->ncols, 1));
	table->nlevels = palloc0(sizeof(int) * Max(in->ncols, 1));
	table->values = palloc0(sizeof(double *) * Max(in->ncols, 1));
	for (int j = 0; j < in->ncols; j++)
	{
		table->treated[j] = treated[j];
		table->nlevels[j] = in->cols[j].nlevels;
		if (treated[j])
			table->values[j] = palloc_extended(sizeof(double) * (in->cols[j].nlevels + 2) * width,
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
}

/* Whether a column of the table has a number for every row. */
static bool
ml_level_table_full(const MlLevelTable *table, int column)
{
	for (int k = 0; k < (table->nlevels[column] + 2) * table->width; k++)
		if (ml_cell_is_missing(table->values[column][k]))
			return false;
	return true;
}

void
ml_level_table_shape(const MlLevelTable *table, const MlShape *in, char **classes, MlShape *out)
{
	int64		n = 0;

	for (int j = 0; j < in->ncols; j++)
		n += table->treated[j] ? table->width : 1;
	out->cols = palloc_extended(sizeof(MlColumn) * Max(n, 1), MCXT_ALLOC_HUGE);
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		bool		full = table->treated[j] && ml_level_table_full(table, j);

		if (!table->treated[j])
			out->cols[out->ncols++] = ml_column_copy(&in->cols[j]);
		else
			for (int k = 0; k < table->width; k++)
			{
				MlColumn   *column = &out->cols[out->ncols++];

				*column = classes ? ml_column_number("%s=%s", in->cols[j].name, classes[k]) :
					ml_column_number("%s", in->cols[j].name);
				column->filled = full;
				column->misses = !full && in->cols[j].misses && ml_cell_is_missing(table->values[j][table->nlevels[j] * table->width]);
			}
	}
}

void
ml_level_table_apply(const MlLevelTable *table, double *const *values, const double *in, double *out)
{
	for (int j = 0; j < table->ncols; j++)
	{
		const double *from;

		if (!table->treated[j])
		{
			*out++ = in[j];
			continue;
		}
		from = values[j] + (Size) ml_level_row(in[j], table->nlevels[j]) * table->width;
		for (int k = 0; k < table->width; k++)
			*out++ = from[k];
	}
}

void
ml_level_table_write(const MlLevelTable *table, StringInfo out)
{
	ml_write_u32(out, table->ncols);
	ml_write_u32(out, table->width);
	for (int j = 0; j < table->ncols; j++)
	{
		ml_write_u8(out, table->treated[j]);
		for (int k = 0; table->treated[j] && k < (table->nlevels[j] + 2) * table->width; k++)
			ml_write_f64(out, table->values[j][k]);
	}
}

void
ml_level_table_read(MlLevelTable *table, MlReader *r, const MlShape *in, int width)
{
	bool	   *none = palloc0(sizeof(bool) * Max(in->ncols, 1));

	if (ml_read_count(r, 1) != in->ncols || ml_read_u32(r) != (uint32) width)
		ml_read_corrupted("a table of levels does not fit its columns");
	ml_level_table_init(table, in, none, width);
	for (int j = 0; j < in->ncols; j++)
	{
		int64		n = ((int64) in->cols[j].nlevels + 2) * width;

		table->treated[j] = ml_read_u8(r) != 0;
		if (!table->treated[j])
			continue;
		if (!in->cols[j].category || n * 8 > r->end - r->at)
			ml_read_corrupted("a table of levels does not fit its columns");
		table->values[j] = palloc_extended(sizeof(double) * n, MCXT_ALLOC_HUGE);
		for (int64 k = 0; k < n; k++)
		{
			double		x = ml_read_f64(r);

			if (!isfinite(x) && !ml_cell_is_null(x))
				ml_read_corrupted("a number in the place of a level is not finite");
			table->values[j][k] = x;
		}
	}
	pfree(none);
}

void
ml_level_table_words(const MlLevelTable *table, int column, StringInfo out)
{
	appendStringInfo(out, table->nlevels[column] == 1 ? "%d level" : "%d levels", table->nlevels[column]);
}

static void
ml_level_table_row(const MlLevelTable *table, int column, int row, StringInfo out)
{
	const double *x = table->values[column] + (Size) row * table->width;

	appendStringInfoString(out, table->width > 1 ? "[" : "");
	for (int k = 0; k < table->width; k++)
	{
		appendStringInfoString(out, k > 0 ? ", " : "");
		if (ml_cell_is_missing(x[k]))
			appendStringInfoString(out, "null");
		else
			ml_json_number(out, x[k]);
	}
	appendStringInfoString(out, table->width > 1 ? "]" : "");
}

void
ml_level_table_describe(const MlLevelTable *table, const MlShape *in, StringInfo out)
{
	bool		first = true;

	appendStringInfoChar(out, '{');
	for (int j = 0; j < table->ncols; j++)
	{
		if (!table->treated[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		first = false;
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": {\"levels\": {");
		for (int k = 0; k < table->nlevels[j]; k++)
		{
			appendStringInfoString(out, k > 0 ? ", " : "");
			ml_json_text(out, in->cols[j].levels[k]);
			appendStringInfoString(out, ": ");
			ml_level_table_row(table, j, k, out);
		}
		appendStringInfoString(out, "}, \"missing\": ");
		ml_level_table_row(table, j, table->nlevels[j], out);
		appendStringInfoString(out, ", \"unseen\": ");
		ml_level_table_row(table, j, table->nlevels[j] + 1, out);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, '}');
}
