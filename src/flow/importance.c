/*
 * importance.c - what each feature adds to a version: by its learner's account, or by permutation.
 *
 * Permutation (Breiman, "Random Forests", 2001, section 10) reads the rows
 * again as the training did, so that the same ones are held out. They stand
 * in canonical order, and a row's place there decides where its values go:
 * the result depends neither on the order in which the rows come nor on
 * whether they fit in memory. The shuffled values of one feature are a frame
 * of their own that is read in step with the rows, which works in temporary
 * files too. Sums are exact and rounded once.
 *
 * The model stays pinned until the caller's context is reset; frames are
 * freed here, and after an error by the resource owner and the context.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "flow/importance.h"
#include "flow/recorded.h"
#include "flow/terms.h"
#include "math/elementary.h"
#include "math/exact_sum.h"
#include "metric/metric.h"
#include "store/access.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Each feature is shuffled so often. */
#define ML_IMPORTANCE_REPEATS	5

/* The sum of the losses of rows: of squared errors, or of negative logarithms of probabilities. */
typedef struct MlLoss
{
	MlExactProducts squares;
	MlExactSum	logs;
} MlLoss;

/* Where the cells of one input are in a loaded row. */
typedef struct MlShuffled
{
	const MlInput *input;
	const MlLoadColumn *column;
	double	   *levels;			/* level or hash by dictionary code; NULL: the cells are the input's */
	MlTermTable *terms;			/* terms by dictionary code, or NULL */
} MlShuffled;

typedef struct MlPermutation
{
	const char *ref;
	const MlModel *model;
	MlLoad	   *load;
	MlFrame    *rows;
	MlShuffled *inputs;
	double	   *class_of;		/* class by dictionary code of the target, -1 for one the model does not know */
	double	   *class_values;	/* the target is a number: the classes' values */
	double	   *cells;
	double	   *work;
	double	   *out;
	bool	   *needs;			/* per input: it must have a value; NULL: none must */
	bool	   *needs_seen;		/* the same: it must have a text that training saw */
	MlLoss		base;			/* of the rows as they are, negative */
} MlPermutation;

/* ---- the rows of the training ---- */

/* Reads the rows as the training of the version read them, and keeps those it held out, or else all. */
static void
ml_importance_load(MlPermutation *p, const MlVersionRef *version)
{
	const char *hint = p->model->learner->importance ?
		"Train with snapshot => 'fingerprint', or use the method \"gain\" or \"split\"." :
		"Train with snapshot => 'fingerprint'.";
	MlTrainingRecord record;
	MlLoad	   *load = ml_recorded_load(version, p->model->target, hint, &record);

	load->only_test = load->split != ML_SPLIT_NONE;
	ml_load_read(load);
	p->load = load;
	p->rows = load->only_test ? load->test : load->train;
	if (ml_frame_count(p->rows) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg(load->only_test ? "the split holds out no row of the source" : "source has no row with a target"),
				 errdetail("It has %lld rows; in %lld of them the target is NULL.", (long long) load->rows_read,
						   (long long) load->rows_null_target),
				 errhint("Check the rows that the version was trained on: ml.snapshots has their source.")));
}

/* ---- from loaded rows to cells and truth ---- */

static void
ml_importance_bind_input(const MlPermutation *p, MlShuffled *shuffled, const MlInput *input)
{
	const MlLoadColumn *column = NULL;
	List	   *names = NIL;

	for (int i = 0; i < p->load->nfeatures && column == NULL; i++)
	{
		if (strcmp(p->load->columns[i].name, input->name) == 0)
			column = &p->load->columns[i];
		names = lappend(names, p->load->columns[i].name);
	}
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("feature column \"%s\" of model \"%s\" is missing", input->name, p->ref),
				 errdetail("The source of its training now has: %s.", ml_text_list(names, 50)),
				 errhint("Give the source of the training the columns it had.")));
	if (column->convert.class != input->class)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("feature \"%s\" of model \"%s\" cannot be of type %s", input->name, p->ref, column->type_name),
				 errdetail("It was %s in training.", input->type_name),
				 errhint("Give the source of the training the columns it had.")));
	if (column->ncells != input->ncells && input->encoding != ML_ENCODING_TERMS)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array feature \"%s\" of model \"%s\" has %d elements", input->name, p->ref, column->ncells),
				 errdetail("It had %d in training.", input->ncells),
				 errhint("Give the source of the training arrays of the same length.")));
	shuffled->input = input;
	shuffled->column = column;
	if (column->dict == NULL)
		return;
	if (input->encoding == ML_ENCODING_TERMS)
	{
		shuffled->terms = ml_terms_table(input, p->ref, column->dict, &p->load->budget);
		return;
	}
	shuffled->levels = palloc_extended(sizeof(double) * Max(column->dict->count, 1), MCXT_ALLOC_HUGE);
	for (int code = 0; code < column->dict->count; code++)
	{
		bool		known;

		shuffled->levels[code] = ml_pipeline_level(input, column->dict->texts[code].bytes,
												   column->dict->texts[code].length, &known);
	}
}

