/*
 * gate_behaviour.c - how a version's prediction answers to one column alone.
 *
 * The idea is that of invariance and directional expectation tests (Ribeiro,
 * Wu, Guestrin and Singh, "Beyond Accuracy: Behavioral Testing of NLP Models
 * with CheckList", ACL 2020, section 2), with values set on a grid as for
 * individual conditional expectation (Goldstein et al., "Peeking Inside the
 * Black Box", 2015).
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "flow/gate_behaviour.h"
#include "miscadmin.h"

/* Numbers of the grid where a column has many, and how many whole ones are taken one by one. */
#define ML_GRID_POINTS	11
#define ML_GRID_WHOLE	32

/* Levels of a category that has more. */
#define ML_GRID_LEVELS	1000

/* Predictions that differ by less than this share are the same: sums are rounded. */
#define ML_SAME_SHARE	1e-12

typedef struct MlBehaviour
{
	const MlModel *model;
	const MlInput *input;
	int			cell;
	int			npoints;
	double	   *points;
	int			nout;			/* figures of a prediction that are compared */
	double	   *cells;
	double	   *work;
	double	   *out;
	double	   *before;			/* the figures compared with */
	bool		finite;			/* all of them so far */
} MlBehaviour;

static int
ml_behaviour_by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The values of a column that is hashed: those of the rows, or as many of them as a category has, spread evenly. */
static const char *
ml_behaviour_hashes(MlBehaviour *b, MlFrame *rows)
{
	int64		capacity = Max(ml_frame_count(rows), 1);
	double	   *values = palloc_extended(sizeof(double) * capacity, MCXT_ALLOC_HUGE);
	const double *block[ML_BLOCK_ROWS];
	int64		n = 0;
	int64		different = 0;
	int			read;

	ml_frame_rewind(rows);
	while ((read = ml_frame_read(rows, block)) > 0)
		for (int i = 0; i < read; i++)
			if (!ml_cell_is_missing(block[i][b->cell]))
				values[n++] = block[i][b->cell];
	qsort(values, n, sizeof(double), ml_behaviour_by_value);
	for (int64 i = 0; i < n; i++)
		if (different == 0 || values[different - 1] != values[i])
			values[different++] = values[i];
	if (different == 0)
		return psprintf("column \"%s\" is missing in every row", b->input->name);
	b->npoints = (int) Min(different, ML_GRID_LEVELS);
	b->points = palloc(sizeof(double) * b->npoints);
	for (int i = 0; i < b->npoints; i++)
		b->points[i] = values[i * different / b->npoints];
	pfree(values);
	return NULL;
}

/* The values the column takes: of a category its levels, of a number a grid over the rows' range. */
static const char *
ml_behaviour_points(MlBehaviour *b, MlFrame *rows)
{
	const double *block[ML_BLOCK_ROWS];
	double		low = INFINITY;
	double		high = -INFINITY;
	bool		whole = true;
	int			n;

	if (b->input->encoding == ML_ENCODING_HASHED)
		return ml_behaviour_hashes(b, rows);
	if (b->input->class == ML_TYPE_TEXT)
	{
		b->npoints = Min(b->input->nlevels, ML_GRID_LEVELS);
		b->points = palloc(sizeof(double) * Max(b->npoints, 1));
		for (int i = 0; i < b->npoints; i++)
			b->points[i] = (double) ((int64) i * b->input->nlevels / b->npoints);
		return NULL;
	}
	ml_frame_rewind(rows);
	while ((n = ml_frame_read(rows, block)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			double		x = block[i][b->cell];

			if (ml_cell_is_missing(x))
				continue;
			low = Min(low, x);
			high = Max(high, x);
			whole &= x == floor(x);
		}
	}
	if (low > high)
		return psprintf("column \"%s\" is missing in every row", b->input->name);
	b->npoints = low == high ? 1 : whole && high - low < ML_GRID_WHOLE ? (int) (high - low) + 1 : ML_GRID_POINTS;
	b->points = palloc(sizeof(double) * b->npoints);
	for (int i = 0; i < b->npoints; i++)
	{
		double		share = b->npoints > 1 ? (double) i / (b->npoints - 1) : 0;

		b->points[i] = low * (1 - share) + high * share;
		if (whole && b->npoints != ML_GRID_POINTS)
			b->points[i] = low + i;
	}
	return NULL;
}

