/*
 * catalog_retention.c - deletes what was recorded and has become old.
 *
 * What stands for something that goes on stays: open alerts, retrainings that
 * have not ended.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/retention.h"
#include "utils/timestamp.h"

#define ML_TRIM(table, condition) \
	"DELETE FROM ml." table " WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM ml." table " t WHERE " condition " LIMIT $2))"

/* $1 is the moment, $2 how many rows at most. */
static const char *const ml_retention[] = {
	ML_TRIM("windows", "t.window_end < $1"),
	ML_TRIM("alerts", "t.closed_at < $1 OR NOT EXISTS ("
			"SELECT FROM ml.versions v WHERE v.model = t.model AND v.version = t.version)"),
	ML_TRIM("policy_firings", "t.fired_at < $1 AND t.last_at < $1 AND t.outcome <> 'started'"),
	ML_TRIM("job_queue", "t.finished_at < $1"),
	ML_TRIM("check_results", "t.at < $1")
};

int
ml_retention_kinds(void)
{
	return lengthof(ml_retention);
}

int64
ml_retention_trim(int kind, TimestampTz before, int max)
{
	MlArgs		args = {0};

	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
	ml_bind_arg_int4(&args, max);
	return (int64) ml_catalog_execute(ml_retention[kind], &args, NULL);
}
