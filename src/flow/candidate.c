/*
 * candidate.c - what a learner with parameters and a pipeline is worth, judged on the held-out rows of a part.
 *
 * A part may lack a class that other rows have. The model that learns from it
 * does not know the class; it is judged by all of them, and gives those that
 * it does not know no chance.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/candidate.h"
#include "utils/memutils.h"

/* How many of the classes a part is judged by its training rows have. */
static int
ml_candidate_classes(const MlLoad *part)
{
	const MlDesign *labels = part->labels;
	bool	   *seen = palloc0(sizeof(bool) * Max(labels->model->nclasses, 1));
	const double *rows[ML_BLOCK_ROWS];
	int			known = 0;
	int			n;

	ml_frame_rewind(part->train);
	while (known < labels->model->nclasses && (n = ml_frame_read(part->train, rows)) > 0)
		for (int i = 0; i < n; i++)
		{
			int			class = (int) ml_design_y(labels, rows[i][part->target_cell]);

			known += !seen[class];
			seen[class] = true;
		}
	pfree(seen);
	return known;
}

/* Why nothing can be learned or judged, or NULL. */
static const char *
ml_candidate_hopeless(const MlLoad *part, int nclasses)
{
	if (part->rows_train < 2)
		return "there are too few training rows";
	if (ml_frame_count(part->test) == 0)
		return "there are no rows to judge";
	if (part->weight_cell >= 0 && !(part->weight_sum > 0))
		return "every training row has weight 0";
	if (part->labels->model->task == ML_TASK_CLASSIFICATION && nclasses < 2)
		return "the training rows have one class only";
	return NULL;
}

/* Where each class of a model is among those it is judged by. */
static int *
ml_candidate_map(const MlModel *model, const MlModel *labels)
{
	int		   *map = palloc(sizeof(int) * Max(model->nclasses, 1));

	for (int k = 0; k < model->nclasses; k++)
		for (map[k] = 0; strcmp(labels->classes[map[k]], model->classes[k]) != 0; map[k]++)
			Assert(map[k] < labels->nclasses);
	return map;
}

/* Scores the held-out rows of the part and hands them on. */
static void
ml_candidate_score(MlTraining *c, MlQuality *quality, MlCandidateRow row, void *ctx)
{
	const MlDesign *labels = c->load->labels;
	int			nclasses = labels->model->nclasses;
	int		   *map = ml_candidate_map(c->model, labels->model);
	double	   *own = palloc(sizeof(double) * Max(nclasses, 1));
	double	   *out = palloc0(sizeof(double) * Max(nclasses, 1));
	MlBlocks	blocks = ml_design_blocks(&c->design, c->load->test);
	MlBlock		block;

	while (blocks.next(blocks.ctx, &block))
		for (int i = 0; i < block.rows; i++)
		{
			/* the model's own y does not tell apart the classes that it does not know */
			double		truth = ml_design_y(labels, c->design.rows[i][c->load->target_cell]);

			c->model->learner->predict(c->model->state, block.x + block.stride * i, own);
			if (nclasses == 0)
				out[0] = own[0];
			for (int k = 0; k < c->model->nclasses; k++)
				out[map[k]] = own[k];
			ml_quality_add(quality, truth, out);
			if (row)
				row(ctx, truth, out);
		}
}

void
ml_candidate_judge_rows(const MlTraining *t, const MlLearner *learner, Jsonb *params, Jsonb *pipeline, MlLoad *part,
						MlCandidateRow row, void *ctx, MlCandidateScore *out)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_mlops candidate", ALLOCSET_DEFAULT_SIZES);
	const MlModel *labels = part->labels->model;
	MlTraining	c;
	MlQuality  *quality;
	const char *hopeless;
	int			nclasses;

	MemoryContextSwitchTo(context);
	memset(out, 0, sizeof *out);
	out->metrics = ml_metrics_for(ml_quality_task(labels), &out->nmetrics);
	nclasses = ml_candidate_classes(part);
	out->classes_missing = labels->nclasses - nclasses;
	hopeless = ml_candidate_hopeless(part, nclasses);
	if (hopeless == NULL)
	{
		memset(&c, 0, sizeof c);
		c.spec = t->spec;
		c.params_given = params;
		c.pipeline_given = pipeline;
		c.context = context;
		c.load = part;
		c.tick = t->tick;
		c.model = palloc0(sizeof(MlModel));
		c.model->task = labels->task;
		c.task_known = true;
		c.learner = learner;
		c.other_params = t->other_params;
		c.optional = t->optional;
		ml_train_settle(&c, learner);
		if (nclasses < labels->nclasses)
			c.positive = NULL;
		ml_train_learn(&c);
		hopeless = c.left_out;
		out->too_big = hopeless != NULL;
	}
	if (hopeless == NULL)
	{
		quality = ml_quality_begin(labels, context);
		ml_candidate_score(&c, quality, row, ctx);
		out->rows = quality->rows;
		out->values = MemoryContextAlloc(caller, sizeof(double) * Max(out->nmetrics, 1));
		for (int m = 0; m < out->nmetrics; m++)
			if (!ml_metric_value(quality->states[m], &out->values[m]))
				out->values[m] = NAN;
	}
	MemoryContextSwitchTo(caller);
	if (hopeless)
		out->left_out = pstrdup(hopeless);
	MemoryContextDelete(context);
}

void
ml_candidate_judge(const MlTraining *t, const MlLearner *learner, Jsonb *params, Jsonb *pipeline, MlLoad *part,
				   MlCandidateScore *out)
{
	ml_candidate_judge_rows(t, learner, params, pipeline, part, NULL, NULL, out);
}
