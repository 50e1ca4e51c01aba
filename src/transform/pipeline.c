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
#include "transform/pipeline.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define ML_STEPS_MAX	100

/* Reads the names of the columns a step is for: a List of char *. */
static List *
ml_pipeline_parse_columns(const MlTransform *transform, Jsonb *json)
{
	List	   *columns = NIL;
	bool		good = JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json);
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while (good && (token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		good = v.type == jbvString;
		if (good)
			columns = lappend(columns, pnstrdup(v.val.string.val, v.val.string.len));
	}
	if (!good || columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"columns\" of step \"%s\" must be an array of column names", transform->name),
				 errdetail("It is %s.", JsonbToCString(NULL, &json->root, VARSIZE(json))),
				 errhint("Leave \"columns\" out to treat every column the step can.")));
	return columns;
}

/* Reads one element of the pipeline's array: {"step": name, "columns": [...], parameters}. */
static MlStepSpec *
ml_pipeline_parse_step(Jsonb *step)
{
	MlStepSpec *spec = palloc0(sizeof(MlStepSpec));
	JsonbValue *name;
	JsonbValue *columns;
	JsonbValue	buffer;

	if (!JB_ROOT_IS_OBJECT(step) ||
		(name = getKeyJsonValueFromContainer(&step->root, "step", 4, &buffer)) == NULL ||
		name->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a pipeline step must be an object with a \"step\""),
				 errdetail("The step is %s.", JsonbToCString(NULL, &step->root, VARSIZE(step))),
				 errhint("Write it as {\"step\": \"impute\", ...}.")));
	spec->transform = ml_transform_by_name(pnstrdup(name->val.string.val, name->val.string.len));
	spec->params = ml_options_parse(psprintf("step \"%s\"", spec->transform->name),
									spec->transform->params, spec->transform->nparams,
									step, list_make2("step", "columns"));
	columns = getKeyJsonValueFromContainer(&step->root, "columns", 7, &buffer);
	if (columns)
		spec->columns = ml_pipeline_parse_columns(spec->transform, JsonbValueToJsonb(columns));
	return spec;
}

List *
ml_pipeline_parse(Jsonb *json)
{
	List	   *specs = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pipeline must be a JSON array of steps"),
				 errdetail("It is a JSON %s.", JB_ROOT_IS_SCALAR(json) ? "scalar" : "object"),
				 errhint("Write it as [{\"step\": \"impute\"}, {\"step\": \"one_hot\"}].")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			specs = lappend(specs, ml_pipeline_parse_step(JsonbValueToJsonb(&v)));
	if (list_length(specs) > ML_STEPS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("pipeline has too many steps"),
				 errdetail("It has %d steps; at most %d are possible.", list_length(specs), ML_STEPS_MAX),
				 errhint("Leave steps out, or do their work in the source query.")));
	return specs;
}

static MlStepSpec *
ml_pipeline_default_step(const MlTransform *transform, const char *params)
{
	MlStepSpec *spec = palloc0(sizeof(MlStepSpec));
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(params)));

	spec->transform = transform;
	spec->params = ml_options_parse(transform->name, transform->params, transform->nparams, json, NIL);
	return spec;
}

List *
ml_pipeline_default(bool fill_missing, bool standardise, bool center, bool encode)
{
	List	   *specs = NIL;

	if (fill_missing)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_impute, "{}"));
	if (standardise)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_standardise,
														center ? "{}" : "{\"center\": false}"));
	if (encode)
		specs = lappend(specs, ml_pipeline_default_step(&ml_transform_one_hot, "{}"));
	return specs;
}

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

/* Whether a step can treat a column in its encoding: texts that another step claims are left to it. */
static bool
ml_pipeline_takes(const MlStepSpec *spec, const MlColumn *column)
{
	MlTextClaim claim;

	if (column->encoding == ML_ENCODING_LEVELS || spec->transform->blind)
		return true;
	memset(&claim, 0, sizeof claim);
	if (spec->transform->claim)
		spec->transform->claim(spec->params, &claim);
	return claim.encoding == column->encoding;
}

/* Whether a name is that of a column, or of the input whose element or term it is. */
static bool
ml_pipeline_is_called(const MlColumn *column, const char *name)
{
	return strcmp(column->name, name) == 0 || (column->of && strcmp(column->of, name) == 0);
}

/* Marks the columns a step is asked to treat: by name, or all. */
static bool *
ml_pipeline_select(const MlStepSpec *spec, const MlShape *in)
{
	bool	   *selected = palloc0(sizeof(bool) * Max(in->ncols, 1));
	ListCell   *lc;

	for (int j = 0; j < in->ncols && spec->columns == NIL; j++)
		selected[j] = ml_pipeline_takes(spec, &in->cols[j]);
	foreach(lc, spec->columns)
	{
		char	   *name = lfirst(lc);
		List	   *names = NIL;
		bool		found = false;

		for (int j = 0; j < in->ncols; j++)
		{
			if (ml_pipeline_is_called(&in->cols[j], name) && ml_pipeline_takes(spec, &in->cols[j]))
				selected[j] = found = true;
			names = lappend(names, in->cols[j].name);
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("step \"%s\" names a column \"%s\" that does not reach it",
							spec->transform->name, name),
					 errdetail("The columns there are: %s.", ml_text_list(names, 30)),
					 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
	}
	return selected;
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
	ctx.selected = ml_pipeline_select(spec, p->design);
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
	cells = palloc_extended(sizeof(double) * Max(p->ncells, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
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
			input[e] = 0;
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

void
ml_pipeline_describe(const MlPipeline *p, StringInfo out)
{
	const MlShape *in = &p->entrance;

	appendStringInfoChar(out, '[');
	for (int s = 0; s < p->nsteps; s++)
	{
		appendStringInfo(out, "%s{\"step\": ", s > 0 ? ", " : "");
		ml_json_text(out, p->steps[s].transform->name);
		appendStringInfoString(out, ", \"learned\": ");
		p->steps[s].transform->describe(p->steps[s].state, in, out);
		appendStringInfoChar(out, '}');
		in = &p->steps[s].out;
	}
	appendStringInfoChar(out, ']');
}

void
ml_pipeline_describe_inputs(const MlPipeline *p, StringInfo out)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < p->ninputs; i++)
	{
		const MlInput *input = &p->inputs[i];

		appendStringInfo(out, "%s{\"name\": ", i > 0 ? ", " : "");
		ml_json_text(out, input->name);
		appendStringInfoString(out, ", \"type\": ");
		ml_json_text(out, input->type_name);
		appendStringInfo(out, ", \"nullable\": %s", input->nullable ? "true" : "false");
		if (input->class == ML_TYPE_ARRAY)
			appendStringInfo(out, ", \"length\": %d", input->ncells);
		if (input->encoding == ML_ENCODING_HASHED)
			appendStringInfoString(out, ", \"encoding\": \"hashed\"");
		else if (input->encoding == ML_ENCODING_TERMS)
		{
			appendStringInfo(out, ", \"encoding\": \"terms\", \"terms\": %d, \"config\": ", input->nlevels);
			ml_json_text(out, input->config);
		}
		else if (input->class == ML_TYPE_TEXT)
			appendStringInfo(out, ", \"levels\": %d", input->nlevels);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}
