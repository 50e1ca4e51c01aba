/*
 * search_crew.c - the processes that judge the trials of a search, and what they are told.
 *
 * Each of them has the call, the role, the settings that count and the rows,
 * and makes the same folds of them. A task and its outcome are messages. A
 * process that is gone leaves its trial to the others; with none left, this
 * process judges what remains, each trial in a subtransaction, so that an
 * error is the trial's alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/bytes.h"
#include "base/compat.h"
#include "base/pool.h"
#include "base/settings.h"
#include "flow/call.h"
#include "flow/load_image.h"
#include "flow/search_crew.h"
#include "flow/search_internal.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* What of the session counts for how rows become features, beside what sources depend on. */
static const char *const ml_crew_settings[] = {
	"search_path", "pg_mlops.max_categories", "pg_mlops.train_memory"
};

#define ML_CREW_SETTINGS	((int) lengthof(ml_crew_settings))

struct MlCrew
{
	MlTraining *t;
	MlSearch   *search;
	MlFolds    *folds;
	MlPool	   *pool;			/* NULL: this process judges */
	int			size;
};

struct MlBench
{
	MlTraining	t;
	MlFolds    *folds;
	const MlMetric *metric;
};

/* ---- messages ---- */

static void
ml_crew_put_json(StringInfo out, Jsonb *json)
{
	ml_write_text(out, json ? JsonbToCString(NULL, &json->root, VARSIZE(json)) : NULL);
}

static Jsonb *
ml_crew_get_json(MlReader *in)
{
	char	   *text = ml_read_text(in);

	return text ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))) : NULL;
}

static void
ml_crew_put_i64(StringInfo out, int64 v)
{
	ml_write_u32(out, (uint32) ((uint64) v >> 32));
	ml_write_u32(out, (uint32) v);
}

static int64
ml_crew_get_i64(MlReader *in)
{
	uint64		high = ml_read_u32(in);

	return (int64) (high << 32 | ml_read_u32(in));
}

static void
ml_crew_put_task(StringInfo out, const MlTrialTask *task)
{
	ml_write_u32(out, task->number);
	ml_write_text(out, task->learner);
	ml_crew_put_json(out, task->params);
	ml_crew_put_json(out, task->pipeline);
	ml_write_f64(out, task->share);
	ml_write_u32(out, task->folds);
	ml_write_u32(out, task->ntolerated);
	for (int i = 0; i < task->ntolerated; i++)
		ml_write_f64(out, task->tolerated[i]);
}

static void
ml_crew_get_task(MlReader *in, MlTrialTask *task)
{
	task->number = (int) ml_read_u32(in);
	task->learner = ml_read_text(in);
	task->params = ml_crew_get_json(in);
	task->pipeline = ml_crew_get_json(in);
	task->share = ml_read_f64(in);
	task->folds = (int) ml_read_u32(in);
	task->ntolerated = ml_read_count(in, 8);
	task->tolerated = palloc(sizeof(double) * Max(task->ntolerated, 1));
	for (int i = 0; i < task->ntolerated; i++)
		task->tolerated[i] = ml_read_f64(in);
}

static void
ml_crew_put_outcome(StringInfo out, const MlTrialOutcome *outcome)
{
	ml_write_u32(out, outcome->status);
	ml_write_text(out, outcome->error);
	ml_crew_put_i64(out, outcome->started_at);
	ml_crew_put_i64(out, outcome->finished_at);
	ml_write_u32(out, outcome->folds);
	ml_write_u32(out, outcome->nfigures);
	for (int i = 0; i < outcome->nfigures; i++)
	{
		ml_write_text(out, outcome->figures[i].name);
		ml_write_u32(out, outcome->figures[i].fold);
		ml_write_f64(out, outcome->figures[i].value);
	}
}

