/*
 * launcher.c - the process that sees to it that each database with the extension has a worker.
 *
 * It is connected to no database, so it cannot see where the extension is: a
 * worker is started to look, and ends at once where it is not. Such a
 * database is looked at again when somebody wishes for it (slot.wake). What
 * the launcher knows dies with it and is found out anew; a worker that an
 * earlier launcher started is known by its slot. An error ends the launcher,
 * and the postmaster starts another one.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "monitor/log_ring.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "worker/launcher.h"
#include "worker/request.h"
#include "worker/slots.h"

#define ML_LAUNCHER_SCAN_MS		60000	/* how often databases are looked for without being told */
#define ML_LAUNCHER_LOOKS		2	/* workers at a time that have not found the extension yet */
#define ML_LAUNCHER_CROWDED_MS	5000	/* until it tries again when no background worker was free */
#define ML_LAUNCHER_SILENCE_MS	(3600 * 1000)	/* before it says the same again */
#define ML_LAUNCHER_BACKOFF_S	60	/* the longest wait after a worker that died */

PGDLLEXPORT void ml_launcher_main(Datum arg);

/* What the launcher knows of a database. */
typedef struct MlLauncherEntry
{
	Oid			database;		/* the key */
	NameData	name;
	bool		seen;			/* by the current scan */
	bool		eligible;		/* takes connections and is no template */
	bool		absent;			/* looked at: without the extension */
	bool		alive;			/* has a worker, or one is on its way */
	bool		running;		/* and that has found the extension */
	bool		wanted;			/* should have one */
	int			failures;		/* of workers, one after the other */
	TimestampTz started;
	TimestampTz next_try;
	BackgroundWorkerHandle *handle; /* of the worker that this launcher started */
} MlLauncherEntry;

static HTAB *ml_launcher_entries;
static TimestampTz ml_launcher_crowded_until = 0;
static TimestampTz ml_launcher_crowded_said = DT_NOBEGIN;
static TimestampTz ml_launcher_full_said = DT_NOBEGIN;

void
ml_launcher_announce(void)
{
	BackgroundWorker worker;

	ml_slots_announce();
	ml_make_way_install();
	/* pg_upgrade's server is not to write by itself */
	if (IsBinaryUpgrade)
		return;
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "pg_mlops", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "ml_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "pg_mlops launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_mlops launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* Lets others find this process, or no longer. */
static void
ml_launcher_show(Latch *latch)
{
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	ml_workers->launcher = latch;
	LWLockRelease(ml_workers_lock);
}

static void
ml_launcher_exit(int code, Datum arg)
{
	ml_launcher_show(NULL);
}

/* Forgets the databases that are gone. */
static void
ml_launcher_forget(void)
{
	HASH_SEQ_STATUS walk;
	MlLauncherEntry *entry;

	hash_seq_init(&walk, ml_launcher_entries);
	while ((entry = hash_seq_search(&walk)) != NULL)
	{
		if (entry->seen)
			continue;
		if (entry->handle)
			pfree(entry->handle);
		ml_log_ring_forget(entry->database);
		hash_search(ml_launcher_entries, &entry->database, HASH_REMOVE, NULL);
	}
}

/* Reads pg_database. */
static void
ml_launcher_scan(void)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	HASH_SEQ_STATUS walk;
	MlLauncherEntry *entry;

	hash_seq_init(&walk, ml_launcher_entries);
	while ((entry = hash_seq_search(&walk)) != NULL)
		entry->seen = false;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database row = (Form_pg_database) GETSTRUCT(tuple);
		bool		found;

		entry = hash_search(ml_launcher_entries, &row->oid, HASH_ENTER, &found);
		if (!found)
			memset((char *) entry + sizeof(Oid), 0, sizeof(MlLauncherEntry) - sizeof(Oid));
		entry->seen = true;
		entry->name = row->datname;
		/* a limit below -1 is that of a database whose DROP was interrupted */
		entry->eligible = row->datallowconn && !row->datistemplate && row->datconnlimit >= -1;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	ml_launcher_forget();
}

