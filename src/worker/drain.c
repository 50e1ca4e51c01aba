/*
 * drain.c - a duty: what was counted goes from shared memory into tables.
 *
 * Counts are moved aside, written in one transaction, and forgotten when that
 * is certain. What was moved aside and not written, because of an error or the
 * end of the worker, is put back first, so nothing is lost or counted twice.
 * Windows that cannot be written, such as of a model that somebody has locked,
 * wait without keeping others back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/passing.h"
#include "miscadmin.h"
#include "monitor/counters.h"
#include "store/windows.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "worker/duty.h"

/* Windows of one transaction. */
#define ML_DRAIN_WINDOWS	256

/* What a pass has come to. */
typedef struct MlDrain
{
	uint64		pass;
	MemoryContext context;		/* of the pass */
	ErrorData  *error;			/* the first, or NULL */
	char	   *failed;			/* the model that it is about */
} MlDrain;

static void
ml_drain_write(const MlWindowCounts *window)
{
	MlWindowWrite write = {window->key.model, window->key.version, ml_serving_role_name((MlServingRole) window->key.role),
	window->key.digest, window->start, window->end, window->slices, window->counts};

	(void) ml_catalog_window_write(&write);
}

/* Writes windows (MlWindowCounts *) in a subtransaction; false, and nothing is written, where that cannot be. */
static bool
ml_drain_try(MlDrain *drain, List *windows)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	ListCell   *lc;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		foreach(lc, windows)
			ml_drain_write(lfirst(lc));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(drain->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ml_error_of_server(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error != NULL && list_length(windows) == 1 && drain->error == NULL)
	{
		drain->error = error;
		drain->failed = MemoryContextStrdup(drain->context, ((const MlWindowCounts *) linitial(windows))->key.model);
	}
	return error == NULL;
}

/* Writes windows one by one, and returns those that could be; after an error the others of the model wait, too. */
static List *
ml_drain_each(MlDrain *drain, List *windows)
{
	List	   *written = NIL;
	List	   *failed = NIL;
	ListCell   *lc;

	foreach(lc, windows)
	{
		MlWindowCounts *window = lfirst(lc);
		bool		wait = false;
		ListCell   *other;

		foreach(other, failed)
			wait |= strcmp(((const MlWindowCounts *) lfirst(other))->key.model, window->key.model) == 0;
		if (wait)
			continue;
		if (ml_drain_try(drain, list_make1(window)))
			written = lappend(written, window);
		else
			failed = lappend(failed, window);
		CHECK_FOR_INTERRUPTS();
	}
	return written;
}

static bool
ml_drain_part(MlDrain *drain)
{
	List	   *windows;
	List	   *written;
	bool		more;
	MemoryContext context = AllocSetContextCreate(drain->context, "pg_mlops windows", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	windows = written = ml_counters_take(drain->pass, ML_DRAIN_WINDOWS, &more);
	if (windows != NIL)
	{
		ml_duty_begin("writing what was counted");
		MemoryContextSwitchTo(context);
		if (!ml_drain_try(drain, windows))
			written = ml_drain_each(drain, windows);
		ml_duty_commit();
		/* committed: nothing may come between this and that they are forgotten */
		ml_counters_written(written);
	}
	MemoryContextSwitchTo(drain->context);
	MemoryContextDelete(context);
	return more;
}

static TimestampTz
ml_drain_run(void)
{
	MlDrain		drain = {0};

	drain.context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops drain", ALLOCSET_DEFAULT_SIZES);
	drain.pass = ml_counters_begin();
	while (ml_drain_part(&drain))
		CHECK_FOR_INTERRUPTS();
	if (drain.error != NULL)
		ereport(ERROR,
				(errcode(drain.error->sqlerrcode),
				 errmsg("what was counted of model \"%s\" cannot be written: %s", drain.failed, drain.error->message),
				 errhint("It is tried again until it can be; other models are written.")));
	return DT_NOEND;
}

const MlDuty ml_duty_drain = {
	.name = "drain",
	.run = ml_drain_run,
	.at_end = true
};