static MlTrialOutcome *
ml_crew_get_outcome(char *bytes, Size size)
{
	MlTrialOutcome *outcome = palloc0(sizeof(MlTrialOutcome));
	MlReader	in = {(uint8 *) bytes, (uint8 *) bytes + size, NULL};

	outcome->status = (MlTrialStatus) ml_read_u32(&in);
	outcome->error = ml_read_text(&in);
	outcome->started_at = ml_crew_get_i64(&in);
	outcome->finished_at = ml_crew_get_i64(&in);
	outcome->folds = (int) ml_read_u32(&in);
	outcome->nfigures = ml_read_count(&in, 16);
	outcome->figures = palloc(sizeof(MlTrialFigure) * Max(outcome->nfigures, 1));
	for (int i = 0; i < outcome->nfigures; i++)
	{
		outcome->figures[i].name = ml_read_text(&in);
		outcome->figures[i].fold = (int) ml_read_u32(&in);
		outcome->figures[i].value = ml_read_f64(&in);
	}
	return outcome;
}

/* What every process is told before the first task. */
static void
ml_crew_put_hello(StringInfo out, const MlTraining *t, const MlSearch *search, int folds, MlFoldMethod method)
{
	StringInfoData call;

	initStringInfo(&call);
	ml_call_write(&call, t->spec, true);
	ml_write_u32(out, GetUserId());
	for (int i = 0; i < ML_SOURCE_SETTINGS; i++)
		ml_write_text(out, GetConfigOption(ml_source_settings[i], false, false));
	for (int i = 0; i < ML_CREW_SETTINGS; i++)
		ml_write_text(out, GetConfigOption(ml_crew_settings[i], false, false));
	ml_write_text(out, call.data);
	ml_write_u32(out, t->model->task);
	ml_write_text(out, t->positive);
	ml_write_text(out, search->metric->name);
	ml_write_u32(out, folds);
	ml_write_u32(out, method);
}

/* ---- this process ---- */

/* Judges a trial here; an error is the trial's, unless somebody wants all of it to end. */
static MlTrialOutcome *
ml_crew_judge_here(MlCrew *crew, const MlTrialTask *task)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MlTrialOutcome *volatile outcome = palloc0(sizeof(MlTrialOutcome));

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		outcome->started_at = GetCurrentTimestamp();
		ml_trial_judge(crew->t, crew->folds, crew->search->metric, task, outcome);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ml_trial_end_by_error(error, outcome);
	}
	PG_END_TRY();
	return outcome;
}

/* How many processes to ask for. */
static int
ml_crew_wanted(const MlSearch *search)
{
	int			most = search->workers >= 0 ? Min(search->workers, ml_max_job_workers) : ml_max_job_workers;

	/* one alone has nobody to share with */
	return search->trials > 1 ? Min(most, search->trials) : 0;
}

MlCrew *
ml_crew_begin(MlTraining *t, MlSearch *search, int folds, MlFoldMethod method)
{
	MlCrew	   *crew = palloc0(sizeof(MlCrew));
	int			wanted = ml_crew_wanted(search);
	StringInfoData hello;

	crew->t = t;
	crew->search = search;
	crew->folds = ml_folds_make(t, folds, method);
	if (wanted == 0)
		return crew;
	initStringInfo(&hello);
	ml_crew_put_hello(&hello, t, search, folds, method);
	crew->pool = ml_pool_create(wanted, hello.data, hello.len);
	if (crew->pool == NULL)
		return crew;
	ml_load_image_write(t->load, ml_pool_files(crew->pool));
	crew->size = ml_pool_launch(crew->pool, "ml_trial_main", "pg_mlops trial");
	/* where temporary files go was looked up in the catalogs */
	InvalidateCatalogSnapshotConditionally();
	return crew;
}

int
ml_crew_size(const MlCrew *crew)
{
	return crew->size;
}

/* Puts a task back to the front of those that wait. */
static void
ml_crew_again(List **waiting, int task)
{
	*waiting = lcons_int(task, *waiting);
}

