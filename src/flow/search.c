/*
 * search.c - rounds of trials, the best of them, and what is kept of all.
 *
 * Memory is palloc'd in the training's context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/quality.h"
#include "flow/search_internal.h"
#include "math/exact_sum.h"
#include "monitor/progress.h"
#include "store/trials.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Folds where neither the search nor the split says how many. */
#define ML_SEARCH_FOLDS			3

/* Trials that have to be judged before a median of them stops others. */
#define ML_SEARCH_STOP_AFTER	5

/* Training rows that a trial of halving learns from at least, and how often the rows grow at most. */
#define ML_SEARCH_ROWS_MIN		200
#define ML_SEARCH_RUNGS_MAX		20

/* Different errors that are shown where all trials fail. */
#define ML_SEARCH_REASONS		3

/* A search under way. */
typedef struct MlSearchRun
{
	MlTraining *t;
	MlSearch   *search;
	MlCrew	   *crew;
	int			rung;			/* of halving */
	int			rungs;
	int			stopped;		/* trials that were given up between folds */
	int			dropped;		/* of halving: trials that did not go on */
} MlSearchRun;

void
ml_search_check(const MlTraining *t)
{
	(void) ml_search_parse(t);
}

/* ---- figures ---- */

/* The mean of a metric over the first folds of a trial; NaN where one of them lacks it. */
static double
ml_search_mean(const MlTrialOutcome *outcome, const char *metric, int folds)
{
	MlExactSum	sum;
	int			n = 0;

	memset(&sum, 0, sizeof sum);
	for (int i = 0; i < outcome->nfigures; i++)
		if (outcome->figures[i].fold <= folds && strcmp(outcome->figures[i].name, metric) == 0)
		{
			ml_exact_add(&sum, outcome->figures[i].value);
			n++;
		}
	return n == folds && n > 0 ? ml_exact_mean(&sum, n) : NAN;
}

