/*
 * jobs.c - the duty that starts jobs, and notices those whose process is gone.
 *
 * A job is marked as running before its process is started, and the process
 * takes its lock before it looks whether it still is. A job that nobody holds
 * has been abandoned, unless this worker has just started a process for it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "postmaster/bgworker.h"
#include "store/jobs.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/duty.h"
#include "worker/job.h"

/* While jobs run, it is looked so often whether their processes live. */
#define ML_JOBS_LOOK_MS		1000

/* A process that this worker has started, while it is not known to have ended. */
typedef struct MlJobProcess
{
	int64		job;
	BackgroundWorkerHandle *handle;
} MlJobProcess;

static List *ml_job_processes = NIL;

/* Forgets the processes that have ended. */
static void
ml_jobs_forget(void)
{
	ListCell   *lc;

	foreach(lc, ml_job_processes)
	{
		MlJobProcess *process = lfirst(lc);
		pid_t		pid;

		if (GetBackgroundWorkerPid(process->handle, &pid) != BGWH_STOPPED)
			continue;
		pfree(process->handle);
		pfree(process);
		ml_job_processes = foreach_delete_current(ml_job_processes, lc);
	}
}

static bool
ml_jobs_started_here(int64 job)
{
	ListCell   *lc;

	foreach(lc, ml_job_processes)
		if (((MlJobProcess *) lfirst(lc))->job == job)
			return true;
	return false;
}

/* Settles the jobs whose process is gone; returns how many are running. */
static int
ml_jobs_look(void)
{
	int			running = 0;
	List	   *ids;
	ListCell   *lc;

	ml_jobs_forget();
	ml_duty_begin("look after jobs");
	ids = ml_jobs_running();
	foreach(lc, ids)
		if (!ml_jobs_started_here(*(int64 *) lfirst(lc)))
			ml_jobs_settle_abandoned(*(int64 *) lfirst(lc), ml_progress_life());
	running = list_length(ml_jobs_running());
	ml_duty_commit();
	return running;
}

/* Starts a process for a job; false when the server has no place for one. */
static bool
ml_jobs_launch(const MlJob *job)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	MlJobStart	start;
	MlJobProcess *process;
	MemoryContext old;

	memset(&start, 0, sizeof start);
	start.database = MyDatabaseId;
	start.attempt = job->attempts;
	start.job = job->id;
	memset(&worker, 0, sizeof worker);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "pg_mlops", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, "ml_job_main", sizeof worker.bgw_function_name);
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_mlops job %lld", (long long) job->id);
	strlcpy(worker.bgw_type, "pg_mlops job", BGW_MAXLEN);
	memcpy(worker.bgw_extra, &start, sizeof start);
	old = MemoryContextSwitchTo(TopMemoryContext);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	process = palloc(sizeof(MlJobProcess));
	process->job = job->id;
	process->handle = handle;
	ml_job_processes = lappend(ml_job_processes, process);
	MemoryContextSwitchTo(old);
	return true;
}

/* Starts the next job; false when there is none that may begin, or no place for it. */
static bool
ml_jobs_start(void)
{
	MlJob		job;
	bool		found;

	ml_duty_begin("start a job");
	found = ml_jobs_start_next(ml_progress_life(), &job);
	ml_duty_commit();
	if (!found || ml_jobs_launch(&job))
		return found;
	ml_duty_begin("put a job back");
	ml_jobs_put_back(&job, "waits for a background worker: all of max_worker_processes are in use");
	ml_duty_commit();
	return false;
}

static TimestampTz
ml_jobs_run(void)
{
	int			running = ml_jobs_look();

	while (running < ml_max_job_workers && ml_jobs_start())
		running++;
	return running > 0 ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ML_JOBS_LOOK_MS) : DT_NOEND;
}

const MlDuty ml_duty_jobs = {"jobs", ml_jobs_run};
