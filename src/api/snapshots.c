/*
 * snapshots.c - ml.snapshot_query, ml.reproduce.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/reproduce.h"
#include "flow/stored.h"
#include "funcapi.h"
#include "miscadmin.h"
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

/* ml.reproduce(model_ref): trains a version again, and tells whether the same comes of it. */
ML_FUNCTION(ml_reproduce)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	MlReproduction result;
	TupleDesc	desc;
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	PreventCommandIfParallelMode("ml.reproduce()");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 5)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("ml.reproduce does not match this library"),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));
	ml_reproduce_run(ref, &result);
	values[0] = BoolGetDatum(result.identical);
	ml_put_text(values, nulls, 1, result.expected);
	ml_put_text(values, nulls, 2, result.actual);
	values[3] = BoolGetDatum(result.source_unchanged);
	nulls[3] = !result.source_known;
	values[4] = ml_result_list(result.notes);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
