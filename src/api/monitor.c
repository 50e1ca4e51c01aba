/*
 * monitor.c - ml.flush_monitor, and what the install script ends with.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/compat.h"
#include "monitor/counters.h"
#include "worker/launcher.h"

#define ML_FLUSH_TIMEOUT_MS	10000	/* without a worker */

/* ml.flush_monitor() */
ML_FUNCTION(ml_flush_monitor)
{
	ml_counters_hand_over();
	if (RecoveryInProgress())
		ereport(NOTICE,
				(errmsg("a standby has no worker that writes what was counted"),
				 errdetail("It is kept in shared memory and written when the standby is promoted.")));
	else
		ml_worker_round(ML_FLUSH_TIMEOUT_MS);
	PG_RETURN_VOID();
}

/* ml.wake_worker() */
ML_FUNCTION(ml_wake_worker)
{
	ml_worker_wake_at_commit();
	PG_RETURN_VOID();
}
