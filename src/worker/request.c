/*
 * request.c - what sessions ask of the workers: to run, to look, to report, to make way.
 *
 * What is to happen at the end of a transaction hangs on a transaction
 * callback, which raises no error and also runs when the session dies.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/shared.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "worker/launcher.h"
#include "worker/request.h"
#include "worker/slots.h"

#define ML_REQUEST_TICK_MS		100 /* how often a wait looks at the clock */
#define ML_REQUEST_GENTLE_MS	2000	/* so long a worker may finish what it does before it is terminated */
#define ML_REQUEST_HOLD_MS		10000	/* so long a statement waits for it at all */

/* Of the current transaction. */
static bool ml_request_wakes = false;
static bool ml_request_rescans = false;
static List *ml_request_held = NIL;	/* of Oid, in TopMemoryContext */

static bool
ml_request_possible(void)
{
	return ml_shared_ready() && !RecoveryInProgress();
}

void
ml_worker_wake(Oid database)
{
	MlWorkerSlot *slot;

	if (!ml_request_possible())
		return;
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(database, true);
	if (slot != NULL)
	{
		slot->wake = true;
		ml_slot_call(slot);
	}
	LWLockRelease(ml_workers_lock);
}

/* Lets workers into the databases that the transaction held, and has the launcher look. */
static void
ml_request_release(void)
{
	ListCell   *cell;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	foreach(cell, ml_request_held)
	{
		MlWorkerSlot *slot = ml_slot_find(lfirst_oid(cell), false);

		if (slot != NULL && slot->holds > 0)
			slot->holds--;
	}
	if (ml_request_rescans)
		ml_workers->rescan = true;
	ml_slots_call_launcher();
	LWLockRelease(ml_workers_lock);
	list_free(ml_request_held);
	ml_request_held = NIL;
	ml_request_rescans = false;
}

static void
ml_request_at_end(XactEvent event, void *arg)
{
	bool		wakes = ml_request_wakes;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	ml_request_wakes = false;
	if (ml_request_rescans || ml_request_held != NIL)
		ml_request_release();
	if (wakes && event == XACT_EVENT_COMMIT)
		ml_worker_wake(MyDatabaseId);
}

/* Registers the callback; it stays for the session. */
static void
ml_request_watch(void)
{
	static bool watching = false;

	if (!watching)
		RegisterXactCallback(ml_request_at_end, NULL);
	watching = true;
}

void
ml_worker_wake_at_commit(void)
{
	if (!ml_request_possible())
		return;
	ml_request_watch();
	ml_request_wakes = true;
}

void
ml_request_rescan(void)
{
	ml_request_watch();
	ml_request_rescans = true;
}

/* Notes that the transaction needs the database, and tells its worker. False: all slots are taken. */
static bool
ml_request_hold_slot(Oid database)
{
	MlWorkerSlot *slot;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	/* noted first, since memory may run out */
	ml_request_watch();
	ml_request_held = lappend_oid(ml_request_held, database);
	MemoryContextSwitchTo(old);
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(database, true);
	if (slot != NULL)
	{
		slot->holds++;
		ml_slot_call(slot);
	}
	LWLockRelease(ml_workers_lock);
	if (slot == NULL)
		ml_request_held = list_delete_last(ml_request_held);
	return slot != NULL;
}

/* Whether no worker is in the database; terminates the one that is, if asked to. */
static bool
ml_request_gone(Oid database, bool terminate)
{
	MlWorkerSlot *slot;
	bool		gone;

	LWLockAcquire(ml_workers_lock, LW_SHARED);
	slot = ml_slot_find(database, false);
	gone = slot == NULL || slot->pid == 0;
	if (!gone && terminate)
		kill(slot->pid, SIGTERM);
	LWLockRelease(ml_workers_lock);
	return gone;
}

