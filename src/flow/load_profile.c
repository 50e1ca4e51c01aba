/*
 * load_profile.c - what the training rows hold, seen as they are loaded.
 *
 * Rows are gathered in a block, so that the counts of one column are worked on
 * at a time. Histograms and counts of codes do not depend on the order of the
 * rows; a text's code does, so its text is what is looked at in the end. The
 * sums of numbers may differ in their last digits. Kept are at most
 * ML_HISTOGRAM_BINS_MAX bins of a number and a sample of its values (72 kB),
 * and eight bytes for each different text.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "check/profile.h"
#include "flow/load_profile.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

struct MlLoadProfile
{
	MemoryContext context;
	int			ncells;
	MlCellProfile *cells;
	int64		rows;
	int			gathered;
	double	   *block;
};

MlLoadProfile *
ml_load_profile_create(const MlLoad *load)
{
	MlLoadProfile *p = palloc0(sizeof(MlLoadProfile));

	p->context = load->context;
	p->ncells = load->split_cell >= 0 ? load->split_cell : load->ncells;
	p->cells = palloc_extended(sizeof(MlCellProfile) * Max(p->ncells, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < load->ncolumns; i++)
	{
		const MlLoadColumn *column = &load->columns[i];

		if (column->first_cell < 0)
			continue;
		for (int e = 0; e < column->ncells; e++)
		{
			p->cells[column->first_cell + e].min = INFINITY;
			p->cells[column->first_cell + e].max = -INFINITY;
		}
		/* elements of arrays have no name of their own in a row, and weights no meaning for rows to be scored */
		if (column->dict != NULL)
			p->cells[column->first_cell].text = true;
		else if (column->convert.class != ML_TYPE_ARRAY && column->role != ML_ROLE_WEIGHT)
		{
			p->cells[column->first_cell].histogram = ml_histogram_create(load->context);
			p->cells[column->first_cell].distinct = palloc0(sizeof(MlDistinct));
			p->cells[column->first_cell].center = NAN;
		}
	}
	return p;
}

static void
ml_cell_profile_code(MlLoadProfile *p, MlCellProfile *cell, int code)
{
	if (code >= cell->capacity)
	{
		int			capacity = Max(64, Max(code + 1, cell->capacity * 2));

		cell->codes = cell->codes == NULL ? MemoryContextAllocHuge(p->context, sizeof(int64) * capacity) :
			repalloc_huge(cell->codes, sizeof(int64) * capacity);
		memset(cell->codes + cell->capacity, 0, sizeof(int64) * (capacity - cell->capacity));
		cell->capacity = capacity;
	}
	cell->codes[code]++;
}

/* Adds finite numbers to the sums of a cell. */
static void
ml_cell_profile_sums(MlCellProfile *cell, int n, const double *at, Size stride)
{
	double		center = cell->center = isnan(cell->center) ? *at : cell->center;
	double		sum = 0;
	double		squares = 0;

	for (int i = 0; i < n; i++, at += stride)
	{
		double		d = *at - center;

		sum += d;
		squares += d * d;
		ml_distinct_add(cell->distinct, *at);
	}
	cell->sum += sum;
	cell->squares += squares;
}

void
ml_load_profile_block(MlLoadProfile *p, int first_cell, int n, int rows, const double *x, Size stride)
{
	for (int j = 0; j < n; j++)
	{
		MlCellProfile *cell = &p->cells[first_cell + j];
		const double *at = x + j;
		bool		finite = true;

		for (int i = 0; i < rows && cell->histogram != NULL; i++)
			finite &= !isnan(at[i * stride]);
		if (cell->histogram != NULL && finite)
		{
			ml_histogram_add_finite(cell->histogram, rows, at, stride);
			ml_cell_profile_sums(cell, rows, at, stride);
		}
		else if (cell->histogram != NULL)
			for (int i = 0; i < rows; i++, at += stride)
			{
				if (unlikely(ml_cell_is_null(*at)))
					cell->nulls++;
				else
				{
					ml_histogram_add(cell->histogram, *at);
					if (isfinite(*at))
						ml_cell_profile_sums(cell, 1, at, stride);
				}
			}
		else if (cell->text)
			for (int i = 0; i < rows; i++, at += stride)
			{
				if (isnan(*at))
					cell->nulls++;
				else
					ml_cell_profile_code(p, cell, (int) *at);
			}
		else
			for (int i = 0; i < rows; i++, at += stride)
			{
				cell->min = *at < cell->min ? *at : cell->min;
				cell->max = *at > cell->max ? *at : cell->max;
			}
	}
	if (first_cell == 0)
		p->rows += rows;
}

