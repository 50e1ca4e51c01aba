/*
 * design_rows.c - rows on their way through the pipeline, for learners and for the metrics.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/design.h"
#include "utils/memutils.h"

static void
ml_design_rewind(void *ctx)
{
	MlDesign   *design = ctx;

	ml_frame_rewind(design->frame);
	design->place = 0;
}

/* The cells of an input of terms, of which j is the first; returns the last. */
static int
ml_design_spread(const MlDesign *design, int j, double code, double *out)
{
	const MlTermTable *terms = design->terms[j];
	int			end = j;

	while (end < design->ncells && design->terms[end] == terms)
		end++;
	if (!ml_cell_is_missing(code))
		ml_terms_spread(terms, (int) code, end - j, out + j);
	else
		for (int e = j; e < end; e++)
			out[e] = code;
	return end - 1;
}

/* The entrance row of a loaded row: itself, or its cells moved to where the pipeline expects them. */
static inline const double *
ml_design_entrance(const MlDesign *design, const double *row, double *out)
{
	if (design->as_loaded)
		return row;
	for (int j = 0; j < design->ncells; j++)
	{
		double		x = row[design->cell[j]];

		if (unlikely(design->terms[j] != NULL))
		{
			j = ml_design_spread(design, j, x, out);
			continue;
		}
		out[j] = design->level[j] && !ml_cell_is_missing(x) ? design->level[j][(int) x] : x;
	}
	return out;
}

/* Moves the cells of loaded rows to where the pipeline expects them. */
static int
ml_design_read_entrance(void *ctx, const double **rows)
{
	MlDesign   *design = ctx;
	int			n = ml_frame_read(design->frame, design->rows);

	for (int i = 0; i < n; i++)
		rows[i] = ml_design_entrance(design, design->rows[i], design->entrance + (Size) i * design->ncells);
	return n;
}

double
ml_design_y(const MlDesign *design, double y)
{
	double		class;

	if (design->model->task == ML_TASK_REGRESSION)
		return y;
	if (design->class_code)
		class = design->class_code[(int) y];
	else
		class = ml_design_find(design->class_value, design->model->nclasses, y);
	return design->swapped && class >= 0 ? 1 - class : class;
}

/* Targets and weights of the rows that were just read. */
static void
ml_design_targets(MlDesign *design, int n)
{
	const MlLoad *load = design->load;

	for (int i = 0; i < n; i++)
	{
		design->y[i] = ml_design_y(design, design->rows[i][load->target_cell]);
		if (load->weight_cell >= 0)
			design->w[i] = design->rows[i][load->weight_cell];
	}
}

/* Training rows at the entrance, with their places and targets. */
static int
ml_design_read_training(void *ctx, const double **rows)
{
	MlDesign   *design = ctx;
	int			n = ml_design_read_entrance(design, rows);

	ml_design_targets(design, n);
	design->source.place = design->place;
	design->place += n;
	return n;
}

MlRowSource *
ml_design_entrance_rows(MlDesign *design)
{
	MlRowSource *source = &design->source;

	design->frame = design->load->train;
	design->entrance = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(double) * ML_BLOCK_ROWS * Max(design->ncells, 1));
	source->rewind = ml_design_rewind;
	source->read = ml_design_read_training;
	source->ctx = design;
	source->nrows = ml_frame_count(design->frame);
	source->y = design->y;
	source->w = design->load->weight_cell >= 0 ? design->w : NULL;
	return source;
}

/* Carries one loaded training row through the pipeline. */
static void
ml_design_settle_row(void *ctx, const double *row, double *out)
{
	MlDesign   *design = ctx;
	const MlLoad *load = design->load;
	const MlPipeline *pipeline = design->model->pipeline;
	int			width = pipeline->design->ncols;

	ml_pipeline_apply_training(pipeline, ml_design_entrance(design, row, design->entrance), design->work, out,
							   design->place++, ml_frame_count(load->train));
	out[width] = ml_design_y(design, row[load->target_cell]);
	if (load->weight_cell >= 0)
		out[width + 1] = row[load->weight_cell];
}

/* Room for rows on their way through the pipeline, once it is fitted. */
static void
ml_design_buffers(MlDesign *design)
{
	const MlPipeline *pipeline = design->model->pipeline;

	if (design->x != NULL)
		return;
	if (design->entrance == NULL)
		design->entrance = MemoryContextAllocHuge(CurrentMemoryContext,
												  sizeof(double) * ML_BLOCK_ROWS * Max(design->ncells, 1));
	design->x = MemoryContextAllocHuge(CurrentMemoryContext,
									   sizeof(double) * ML_BLOCK_ROWS * Max(pipeline->design->ncols, 1));
	design->work = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(pipeline->work_cells, 1));
}

void
ml_design_settle(MlDesign *design)
{
	int			width = design->model->pipeline->design->ncols + 1 + (design->load->weight_cell >= 0);

	ml_design_buffers(design);
	design->place = 0;
	design->settled = ml_frame_rewrite(design->load->train, width, ml_design_settle_row, design);
}

