/*
 * train.c - from the arguments of ml.train to a registered version.
 *
 * source -> cells in canonical order -> split -> inputs -> pipeline -> learner
 * -> held-out metrics -> bytes (written, read back, compared) -> catalog. All
 * memory is in one context that the caller's context owns; the catalog is
 * touched last.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "base/team.h"
#include "flow/aside.h"
#include "flow/crossval.h"
#include "flow/leaks.h"
#include "flow/load_copy.h"
#include "flow/load_split.h"
#include "flow/search.h"
#include "flow/split.h"
#include "flow/train_suite.h"
#include "flow/training.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Rows held out to compare learners where the split holds none out. */
#define ML_COMPARE_FRACTION	0.2

/* A job that computes keeps no snapshot of the server's catalogs either, should it have looked into them. */
static void
ml_train_breathe(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
	InvalidateCatalogSnapshotConditionally();
}

/* Refuses a fit whose state cannot fit in the budget, or leaves it out, with both numbers. */
static void
ml_train_check_memory(MlTraining *t)
{
	Size		needed = t->model->learner->memory(&t->learn);

	if (needed > ML_TRAIN_MEMORY_BYTES && t->optional)
		t->left_out = psprintf("it needs %s, and pg_mlops.train_memory is %s", ml_text_bytes(needed),
							   ml_text_bytes(ML_TRAIN_MEMORY_BYTES));
	else if (needed > ML_TRAIN_MEMORY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("learner \"%s\" needs more memory than a training may hold", t->model->learner->name),
				 errdetail("%lld rows of %d design columns%s need %s; pg_mlops.train_memory is %s.",
						   (long long) t->learn.nrows, t->learn.ncols, t->learn.nclasses > 2 ? psprintf(" and %d classes", t->learn.nclasses) : "",
						   ml_text_bytes(needed), ml_text_bytes(ML_TRAIN_MEMORY_BYTES)),
				 errhint("Use fewer rows, columns or categories, or raise pg_mlops.train_memory.")));
}

/* Shows a learner's iterations in the title of the process and in ml.stat_progress_train. */
static void
ml_train_progress(void *ctx, int64 done, int64 total)
{
	const MlTraining *t = ctx;
	char		title[NAMEDATALEN + 64];

	snprintf(title, sizeof title, "training %s: %lld of %lld", t->spec->model, (long long) done, (long long) total);
	set_ps_display(title);
	ml_progress_iterations(done, total);
	ml_progress_memory((int64) MemoryContextMemAllocated(t->context, true));
}

/* Names and levels of the design columns. */
static MlLearnColumn *
ml_train_about(const MlShape *shape)
{
	MlLearnColumn *about = palloc_extended(sizeof(MlLearnColumn) * Max(shape->ncols, 1), MCXT_ALLOC_HUGE);

	for (int j = 0; j < shape->ncols; j++)
	{
		about[j].name = shape->cols[j].name;
		about[j].nlevels = shape->cols[j].category ? Max(shape->cols[j].nlevels, 1) : 0;
	}
	return about;
}

static void
ml_train_learn_input(MlTraining *t, int ncols)
{
	MlLearnInput *in = &t->learn;

	memset(in, 0, sizeof *in);
	in->task = t->model->task;
	in->nclasses = t->model->nclasses;
	in->ncols = ncols;
	in->nrows = t->load->rows_train;
	in->weighted = t->load->weight_cell >= 0;
	in->params = t->params;
	in->seed = t->spec->seed;
	in->memory_limit = ML_TRAIN_MEMORY_BYTES;
	in->tick = &t->tick;
	in->progress = ml_train_progress;
	in->progress_ctx = t;
	t->curves.context = t->context;
	t->curves.curves = NIL;
	in->measured = ml_learning_curve_add;
	in->measured_ctx = &t->curves;
	in->notes = &t->notes;
	in->classes = t->model->classes;
	if (t->model->pipeline)
		in->about = ml_train_about(t->model->pipeline->design);
	ml_train_check_memory(t);
}

/* Hands a block of rows to a one-pass learner, which is begun with the first. */
static void
ml_train_sink(void *ctx, const MlBlock *block)
{
	MlTraining *t = ctx;
	MemoryContext old = MemoryContextSwitchTo(t->context);

	if (t->stream == NULL)
	{
		ml_train_learn_input(t, t->load->feature_cells);
		t->stream = t->model->learner->stream_begin(&t->learn);
	}
	t->model->learner->stream_add(t->stream, block);
	MemoryContextSwitchTo(old);
}