/* Settles how values of the target become classes. */
static void
ml_importance_bind_classes(MlPermutation *p, const MlLoadColumn *target)
{
	const MlModel *model = p->model;
	MlDict	   *classes = ml_dict_create();

	if (target->dict == NULL)
	{
		p->class_values = palloc(sizeof(double) * model->nclasses);
		for (int k = 0; k < model->nclasses; k++)
		{
			char	   *end;

			p->class_values[k] = target->convert.kind == ML_CONVERT_BOOL ? strcmp(model->classes[k], "true") == 0 :
				strtod(model->classes[k], &end);
			if (target->convert.kind == ML_CONVERT_BOOL ?
				p->class_values[k] == 0 && strcmp(model->classes[k], "false") != 0 :
				*end != '\0' || end == model->classes[k])
				p->class_values[k] = NAN;
		}
		return;
	}
	for (int k = 0; k < model->nclasses; k++)
		(void) ml_dict_add(classes, model->classes[k], strlen(model->classes[k]));
	p->class_of = palloc_extended(sizeof(double) * Max(target->dict->count, 1), MCXT_ALLOC_HUGE);
	for (int code = 0; code < target->dict->count; code++)
		p->class_of[code] = ml_dict_find(classes, target->dict->texts[code].bytes, target->dict->texts[code].length);
	ml_dict_free(classes);
}

