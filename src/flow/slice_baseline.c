/*
 * slice_baseline.c - what a version was trained on, counted anew by slice.
 *
 * The rows are read as the training read them, with the rights of who trained
 * and the same split: features of training rows, predictions of held-out ones,
 * as in the baseline itself. Rows that are not those of the training (their
 * fingerprint tells) make no baseline. Frames are freed here, and after an
 * error by the resource owner and the context.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/cell.h"
#include "base/compat.h"
#include "base/passing.h"
#include "flow/baseline.h"
#include "flow/recorded.h"
#include "flow/terms.h"
#include "flow/watch.h"
#include "monitor/judge.h"
#include "monitor/tally.h"
#include "store/cache.h"
#include "store/catalog.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Where the cells of an input are in a loaded row. */
typedef struct MlSliceInput
{
	const MlInput *input;
	const MlLoadColumn *column;
	double	   *levels;			/* by dictionary code, as the model takes them; NULL: the cells are the input's */
	double	   *counted;		/* by dictionary code, as they are counted */
	MlTermTable *terms;			/* terms by dictionary code, or NULL */
} MlSliceInput;

typedef struct MlSliceCounting
{
	const MlModel *model;
	MlLoad	   *load;
	MlSliceInput *inputs;
	double	   *cells;			/* as the model takes them */
	double	   *counted;		/* as they are counted */
	double	   *work;
	double	   *out;
	MlTally		tally;
} MlSliceCounting;