static void
ml_train_init_load(MlTraining *t, bool stream)
{
	MlLoad	   *load = palloc0(sizeof(MlLoad));

	load->context = AllocSetContextCreate(t->context, "pg_mlops load", ALLOCSET_DEFAULT_SIZES);
	load->source = t->spec->source;
	load->target = t->spec->target;
	load->weight = t->spec->weight;
	load->features = t->spec->features;
	load->exclude = t->spec->exclude;
	load->seed = t->spec->seed;
	load->identity = t->spec->repeats ? &t->spec->repeats->identity : NULL;
	load->notes = &t->notes;
	/* what is read aside ends before the frames do */
	load->budget.owner = t->spec->detached ? CurrentResourceOwner : NULL;
	load->profiled = true;
	load->copied = strcmp(t->spec->snapshot, "copy") == 0;
	ml_split_parse(t->spec->split, load);
	if (t->everything)
	{
		load->split = ML_SPLIT_NONE;
		load->folds = 0;
	}
	load->folded = load->folds > 0 || (t->spec->search != NULL && !t->everything);
	load->filed = t->learner != NULL && (t->learner->flags & ML_LEARNER_COLUMNS) && t->pipeline_given == NULL &&
		!load->folded;
	if (t->learner == NULL && load->split == ML_SPLIT_NONE && !load->folded)
	{
		t->compares = true;
		load->split = ML_SPLIT_HASH;
		load->test_fraction = ML_COMPARE_FRACTION;
	}
	if (stream && !load->folded)
	{
		load->sink = ml_train_sink;
		load->sink_ctx = t;
	}
	t->load = load;
	t->stream = NULL;
}

/* Lets go of the rows: temporary files would outlive the memory that knows of them. */
static void
ml_train_drop_load(MlLoad *load)
{
	if (load->copy)
		ml_load_copy_end(load->copy);
	if (load->train)
		ml_frame_free(load->train);
	ml_frame_free(load->test);
	MemoryContextDelete(load->context);
}

/* Lets go of the training rows as they were loaded. */
static void
ml_train_drop_rows(MlTraining *t)
{
	MlFrame    *train = t->load->train;

	if (train == NULL)
		return;
	t->spilled |= ml_frame_spilled(train);
	ml_frame_free(train);
	t->load->train = NULL;
}

/* Lets go of the training rows once they are learned from: the held-out rows and their scores need room. */
static void
ml_train_release_rows(MlTraining *t)
{
	t->spilled |= ml_frame_spilled(t->load->test);
	ml_train_drop_rows(t);
}

static void
ml_train_check_rows(MlTraining *t)
{
	const MlLoad *load = t->load;

	if (load->rows_read == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("source has no rows"),
				 errhint("Check the table and the conditions of the query.")));
	if (load->rows_read == load->rows_null_target)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("target column \"%s\" is NULL in every row", load->target),
				 errdetail("The source has %lld rows.", (long long) load->rows_read),
				 errhint("Check the source query and the target's name.")));
	if (load->rows_train < 2)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there are too few training rows"),
				 errdetail("The source has %lld rows with a target, of which %lld are for training; at least 2 are needed.",
						   (long long) (load->rows_read - load->rows_null_target), (long long) load->rows_train),
				 errhint("Add rows, or pass split => '{\"method\": \"none\"}'.")));
	if (load->weight_cell >= 0 && !(load->weight_sum > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("every training row has weight 0"),
				 errdetail("The weights are in column \"%s\".", load->weight),
				 errhint("Check the weight column.")));
	if (load->rows_null_target > 0)
		ml_note(&t->notes, "%lld rows were dropped: their target is NULL", (long long) load->rows_null_target);
}

/* Reads the source: straight into a one-pass learner where every value is a number, else into frames. */
static void
ml_train_load(MlTraining *t)
{
	bool		stream = t->task_known && t->model->task == ML_TASK_REGRESSION && t->learner != NULL &&
		t->learner->stream_begin != NULL && t->pipeline_given == NULL;
	List	   *notes = list_copy(t->notes.items);
	MlAside		aside;

	ml_progress_phase(ML_PHASE_LOADING);
	ml_train_init_load(t, stream);
	ml_aside_begin(&aside, t->spec->detached);
	ml_load_read(t->load);
	if (t->load->sink_refused)
	{
		/* a training row misses a value: its replacement has to be learned from all of them first */
		ml_train_drop_load(t->load);
		t->notes.items = notes;
		ml_train_init_load(t, false);
		ml_load_read(t->load);
	}
	ml_aside_end(&aside);
	ml_train_check_rows(t);
	ml_load_split_note(t->load);
	ml_progress_rows(t->load->rows_read, t->load->rows_read);
	ml_progress_memory((int64) MemoryContextMemAllocated(t->context, true));
	ml_progress_phase(ML_PHASE_FITTING);
}