static int
ml_search_ascending(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* After each fold but the last: the median of the means of the trials so far; NaN where they are too few. */
static double *
ml_search_medians(const MlSearch *search)
{
	int			folds = search->judged_folds;
	double	   *medians = palloc(sizeof(double) * Max(folds, 1));
	double	   *means = palloc(sizeof(double) * Max(search->ntrials, 1));

	for (int f = 1; f < folds; f++)
	{
		int			n = 0;

		for (int i = 0; i < search->ntrials; i++)
		{
			double		mean = ml_search_mean(&search->done[i]->outcome, search->metric->name, f);

			if (!isnan(mean))
				means[n++] = mean;
		}
		qsort(means, n, sizeof(double), ml_search_ascending);
		medians[f - 1] = n < ML_SEARCH_STOP_AFTER ? NAN : (means[(n - 1) / 2] + means[n / 2]) / 2;
	}
	pfree(means);
	return medians;
}

/* ---- a round ---- */

static void
ml_search_told(void *ctx, int judged)
{
	const MlSearchRun *run = ctx;

	ml_progress_iterations(run->search->ntrials + judged, run->search->trials);
	ml_progress_memory((int64) MemoryContextMemAllocated(run->t->context, true));
}

/* Has the trials of a round judged, all on the same share of the rows. */
static void
ml_search_judge(MlSearchRun *run, List *round, double share)
{
	MlSearch   *search = run->search;
	bool		stops = search->early_stopping && search->method != ML_SEARCH_HALVING && search->method != ML_SEARCH_GRID;
	double	   *medians = stops ? ml_search_medians(search) : NULL;
	MlTrialOutcome **outcomes = palloc0(sizeof(MlTrialOutcome *) * Max(list_length(round), 1));
	List	   *tasks = NIL;
	ListCell   *lc;

	foreach(lc, round)
	{
		const MlTrial *trial = lfirst(lc);
		MlTrialTask *task = palloc0(sizeof(MlTrialTask));

		task->number = trial->number;
		task->learner = search->learners[trial->learner].learner->name;
		task->params = trial->params;
		task->pipeline = trial->pipeline;
		task->share = share;
		task->folds = search->judged_folds;
		task->ntolerated = stops ? search->judged_folds - 1 : 0;
		task->tolerated = medians;
		tasks = lappend(tasks, task);
	}
	ml_search_told(run, 0);
	ml_crew_judge(run->crew, tasks, outcomes, ml_search_told, run);
	foreach(lc, round)
	{
		MlTrial    *trial = lfirst(lc);
		MlTrialOutcome *outcome = outcomes[foreach_current_index(lc)];

		/* of halving, the trial began when it was judged first */
		if (trial->outcome.started_at != 0)
			outcome->started_at = trial->outcome.started_at;
		trial->outcome = *outcome;
		trial->share = share;
		trial->value = ml_search_mean(outcome, search->metric->name, outcome->folds);
		run->stopped += outcome->status == ML_TRIAL_CANCELLED;
	}
	search->rounds++;
}

/* Adds a round's trials to those that are done. */
static void
ml_search_keep(MlSearch *search, List *round)
{
	ListCell   *lc;

	foreach(lc, round)
	{
		if (search->ntrials == search->capacity)
		{
			search->capacity = Max(64, search->capacity * 2);
			search->done = search->done ? repalloc(search->done, sizeof(MlTrial *) * search->capacity) :
				palloc(sizeof(MlTrial *) * search->capacity);
		}
		search->done[search->ntrials++] = lfirst(lc);
	}
}

static bool
ml_search_out_of_time(const MlSearchRun *run)
{
	return run->search->seconds > 0 &&
		GetCurrentTimestamp() - run->t->started_at > (TimestampTz) (run->search->seconds * USECS_PER_SEC);
}

/* ---- halving ---- */

static int
ml_search_by_merit(const void *a, const void *b, void *search)
{
	return ml_search_compare(search, *(MlTrial *const *) a, *(MlTrial *const *) b);
}

/* The best trials of a rung go on, and those that show what the search gains. */
static List *
ml_search_survivors(MlSearchRun *run, List *round, int most, double share)
{
	int			n = list_length(round);
	MlTrial   **ranked = palloc(sizeof(MlTrial *) * Max(n, 1));
	List	   *next = NIL;

	for (int i = 0; i < n; i++)
		ranked[i] = list_nth(round, i);
	qsort_arg(ranked, n, sizeof(MlTrial *), ml_search_by_merit, run->search);
	for (int i = 0; i < n; i++)
	{
		MlTrial    *trial = ranked[i];

		if (trial->outcome.status != ML_TRIAL_SUCCEEDED)
			continue;
		if (i < most || trial->kept)
		{
			next = lappend(next, trial);
			continue;
		}
		trial->outcome.status = ML_TRIAL_CANCELLED;
		trial->outcome.error = psprintf("did not go on from %.3g %% of the rows, where %s was %.6g: the best %d of %d did",
										share * 100, run->search->metric->name, trial->value, most, n);
		run->dropped++;
	}
	return next;
}

/* How often the rows grow until all of them are there. */
static int
ml_search_count_rungs(const MlSearchRun *run)
{
	double		rows = (double) run->t->load->rows_train;
	int			trials = run->search->trials;
	int			rungs = 1;

	while (trials > 1 && rungs < ML_SEARCH_RUNGS_MAX && rows / run->search->eta >= ML_SEARCH_ROWS_MIN)
	{
		trials = (trials + run->search->eta - 1) / run->search->eta;
		rows /= run->search->eta;
		rungs++;
	}
	return rungs;
}

static void
ml_search_halve(MlSearchRun *run)
{
	List	   *round = ml_search_propose(run->search);
	int			rungs = ml_search_count_rungs(run);
	double		divisor = 1;
	int			most = list_length(round);

	for (int rung = 1; rung < rungs; rung++)
		divisor *= run->search->eta;
	ml_search_keep(run->search, round);
	run->rungs = 0;
	while (round != NIL)
	{
		run->rungs++;
		ml_search_judge(run, round, 1 / divisor);
		if (divisor <= 1)
			break;
		most = Max(most / run->search->eta, 1);
		/* without time, the best one so far is judged on all rows, and that is all */
		if (ml_search_out_of_time(run))
			most = 1;
		round = ml_search_survivors(run, round, most, 1 / divisor);
		divisor = most == 1 ? 1 : divisor / run->search->eta;
	}
}

/* ---- the search ---- */

static const char *
ml_search_default_metric(MlMetricTask task)
{
	return task == ML_METRIC_TASK_REGRESSION ? "rmse" : task == ML_METRIC_TASK_TWO_CLASS ? "auc" : "log_loss";
}

/* The metric by which trials are compared, now that the classes are known. */
static void
ml_search_choose_metric(MlSearch *search, const MlModel *labels)
{
	MlMetricTask task = ml_quality_task(labels);
	const char *name = search->metric_name ? search->metric_name : ml_search_default_metric(task);
	const MlMetric *const *metrics;
	List	   *names = NIL;
	int			n;

	search->metric = ml_metric_find(task, name);
	if (search->metric)
		return;
	metrics = ml_metrics_for(task, &n);
	for (int i = 0; i < n; i++)
		names = lappend(names, unconstify(char *, metrics[i]->name));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a search cannot go by metric \"%s\"", name),
			 errdetail("The metrics of this target are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Leave \"metric\" out, or name one of these."))));
}