void
ml_crew_judge(MlCrew *crew, List *tasks, MlTrialOutcome **outcomes, void (*told) (void *ctx, int judged), void *ctx)
{
	int			n = list_length(tasks);
	int			judged = 0;
	int		   *at = palloc(sizeof(int) * Max(crew->size, 1));	/* the task of each worker */
	List	   *waiting = NIL;

	for (int i = 0; i < n; i++)
		waiting = lappend_int(waiting, i);
	while (judged < n)
	{
		int			worker;
		char	   *bytes;
		Size		size;

		while (crew->pool && waiting != NIL && (worker = ml_pool_idle(crew->pool)) >= 0)
		{
			StringInfoData message;

			at[worker] = linitial_int(waiting);
			waiting = list_delete_first(waiting);
			initStringInfo(&message);
			ml_crew_put_task(&message, list_nth(tasks, at[worker]));
			ml_pool_give(crew->pool, worker, message.data, message.len);
			pfree(message.data);
		}
		worker = crew->pool ? ml_pool_wait(crew->pool, &bytes, &size) : -1;
		if (worker >= 0 && bytes == NULL)
		{
			ml_crew_again(&waiting, at[worker]);
			continue;
		}
		if (worker >= 0)
			outcomes[at[worker]] = ml_crew_get_outcome(bytes, size);
		else
		{
			int			task = linitial_int(waiting);

			waiting = list_delete_first(waiting);
			outcomes[task] = ml_crew_judge_here(crew, list_nth(tasks, task));
		}
		told(ctx, ++judged);
	}
	pfree(at);
}

void
ml_crew_end(MlCrew *crew)
{
	if (crew->pool)
		ml_pool_end(crew->pool);
	pfree(crew->folds->fold);
	pfree(crew);
}

/* ---- a process that judges ---- */

Oid
ml_bench_role(const MlPoolMember *member)
{
	MlReader	in = {member->bytes, (const uint8 *) member->bytes + member->size, NULL};

	return ml_read_u32(&in);
}

/* The call as this process needs it. */
static void
ml_bench_spec(MlReader *in, MlTraining *t)
{
	MlTrainSpec *spec = palloc0(sizeof(MlTrainSpec));

	ml_call_read(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(ml_read_text(in)))), spec);
	t->spec = spec;
	t->model = palloc0(sizeof(MlModel));
	t->model->task = (MlTask) ml_read_u32(in);
	t->task_known = true;
	t->positive = ml_read_text(in);
}

MlBench *
ml_bench_open(const MlPoolMember *member, ResourceOwner owner, void (*breathe) (void *ctx), void *ctx)
{
	MlBench    *bench = palloc0(sizeof(MlBench));
	MlTraining *t = &bench->t;
	MlReader	in = {member->bytes, (const uint8 *) member->bytes + member->size, NULL};
	MlFoldMethod method;
	char	   *metric;
	int			folds;

	(void) ml_read_u32(&in);
	for (int i = 0; i < ML_SOURCE_SETTINGS; i++)
		SetConfigOption(ml_source_settings[i], ml_read_text(&in), PGC_SUSET, PGC_S_SESSION);
	for (int i = 0; i < ML_CREW_SETTINGS; i++)
		SetConfigOption(ml_crew_settings[i], ml_read_text(&in), PGC_SUSET, PGC_S_SESSION);
	t->context = CurrentMemoryContext;
	t->tick.breathe = breathe;
	t->tick.ctx = ctx;
	ml_bench_spec(&in, t);
	metric = ml_read_text(&in);
	folds = (int) ml_read_u32(&in);
	method = (MlFoldMethod) ml_read_u32(&in);
	t->load = ml_load_image_read(member->files, owner, &t->notes);
	bench->folds = ml_folds_make(t, folds, method);
	bench->metric = ml_metric_find(ml_quality_task(bench->folds->labels->model), metric);
	return bench;
}

void
ml_bench_judge(MlBench *bench, const void *bytes, Size size, StringInfo answer)
{
	MlReader	in = {bytes, (const uint8 *) bytes + size, NULL};
	MlTrialTask task;
	MlTrialOutcome outcome;

	ml_crew_get_task(&in, &task);
	ml_trial_judge(&bench->t, bench->folds, bench->metric, &task, &outcome);
	ml_crew_put_outcome(answer, &outcome);
}

void
ml_bench_failed(const ErrorData *error, TimestampTz started_at, StringInfo answer)
{
	MlTrialOutcome outcome;

	memset(&outcome, 0, sizeof outcome);
	outcome.started_at = started_at;
	ml_trial_end_by_error(error, &outcome);
	ml_crew_put_outcome(answer, &outcome);
}