/* Whether the model may have a constant term: a learner without the parameter is not asked. */
static bool
ml_train_has_intercept(const MlTraining *t)
{
	const MlLearner *learner = t->model->learner;

	for (int i = 0; i < learner->nparams; i++)
		if (strcmp(learner->params[i].name, "intercept") == 0)
			return t->params[i].number != 0;
	return true;
}

static ML_NORETURN void
ml_train_missing_reaches(const MlTraining *t, const MlColumn *column)
{
	const MlColumnStats *stats = column->entrance >= 0 ? &t->design.stats[column->entrance] : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("missing values of column \"%s\" reach learner \"%s\"", column->name, t->model->learner->name),
			 stats ? errdetail("This learner needs a value in every row; %lld training rows have none.",
							   (long long) (stats->nulls + stats->nans)) :
			 errdetail("This learner needs a value in every row, and training rows have none here."),
			 errhint("Begin the pipeline with {\"step\": \"impute\"}.")));
}

static void
ml_train_check_pipeline(MlTraining *t)
{
	const MlLearner *learner = t->model->learner;
	const MlPipeline *pipeline = t->model->pipeline;
	const MlShape *shape = pipeline->design;

	for (int j = 0; j < shape->ncols && !(learner->flags & ML_LEARNER_CATEGORIES); j++)
		if (shape->cols[j].category)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("category column \"%s\" reaches learner \"%s\" as it is", shape->cols[j].name, learner->name),
					 errdetail("This learner takes numbers."),
					 errhint("Add {\"step\": \"one_hot\"} to the pipeline.")));
	for (int j = 0; j < shape->ncols && !(learner->flags & ML_LEARNER_MISSING); j++)
		if (shape->cols[j].misses)
			ml_train_missing_reaches(t, &shape->cols[j]);
	for (int j = 0; j < shape->ncols && !ml_train_has_intercept(t); j++)
		if (shape->cols[j].center != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is centred for a model without a constant term", shape->cols[j].name),
					 errdetail("The model would have a constant term in the units of the source all the same."),
					 errhint("Write the step as {\"step\": \"standardise\", \"center\": false}.")));
	if (shape->ncols == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no column is left at the end of the pipeline"),
				 errdetail("What reaches it has one category each, which needs no column of its own."),
				 errhint("Check the pipeline's steps and the columns of the source.")));
}

static void
ml_train_fit_pipeline(MlTraining *t)
{
	const MlLearner *learner = t->model->learner;
	MlPipeline *pipeline = t->model->pipeline;
	MlPipelineRows training;
	bool		categories = false;

	for (int j = 0; j < pipeline->ncells; j++)
		categories |= pipeline->entrance.cols[j].category;
	if (t->pipeline_given == NULL)
		t->steps = ml_pipeline_default(!(learner->flags & ML_LEARNER_MISSING),
									   (learner->flags & ML_LEARNER_STANDARDISE) != 0,
									   ml_train_has_intercept(t),
									   categories && !(learner->flags & ML_LEARNER_CATEGORIES));
	memset(&training, 0, sizeof training);
	training.target = t->model->task == ML_TASK_CLASSIFICATION ? ML_TRANSFORM_CLASS : ML_TRANSFORM_NUMBER;
	training.nclasses = t->model->nclasses;
	training.classes = t->model->classes;
	training.stats = t->design.stats;
	if (t->load->train == NULL)
		for (int j = 0; j < t->design.ncells; j++)
			t->design.stats[j].mean = learner->stream_mean(t->stream, t->design.cell[j]);
	else
		training.rows = ml_design_entrance_rows(&t->design);
	ml_pipeline_fit(pipeline, t->steps, &training, &t->notes);
	ml_train_check_pipeline(t);
}

