/*
 * log.c - the duty "log": brings logged rows from shared memory into ml.prediction_log, and drops what is old.
 *
 * Rows leave shared memory after the transaction that writes them has
 * committed: an error leaves them where they are, to be tried again. Between
 * the two nothing can happen but the end of the server.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "monitor/log_ring.h"
#include "utils/timestamp.h"
#include "worker/duty.h"

/* Makes the partitions of rows (MlLogEntry *), of today and of tomorrow. */
static void
ml_log_partitions(List *entries)
{
	int32		today = ml_log_day(GetCurrentTimestamp());
	int32		last = today;
	ListCell   *lc;

	ml_catalog_log_partition(today);
	ml_catalog_log_partition(today + 1);
	foreach(lc, entries)
	{
		int32		day = ml_log_day(((const MlLogEntry *) lfirst(lc))->at);

		if (day != last)
			ml_catalog_log_partition(day);
		last = day;
	}
}

/* Writes the rows that came first. */
static void
ml_log_drain_some(void)
{
	MlLogMark	mark;
	List	   *entries;
	int64		written = 0;

	ml_duty_begin("writing the prediction log");
	entries = ml_log_ring_read(&mark);
	if (entries != NIL)
	{
		ml_log_partitions(entries);
		written = ml_catalog_log_write(entries);
	}
	HOLD_INTERRUPTS();
	ml_duty_commit();
	ml_log_ring_release(&mark, written);
	RESUME_INTERRUPTS();
}

/* Drops the partitions that have become older than they are to be kept. */
static void
ml_log_expire(void)
{
	/* the day before which all were dropped already */
	static int32 done = PG_INT32_MIN;
	int32		day;

	if (ml_log_retention_min == 0)
		return;
	day = ml_log_day(GetCurrentTimestamp() - (int64) ml_log_retention_min * USECS_PER_MINUTE);
	if (day == done)
		return;
	ml_duty_begin("dropping old partitions of the prediction log");
	if (ml_catalog_log_expire(day))
		done = day;
	ml_duty_commit();
}

static TimestampTz
ml_log_run(void)
{
	MlLogStatus status;

	if (ml_log_ring_status(&status))
	{
		/* what comes in the meantime is for the next round, so that the other duties get their turn */
		uint64		until = status.accepted;

		while (status.taken < until)
		{
			ml_log_drain_some();
			CHECK_FOR_INTERRUPTS();
			(void) ml_log_ring_status(&status);
		}
	}
	ml_log_expire();
	return DT_NOEND;
}

const MlDuty ml_duty_log = {"log", ml_log_run, .at_end = true};
