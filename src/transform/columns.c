/*
 * columns.c - what transforms that treat columns one by one share.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/cell.h"
#include "base/compat.h"
#include "transform/columns.h"

void
ml_columns_copy(const MlShape *in, int extra, MlShape *out)
{
	out->ncols = in->ncols;
	out->cols = palloc_extended(sizeof(MlColumn) * Max((Size) in->ncols + extra, 1), MCXT_ALLOC_HUGE);
	for (int j = 0; j < in->ncols; j++)
		out->cols[j] = ml_column_copy(&in->cols[j]);
}

void
ml_columns_scaled(MlColumn *column, double center, double scale)
{
	column->center += column->scale * center;
	column->scale *= scale;
	column->entrance = -1;
}

void
ml_columns_bent(MlColumn *column)
{
	column->center = 0;
	column->scale = 1;
	column->entrance = -1;
	column->class = ML_TYPE_NUMBER;
}

void
ml_columns_write(const bool *treated, int ncols, StringInfo out)
{
	ml_write_u32(out, ncols);
	for (int j = 0; j < ncols; j++)
		ml_write_u8(out, treated[j]);
}

bool *
ml_columns_read(MlReader *r, const MlShape *in, MlTakes takes)
{
	bool	   *treated = palloc0(sizeof(bool) * Max(in->ncols, 1));

	if (ml_read_count(r, 1) != in->ncols)
		ml_read_corrupted("a step does not fit its columns");
	for (int j = 0; j < in->ncols; j++)
	{
		treated[j] = ml_read_u8(r) != 0;
		if (treated[j] && takes != ML_TAKES_ANY && (takes == ML_TAKES_CATEGORIES) != in->cols[j].category)
			ml_read_corrupted("a step treats a column of another kind");
	}
	return treated;
}

bool *
ml_columns_treated(const MlFitContext *ctx)
{
	bool	   *treated = palloc0(sizeof(bool) * Max(ctx->in->ncols, 1));

	memcpy(treated, ctx->selected, sizeof(bool) * ctx->in->ncols);
	return treated;
}

int
ml_columns_count(const bool *treated, int ncols)
{
	int			n = 0;

	for (int j = 0; j < ncols; j++)
		n += treated[j];
	return n;
}

double *
ml_columns_numbers(int ncols)
{
	return palloc_extended(sizeof(double) * Max(ncols, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void
ml_columns_describe(const void *state, const MlShape *in, const bool *treated,
					void (*learned) (const void *state, int column, StringInfo out), StringInfo out)
{
	bool		first = true;

	appendStringInfoChar(out, '{');
	for (int j = 0; j < in->ncols; j++)
	{
		if (!treated[j])
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": {");
		learned(state, j, out);
		appendStringInfoChar(out, '}');
		first = false;
	}
	appendStringInfoChar(out, '}');
}

void
ml_columns_member(StringInfo out, const char *name, double value)
{
	ml_json_text(out, name);
	appendStringInfoString(out, ": ");
	ml_json_number(out, value);
}

void
ml_columns_array(StringInfo out, const double *values, int n)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		ml_json_number(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

void
ml_columns_range(MlRowSource *rows, int ncols, const bool *treated, double *low, double *high)
{
	const double *block[ML_BLOCK_ROWS];
	bool	   *seen = palloc0(sizeof(bool) * Max(ncols, 1));
	int			n;

	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			for (int j = 0; j < ncols; j++)
			{
				double		x = block[i][j];

				if (!treated[j] || ml_cell_is_missing(x))
					continue;
				low[j] = seen[j] ? Min(low[j], x) : x;
				high[j] = seen[j] ? Max(high[j], x) : x;
				seen[j] = true;
			}
	pfree(seen);
}

void
ml_columns_outside(const char *step, const char *column, double value, const char *domain)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("step \"%s\" cannot treat column \"%s\": a training row has %s", step, column,
					ml_text_number(value)),
			 errdetail("The step is for values %s.", domain),
			 errhint("Name the columns it is for in \"columns\", put {\"step\": \"clip\"} in front, or leave such rows out.")));
}