/* Notes how a worker came to its end, and when the next may be started. */
static void
ml_launcher_ended(MlLauncherEntry *entry, MlWorkerEnd end, TimestampTz now)
{
	int			wait_s = 0;

	/* its place is free for those that found none */
	ml_launcher_crowded_until = 0;
	if (end != ML_WORKER_DIED || TimestampDifferenceExceeds(entry->started, now, ML_LAUNCHER_BACKOFF_S * 1000))
		entry->failures = 0;
	if (end == ML_WORKER_DIED)
	{
		wait_s = entry->failures >= 6 ? ML_LAUNCHER_BACKOFF_S : Min(1 << entry->failures, ML_LAUNCHER_BACKOFF_S);
		entry->failures++;
	}
	entry->absent = end == ML_WORKER_ABSENT;
	/* the models went with the extension */
	if (entry->absent)
		ml_log_ring_forget(entry->database);
	entry->next_try = TimestampTzPlusMilliseconds(now, wait_s * 1000);
}

/* Brings what is known of a database's worker up to date. */
static void
ml_launcher_check(MlLauncherEntry *entry, TimestampTz now)
{
	MlWorkerSlot *slot;
	MlWorkerEnd end = ML_WORKER_DIED;
	bool		alive = false;
	bool		held = false;
	bool		called = false;
	pid_t		pid;

	/* first the handle: a worker that has ended has left its slot before */
	if (entry->handle && GetBackgroundWorkerPid(entry->handle, &pid) != BGWH_STOPPED)
		alive = true;
	else if (entry->handle)
	{
		pfree(entry->handle);
		entry->handle = NULL;
	}
	entry->running = false;
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(entry->database, false);
	if (slot != NULL)
	{
		alive |= slot->pid != 0;
		end = slot->end;
		held = slot->holds > 0;
		called = slot->wake || slot->asked > slot->done;
		entry->running = slot->running;
		slot->closed = !entry->eligible;
		if (slot->closed && slot->latch)
			SetLatch(slot->latch);
	}
	LWLockRelease(ml_workers_lock);
	if (entry->alive && !alive)
		ml_launcher_ended(entry, end, now);
	entry->alive = alive;
	entry->wanted = entry->eligible && !held && (called || !entry->absent);
}

/* Says that workers cannot be had, unless it has been said not long ago. */
static void
ml_launcher_say(TimestampTz *said, TimestampTz now, const char *problem, const char *hint, const char *database)
{
	if (!TIMESTAMP_NOT_FINITE(*said) && !TimestampDifferenceExceeds(*said, now, ML_LAUNCHER_SILENCE_MS))
		return;
	*said = now;
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("could not start a worker of pg_mlops for database \"%s\"", database),
			 errdetail_internal("%s", problem),
			 errhint("%s", hint)));
}

