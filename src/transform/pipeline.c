/*
 * pipeline.c - the inputs of a version and the ordered steps that turn them into design rows.
 *
 * Memory is palloc'd in the current context and lives as long as it.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/murmur.h"
#include "transform/pipeline_internal.h"
#include "utils/memutils.h"

/* The column of a cell at the entrance. */
static void
ml_pipeline_enter_cell(const MlInput *input, int element, MlColumn *column)
{
	if (input->class == ML_TYPE_ARRAY)
		*column = ml_column_number("%s[%d]", input->name, element + 1);
	else if (input->encoding == ML_ENCODING_TERMS)
		*column = ml_column_number("%s~%s", input->name, input->levels[element]);
	else
		*column = ml_column_number("%s", input->name);
	column->category = input->class == ML_TYPE_TEXT && input->encoding == ML_ENCODING_LEVELS;
	column->nlevels = column->category ? input->nlevels : 0;
	column->levels = column->category ? input->levels : NULL;
	column->entrance = input->first_cell + element;
	column->encoding = input->encoding;
	if (input->class == ML_TYPE_ARRAY || input->encoding == ML_ENCODING_TERMS)
		column->of = input->name;
	if (input->encoding != ML_ENCODING_TERMS)
		column->class = input->class;
}

void
ml_pipeline_enter(MlPipeline *p, int ninputs, MlInput *inputs)
{
	p->ninputs = ninputs;
	p->inputs = inputs;
	p->ncells = p->nelements = 0;
	for (int i = 0; i < ninputs; i++)
	{
		inputs[i].first_cell = p->ncells;
		inputs[i].first_element = p->nelements;
		p->ncells += inputs[i].ncells;
		p->nelements += inputs[i].class == ML_TYPE_ARRAY ? inputs[i].ncells : 1;
	}
	p->entrance.ncols = p->ncells;
	p->entrance.cols = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlColumn) * Max(p->ncells, 1));
	for (int i = 0; i < ninputs; i++)
		for (int e = 0; e < inputs[i].ncells; e++)
			ml_pipeline_enter_cell(&inputs[i], e, &p->entrance.cols[inputs[i].first_cell + e]);
	p->design = &p->entrance;
	p->work_cells = 0;
}

/* Entrance rows carried through the first steps, for the step that is being fitted. */
typedef struct MlStageRows
{
	const MlPipeline *p;
	MlRowSource *base;
	MlRowSource *stage;			/* these rows, as a step reads them */
	double	   *block;
	double	   *work;
} MlStageRows;

static void
ml_stage_rewind(void *ctx)
{
	MlStageRows *stage = ctx;

	stage->base->rewind(stage->base->ctx);
}

static int
ml_stage_read(void *ctx, const double **rows)
{
	MlStageRows *stage = ctx;
	int			n = stage->base->read(stage->base->ctx, rows);
	int			width = stage->p->design->ncols;

	for (int i = 0; i < n; i++)
	{
		double	   *out = stage->block + (Size) width * i;

		ml_pipeline_apply_training(stage->p, rows[i], stage->work, out, stage->base->place + i, stage->base->nrows);
		rows[i] = out;
	}
	stage->stage->place = stage->base->place;
	stage->stage->y = stage->base->y;
	stage->stage->w = stage->base->w;
	return n;
}

