/*
 * snapshots.c - ml.snapshot_query.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/stored.h"
#include "utils/builtins.h"

/* ml.snapshot_query(snapshot_id): the SELECT that gives the copied rows back. */
ML_FUNCTION(ml_snapshot_query)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("snapshot_id must not be null"),
				 errhint("Give the number of a snapshot; ml.snapshots lists them.")));
	return CStringGetTextDatum(ml_stored_query(PG_GETARG_INT64(0)));
}

/* ml.snapshot_query(model_ref): the same for the snapshot of a version. */
ML_FUNCTION(ml_snapshot_query_of)
{
	return CStringGetTextDatum(ml_stored_query_of(ml_arg_required(fcinfo, 0, "model_ref")));
}
