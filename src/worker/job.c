/*
 * job.c - the process of one job: a training with the rights of who submitted it.
 *
 * It connects as the bootstrap superuser, so that a role that cannot log in
 * has jobs too, and takes on the role in a security-restricted operation, from
 * which nothing that the training runs comes back. A cancellation is held off
 * but for the training itself: whatever ends that is written to the job's row
 * by a transaction of its own. Success is part of the training's transaction.
 * A process that ends without a word is noticed by the duty of jobs.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_authid.h"
#include "flow/call.h"
#include "flow/retrain.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "store/jobs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "worker/job.h"
#include "worker/launcher.h"

PGDLLEXPORT void ml_job_main(Datum arg);

/* Settings of the database that are not for this process. */
static const char *const ml_job_overrides[][2] = {
	{"role", "none"},
	{"search_path", "pg_catalog, pg_temp"},
	{"session_replication_role", "origin"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"statement_timeout", "0"},
	{"transaction_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
};

void
ml_job_override_settings(void)
{
	for (int i = 0; i < (int) lengthof(ml_job_overrides); i++)
		if (GetConfigOption(ml_job_overrides[i][0], true, false) != NULL)
			SetConfigOption(ml_job_overrides[i][0], ml_job_overrides[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

static void
ml_job_begin(MemoryContext context)
{
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
}

static void
ml_job_commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* Takes the job on; false when it is not to be run any more. */
static bool
ml_job_take(const MlJobStart *start, MlJob *job, MemoryContext context)
{
	bool		taken;

	ml_job_begin(context);
	taken = ml_jobs_lock(start->job) && ml_jobs_claim(start->job, start->attempt, MyProcPid, job);
	ml_job_commit();
	MemoryContextSwitchTo(context);
	return taken;
}

static Jsonb *
ml_job_json(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* Sets what of the submitting session counts, as the role. */
static void
ml_job_settings(const MlJob *job)
{
	Jsonb	   *settings = ml_job_json(job->settings);
	JsonbIterator *it = JsonbIteratorInit(&settings->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *name = NULL;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && v.type == jbvString)
			(void) set_config_option(name, pnstrdup(v.val.string.val, v.val.string.len), PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	}
}

static char *
ml_job_result(const MlJob *job, const MlTrainResult *result)
{
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"model\": ");
	ml_json_text(&out, job->model);
	appendStringInfo(&out, ", \"version\": %d, \"algorithm\": ", result->version);
	ml_json_text(&out, result->algorithm);
	appendStringInfoString(&out, ", \"task\": ");
	ml_json_text(&out, result->task);
	appendStringInfo(&out, ", \"rows\": %lld, \"features\": %d, \"metrics\": %s, \"deployed\": %s, \"seconds\": ",
					 (long long) result->rows, result->features, result->metrics, result->deployed ? "true" : "false");
	ml_json_number(&out, result->seconds);
	appendStringInfoString(&out, ", \"notes\": [");
	foreach(lc, result->notes)
	{
		appendStringInfoString(&out, lc == list_head(result->notes) ? "" : ", ");
		ml_json_text(&out, lfirst(lc));
	}
	appendStringInfoString(&out, "]}");
	return out.data;
}

/* Trains, as the role. */
static void
ml_job_train(const MlJob *job, MlTrainResult *result)
{
	Jsonb	   *args = ml_job_json(job->args);
	MlTrainSpec spec;
	char	   *deploy;

	if (strcmp(job->kind, "retrain") == 0)
	{
		deploy = ml_call_text(args, "deploy");
		ml_retrain_run(job->model, deploy ? deploy : "if_gates_pass", job->login, true, result);
		return;
	}
	ml_call_read(args, &spec);
	spec.model = job->model;
	spec.login = job->login;
	spec.detached = true;
	ml_train_run(&spec, result);
}

static void
ml_job_require_role(const MlJob *job)
{
	if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(job->role)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("the role that submitted job %lld does not exist any more", (long long) job->id),
			 errdetail("A job runs with the rights of who submitted it."),
			 errhint("Submit it again as a role that may train the model.")));
}

/* The job, in one transaction: it holds a snapshot only while it reads and while it registers. */
static void
ml_job_run(const MlJob *job, MemoryContext context)
{
	MlTrainResult result;
	Oid			user;
	int			security;
	int			nest_level;
	char	   *text;

	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	ml_job_require_role(job);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(job->role, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();
	ml_job_settings(job);
	ml_job_train(job, &result);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(user, security);
	text = ml_job_result(job, &result);
	/* what asks to end it comes too late from here on */
	HOLD_CANCEL_INTERRUPTS();
	PushActiveSnapshot(GetTransactionSnapshot());
	ml_jobs_succeed(job, text);
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* An error as the row of a job has it. */
static char *
ml_job_error(const ErrorData *error)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, error->message);
	if (error->detail)
		appendStringInfo(&out, "\nDETAIL: %s", error->detail);
	if (error->hint)
		appendStringInfo(&out, "\nHINT: %s", error->hint);
	appendStringInfo(&out, "\nSQLSTATE: %s", unpack_sql_state(error->sqlerrcode));
	return out.data;
}

/* Writes how the job ended by an error. */
static void
ml_job_failed(const MlJob *job, const ErrorData *error, MemoryContext context)
{
	const char *by = ml_progress_cancelled();

	ml_job_begin(context);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ml_jobs_cancelled(job, by ? psprintf("cancelled by %s", by) : "cancelled by pg_cancel_backend()");
	else
	{
		ml_jobs_fail(job, ml_job_error(error));
		ereport(LOG,
				(errmsg("job %lld, %s of model \"%s\", failed: %s", (long long) job->id, job->kind, job->model,
						error->message)));
	}
	ml_job_commit();
}

void
ml_job_main(Datum arg)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_mlops job", ALLOCSET_DEFAULT_SIZES);
	ErrorData  *volatile error = NULL;
	MlJobStart	start;
	MlJob		job;

	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof start);
	pqsignal(SIGTERM, die);
	HOLD_CANCEL_INTERRUPTS();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(start.database, InvalidOid, 0);
	pgstat_report_appname("pg_mlops job");
	ml_job_override_settings();
	ml_progress_job(start.job);
	if (!ml_job_take(&start, &job, context))
		proc_exit(0);
	pgstat_report_activity(STATE_RUNNING, psprintf("pg_mlops: %s %s (job %lld)", job.kind, job.model,
												   (long long) job.id));
	PG_TRY();
	{
		RESUME_CANCEL_INTERRUPTS();
		ml_job_run(&job, context);
	}
	PG_CATCH();
	{
		HOLD_CANCEL_INTERRUPTS();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		QueryCancelPending = false;
	}
	PG_END_TRY();
	if (error)
		ml_job_failed(&job, error, context);
	(void) pgstat_report_stat(true);
	ml_worker_wake(MyDatabaseId);
	proc_exit(0);
}