/* Means at the entrance: most columns keep their place and their units from step to step. */
static double *
ml_pipeline_near(const MlPipeline *p, const MlColumnStats *stats)
{
	double	   *near = palloc_extended(sizeof(double) * Max(p->design->ncols, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int j = 0; j < Min(p->ncells, p->design->ncols); j++)
		if (!p->entrance.cols[j].category && isfinite(stats[j].mean))
			near[j] = stats[j].mean;
	return near;
}

/* Notes what the shape that comes out needs at scoring. */
static void
ml_pipeline_extend(MlPipeline *p)
{
	MlPipelineStep *step = &p->steps[p->nsteps - 1];

	p->design = &step->out;
	step->copies = step->transform->copies && step->transform->copies(step->state);
	p->work_cells += p->design->ncols;
}

/* Fits the next step to the rows as they leave the one before. */
static void
ml_pipeline_fit_step(MlPipeline *p, const MlStepSpec *spec, const MlPipelineRows *training, MlNotes *notes)
{
	MlPipelineStep *step = &p->steps[p->nsteps];
	MlFitContext ctx;
	MlStageRows stage;
	MlRowSource source;

	memset(&ctx, 0, sizeof ctx);
	ctx.in = p->design;
	ctx.stats = training->stats;
	ctx.near = ml_pipeline_near(p, training->stats);
	ctx.params = spec->params;
	ctx.selected = ml_pipeline_select(p, spec);
	ctx.named = spec->columns != NIL;
	ctx.target = training->target;
	ctx.nclasses = training->nclasses;
	ctx.classes = training->classes;
	ctx.notes = notes;
	if (training->rows)
	{
		stage.p = p;
		stage.base = training->rows;
		stage.stage = &source;
		stage.block = MemoryContextAllocHuge(CurrentMemoryContext,
											 sizeof(double) * ML_BLOCK_ROWS * Max(p->design->ncols, 1));
		stage.work = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(p->work_cells, 1));
		memset(&source, 0, sizeof source);
		source.rewind = ml_stage_rewind;
		source.read = ml_stage_read;
		source.ctx = &stage;
		source.nrows = training->rows->nrows;
		/* at the entrance rows need no copy */
		ctx.rows = p->nsteps == 0 ? training->rows : &source;
	}
	step->transform = spec->transform;
	step->asked = spec;
	step->treats = ctx.selected;
	step->state = spec->transform->fit(&ctx, &step->out);
	if (training->rows)
	{
		pfree(stage.block);
		pfree(stage.work);
	}
	p->nsteps++;
	ml_pipeline_extend(p);
}

bool *
ml_pipeline_needs(const MlPipeline *p, double missing, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	int			width = p->design->ncols;
	bool	   *needs;
	double	   *cells;
	double	   *work;
	double	   *whole;

	if (p->fills_missing)
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}
	needs = palloc0(sizeof(bool) * Max(p->ninputs, 1));
	cells = palloc_extended(sizeof(double) * Max(p->ncells, 1), MCXT_ALLOC_HUGE);
	/* a value that every function of numbers has an answer for */
	for (int c = 0; c < p->ncells; c++)
		cells[c] = !p->entrance.cols[c].category;
	work = palloc_extended(sizeof(double) * Max(p->work_cells, 1), MCXT_ALLOC_HUGE);
	whole = palloc_extended(sizeof(double) * Max(width, 1), MCXT_ALLOC_HUGE);
	memcpy(whole, ml_pipeline_apply(p, cells, work), sizeof(double) * width);
	for (int i = 0; i < p->ninputs; i++)
	{
		double	   *input = cells + p->inputs[i].first_cell;
		const double *design;

		for (int e = 0; e < p->inputs[i].ncells; e++)
			input[e] = missing;
		design = ml_pipeline_apply(p, cells, work);
		for (int j = 0; j < width; j++)
			needs[i] |= ml_cell_is_missing(design[j]) && !ml_cell_is_missing(whole[j]);
		for (int e = 0; e < p->inputs[i].ncells; e++)
			input[e] = !p->entrance.cols[p->inputs[i].first_cell + e].category;
	}
	pfree(whole);
	pfree(work);
	pfree(cells);
	MemoryContextSwitchTo(old);
	return needs;
}

/* Notes whether a row can leave the pipeline with a value missing. */
static void
ml_pipeline_settle(MlPipeline *p)
{
	p->fills_missing = true;
	for (int j = 0; j < p->design->ncols; j++)
		p->fills_missing &= p->design->cols[j].filled;
}

void
ml_pipeline_fit(MlPipeline *p, List *specs, const MlPipelineRows *training, MlNotes *notes)
{
	ListCell   *lc;

	p->steps = palloc0(sizeof(MlPipelineStep) * Max(list_length(specs), 1));
	p->nsteps = 0;
	foreach(lc, specs)
		ml_pipeline_fit_step(p, lfirst(lc), training, notes);
	ml_pipeline_settle(p);
}

