/*
 * trial.c - a process that judges trials of a search for another one.
 *
 * It connects as the bootstrap superuser and takes on the role of who
 * searches in a security-restricted operation, as a job's process does. It is
 * one transaction, since temporary files with rows do not outlive theirs; it
 * has no snapshot. Each trial is a subtransaction: an error ends that alone.
 * The process ends when its leader closes the queue, or is gone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "flow/search_crew.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker/job.h"

PGDLLEXPORT void ml_trial_main(Datum arg);

/* Takes on the role of who searches, for the transaction that this process is all its life. */
static void
ml_trial_begin(Oid role, MemoryContext context)
{
	Oid			user;
	int			security;

	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(role, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

/* Long work breathes: it ends when somebody wants it to, or when nobody waits for it any more. */
static void
ml_trial_breathe(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
	InvalidateCatalogSnapshotConditionally();
	if (ml_pool_deserted(ctx))
		proc_exit(0);
}

/* Judges one trial; the answer says how that ended, be it by an error. */
static void
ml_trial_run(MlBench *bench, const void *task, Size size, StringInfo answer)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	TimestampTz started_at = GetCurrentTimestamp();

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		ml_bench_judge(bench, task, size, answer);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		resetStringInfo(answer);
		ml_bench_failed(error, started_at, answer);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

void
ml_trial_main(Datum arg)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_mlops trials", ALLOCSET_DEFAULT_SIZES);
	MemoryContext trial = AllocSetContextCreate(TopMemoryContext, "pg_mlops trial", ALLOCSET_DEFAULT_SIZES);
	MlPoolMember *member;
	MlBench    *bench;
	const void *task;
	Size		size;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	member = ml_pool_join(arg);
	if (member == NULL)
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(member->database, InvalidOid, 0);
	pgstat_report_appname("pg_mlops trial");
	ml_job_override_settings();
	/* the processes of the search are what it shares its work among */
	SetConfigOption("max_parallel_workers_per_gather", "0", PGC_SUSET, PGC_S_OVERRIDE);
	ml_trial_begin(ml_bench_role(member), context);
	bench = ml_bench_open(member, CurrentResourceOwner, ml_trial_breathe, member);
	InvalidateCatalogSnapshotConditionally();
	while ((task = ml_pool_take(member, &size)) != NULL)
	{
		StringInfoData answer;

		MemoryContextSwitchTo(trial);
		pgstat_report_activity(STATE_RUNNING, "pg_mlops: trial");
		initStringInfo(&answer);
		ml_trial_run(bench, task, size, &answer);
		ml_pool_answer(member, answer.data, answer.len);
		pgstat_report_activity(STATE_IDLE, NULL);
		MemoryContextSwitchTo(context);
		MemoryContextReset(trial);
	}
	proc_exit(0);
}