/* A block of rows that were carried through the pipeline before. */
static bool
ml_design_next_settled(MlDesign *design, MlBlock *block)
{
	int			width = design->model->pipeline->design->ncols;
	Size		stride = ml_frame_stride(design->frame);
	int			n = ml_frame_read(design->frame, design->rows);

	for (int i = 0; i < n; i++)
	{
		design->y[i] = design->rows[i][width];
		if (design->load->weight_cell >= 0)
			design->w[i] = design->rows[i][width + 1];
		if (stride == 0)
			memcpy(design->x + (Size) i * width, design->rows[i], sizeof(double) * width);
	}
	block->rows = n;
	block->x = stride > 0 ? design->rows[0] : design->x;
	block->stride = stride > 0 ? stride : width;
	block->y = design->y;
	block->w = design->load->weight_cell >= 0 ? design->w : NULL;
	return n > 0;
}

static bool
ml_design_next(void *ctx, MlBlock *block)
{
	MlDesign   *design = ctx;
	const MlLoad *load = design->load;
	const MlPipeline *pipeline = design->model->pipeline;
	int			width = pipeline->design->ncols;
	const double *rows[ML_BLOCK_ROWS];
	bool		training = design->frame == load->train;
	int			n;

	if (design->settled && training)
		return ml_design_next_settled(design, block);
	n = ml_design_read_entrance(design, rows);
	ml_design_targets(design, n);
	for (int i = 0; i < n; i++)
	{
		double	   *x = design->x + (Size) i * width;

		if (training)
			ml_pipeline_apply_training(pipeline, rows[i], design->work, x, design->place++, ml_frame_count(load->train));
		else
			ml_pipeline_apply_to(pipeline, rows[i], design->work, x);
	}
	block->rows = n;
	block->x = design->x;
	block->stride = width;
	block->y = design->y;
	block->w = load->weight_cell >= 0 ? design->w : NULL;
	return n > 0;
}

/* Carries every training row through the pipeline into a file of columns. */
static void
ml_design_carry(MlDesign *design)
{
	MlBlocks	blocks = ml_design_blocks(design, design->load->train);
	int			cells = blocks.cols + 1 + blocks.weighted;
	uint64		place = 0;
	MlBlock		block;

	design->carried = ml_frame_create_filed(cells, &design->load->budget);
	while (blocks.next(blocks.ctx, &block))
		for (int i = 0; i < block.rows; i++)
		{
			double	   *row = ml_frame_row(design->carried);

			memcpy(row, block.x + block.stride * i, sizeof(double) * blocks.cols);
			row[blocks.cols] = block.y[i];
			if (blocks.weighted)
				row[blocks.cols + 1] = block.w[i];
			/* they come in canonical order */
			ml_frame_commit(design->carried, place++);
		}
	ml_frame_finish(design->carried);
}

static void
ml_design_carried_column(void *ctx, int col, double *out)
{
	ml_frame_column(((MlDesign *) ctx)->carried, col, out);
}

/* A column of the loaded rows, where nothing stands between them and the learner. */
static void
ml_design_loaded_column(void *ctx, int col, double *out)
{
	MlDesign   *design = ctx;
	const MlLoad *load = design->load;
	int64		n = ml_frame_count(load->train);

	if (col > design->ncells)
		ml_frame_column(load->train, load->weight_cell, out);
	else if (col == design->ncells)
	{
		ml_frame_column(load->train, load->target_cell, out);
		for (int64 i = 0; i < n && design->model->task != ML_TASK_REGRESSION; i++)
			out[i] = ml_design_y(design, out[i]);
	}
	else
	{
		ml_frame_column(load->train, design->cell[col], out);
		for (int64 i = 0; i < n && design->level[col] != NULL; i++)
			if (!ml_cell_is_missing(out[i]))
				out[i] = design->level[col][(int) out[i]];
	}
}

/* Lets go of the training rows. */
static void
ml_design_columns_done(void *ctx)
{
	MlDesign   *design = ctx;
	MlFrame   **frame = design->carried ? &design->carried : &design->load->train;

	ml_frame_free(*frame);
	*frame = NULL;
}

MlColumns
ml_design_columns(MlDesign *design)
{
	MlColumns	columns;

	columns.weighted = design->load->weight_cell >= 0;
	columns.ctx = design;
	columns.done = ml_design_columns_done;
	columns.column = ml_design_loaded_column;
	if (!design->load->filed)
	{
		ml_design_carry(design);
		columns.column = ml_design_carried_column;
	}
	return columns;
}

MlBlocks
ml_design_blocks(MlDesign *design, MlFrame *frame)
{
	MlBlocks	blocks;
	int			width = design->model->pipeline->design->ncols;

	design->frame = frame;
	ml_design_buffers(design);
	blocks.cols = width;
	blocks.rows = ml_frame_count(frame);
	blocks.weighted = design->load->weight_cell >= 0;
	blocks.rewind = ml_design_rewind;
	blocks.next = ml_design_next;
	blocks.ctx = design;
	ml_design_rewind(design);
	return blocks;
}