const double *
ml_pipeline_apply(const MlPipeline *p, const double *cells, double *work)
{
	for (int s = 0; s < p->nsteps; s++)
	{
		p->steps[s].transform->apply(p->steps[s].state, cells, work);
		cells = work;
		work += p->steps[s].out.ncols;
	}
	return cells;
}

const double *
ml_pipeline_apply_complete(const MlPipeline *p, const double *cells, double *work)
{
	for (int s = 0; s < p->nsteps; s++)
	{
		if (p->steps[s].copies)
			continue;
		p->steps[s].transform->apply(p->steps[s].state, cells, work);
		cells = work;
		work += p->steps[s].out.ncols;
	}
	return cells;
}

void
ml_pipeline_apply_to(const MlPipeline *p, const double *cells, double *work, double *out)
{
	if (p->nsteps == 0)
		memcpy(out, cells, sizeof(double) * p->ncells);
	for (int s = 0; s < p->nsteps; s++)
	{
		double	   *to = s == p->nsteps - 1 ? out : work;

		p->steps[s].transform->apply(p->steps[s].state, cells, to);
		cells = to;
		work += p->steps[s].out.ncols;
	}
}

void
ml_pipeline_apply_training(const MlPipeline *p, const double *cells, double *work, double *out, int64 place, int64 nrows)
{
	if (p->nsteps == 0)
		memcpy(out, cells, sizeof(double) * p->ncells);
	for (int s = 0; s < p->nsteps; s++)
	{
		const MlPipelineStep *step = &p->steps[s];
		double	   *to = s == p->nsteps - 1 ? out : work;

		if (step->transform->apply_training)
			step->transform->apply_training(step->state, cells, to, place, nrows);
		else
			step->transform->apply(step->state, cells, to);
		cells = to;
		work += step->out.ncols;
	}
}

double
ml_pipeline_level(const MlInput *input, const char *text, int length, bool *known)
{
	int			code;

	*known = true;
	if (input->encoding == ML_ENCODING_HASHED)
		return ml_murmur32_text(text, length);
	code = ml_dict_find(input->codes, text, length);
	if (likely(code >= 0))
		return code;
	*known = input->has_other;
	return input->unseen == ML_LEVEL_MISSING ? ml_cell_null() :
		input->unseen == ML_LEVEL_UNSEEN ? ml_cell_from_bits(ML_UNSEEN_BITS) : input->unseen;
}

/*
 * Bytes: u32 inputs; per input text name, text type, u8 class, u8 nullable, u8 encoding,
 * u32 cells, u32 levels, u8 has_other, u32 unseen (0xFFFFFFFF: missing; 0xFFFFFFFE: told from missing), text
 * configuration of terms, texts of the kept levels or terms;
 * u32 steps; per step u16 tag, u16 version, its payload.
 */
void
ml_pipeline_write(const MlPipeline *p, StringInfo out)
{
	ml_write_u32(out, p->ninputs);
	for (int i = 0; i < p->ninputs; i++)
	{
		const MlInput *input = &p->inputs[i];

		ml_write_text(out, input->name);
		ml_write_text(out, input->type_name);
		ml_write_u8(out, input->class);
		ml_write_u8(out, input->nullable);
		ml_write_u8(out, input->encoding);
		ml_write_u32(out, input->ncells);
		ml_write_u32(out, input->nlevels);
		ml_write_u8(out, input->has_other);
		ml_write_u32(out, input->unseen);
		if (input->encoding == ML_ENCODING_TERMS)
			ml_write_text(out, input->config);
		for (int k = 0; k < input->nlevels - input->has_other; k++)
			ml_write_text(out, input->levels[k]);
	}
	ml_write_u32(out, p->nsteps);
	for (int s = 0; s < p->nsteps; s++)
	{
		ml_write_u16(out, p->steps[s].transform->tag);
		ml_write_u16(out, p->steps[s].transform->version);
		p->steps[s].transform->write(p->steps[s].state, out);
	}
}