static void
ml_importance_bind(MlPermutation *p)
{
	const MlPipeline *pipeline = p->model->pipeline;
	const MlLoadColumn *target = ml_load_target(p->load);

	p->inputs = palloc0(sizeof(MlShuffled) * Max(pipeline->ninputs, 1));
	for (int i = 0; i < pipeline->ninputs; i++)
		ml_importance_bind_input(p, &p->inputs[i], &pipeline->inputs[i]);
	if (p->model->task == ML_TASK_CLASSIFICATION)
		ml_importance_bind_classes(p, target);
	else if (target->dict != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" cannot be of type %s", target->name, target->type_name),
				 errdetail("It was %s in training.", p->model->target_type),
				 errhint("Give the source of the training the columns it had.")));
	p->cells = palloc_extended(sizeof(double) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	p->work = palloc_extended(sizeof(double) * Max(pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	p->out = palloc(sizeof(double) * Max(p->model->nclasses, 1));
	if (!(p->model->learner->flags & ML_LEARNER_MISSING))
	{
		p->needs = ml_pipeline_needs(pipeline, ml_cell_null(), CurrentMemoryContext);
		p->needs_seen = ml_pipeline_needs(pipeline, ml_cell_from_bits(ML_UNSEEN_BITS), CurrentMemoryContext);
	}
}

/* The cells of one input of a loaded row. */
static inline void
ml_importance_take(const MlShuffled *shuffled, const double *row, double *cells)
{
	const double *from = row + shuffled->column->first_cell;

	if (shuffled->levels)
		*cells = ml_cell_is_missing(*from) ? *from : shuffled->levels[(int) *from];
	else if (shuffled->terms && !ml_cell_is_missing(*from))
		ml_terms_spread(shuffled->terms, (int) *from, shuffled->input->ncells, cells);
	else if (shuffled->terms)
		for (int e = 0; e < shuffled->input->ncells; e++)
			cells[e] = *from;
	else
		memcpy(cells, from, sizeof(double) * shuffled->input->ncells);
}

/* The truth of a loaded row: a number, a class index, or -1 for a class the model does not know. */
static double
ml_importance_truth(const MlPermutation *p, const double *row)
{
	double		y = row[p->load->target_cell];

	if (p->class_of)
		return p->class_of[(int) y];
	if (p->class_values == NULL)
		return y;
	for (int k = 0; k < p->model->nclasses; k++)
		if (p->class_values[k] == y)
			return k;
	return -1;
}

/* ---- losses ---- */

/* Refuses a row that lacks a value where nothing says what stands for it. */
static void
ml_importance_check(const MlPermutation *p)
{
	const MlPipeline *pipeline = p->model->pipeline;

	for (int i = 0; i < pipeline->ninputs && (p->needs || p->needs_seen); i++)
	{
		const MlInput *input = &pipeline->inputs[i];

		for (int e = 0; e < input->ncells; e++)
		{
			double		x = p->cells[input->first_cell + e];
			const bool *needs = ml_cell_bits(x) == ML_UNSEEN_BITS ? p->needs_seen : p->needs;

			if (ml_cell_is_missing(x) && needs && needs[i])
				ereport(ERROR,
						(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						 errmsg("feature \"%s\" of model \"%s\" is missing its value", input->name, p->ref),
						 errdetail("The model's pipeline does not say what stands for NULL or NaN."),
						 errhint("Train with the step \"impute\" in the pipeline, or replace the value.")));
		}
	}
}

/* Scores the cells and adds the loss to the sum, or takes it away. */
static void
ml_importance_add(MlPermutation *p, MlLoss *loss, double truth, double sign)
{
	const MlModel *model = p->model;

	model->learner->predict(model->state, ml_pipeline_apply(model->pipeline, p->cells, p->work), p->out);
	for (int k = 0; k < Max(model->nclasses, 1); k++)
		if (unlikely(!isfinite(p->out[k])))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the prediction of model \"%s\" is out of range", p->ref),
					 errdetail("A feature is so large that the sums of the model overflow."),
					 errhint("Check the rows of the source that the version was trained on.")));
	if (model->task == ML_TASK_REGRESSION)
	{
		double		error = truth - p->out[0];

		ml_exact_products_add(&loss->squares, error, sign * error);
	}
	else
	{
		double		probability = truth >= 0 ? p->out[(int) truth] : 0;

		ml_exact_add(&loss->logs,
					 -sign * ml_log(Max(Min(probability, 1 - ML_LOG_LOSS_CLIP), ML_LOG_LOSS_CLIP)));
	}
}

/*
 * Scores every row once: with the values of one input (-1 for none) from the
 * frame of shuffled ones, which has as many rows and so the same blocks.
 */
static void
ml_importance_pass(MlPermutation *p, int which, MlFrame *shuffled, MlLoss *loss)
{
	const MlPipeline *pipeline = p->model->pipeline;
	const double *rows[ML_BLOCK_ROWS];
	const double *others[ML_BLOCK_ROWS];
	int			n;

	ml_frame_rewind(p->rows);
	if (shuffled)
		ml_frame_rewind(shuffled);
	while ((n = ml_frame_read(p->rows, rows)) > 0)
	{
		if (shuffled && ml_frame_read(shuffled, others) != n)
			elog(ERROR, "shuffled rows were lost");
		for (int r = 0; r < n; r++)
		{
			for (int i = 0; i < pipeline->ninputs; i++)
				if (i != which)
					ml_importance_take(&p->inputs[i], rows[r], p->cells + pipeline->inputs[i].first_cell);
			if (shuffled)
				memcpy(p->cells + pipeline->inputs[which].first_cell, others[r],
					   sizeof(double) * pipeline->inputs[which].ncells);
			else
				ml_importance_check(p);
			ml_importance_add(p, loss, ml_importance_truth(p, rows[r]), shuffled ? 1 : -1);
		}
	}
}

/*
 * The values of one input in another order. A row's key comes from its place
 * by a bijection, so no two are equal.
 */
static MlFrame *
ml_importance_shuffle(MlPermutation *p, int which, int repeat)
{
	const MlInput *input = p->inputs[which].input;
	MlFrame    *frame = ml_frame_create(input->ncells, &p->load->budget);
	uint64		place = ml_mix64(((uint64) which + 1) * UINT64CONST(0x9e3779b97f4a7c15) + repeat);
	const double *rows[ML_BLOCK_ROWS];
	int			n;

	ml_frame_rewind(p->rows);
	while ((n = ml_frame_read(p->rows, rows)) > 0)
		for (int r = 0; r < n; r++)
		{
			ml_importance_take(&p->inputs[which], rows[r], ml_frame_row(frame));
			ml_frame_commit(frame, ml_mix64(place++));
		}
	ml_frame_finish(frame);
	return frame;
}