static void
ml_train_fit(MlTraining *t)
{
	const MlShape *shape = t->model->pipeline->design;
	double	   *center = MemoryContextAllocHuge(t->context, sizeof(double) * shape->ncols);
	double	   *scale = MemoryContextAllocHuge(t->context, sizeof(double) * shape->ncols);
	MlBlocks	blocks;
	MlColumns	columns;

	ml_train_learn_input(t, shape->ncols);
	if (t->left_out)
		return;
	for (int j = 0; j < shape->ncols; j++)
	{
		center[j] = shape->cols[j].center;
		scale[j] = shape->cols[j].scale;
	}
	t->learn.center = center;
	t->learn.scale = scale;
	if (t->load->train == NULL)
		t->model->state = t->model->learner->stream_finish(t->stream, &t->learn, t->design.cell);
	else if (t->model->learner->flags & ML_LEARNER_COLUMNS)
	{
		columns = ml_design_columns(&t->design);
		/* what was carried through the pipeline is all that is needed, unless another learner comes */
		if (t->design.carried && t->learner != NULL)
			ml_train_drop_rows(t);
		t->learn.columns = &columns;
		t->model->state = t->model->learner->fit(&t->learn);
	}
	else
	{
		ml_design_settle(&t->design);
		blocks = ml_design_blocks(&t->design, t->load->train);
		t->learn.blocks = &blocks;
		t->model->state = t->model->learner->fit(&t->learn);
	}
}

/* Metrics on the rows that were held out. */
static void
ml_train_judge(MlTraining *t)
{
	MlBlocks	blocks;
	MlBlock		block;
	double	   *out = palloc(sizeof(double) * Max(t->model->nclasses, 1));

	t->quality = ml_quality_begin(t->model, t->context);
	t->held_out = ml_held_out_begin(t->model, t->context);
	if (t->load->split == ML_SPLIT_NONE && t->cv)
	{
		/* each row's prediction is of a model that has not learned from it */
		t->held_out = t->cv->held_out;
		return;
	}
	if (t->load->split == ML_SPLIT_NONE)
	{
		ml_note(&t->notes, "no rows were held out: there are no metrics");
		return;
	}
	blocks = ml_design_blocks(&t->design, t->load->test);
	while (blocks.next(blocks.ctx, &block))
		for (int i = 0; i < block.rows; i++)
		{
			t->model->learner->predict(t->model->state, block.x + block.stride * i, out);
			ml_quality_add(t->quality, block.y[i], out);
			ml_held_out_add(t->held_out, block.y[i], out);
		}
	if (t->quality->rows == 0)
		ml_note(&t->notes, "the split held out no rows: there are no metrics");
	if (t->quality->strange > 0)
		ml_note(&t->notes, "%lld held-out rows have a class that no training row has",
				(long long) t->quality->strange);
}

void
ml_train_learn(MlTraining *t)
{
	MlDesignWish wish;

	memset(&t->design, 0, sizeof t->design);
	t->design.load = t->load;
	t->design.model = t->model;
	ml_design_target(&t->design, t->positive);
	wish.intercept = ml_train_has_intercept(t);
	t->steps = t->pipeline_given ? ml_pipeline_parse(t->pipeline_given) : NIL;
	wish.steps = t->steps;
	wish.levels = (t->model->learner->flags & ML_LEARNER_CATEGORIES) && t->steps == NIL;
	ml_design_inputs(&t->design, &wish, &t->notes);
	ml_train_fit_pipeline(t);
	ml_train_fit(t);
}

void
ml_train_learn_all(MlTraining *t, const MlLearner *learner, const char *first)
{
	MlFingerprint before = t->load->fingerprint;
	MlTask		task = t->model->task;
	List	   *notes = NIL;
	ListCell   *lc;

	/* those of the first reading are in its memory */
	foreach(lc, t->notes.items)
		notes = lappend(notes, pstrdup(lfirst(lc)));
	t->notes.items = NIL;
	ml_train_drop_load(t->load);
	t->everything = true;
	t->learner = learner;
	t->model = palloc0(sizeof(MlModel));
	t->model->task = task;
	t->task_known = true;
	/* a learner of one pass learns while the rows come in */
	ml_train_settle(t, learner);
	ml_train_load(t);
	if (before.a != t->load->fingerprint.a || before.b != t->load->fingerprint.b)
		ml_note(&t->notes, "the source gave other rows when it was read again: %s", first);
	ml_train_learn(t);
	/* what both readings had to say is said once */
	foreach(lc, t->notes.items)
		if (!ml_text_listed(notes, lfirst(lc)))
			notes = lappend(notes, lfirst(lc));
	t->notes.items = notes;
}

/*
 * Lets the stored model learn from all rows, once the metrics are taken: they
 * stay those of the model that had not seen the rows held out.
 */