/* Scores the cells with the column at a value; the figures that count are in out[0..nout). */
static void
ml_behaviour_score(MlBehaviour *b, double x)
{
	const MlModel *model = b->model;

	b->cells[b->cell] = x;
	model->learner->predict(model->state, ml_pipeline_apply(model->pipeline, b->cells, b->work), b->out);
	if (model->nclasses == 2)
		b->out[0] = b->out[model->positive];
	for (int k = 0; k < b->nout; k++)
		b->finite &= isfinite(b->out[k]);
}

static bool
ml_behaviour_same(double a, double b)
{
	return fabs(a - b) <= ML_SAME_SHARE * Max(fabs(a), fabs(b));
}

/* The greatest distance from the prediction of the row as it is. */
static double
ml_behaviour_moves(MlBehaviour *b, const double *row)
{
	double		most = 0;

	ml_behaviour_score(b, row[b->cell]);
	memcpy(b->before, b->out, sizeof(double) * b->nout);
	for (int i = 0; i < b->npoints; i++)
	{
		ml_behaviour_score(b, b->points[i]);
		for (int k = 0; k < b->nout; k++)
			if (!ml_behaviour_same(b->out[k], b->before[k]))
				most = Max(most, fabs(b->out[k] - b->before[k]));
	}
	return most;
}

/* Whether the prediction goes the wrong way between neighbouring values. */
static bool
ml_behaviour_turns(MlBehaviour *b, double direction)
{
	for (int i = 0; i < b->npoints; i++)
	{
		ml_behaviour_score(b, b->points[i]);
		if (i > 0 && direction * (b->out[0] - b->before[0]) < 0 && !ml_behaviour_same(b->out[0], b->before[0]))
			return true;
		b->before[0] = b->out[0];
	}
	return false;
}

static const char *
ml_behaviour_find(MlBehaviour *b, const MlGateMetric *metric)
{
	const MlPipeline *pipeline = b->model->pipeline;

	for (int i = 0; i < pipeline->ninputs && b->input == NULL; i++)
		if (strcmp(pipeline->inputs[i].name, metric->column) == 0)
			b->input = &pipeline->inputs[i];
	if (b->input == NULL)
		return NULL;
	if (b->input->class == ML_TYPE_ARRAY)
		return psprintf("column \"%s\" is an array", metric->column);
	if (b->input->encoding == ML_ENCODING_TERMS)
		return psprintf("column \"%s\" is a text of many terms", metric->column);
	if (metric->kind != ML_GATE_INVARIANCE && b->input->class != ML_TYPE_NUMBER)
		return psprintf("column \"%s\" is not a number, so it does not rise", metric->column);
	b->cell = b->input->first_cell;
	return NULL;
}

const char *
ml_gate_behaviour(const MlModel *model, const MlGateMetric *metric, MlFrame *rows, double *value, bool *read)
{
	MlBehaviour b = {0};
	const double *block[ML_BLOCK_ROWS];
	const char *problem;
	double		most = 0;
	int64		turned = 0;
	int			n;

	b.model = model;
	problem = ml_behaviour_find(&b, metric);
	if (problem != NULL)
		return problem;
	*value = 0;
	*read = b.input != NULL;
	if (b.input == NULL)
		return NULL;
	problem = ml_behaviour_points(&b, rows);
	if (problem != NULL)
		return problem;
	if (b.npoints < 2)
		return psprintf("column \"%s\" takes no second value", metric->column);
	b.nout = model->nclasses > 2 ? model->nclasses : 1;
	b.cells = palloc_extended(sizeof(double) * model->pipeline->ncells, MCXT_ALLOC_HUGE);
	b.work = palloc_extended(sizeof(double) * Max(model->pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	b.out = palloc(sizeof(double) * Max(model->nclasses, 1));
	b.before = palloc(sizeof(double) * Max(model->nclasses, 1));
	b.finite = true;
	ml_frame_rewind(rows);
	while ((n = ml_frame_read(rows, block)) > 0)
		for (int i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			memcpy(b.cells, block[i], sizeof(double) * model->pipeline->ncells);
			if (metric->kind == ML_GATE_INVARIANCE)
				most = Max(most, ml_behaviour_moves(&b, block[i]));
			else
				turned += ml_behaviour_turns(&b, metric->kind == ML_GATE_INCREASING ? 1 : -1);
		}
	if (!b.finite)
		return "the prediction is not finite in every row";
	*value = metric->kind == ML_GATE_INVARIANCE ? most : (double) turned / Max(ml_frame_count(rows), 1);
	return NULL;
}