/* How much greater the mean loss is when one input is shuffled, on the average of all repeats. */
static double
ml_importance_input(MlPermutation *p, int which)
{
	int64		terms = ml_frame_count(p->rows) * ML_IMPORTANCE_REPEATS;
	MlLoss		loss;

	memset(&loss, 0, sizeof loss);
	for (int repeat = 0; repeat < ML_IMPORTANCE_REPEATS; repeat++)
	{
		MlFrame    *shuffled = ml_importance_shuffle(p, which, repeat);

		ml_importance_pass(p, which, shuffled, &loss);
		ml_frame_free(shuffled);
		ml_exact_products_merge(&loss.squares, &p->base.squares);
		ml_exact_merge(&loss.logs, &p->base.logs);
	}
	return p->model->task == ML_TASK_REGRESSION ? ml_exact_products_mean(&loss.squares, terms) :
		ml_exact_mean(&loss.logs, terms);
}

static int
ml_importance_permute(const MlVersionRef *version, const char *ref, const MlModel *model, MlImportance **features)
{
	MlPermutation *p = palloc0(sizeof(MlPermutation));
	int			n = model->pipeline->ninputs;

	p->ref = ref;
	p->model = model;
	ml_importance_load(p, version);
	ml_importance_bind(p);
	ml_importance_pass(p, -1, NULL, &p->base);
	*features = palloc(sizeof(MlImportance) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*features)[i].feature = model->pipeline->inputs[i].name;
		(*features)[i].importance = ml_importance_input(p, i);
	}
	ml_frame_free(p->load->train);
	ml_frame_free(p->load->test);
	MemoryContextDelete(p->load->context);
	return n;
}

/* ---- both ways ---- */

static int
ml_importance_account(const char *ref, const MlModel *model, bool splits, MlImportance **features)
{
	const MlShape *shape = model->pipeline->design;
	double	   *values;

	if (model->learner->importance == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no importance by \"%s\"", ref, splits ? "split" : "gain"),
				 errdetail("Its learner is %s, which has no trees.", model->learner->name),
				 errhint("Use the method \"permutation\"%s.", model->learner->coefficients ? ", or ml.coefficients" : "")));
	values = palloc_extended(sizeof(double) * Max(shape->ncols, 1), MCXT_ALLOC_HUGE);
	model->learner->importance(model->state, splits, values);
	*features = palloc_extended(sizeof(MlImportance) * Max(shape->ncols, 1), MCXT_ALLOC_HUGE);
	for (int j = 0; j < shape->ncols; j++)
	{
		(*features)[j].feature = shape->cols[j].name;
		(*features)[j].importance = values[j];
	}
	return shape->ncols;
}

/* Most important first, what is not defined last, equal ones by name. */
static int
ml_importance_compare(const void *a, const void *b)
{
	const MlImportance *x = a;
	const MlImportance *y = b;

	if (isnan(x->importance) != isnan(y->importance))
		return isnan(x->importance) ? 1 : -1;
	if (x->importance > y->importance)
		return -1;
	if (x->importance < y->importance)
		return 1;
	return strcmp(x->feature, y->feature);
}

int
ml_importance_of(const char *ref, const char *method, MlImportance **features)
{
	bool		permutation = strcmp(method, "permutation") == 0;
	bool		splits = strcmp(method, "split") == 0;
	const MlModel *model;
	MlVersionRef version;
	int			n;

	if (!permutation && !splits && strcmp(method, "gain") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown method of importance \"%s\"", method),
				 errdetail("The methods are: gain, split, permutation."),
				 errhint("%s", ml_text_hint(method, list_make3("gain", "split", "permutation"),
											"Name one of these methods."))));
	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	model = ml_cache_pin(&version, CurrentMemoryContext);
	n = permutation ? ml_importance_permute(&version, ref, model, features) :
		ml_importance_account(ref, model, splits, features);
	qsort(*features, n, sizeof(MlImportance), ml_importance_compare);
	return n;
}