static void
ml_train_refit(MlTraining *t)
{
	const MlModel *judged = t->model;
	int64		rows = t->load->rows_train;

	if (!t->load->refit || t->load->split == ML_SPLIT_NONE)
		return;
	ml_train_learn_all(t, t->model->learner, "the metrics are of the first ones");
	ml_train_release_rows(t);
	ml_note(&t->notes, "refit: the metrics are of a model of %lld rows; the stored model was trained once more, on all %lld",
			(long long) rows, (long long) t->load->rows_train);
	if (t->model->nclasses == judged->nclasses)
		return;
	t->held_out = ml_held_out_begin(t->model, t->context);
	ml_note(&t->notes, "refit: there is no baseline of predictions, since the rows held out have classes that the training "
			"rows lacked");
}

/* Judges the learner by the folds of the training rows, before it learns from all of them. */
static void
ml_train_cross_validate(MlTraining *t)
{
	if (t->load->folds == 0)
		return;
	t->cv = ml_crossval_run(t, t->model->learner, ml_crossval_folds(t), NULL, &t->notes);
	ml_crossval_note(t->cv, t->load, &t->notes);
}

/* Puts the process's title back when the training ends, however it ends, and ends its progress. */
static void
ml_train_restore_title(void *arg)
{
	set_ps_display(arg);
	ml_progress_end();
}

static void
ml_train_keep_title(MlTraining *t)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	int			length;
	const char *title = get_ps_display(&length);

	callback->func = ml_train_restore_title;
	callback->arg = pnstrdup(title, length);
	MemoryContextRegisterResetCallback(t->context, callback);
}

/* What comes before the rows are read: rights, and the suite of the model's name over the source. */
static void
ml_train_open(MlTraining *t)
{
	const MlTrainSpec *spec = t->spec;
	MlIdentitySaved saved;
	MlAside		aside;

	ml_aside_begin(&aside, spec->detached);
	ml_train_check(spec);
	ml_train_start(t);
	ml_progress_begin(spec->model);
	ml_progress_phase(ML_PHASE_CHECKING);
	if (spec->repeats)
		ml_identity_enter(&spec->repeats->identity, &saved);
	if (!spec->reproduces)
		t->checked = ml_train_suite_judge(spec->model, spec->source, &t->notes);
	if (spec->repeats)
		ml_identity_leave(&saved);
	ml_aside_end(&aside);
}

/* The end, with a snapshot of its own where the training held none. */
static void
ml_train_close(MlTraining *t, MlTrainResult *result)
{
	ml_progress_phase(ML_PHASE_REGISTERING);
	if (t->spec->detached)
		PushActiveSnapshot(GetTransactionSnapshot());
	ml_train_register(t, result);
	if (t->spec->detached)
		PopActiveSnapshot();
}

MlTraining *
ml_train_begin(const MlTrainSpec *spec)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops training", ALLOCSET_DEFAULT_SIZES);
	MlTraining *t = MemoryContextAllocZero(context, sizeof(MlTraining));

	t->spec = spec;
	t->context = context;
	t->started_at = GetCurrentTimestamp();
	t->params_given = spec->params;
	t->pipeline_given = spec->pipeline;
	t->tick.breathe = ml_train_breathe;
	return t;
}

void
ml_train_make(MlTraining *t)
{
	ml_train_keep_title(t);
	ml_team_forget_helpers();
	t->model = palloc0(sizeof(MlModel));
	ml_train_open(t);
	ml_train_load(t);
	if (!t->task_known)
		t->model->task = ml_design_infer_task(t->load, &t->notes);
	ml_leaks_note(t);
	if (t->spec->search)
		ml_search_run(t);
	if (t->learner == NULL)
		ml_auto_learn(t);
	else
	{
		if (!t->task_known)
			ml_train_settle(t, t->learner);
		ml_train_cross_validate(t);
		ml_train_learn(t);
	}
	ml_train_release_rows(t);
	ml_progress_phase(ML_PHASE_JUDGING);
	ml_train_judge(t);
	ml_train_refit(t);
}

void
ml_train_end(MlTraining *t)
{
	ml_train_drop_load(t->load);
	MemoryContextDelete(t->context);
}

void
ml_train_run(const MlTrainSpec *spec, MlTrainResult *result)
{
	MemoryContext caller = CurrentMemoryContext;
	MlTraining *t = ml_train_begin(spec);
	ListCell   *lc;

	memset(result, 0, sizeof *result);
	MemoryContextSwitchTo(t->context);
	ml_train_make(t);
	ml_train_close(t, result);

	/* hand the result over to the caller's context */
	MemoryContextSwitchTo(caller);
	result->metrics = pstrdup(result->metrics);
	foreach(lc, t->notes.items)
		result->notes = lappend(result->notes, pstrdup(lfirst(lc)));
	result->seconds = (double) (GetCurrentTimestamp() - t->started_at) / USECS_PER_SEC;
	ml_train_end(t);
}