/* Starts a worker for the database; false: the server has no place for one. */
static bool
ml_launcher_start(MlLauncherEntry *entry, TimestampTz now)
{
	BackgroundWorker worker;
	MlWorkerSlot *slot;
	MemoryContext old;
	bool		started;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(entry->database, true);
	if (slot != NULL)
		slot->end = ML_WORKER_DIED; /* unless it says otherwise */
	LWLockRelease(ml_workers_lock);
	if (slot == NULL)
	{
		ml_launcher_say(&ml_launcher_full_said, now,
						psprintf("%d databases have one, and no more can.", ML_WORKER_SLOTS),
						"Drop extension pg_mlops from databases that do not need it.", NameStr(entry->name));
		entry->next_try = TimestampTzPlusMilliseconds(now, ML_LAUNCHER_SCAN_MS);
		return true;
	}
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pg_mlops", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "ml_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_mlops worker for %s", NameStr(entry->name));
	strlcpy(worker.bgw_type, "pg_mlops worker", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(entry->database);
	worker.bgw_notify_pid = MyProcPid;
	/* the handle outlives the pass */
	old = MemoryContextSwitchTo(TopMemoryContext);
	started = RegisterDynamicBackgroundWorker(&worker, &entry->handle);
	MemoryContextSwitchTo(old);
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	ml_workers->crowded = !started;
	LWLockRelease(ml_workers_lock);
	if (!started)
	{
		entry->handle = NULL;
		ml_launcher_crowded_until = TimestampTzPlusMilliseconds(now, ML_LAUNCHER_CROWDED_MS);
		ml_launcher_say(&ml_launcher_crowded_said, now,
						psprintf("All %d background workers of the server are taken; it is tried again.", max_worker_processes),
						"Raise max_worker_processes.", NameStr(entry->name));
		return false;
	}
	entry->started = now;
	entry->alive = true;
	entry->absent = false;
	return true;
}

/* Starts what is wanted and may be started now. Returns when to look again. */
static TimestampTz
ml_launcher_start_wanted(int looks, TimestampTz now)
{
	TimestampTz next = DT_NOEND;
	HASH_SEQ_STATUS walk;
	MlLauncherEntry *entry;

	hash_seq_init(&walk, ml_launcher_entries);
	while ((entry = hash_seq_search(&walk)) != NULL)
	{
		if (!entry->wanted || entry->alive)
			continue;
		if (entry->next_try > now)
			next = Min(next, entry->next_try);
		else if (ml_launcher_crowded_until > now)
			next = Min(next, ml_launcher_crowded_until);
		/* else the end of a look, or its success, sets the latch */
		else if (looks < ML_LAUNCHER_LOOKS)
		{
			if (ml_launcher_start(entry, now) && entry->alive)
				looks++;
			else
				next = Min(next, Max(entry->next_try, ml_launcher_crowded_until));
		}
	}
	return next;
}

/* Frees the slots that nobody needs any more. */
static void
ml_launcher_sweep(void)
{
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	for (int i = 0; i < ML_WORKER_SLOTS; i++)
	{
		MlWorkerSlot *slot = &ml_workers->slots[i];
		MlLauncherEntry *entry;

		if (!OidIsValid(slot->database) || slot->pid != 0 || slot->holds > 0)
			continue;
		entry = hash_search(ml_launcher_entries, &slot->database, HASH_FIND, NULL);
		if (entry == NULL || (!entry->alive && !entry->wanted && !slot->wake))
			slot->database = InvalidOid;
	}
	LWLockRelease(ml_workers_lock);
}

/* One pass over all databases. Returns when the next is due. */
static TimestampTz
ml_launcher_tend(TimestampTz now)
{
	HASH_SEQ_STATUS walk;
	MlLauncherEntry *entry;
	TimestampTz next;
	int			looks = 0;

	hash_seq_init(&walk, ml_launcher_entries);
	while ((entry = hash_seq_search(&walk)) != NULL)
	{
		ml_launcher_check(entry, now);
		looks += entry->alive && !entry->running;
	}
	next = ml_launcher_start_wanted(looks, now);
	ml_launcher_sweep();
	return next;
}

/* Whether databases are to be looked for: somebody says so, or wishes for one that is not known. */
static bool
ml_launcher_called(void)
{
	bool		called;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	called = ml_workers->rescan;
	ml_workers->rescan = false;
	for (int i = 0; i < ML_WORKER_SLOTS && !called; i++)
	{
		MlWorkerSlot *slot = &ml_workers->slots[i];

		called = OidIsValid(slot->database) && (slot->wake || slot->asked > slot->done) &&
			hash_search(ml_launcher_entries, &slot->database, HASH_FIND, NULL) == NULL;
	}
	LWLockRelease(ml_workers_lock);
	return called;
}

/* Sleeps until the moment, or until somebody calls. */
static void
ml_launcher_wait(TimestampTz until)
{
	long		timeout_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max(timeout_ms, 1), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
ml_launcher_main(Datum arg)
{
	TimestampTz next_scan = DT_NOBEGIN;
	MemoryContext pass;
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(MlLauncherEntry)};

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("pg_mlops launcher");
	ml_launcher_entries = hash_create("pg_mlops databases", 64, &control, HASH_ELEM | HASH_BLOBS);
	pass = AllocSetContextCreate(TopMemoryContext, "pg_mlops launcher", ALLOCSET_DEFAULT_SIZES);
	on_shmem_exit(ml_launcher_exit, (Datum) 0);
	ml_launcher_show(MyLatch);
	for (;;)
	{
		TimestampTz now;
		TimestampTz next;

		if (ml_launcher_called() || GetCurrentTimestamp() >= next_scan)
		{
			ml_launcher_scan();
			next_scan = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ML_LAUNCHER_SCAN_MS);
		}
		MemoryContextSwitchTo(pass);
		now = GetCurrentTimestamp();
		next = ml_launcher_tend(now);
		MemoryContextReset(pass);
		ml_launcher_wait(Min(next, next_scan));
	}
}