void
ml_request_hold(Oid database)
{
	TimestampTz start = GetCurrentTimestamp();
	bool		terminated = false;

	if (!ml_request_possible() || !ml_request_hold_slot(database))
		return;
	ConditionVariablePrepareToSleep(&ml_workers->changed);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool		terminate = !terminated && TimestampDifferenceExceeds(start, now, ML_REQUEST_GENTLE_MS);

		/* the statement itself says what is wrong if the worker does not leave */
		if (ml_request_gone(database, terminate) || TimestampDifferenceExceeds(start, now, ML_REQUEST_HOLD_MS))
			break;
		terminated |= terminate;
		(void) ConditionVariableTimedSleep(&ml_workers->changed, ML_REQUEST_TICK_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/* What a wait for a round sees. */
typedef struct MlRoundView
{
	bool		slot;			/* the database has one */
	bool		worker;			/* and a worker */
	bool		launcher;
	bool		crowded;
	bool		done;
	int			sqlstate;
	char		error[ML_WORKER_ERROR_BYTES];
} MlRoundView;

/* Asks for a round, or looks what has become of the request. */
static uint64
ml_round_look(uint64 request, MlRoundView *view)
{
	MlWorkerSlot *slot;

	memset(view, 0, offsetof(MlRoundView, error));
	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(MyDatabaseId, request == 0);
	if (slot != NULL && request == 0)
	{
		request = slot->asked = ++ml_workers->requests;
		ml_slot_call(slot);
	}
	view->launcher = ml_workers->launcher != NULL;
	view->crowded = ml_workers->crowded;
	if (slot != NULL)
	{
		view->slot = true;
		view->worker = slot->pid != 0;
		view->done = slot->done >= request;
		view->sqlstate = slot->sqlstate;
		strlcpy(view->error, slot->error, ML_WORKER_ERROR_BYTES);
	}
	LWLockRelease(ml_workers_lock);
	return request;
}

/* Says why there is no worker. */
static void
ml_round_missing(const MlRoundView *view, int timeout_ms)
{
	const char *database = get_database_name(MyDatabaseId);

	if (view->launcher && view->crowded)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("database \"%s\" has no worker of pg_mlops", database),
				 errdetail("None has come within %d ms: all %d background workers of the server are taken.",
						   timeout_ms, max_worker_processes),
				 errhint("Raise max_worker_processes, which takes effect when the server starts.")));
	if (view->launcher)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("database \"%s\" has no worker of pg_mlops", database),
				 errdetail("None has come within %d ms, or they ended again.", timeout_ms),
				 errhint("The server's log says why workers end.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("database \"%s\" has no worker of pg_mlops", database),
			 errdetail("The launcher of pg_mlops, which starts it, has not been running for %d ms.", timeout_ms),
			 errhint("The server's log says why it ended, or that max_worker_processes (%d) was too low for it.",
					 max_worker_processes)));
}

void
ml_worker_round(int timeout_ms)
{
	MlRoundView view;
	uint64		request;
	long		alone_ms = 0;

	if (!ml_shared_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_mlops has no workers in this server"),
				 errdetail("They run where the library is loaded when the server starts."),
				 errhint("Add pg_mlops to shared_preload_libraries and restart the server.")));
	request = ml_round_look(0, &view);
	if (!view.slot)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("database \"%s\" has no worker of pg_mlops", get_database_name(MyDatabaseId)),
				 errdetail("%d databases have one, and no more can.", ML_WORKER_SLOTS),
				 errhint("Drop extension pg_mlops from databases that do not need it.")));
	ConditionVariablePrepareToSleep(&ml_workers->changed);
	while (!view.done)
	{
		TimestampTz start = GetCurrentTimestamp();

		(void) ConditionVariableTimedSleep(&ml_workers->changed, ML_REQUEST_TICK_MS, PG_WAIT_EXTENSION);
		(void) ml_round_look(request, &view);
		/* added up: a worker that comes and dies at once is none */
		if (!view.worker)
			alone_ms += TimestampDifferenceMilliseconds(start, GetCurrentTimestamp()) + 1;
		if (!view.done && alone_ms >= timeout_ms)
			ml_round_missing(&view, timeout_ms);
	}
	ConditionVariableCancelSleep();
	if (view.sqlstate != 0)
		ereport(ERROR,
				(errcode(view.sqlstate),
				 errmsg("the worker of pg_mlops failed: %s", view.error),
				 errhint("The server's log has the details. What failed is tried again at the next round.")));
}
