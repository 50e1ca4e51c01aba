/*
 * drain.c - a duty: what was counted goes from shared memory into tables.
 *
 * Counts are moved aside, written in one transaction, and forgotten when that
 * is certain. What was moved aside and not written, because of an error or the
 * end of the worker, is put back first, so nothing is lost or counted twice.
 */
#include "postgres.h"

#include "base/compat.h"
#include "miscadmin.h"
#include "monitor/counters.h"
#include "store/windows.h"
#include "utils/memutils.h"
#include "worker/duty.h"

/* Windows of one transaction. */
#define ML_DRAIN_WINDOWS	256

static bool
ml_drain_part(void)
{
	List	   *windows;
	ListCell   *lc;
	bool		more;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops drain", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	windows = ml_counters_take(ML_DRAIN_WINDOWS, &more);
	if (windows != NIL)
	{
		ml_duty_begin("writing what was counted");
		foreach(lc, windows)
		{
			const MlWindowCounts *window = lfirst(lc);
			MlWindowWrite write = {window->key.model, window->key.version,
			ml_serving_role_name((MlServingRole) window->key.role), window->key.digest, window->start, window->end,
			window->slices, window->counts};

			(void) ml_catalog_window_write(&write);
		}
		ml_duty_commit();
		/* committed: nothing may come between this and that they are forgotten */
		ml_counters_written(windows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return more;
}

static TimestampTz
ml_drain_run(void)
{
	ml_counters_restore();
	while (ml_drain_part())
		CHECK_FOR_INTERRUPTS();
	return DT_NOEND;
}

const MlDuty ml_duty_drain = {
	.name = "drain",
	.run = ml_drain_run
};