/* The task and classes of the training rows. */
static const MlModel *
ml_search_labels(MlTraining *t)
{
	MlDesign   *design = palloc0(sizeof(MlDesign));

	design->load = t->load;
	design->model = palloc0(sizeof(MlModel));
	design->model->task = t->model->task;
	ml_design_target(design, t->positive);
	return design->model;
}

static ML_NORETURN void
ml_search_all_failed(const MlSearch *search)
{
	List	   *seen = NIL;
	StringInfoData reasons;

	initStringInfo(&reasons);
	for (int i = 0; i < search->ntrials && list_length(seen) < ML_SEARCH_REASONS; i++)
	{
		char	   *error = search->done[i]->outcome.error;

		if (error == NULL || ml_text_listed(seen, error))
			continue;
		seen = lappend(seen, error);
		appendStringInfo(&reasons, "%sTrial %d: %s", reasons.len > 0 ? "\n" : "", search->done[i]->number, error);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("none of the %d trials of the search succeeded", search->ntrials),
			 errdetail("%s", reasons.data),
			 errhint("Check the search space and the source; train once without search to see an error in full.")));
}

static void
ml_search_choose_winner(MlSearch *search)
{
	search->winner = 0;
	for (int i = 1; i < search->ntrials; i++)
		if (ml_search_compare(search, search->done[i], search->done[search->winner]) < 0)
			search->winner = i;
	if (search->ntrials == 0 || search->done[search->winner]->outcome.status != ML_TRIAL_SUCCEEDED)
		ml_search_all_failed(search);
}

/* What a learner gives as it is, to say what the search gained. */
static void
ml_search_note_given(const MlSearch *search, StringInfo out)
{
	for (int i = 0; i < search->ntrials; i++)
	{
		const MlTrial *trial = search->done[i];

		if (!trial->kept || i == search->winner)
			continue;
		appendStringInfo(out, ", %s ", search->automatic ? search->learners[trial->learner].learner->name :
						 "the parameters as given");
		if (trial->outcome.status == ML_TRIAL_SUCCEEDED)
			appendStringInfo(out, "%.6g", trial->value);
		else
			appendStringInfoString(out, "failed");
	}
}

static void
ml_search_notes(const MlSearchRun *run)
{
	const MlSearch *search = run->search;
	const MlTrial *winner = search->done[search->winner];
	StringInfoData out;
	int			failed = 0;

	for (int i = 0; i < search->ntrials; i++)
		failed += search->done[i]->outcome.status == ML_TRIAL_FAILED;
	initStringInfo(&out);
	appendStringInfo(&out, "search \"%s\" judged %d trials by %s over %d %s of the training rows: trial %d%s was the best, %s %.6g",
					 search->method_name, search->ntrials, search->metric->name, search->judged_folds,
					 search->judged_folds == 1 ? "part" : "folds", winner->number,
					 search->automatic ? psprintf(", of %s,", search->learners[winner->learner].learner->name) : "",
					 search->metric->name, winner->value);
	ml_search_note_given(search, &out);
	ml_note(&run->t->notes, "%s", out.data);
	if (run->stopped > 0)
		ml_note(&run->t->notes, "%d of the trials were stopped early: half of the trials before were better", run->stopped);
	if (run->dropped > 0)
		ml_note(&run->t->notes, "%d trials of the search saw a share of the rows only, from which others went on", run->dropped);
	if (failed > 0)
		ml_note(&run->t->notes, "%d %s failed: the errors are in ml.runs", failed, failed == 1 ? "trial" : "trials");
	if (search->ntrials < search->trials)
		ml_note(&run->t->notes, "the search ended after %d of %d trials: %s", search->ntrials, search->trials,
				search->exhausted ? "the space has no others" : "its time was over");
	if (search->processes > 0)
		ml_note(&run->t->notes, "trials ran in %d %s; each holds the training rows and up to pg_mlops.train_memory, %s",
				search->processes, search->processes == 1 ? "worker" : "workers", ml_text_bytes(ML_TRAIN_MEMORY_BYTES));
	if (run->t->load->split == ML_SPLIT_NONE)
		ml_note(&run->t->notes, "no rows were held out that the search has not seen: figures of the best trial are somewhat too good");
}

