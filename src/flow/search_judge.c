/*
 * search_judge.c - one trial of a search, on the folds of the training rows.
 *
 * It runs in the process that searches, or in one that was started to help;
 * both do the same. Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/candidate.h"
#include "flow/search_internal.h"
#include "utils/timestamp.h"

static bool
ml_trial_worse(const MlMetric *metric, double a, double b)
{
	return metric->larger_is_better ? a < b : a > b;
}

/* Judges one fold; returns the metric searched, or NaN and why not. */
static double
ml_trial_fold(const MlTraining *t, const MlFolds *folds, int fold, const MlMetric *metric, const MlTrialTask *task,
			  MlTrialOutcome *out)
{
	MlLoad		view = *t->load;
	MlCandidateScore score;
	MlLoad	   *part;
	double		value = NAN;

	/* temporary files end with the trial, should it fail */
	view.budget.owner = NULL;
	part = ml_folds_part(&view, folds, fold, task->share);
	ml_candidate_judge(t, ml_learner_by_name(task->learner), task->params, task->pipeline, part, &score);
	ml_folds_end_part(part);
	if (score.left_out)
	{
		out->error = score.left_out;
		return NAN;
	}
	out->folds++;
	for (int m = 0; m < score.nmetrics; m++)
	{
		if (isnan(score.values[m]))
			continue;
		out->figures[out->nfigures].name = score.metrics[m]->name;
		out->figures[out->nfigures].fold = out->folds;
		out->figures[out->nfigures++].value = score.values[m];
		if (score.metrics[m] == metric)
			value = score.values[m];
	}
	if (isnan(value))
		out->error = psprintf("%s is not defined for the " INT64_FORMAT " rows of fold %d", metric->name, score.rows,
							  out->folds);
	return value;
}

void
ml_trial_judge(const MlTraining *t, const MlFolds *folds, const MlMetric *metric, const MlTrialTask *task,
			   MlTrialOutcome *out)
{
	int			nmetrics;
	int			last = Min(folds->count, folds->first + task->folds);
	double		sum = 0;

	memset(out, 0, sizeof *out);
	out->started_at = GetCurrentTimestamp();
	(void) ml_metrics_for(ml_quality_task(folds->labels->model), &nmetrics);
	out->figures = palloc(sizeof(MlTrialFigure) * nmetrics * (last - folds->first));
	for (int fold = folds->first; fold < last; fold++)
	{
		double		value = ml_trial_fold(t, folds, fold, metric, task, out);
		double		tolerated = out->folds <= task->ntolerated && out->folds > 0 ? task->tolerated[out->folds - 1] : NAN;

		if (out->error)
		{
			out->status = ML_TRIAL_FAILED;
			break;
		}
		sum += value;
		if (fold + 1 < last && !isnan(tolerated) && ml_trial_worse(metric, sum / out->folds, tolerated))
		{
			out->status = ML_TRIAL_CANCELLED;
			out->error = psprintf("stopped after %d of %d folds: %s was %.6g, worse than %.6g, the median of the trials before",
								  out->folds, last - folds->first, metric->name, sum / out->folds, tolerated);
			break;
		}
	}
	out->finished_at = GetCurrentTimestamp();
}

void
ml_trial_end_by_error(const ErrorData *error, MlTrialOutcome *out)
{
	int64		started_at = out->started_at;

	memset(out, 0, sizeof *out);
	out->status = error->sqlerrcode == ERRCODE_QUERY_CANCELED ? ML_TRIAL_CANCELLED : ML_TRIAL_FAILED;
	out->error = error->detail ? psprintf("%s (%s)", error->message, error->detail) : pstrdup(error->message);
	out->started_at = started_at;
	out->finished_at = GetCurrentTimestamp();
}