static void
ml_slice_bind(MlSliceCounting *c)
{
	const MlPipeline *pipeline = c->model->pipeline;

	c->inputs = palloc0(sizeof(MlSliceInput) * Max(pipeline->ninputs, 1));
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		MlSliceInput *bound = &c->inputs[i];
		const MlDict *dict;

		bound->input = &pipeline->inputs[i];
		for (int k = 0; k < c->load->nfeatures && bound->column == NULL; k++)
			if (strcmp(c->load->columns[k].name, bound->input->name) == 0)
				bound->column = &c->load->columns[k];
		if (bound->column == NULL || bound->column->convert.class != bound->input->class ||
			(bound->column->ncells != bound->input->ncells && bound->input->encoding != ML_ENCODING_TERMS))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("feature column \"%s\" of model \"%s\" is not what it was in training", bound->input->name,
							c->load->identity->model),
					 errhint("Give the source of the training the columns it had.")));
		dict = bound->column->dict;
		if (dict == NULL)
			continue;
		if (bound->input->encoding == ML_ENCODING_TERMS)
		{
			bound->terms = ml_terms_table(bound->input, c->load->identity->model, dict, &c->load->budget);
			continue;
		}
		bound->levels = palloc_extended(sizeof(double) * Max(dict->count, 1), MCXT_ALLOC_HUGE);
		bound->counted = palloc_extended(sizeof(double) * Max(dict->count, 1), MCXT_ALLOC_HUGE);
		for (int code = 0; code < dict->count; code++)
		{
			const MlDictText *text = &dict->texts[code];

			bool		known;

			bound->levels[code] = ml_pipeline_level(bound->input, text->bytes, text->length, &known);
			bound->counted[code] = known ? bound->levels[code] : ml_cell_from_bits(ML_UNSEEN_BITS);
		}
	}
	c->cells = palloc_extended(sizeof(double) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	c->counted = palloc_extended(sizeof(double) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	c->work = palloc_extended(sizeof(double) * Max(pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	c->out = palloc(sizeof(double) * Max(c->model->nclasses, 1));
}

/* The cells of a text of terms; to the counts it is what its first cell says. */
static void
ml_slice_take_terms(const MlSliceInput *bound, double code, double *cells, double *counted)
{
	if (!ml_cell_is_missing(code))
		ml_terms_spread(bound->terms, (int) code, bound->input->ncells, cells);
	else
		for (int e = 0; e < bound->input->ncells; e++)
			cells[e] = code;
	memcpy(counted, cells, sizeof(double) * bound->input->ncells);
	if (!ml_cell_is_missing(code) && !ml_terms_any(bound->terms, (int) code))
		*counted = ml_cell_from_bits(ML_UNSEEN_BITS);
}

static void
ml_slice_take(const MlSliceCounting *c, const double *row)
{
	for (int i = 0; i < c->model->pipeline->ninputs; i++)
	{
		const MlSliceInput *bound = &c->inputs[i];
		const double *from = row + bound->column->first_cell;
		int			cell = bound->input->first_cell;

		if (bound->terms != NULL)
		{
			ml_slice_take_terms(bound, *from, c->cells + cell, c->counted + cell);
			continue;
		}
		if (bound->levels == NULL)
		{
			memcpy(c->cells + cell, from, sizeof(double) * bound->input->ncells);
			memcpy(c->counted + cell, from, sizeof(double) * bound->input->ncells);
			continue;
		}
		c->cells[cell] = ml_cell_is_missing(*from) ? *from : bound->levels[(int) *from];
		c->counted[cell] = ml_cell_is_missing(*from) ? *from : bound->counted[(int) *from];
	}
}

/* Counts the rows of one side of the split: features of training rows, predictions of the others. */
static void
ml_slice_pass(MlSliceCounting *c, MlFrame *frame, bool training)
{
	const double *rows[ML_BLOCK_ROWS];
	int			n;

	ml_frame_rewind(frame);
	while ((n = ml_frame_read(frame, rows)) > 0)
		for (int r = 0; r < n; r++)
		{
			double		prediction;
			double		score;
			int			bin;

			ml_slice_take(c, rows[r]);
			if (training)
			{
				ml_tally_row(&c->tally, c->counted, true, NULL);
				continue;
			}
			c->model->learner->predict(c->model->state, ml_pipeline_apply(c->model->pipeline, c->cells, c->work), c->out);
			prediction = ml_baseline_output(c->model, c->out, &bin, &score);
			ml_tally_row(&c->tally, c->counted, false, &prediction);
		}
}

/* The counts, or NULL with the reason. */
static bytea *
ml_slice_count(const char *model, int32 version, List *names, char **problem)
{
	MlSliceCounting c = {0};
	bytea	   *baseline_bytes = ml_catalog_baseline(model, version);
	MlTrainingRecord record;
	MlVersionRef ref;
	MlBaseline *baseline;
	int		   *slices;
	int			n;
	bytea	   *counts = NULL;

	if (baseline_bytes == NULL)
	{
		*problem = "The version has no baseline.";
		return NULL;
	}
	baseline = ml_baseline_decode(baseline_bytes);
	ml_catalog_resolve(psprintf("%s/%d", model, version), &ref);
	c.model = ml_cache_pin(&ref, CurrentMemoryContext);
	ml_baseline_require(baseline, c.model->pipeline->ncells, c.model->task == ML_TASK_CLASSIFICATION);
	c.load = ml_recorded_load(&ref, c.model->target, "Train with snapshot => 'fingerprint'.", &record);
	ml_load_read(c.load);
	if (record.fingerprint == NULL || strcmp(record.fingerprint, ml_fingerprint_text(&c.load->fingerprint)) != 0)
		*problem = "The rows of the training's source are not the same any more.";
	else
	{
		n = ml_judge_slices(baseline, names, &slices);
		ml_slice_bind(&c);
		ml_tally_begin(&c.tally, baseline, n, slices);
		ml_slice_pass(&c, c.load->train, true);
		if (ml_baseline_find(baseline, ":prediction") >= 0)
			ml_slice_pass(&c, c.load->test, false);
		ml_tally_end(&c.tally);
		counts = ml_counts_encode(&c.tally.counts);
	}
	ml_frame_free(c.load->train);
	ml_frame_free(c.load->test);
	return counts;
}

char *
ml_watch_count_slices(const char *model, int32 version, List *slices)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops slices", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ResourceOwner owner = CurrentResourceOwner;
	bytea	   *volatile counts = NULL;
	char	   *volatile problem = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		char	   *why = NULL;

		counts = ml_slice_count(model, version, slices, &why);
		problem = why;
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (ml_error_of_moment(error->sqlerrcode))
			ReThrowError(error);
		problem = psprintf("The source of the training cannot be read: %s.", error->message);
	}
	PG_END_TRY();
	ml_catalog_put_slice_baseline(model, version, slices, counts, problem);
	MemoryContextSwitchTo(caller);
	problem = problem != NULL ? pstrdup(problem) : NULL;
	MemoryContextDelete(context);
	return problem;
}
