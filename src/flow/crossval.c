/*
 * crossval.c - the metrics of a learner over the folds of the training rows.
 *
 * Every fold is judged by a model that has not learned from it. A fold whose
 * model cannot be had is left out, and a note says why; an error of a fit is
 * an error of the training, which names the fold.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/crossval.h"
#include "utils/memutils.h"

/* Where the rows of a fold go. */
typedef struct MlCrossvalRows
{
	MlCrossval *cv;
	const MlModel *labels;
	MlCrossvalLoss loss;
} MlCrossvalRows;

/* Which fold an error comes from. */
typedef struct MlCrossvalAt
{
	int			fold;
	int			nfolds;
} MlCrossvalAt;

static void
ml_crossval_row(void *ctx, double truth, const double *out)
{
	MlCrossvalRows *r = ctx;

	ml_held_out_add(r->cv->held_out, truth, out);
	if (r->cv->losses)
		r->cv->losses[r->cv->rows] = r->loss(r->labels, truth, out);
	r->cv->rows++;
}

static void
ml_crossval_context(void *arg)
{
	const MlCrossvalAt *at = arg;

	errcontext("fold %d of %d of the cross-validation", at->fold + 1, at->nfolds);
}

MlFolds *
ml_crossval_folds(MlTraining *t)
{
	return ml_folds_make(t, t->load->folds, t->load->fold_method);
}

/* Notes the metrics that some folds have no value of. */
static void
ml_crossval_note_undefined(const MlCrossval *cv, MlNotes *notes)
{
	List	   *some = NIL;
	double		mean;
	double		stddev;

	for (int m = 0; m < cv->nmetrics; m++)
	{
		int			n = ml_crossval_mean(cv, m, &mean, &stddev);

		if (n < cv->judged)
			some = lappend(some, psprintf("%s in %d of %d", cv->metrics[m]->name, cv->judged - n, cv->judged));
	}
	if (some != NIL)
		ml_note(notes, "metrics that are not defined in some folds: %s; their means are over the other folds",
				ml_text_list(some, cv->nmetrics));
}

/* Judges the learner on one fold. */
static void
ml_crossval_fold(const MlTraining *t, const MlLearner *learner, const MlFolds *folds, int fold, MlCrossvalRows *rows,
				 MlCandidateScore *score)
{
	MlCrossvalAt at = {fold, folds->count - folds->first};
	ErrorContextCallback errors;
	MlLoad	   *part;

	errors.callback = ml_crossval_context;
	errors.arg = &at;
	errors.previous = error_context_stack;
	error_context_stack = &errors;
	part = ml_folds_part(t->load, folds, folds->first + fold, 1);
	ml_candidate_judge_rows(t, learner, t->params_given, t->pipeline_given, part, ml_crossval_row, rows, score);
	ml_folds_end_part(part);
	error_context_stack = errors.previous;
}

MlCrossval *
ml_crossval_run(const MlTraining *t, const MlLearner *learner, const MlFolds *folds, MlCrossvalLoss loss, MlNotes *notes)
{
	MlCrossval *cv = palloc0(sizeof(MlCrossval));
	MlCrossvalRows rows = {cv, folds->labels->model, loss};
	const char *first = NULL;
	int			lacking = 0;

	cv->nfolds = folds->count - folds->first;
	cv->nrows = folds->nrows;
	cv->metrics = ml_metrics_for(ml_quality_task(rows.labels), &cv->nmetrics);
	cv->values = palloc(sizeof(double) * cv->nfolds * cv->nmetrics);
	cv->held_out = ml_held_out_begin(rows.labels, CurrentMemoryContext);
	if (loss)
		cv->losses = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(folds->nrows, 1));
	for (int f = 0; f < cv->nfolds; f++)
	{
		MlCandidateScore score;

		ml_crossval_fold(t, learner, folds, f, &rows, &score);
		for (int m = 0; m < cv->nmetrics; m++)
			cv->values[f * cv->nmetrics + m] = score.left_out ? NAN : score.values[m];
		cv->judged += score.left_out == NULL;
		lacking += score.left_out == NULL && score.classes_missing > 0;
		first = first ? first : score.left_out;
		if (score.too_big)
		{
			cv->left_out = score.left_out;
			return cv;
		}
		if (score.left_out)
			ml_note(notes, "fold %d of %d was not judged: %s", f + 1, cv->nfolds, score.left_out);
	}
	if (cv->judged == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no fold can be judged"),
				 errdetail("There are %d; why the first is not judged: %s.", cv->nfolds, first),
				 errhint("Check the rows of the folds, or ask for fewer \"folds\".")));
	if (lacking > 0)
		ml_note(notes, "in %d of %d folds the training rows lack a class that other rows have: its rows are judged as given "
				"probability 0", lacking, cv->nfolds);
	ml_crossval_note_undefined(cv, notes);
	return cv;
}

int
ml_crossval_mean(const MlCrossval *cv, int metric, double *mean, double *stddev)
{
	double		sum = 0;
	double		squares = 0;
	int			n = 0;

	for (int f = 0; f < cv->nfolds; f++)
	{
		double		x = cv->values[f * cv->nmetrics + metric];

		if (isnan(x))
			continue;
		sum += x;
		n++;
	}
	*mean = n > 0 ? sum / n : NAN;
	for (int f = 0; f < cv->nfolds; f++)
	{
		double		d = cv->values[f * cv->nmetrics + metric] - *mean;

		if (!isnan(d))
			squares += d * d;
	}
	*stddev = n > 1 ? sqrt(squares / (n - 1)) : NAN;
	return n;
}

void
ml_crossval_note(const MlCrossval *cv, const MlLoad *load, MlNotes *notes)
{
	if (load->split == ML_SPLIT_NONE)
		ml_note(notes, "the metrics are means over %d %s, %lld rows judged by models that had not learned from them; the "
				"stored model learned from all %lld rows", cv->judged, cv->judged == 1 ? "fold" : "folds", (long long) cv->rows, (long long) cv->nrows);
	else
		ml_note(notes, "the metrics named cv_ are over %d %s of the %lld training rows, %lld rows judged; the others are of "
				"the rows held out", cv->judged, cv->judged == 1 ? "fold" : "folds", (long long) cv->nrows, (long long) cv->rows);
}