void
ml_search_run(MlTraining *t)
{
	MlSearch   *search = ml_search_parse(t);
	MlSearchRun run;
	const MlTrial *winner;
	List	   *round;

	memset(&run, 0, sizeof run);
	run.t = t;
	run.search = search;
	ml_progress_phase(ML_PHASE_SEARCHING);
	ml_search_choose_metric(search, ml_search_labels(t));
	search->judged_folds = search->folds > 0 ? search->folds : t->load->folds > 0 ? t->load->folds : ML_SEARCH_FOLDS;
	run.crew = ml_crew_begin(t, search, search->judged_folds, t->load->fold_method);
	search->processes = ml_crew_size(run.crew);
	if (search->method == ML_SEARCH_HALVING)
		ml_search_halve(&run);
	else
		while (!(search->ntrials > 0 && ml_search_out_of_time(&run)) && (round = ml_search_propose(search)) != NIL)
		{
			ml_search_judge(&run, round, 1);
			ml_search_keep(search, round);
		}
	ml_crew_end(run.crew);
	ml_search_choose_winner(search);
	ml_search_notes(&run);
	winner = search->done[search->winner];
	t->search = search;
	t->learner = search->learners[winner->learner].learner;
	t->params_given = winner->params;
	t->pipeline_given = winner->pipeline;
	t->load->filed = false;
	ml_progress_phase(ML_PHASE_FITTING);
	ml_train_settle(t, t->learner);
}

/* ---- what is kept ---- */

static void
ml_search_describe(const MlSearch *search, const MlTrial *trial, StringInfo out)
{
	appendStringInfo(out, "{\"trial\": %d, \"algorithm\": ", trial->number);
	ml_json_text(out, search->learners[trial->learner].learner->name);
	appendStringInfo(out, ", \"params\": %s, \"pipeline\": %s, \"metric\": ",
					 JsonbToCString(NULL, &trial->params->root, VARSIZE(trial->params)),
					 trial->pipeline ? JsonbToCString(NULL, &trial->pipeline->root, VARSIZE(trial->pipeline)) : "null");
	ml_json_text(out, search->metric->name);
	appendStringInfoString(out, ", \"row_share\": ");
	ml_json_number(out, trial->share);
	appendStringInfoChar(out, '}');
}

/* Every figure of a trial by fold, and the means over the folds that were judged. */
static void
ml_search_figures(const MlTrial *trial, MlTrialRecord *record)
{
	const MlTrialOutcome *outcome = &trial->outcome;
	int			n = 0;

	record->metrics = palloc0(sizeof(MlRunMetric) * (2 * outcome->nfigures + 1));
	for (int i = 0; i < outcome->nfigures; i++)
	{
		const MlTrialFigure *figure = &outcome->figures[i];
		double		mean = figure->fold == 1 ? ml_search_mean(outcome, figure->name, outcome->folds) : NAN;

		record->metrics[n].name = figure->name;
		record->metrics[n].step = figure->fold;
		record->metrics[n++].value = figure->value;
		if (isnan(mean))
			continue;
		record->metrics[n].name = figure->name;
		record->metrics[n].step = 0;
		record->metrics[n++].value = mean;
	}
	record->nmetrics = n;
}

void
ml_search_record(const MlTraining *t, int64 run_id)
{
	static const char *const statuses[] = {"succeeded", "failed", "cancelled"};
	const MlSearch *search = t->search;

	for (int i = 0; search && i < search->ntrials; i++)
	{
		const MlTrial *trial = search->done[i];
		MlTrialRecord record;
		StringInfoData params;

		memset(&record, 0, sizeof record);
		initStringInfo(&params);
		ml_search_describe(search, trial, &params);
		record.params = params.data;
		record.status = statuses[trial->outcome.status];
		record.error = trial->outcome.error;
		record.started_at = trial->outcome.started_at;
		record.finished_at = trial->outcome.finished_at;
		ml_search_figures(trial, &record);
		ml_catalog_trial(run_id, &record);
	}
}
