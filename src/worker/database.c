/*
 * database.c - the worker of a database: a loop that runs its duties.
 *
 * Between rounds it holds no transaction, snapshot or lock, and memory is
 * reset. An error of a duty ends its transaction, is logged, is kept for
 * those who wait for the round, and the next duty runs. An error elsewhere
 * ends the worker, and the launcher starts another one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "commands/extension.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "worker/duty.h"
#include "worker/slots.h"

#define ML_WORKER_PAUSE_MS		100 /* between rounds, whatever the duties say */
#define ML_WORKER_SILENCE_MS	(3600 * 1000)	/* before the same error of a duty is logged again */

PGDLLEXPORT void ml_worker_main(Datum arg);

/* What the worker knows of a duty. */
typedef struct MlDutyState
{
	char	   *said;			/* the message that was logged last */
	TimestampTz said_at;
} MlDutyState;

static MlWorkerSlot *ml_worker_slot = NULL;
static MlWorkerEnd ml_worker_end = ML_WORKER_DIED;
static MlDutyState *ml_worker_states;	/* by place in the table of duties; one more for the look */
static MemoryContext ml_worker_memory = NULL;	/* of a round */
static volatile sig_atomic_t ml_worker_busy = true; /* what it does ends by an interrupt, not by itself */
static bool ml_worker_asked = false;	/* somebody waits for this round */
static bool ml_worker_found = false;	/* the last look saw the extension */