/* Whether what was read of an input makes sense. */
static bool
ml_pipeline_input_fits(const MlInput *input)
{
	bool		text = input->class == ML_TYPE_TEXT;

	if (input->name == NULL || input->type_name == NULL || input->class == ML_TYPE_UNSUPPORTED ||
		input->class > ML_TYPE_ARRAY || input->encoding > ML_ENCODING_TERMS ||
		(input->encoding != ML_ENCODING_LEVELS && (!text || input->has_other || input->unseen != ML_LEVEL_MISSING)) ||
		(input->encoding == ML_ENCODING_HASHED && input->nlevels > 0) ||
		input->ncells < (input->class == ML_TYPE_ARRAY ? 0 : 1) || input->ncells > (int) (MaxAllocSize / sizeof(MlColumn)))
		return false;
	if (input->encoding == ML_ENCODING_TERMS)
		return input->ncells == input->nlevels;
	return (input->class == ML_TYPE_ARRAY || input->ncells == 1) &&
		(text || input->nlevels == 0) && input->has_other <= input->nlevels &&
		input->unseen >= (text ? ML_LEVEL_UNSEEN : 0) && input->unseen < Max(input->nlevels, 1);
}

static void
ml_pipeline_read_input(MlReader *in, MlInput *input)
{
	int			kept;

	memset(input, 0, sizeof *input);
	input->name = ml_read_text(in);
	input->type_name = ml_read_text(in);
	input->class = ml_read_u8(in);
	input->nullable = ml_read_u8(in) != 0;
	input->encoding = ml_read_u8(in);
	input->ncells = (int) ml_read_u32(in);
	input->nlevels = ml_read_count(in, 0);
	input->has_other = ml_read_u8(in) != 0;
	input->unseen = (int) ml_read_u32(in);
	if (!ml_pipeline_input_fits(input))
		ml_read_corrupted("an input makes no sense");
	if (input->encoding == ML_ENCODING_TERMS && (input->config = ml_read_text(in)) == NULL)
		ml_read_corrupted("terms have no configuration");
	kept = input->nlevels - input->has_other;
	if ((int64) kept * 4 > in->end - in->at)
		ml_read_corrupted("a count exceeds the artifact");
	if (input->class != ML_TYPE_TEXT)
		return;
	input->levels = palloc_extended(sizeof(char *) * Max(input->nlevels, 1), MCXT_ALLOC_HUGE);
	input->codes = ml_dict_create();
	for (int k = 0; k < kept; k++)
	{
		input->levels[k] = ml_read_text(in);
		if (input->levels[k] == NULL ||
			ml_dict_add(input->codes, input->levels[k], strlen(input->levels[k])) != k)
			ml_read_corrupted("a level is repeated");
	}
	if (input->has_other)
		input->levels[kept] = "(other)";
}

MlPipeline *
ml_pipeline_read(MlReader *in)
{
	MlPipeline *p = palloc0(sizeof(MlPipeline));
	int			ninputs = ml_read_count(in, 21);
	MlInput    *inputs = palloc(sizeof(MlInput) * Max(ninputs, 1));
	int			nsteps;
	int64		ncells = 0;

	for (int i = 0; i < ninputs; i++)
	{
		ml_pipeline_read_input(in, &inputs[i]);
		ncells += inputs[i].ncells;
	}
	if (ncells > (int64) (MaxAllocSize / sizeof(MlColumn)))
		ml_read_corrupted("it has too many inputs");
	ml_pipeline_enter(p, ninputs, inputs);
	nsteps = ml_read_count(in, 4);
	if (nsteps > ML_STEPS_MAX)
		ml_read_corrupted("it has too many steps");
	p->steps = palloc0(sizeof(MlPipelineStep) * Max(nsteps, 1));
	for (int s = 0; s < nsteps; s++)
	{
		const MlTransform *transform = ml_transform_by_tag(ml_read_u16(in));
		uint16		version = ml_read_u16(in);

		if (transform == NULL || version == 0 || version > transform->version)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("model artifact was written by a newer release of pg_mlops"),
					 errhint("Install the newer library.")));
		p->steps[s].transform = transform;
		p->steps[s].state = transform->read(in, p->design, &p->steps[s].out);
		p->nsteps++;
		ml_pipeline_extend(p);
	}
	ml_pipeline_settle(p);
	return p;
}
