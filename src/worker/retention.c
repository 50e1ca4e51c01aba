/*
 * retention.c - the duty that deletes what is older than pg_mlops.monitor_retention.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "store/retention.h"
#include "utils/timestamp.h"
#include "worker/policies.h"

/* So many rows in one transaction, and so often at most. */
#define ML_RETENTION_BATCH		1000
#define ML_RETENTION_EVERY_MS	INT64CONST(3600000)

static TimestampTz ml_retention_next = 0;

static TimestampTz
ml_retention_run(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz before = now - ml_monitor_retention_min * USECS_PER_MINUTE;

	if (ml_monitor_retention_min == 0)
		return DT_NOEND;
	if (now < ml_retention_next && ml_retention_next <= TimestampTzPlusMilliseconds(now, ML_RETENTION_EVERY_MS))
		return ml_retention_next;
	for (int kind = 0; kind < ml_retention_kinds(); kind++)
	{
		int64		rows;

		do
		{
			CHECK_FOR_INTERRUPTS();
			ml_duty_begin("deleting what is old");
			rows = ml_retention_trim(kind, before, ML_RETENTION_BATCH);
			ml_duty_commit();
		} while (rows == ML_RETENTION_BATCH);
	}
	ml_retention_next = TimestampTzPlusMilliseconds(now, ML_RETENTION_EVERY_MS);
	return ml_retention_next;
}

const MlDuty ml_duty_retention = {"retention", ml_retention_run};