/* Settings of the database or of roles that would stop the worker, or let it stop others. */
static const char *const ml_worker_settings[][2] = {
	{"role", "none"},
	{"search_path", "pg_catalog, pg_temp"},
	{"session_replication_role", "origin"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"statement_timeout", "0"},
	{"transaction_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	/* it gives way: a lock that it cannot have is tried again at the next round */
	{"lock_timeout", "3s"},
	{"deadlock_timeout", "100ms"},
	/* nobody waits for its commits */
	{"synchronous_commit", "local"}
};

/* Takes the database's slot. False: there is a worker already, or none is to come now. */
static bool
ml_worker_attach(Oid database)
{
	MlWorkerSlot *slot;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot = ml_slot_find(database, true);
	if (slot != NULL && slot->pid == 0 && slot->holds > 0)
		slot->end = ML_WORKER_LEFT;
	else if (slot != NULL && slot->pid == 0)
	{
		slot->pid = MyProcPid;
		slot->latch = MyLatch;
		slot->running = false;
		slot->wake = false;
		ml_worker_slot = slot;
	}
	LWLockRelease(ml_workers_lock);
	return ml_worker_slot != NULL;
}

/* Gives the slot back, after the process has left the list of those that are in the database. */
static void
ml_worker_detach(int code, Datum arg)
{
	MlWorkerSlot *slot = ml_worker_slot;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	slot->pid = 0;
	slot->latch = NULL;
	slot->running = false;
	slot->end = ml_worker_end;
	if (ml_worker_end == ML_WORKER_ABSENT)
	{
		slot->done = slot->asked;
		slot->sqlstate = ERRCODE_UNDEFINED_OBJECT;
		strlcpy(slot->error, "extension \"pg_mlops\" does not exist", ML_WORKER_ERROR_BYTES);
	}
	ml_slots_call_launcher();
	LWLockRelease(ml_workers_lock);
	ConditionVariableBroadcast(&ml_workers->changed);
}

ML_NORETURN static void
ml_worker_leave(MlWorkerEnd end)
{
	ml_worker_end = end;
	proc_exit(0);
}

/* Idle, it ends by itself and in order; else as any backend does. */
static void
ml_worker_terminate(SIGNAL_ARGS)
{
	if (ml_worker_busy)
		die(postgres_signal_arg);
	else
		SignalHandlerForShutdownRequest(postgres_signal_arg);
}

void
ml_duty_begin(const char *doing)
{
	/* of the transactions before */
	(void) pgstat_report_stat(false);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	debug_query_string = psprintf("pg_mlops: %s", doing);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

void
ml_duty_commit(void)
{
	PopActiveSnapshot();
	debug_query_string = NULL;
	/* duties rely on it that nothing behind the commit raises an error */
	CommitTransactionCommand();
	MemoryContextSwitchTo(ml_worker_memory);
	pgstat_report_activity(STATE_IDLE, NULL);
}

bool
ml_duty_asked(void)
{
	return ml_worker_asked;
}

/* Cleans up behind an error, and returns what it was. */
static ErrorData *
ml_worker_caught(void)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(ml_worker_memory);
	error = CopyErrorData();
	FlushErrorState();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	debug_query_string = NULL;
	AbortCurrentTransaction();
	/* what a transaction would have released, where there was none */
	LWLockReleaseAll();
	ConditionVariableCancelSleep();
	pgstat_report_wait_end();
	MemoryContextSwitchTo(ml_worker_memory);
	pgstat_report_activity(STATE_IDLE, NULL);
	RESUME_INTERRUPTS();
	return error;
}

static void
ml_worker_context(void *name)
{
	errcontext("duty \"%s\" of the worker of pg_mlops", (const char *) name);
}

/* Runs a duty. Returns its error, or NULL; next is when it wants to run again. */
static ErrorData *
ml_worker_try(const MlDuty *duty, TimestampTz *next)
{
	ErrorContextCallback context;
	ErrorData  *volatile error = NULL;

	context.callback = ml_worker_context;
	context.arg = unconstify(char *, duty->name);
	context.previous = error_context_stack;
	error_context_stack = &context;
	ml_worker_busy = true;
	PG_TRY();
	{
		*next = duty->run();
	}
	PG_CATCH();
	{
		*next = DT_NOEND;
		error = ml_worker_caught();
	}
	PG_END_TRY();
	ml_worker_busy = false;
	error_context_stack = context.previous;
	MemoryContextSwitchTo(ml_worker_memory);
	return error;
}

/* Looks whether the extension is here. */
static TimestampTz
ml_worker_look(void)
{
	ml_worker_found = false;
	ml_duty_begin("look");
	ml_worker_found = OidIsValid(get_extension_oid("pg_mlops", true));
	ml_duty_commit();
	return DT_NOEND;
}

static const MlDuty ml_worker_look_duty = {"look", ml_worker_look};

/* Logs an error, unless the duty has just said the same. */
static void
ml_worker_say(MlDutyState *state, ErrorData *error)
{
	TimestampTz now = GetCurrentTimestamp();

	if (state->said != NULL && strcmp(state->said, error->message) == 0 &&
		!TimestampDifferenceExceeds(state->said_at, now, ML_WORKER_SILENCE_MS))
		return;
	if (state->said != NULL)
		pfree(state->said);
	state->said = MemoryContextStrdup(TopMemoryContext, error->message);
	state->said_at = now;
	error->elevel = WARNING;
	ThrowErrorData(error);
}

/* Tells those who wait for it how the round ended. */
static void
ml_worker_report(uint64 request, const MlDuty *failed, const ErrorData *error)
{
	char	   *text = error == NULL ? pstrdup("") : psprintf("%s: %s", failed->name, error->message);
	int			length = pg_mbcliplen(text, strlen(text), ML_WORKER_ERROR_BYTES - 1);

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	memcpy(ml_worker_slot->error, text, length);
	ml_worker_slot->error[length] = '\0';
	ml_worker_slot->sqlstate = error == NULL ? 0 : error->sqlerrcode;
	ml_worker_slot->done = request;
	LWLockRelease(ml_workers_lock);
	ConditionVariableBroadcast(&ml_workers->changed);
}

/* What the slot asks for. */
typedef struct MlWorkerCall
{
	bool		leave;
	bool		run;
	bool		asked;			/* somebody waits for the round */
	uint64		request;		/* the newest, which a round that begins now answers */
} MlWorkerCall;

static MlWorkerCall
ml_worker_called(void)
{
	MlWorkerCall call;

	LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
	call.leave = ml_worker_slot->holds > 0 || ml_worker_slot->closed;
	call.request = ml_worker_slot->asked;
	call.asked = call.request > ml_worker_slot->done;
	call.run = call.asked || ml_worker_slot->wake;
	if (!call.leave)
		ml_worker_slot->wake = false;
	LWLockRelease(ml_workers_lock);
	return call;
}

/* Whether the worker should end before it does anything else. */
static bool
ml_worker_must_leave(void)
{
	bool		leave;

	LWLockAcquire(ml_workers_lock, LW_SHARED);
	leave = ml_worker_slot->holds > 0 || ml_worker_slot->closed;
	LWLockRelease(ml_workers_lock);
	return leave || ShutdownRequestPending;
}

/* Looks for the extension, and ends where it is not. Returns the error, if it could not look. */
static ErrorData *
ml_worker_present(void)
{
	TimestampTz next;
	ErrorData  *error = ml_worker_try(&ml_worker_look_duty, &next);

	if (error == NULL && !ml_worker_found)
		ml_worker_leave(ML_WORKER_ABSENT);
	if (ml_worker_found && !ml_worker_slot->running)
	{
		LWLockAcquire(ml_workers_lock, LW_EXCLUSIVE);
		ml_worker_slot->running = true;
		ml_slots_call_launcher();
		LWLockRelease(ml_workers_lock);
	}
	return error;
}

/* Runs all duties. Returns when one of them wants to run again. */
static TimestampTz
ml_worker_run(const MlWorkerCall *call)
{
	TimestampTz next = DT_NOEND;
	const MlDuty *failed = &ml_worker_look_duty;
	ErrorData  *first = ml_worker_present();

	ml_worker_asked = call->asked;
	if (first != NULL)
		ml_worker_say(&ml_worker_states[0], first);
	for (int duty = 0; ml_worker_found && ml_duties[duty] != NULL; duty++)
	{
		TimestampTz wish;
		ErrorData  *error;

		if (ml_worker_must_leave())
			return next;
		error = ml_worker_try(ml_duties[duty], &wish);
		next = Min(next, wish);
		if (error == NULL)
			continue;
		/* a duty fails when the extension is dropped under it: then this does not return */
		(void) ml_worker_present();
		ml_worker_say(&ml_worker_states[duty + 1], error);
		if (first == NULL)
		{
			first = error;
			failed = ml_duties[duty];
		}
	}
	ml_worker_report(call->request, failed, first);
	return next;
}

/* The last round of a worker that is told to end: what only shared memory holds is written. */
ML_NORETURN static void
ml_worker_last(void)
{
	TimestampTz next;

	if (ml_worker_present() == NULL)
	{
		for (int duty = 0; ml_duties[duty] != NULL; duty++)
		{
			ErrorData  *error = NULL;

			if (ml_duties[duty]->at_end)
				error = ml_worker_try(ml_duties[duty], &next);
			if (error != NULL)
				ml_worker_say(&ml_worker_states[duty + 1], error);
		}
	}
	ml_worker_leave(ML_WORKER_DIED);
}

/* Sleeps until the moment, or until somebody calls. */
static void
ml_worker_wait(TimestampTz until)
{
	long		timeout_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max(timeout_ms, 1), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	/* there is nothing to cancel */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

ML_NORETURN static void
ml_worker_loop(void)
{
	TimestampTz last = 0;		/* the end of the last round */
	TimestampTz wish = DT_NOBEGIN;

	for (;;)
	{
		MlWorkerCall call = ml_worker_called();
		TimestampTz due = Min(TimestampTzPlusMilliseconds(last, ml_flush_interval_ms),
							  Max(wish, TimestampTzPlusMilliseconds(last, ML_WORKER_PAUSE_MS)));

		if (call.leave)
			ml_worker_leave(ML_WORKER_LEFT);
		if (ShutdownRequestPending)
			ml_worker_last();
		if (!call.run && GetCurrentTimestamp() < due)
		{
			ml_worker_wait(due);
			continue;
		}
		wish = ml_worker_run(&call);
		MemoryContextReset(ml_worker_memory);
		(void) pgstat_report_stat(true);
		last = GetCurrentTimestamp();
	}
}

void
ml_worker_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);
	int			duties = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, ml_worker_terminate);
	BackgroundWorkerUnblockSignals();
	if (!ml_worker_attach(database))
		proc_exit(0);
	on_shmem_exit(ml_worker_detach, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	pgstat_report_appname("pg_mlops worker");
	for (int i = 0; i < lengthof(ml_worker_settings); i++)
	{
		if (GetConfigOption(ml_worker_settings[i][0], true, false) != NULL)
			SetConfigOption(ml_worker_settings[i][0], ml_worker_settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	}
	while (ml_duties[duties] != NULL)
		duties++;
	ml_worker_states = MemoryContextAllocZero(TopMemoryContext, (duties + 1) * sizeof(MlDutyState));
	ml_worker_memory = AllocSetContextCreate(TopMemoryContext, "pg_mlops round", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(ml_worker_memory);
	ml_worker_busy = false;
	ml_worker_loop();
}