void
ml_load_profile_finish(MlLoadProfile *p)
{
	if (p->gathered > 0)
		ml_load_profile_block(p, 0, p->ncells, p->gathered, p->block, p->ncells);
	p->gathered = 0;
}

void
ml_load_profile_row(MlLoadProfile *p, const double *cells)
{
	if (p->block == NULL)
		p->block = MemoryContextAllocHuge(p->context, sizeof(double) * ML_BLOCK_ROWS * Max(p->ncells, 1));
	memcpy(p->block + (Size) p->gathered * p->ncells, cells, sizeof(double) * p->ncells);
	if (++p->gathered == ML_BLOCK_ROWS)
		ml_load_profile_finish(p);
}

const MlCellProfile *
ml_load_profile_cell(const MlLoadProfile *p, int cell)
{
	return &p->cells[cell];
}

int64
ml_load_profile_rows(const MlLoadProfile *p)
{
	return p->rows;
}

void
ml_load_profile_bounds(const MlLoadProfile *p, int cell, double *min, double *max)
{
	const MlCellProfile *c = &p->cells[cell];

	*min = c->histogram ? c->histogram->min : c->min;
	*max = c->histogram ? c->histogram->max : c->max;
}

/* A number to twelve digits. */
static char *
ml_load_profile_number(double x)
{
	return ml_text_number(DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(psprintf("%.12g", x)))));
}

bool
ml_load_profile_moments(const MlLoadProfile *p, int cell, char **mean, char **stddev)
{
	const MlCellProfile *c = &p->cells[cell];
	double		n = c->histogram ? (double) c->histogram->n : 0;
	double		squares;

	if (n == 0 || isnan(c->center))
		return false;
	squares = c->squares - c->sum * c->sum / n;
	if (!isfinite(squares))
		return false;
	*mean = ml_load_profile_number(c->center + c->sum / n);
	*stddev = ml_load_profile_number(n > 1 && squares > 0 ? sqrt(squares / (n - 1)) : 0);
	return true;
}

static void
ml_load_profile_column(const MlLoad *load, const MlLoadColumn *column, MlColumnProfile *out)
{
	const MlCellProfile *cell = &load->profile->cells[column->first_cell];

	memset(out, 0, sizeof *out);
	out->column.name = column->name;
	out->column.declared = column->declared;
	out->column.typmod = -1;
	out->column.convert = column->convert;
	out->target = column->role == ML_ROLE_TARGET;
	if (column->convert.class == ML_TYPE_ARRAY)
		return;
	out->addressed = true;
	out->rows = load->profile->rows;
	out->nulls = cell->nulls;
	out->histogram = cell->histogram;
	for (int code = 0; column->dict != NULL && code < cell->capacity; code++)
		if (cell->codes[code] > 0)
			ml_profile_text(out, pnstrdup(column->dict->texts[code].bytes, column->dict->texts[code].length),
							cell->codes[code]);
}

/* Whether a column is an input of the pipeline, or the target. */
static bool
ml_load_profile_wants(const MlLoadColumn *column, const MlPipeline *pipeline)
{
	if (column->role == ML_ROLE_TARGET)
		return true;
	for (int i = 0; i < pipeline->ninputs && column->role == ML_ROLE_FEATURE; i++)
		if (strcmp(pipeline->inputs[i].name, column->name) == 0)
			return true;
	return false;
}

List *
ml_load_profile_checks(const MlLoad *load, const MlPipeline *pipeline)
{
	MlColumnProfile *profiles = palloc(sizeof(MlColumnProfile) * Max(load->ncolumns, 1));
	MlInference infer = {NIL, 0, true};

	for (int i = 0; i < load->ncolumns; i++)
		if (ml_load_profile_wants(&load->columns[i], pipeline))
			ml_load_profile_column(load, &load->columns[i], &profiles[infer.ncolumns++]);
	ml_infer_columns(&infer, infer.ncolumns, profiles);
	for (int i = 0; i < infer.ncolumns; i++)
		ml_infer_column(&infer, &profiles[i]);
	return infer.checks;
}
