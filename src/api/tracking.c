/*
 * tracking.c - the SQL door of experiments: ml.start_run and its like, and what ml.compare_runs and ml.diff rest on.
 *
 * The functions are not strict, so that a NULL is an error that says so.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/htup_details.h"
#include "api/arguments.h"
#include "catalog/pg_type.h"
#include "flow/tracking.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "store/access.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* The number of a run. */
static int64
ml_arg_run(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name),
				 errhint("Give the number of a run; ml.runs lists them.")));
	return PG_GETARG_INT64(n);
}

/* ml.start_run(experiment, name, params, parent_run_id, model, seed, code, tags) */
ML_FUNCTION(ml_start_run)
{
	MlRunStart	start = {0};
	int64		seed = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT64(5);

	start.experiment = ml_arg_text(fcinfo, 0);
	start.name = ml_arg_text(fcinfo, 1);
	start.has_parent = !PG_ARGISNULL(3);
	start.parent = start.has_parent ? PG_GETARG_INT64(3) : 0;
	start.model = ml_arg_text(fcinfo, 4);
	start.seed = PG_ARGISNULL(5) ? NULL : &seed;
	start.code = ml_arg_text(fcinfo, 6);
	PG_RETURN_INT64(ml_tracking_start(&start, ml_arg_jsonb(fcinfo, 2), ml_arg_jsonb(fcinfo, 7)));
}

/* ml.log_metric(run_id, name, value, step) */
ML_FUNCTION(ml_log_metric)
{
	double		value = PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2);
	int32		step = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);

	ml_tracking_metric(ml_arg_run(fcinfo, 0, "run_id"), ml_arg_text(fcinfo, 1), PG_ARGISNULL(2) ? NULL : &value,
					   PG_ARGISNULL(3) ? NULL : &step);
	PG_RETURN_VOID();
}

/* ml.log_param(run_id, name, value) */
ML_FUNCTION(ml_log_param)
{
	ml_tracking_param(ml_arg_run(fcinfo, 0, "run_id"), ml_arg_text(fcinfo, 1), ml_arg_jsonb(fcinfo, 2));
	PG_RETURN_VOID();
}

/* A value of any type as to_jsonb() makes it. */
static Jsonb *
ml_arg_to_jsonb(FunctionCallInfo fcinfo, int n)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	FmgrInfo	to_jsonb;

	if (PG_ARGISNULL(n))
		return NULL;
	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of argument %d", n + 1);
	/* it asks the call for the type of its argument */
	fmgr_info(F_TO_JSONB, &to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(makeNullConst(type, -1, InvalidOid)),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL), &to_jsonb);
	return DatumGetJsonbP(FunctionCall1(&to_jsonb, PG_GETARG_DATUM(n)));
}

/* ml.log_param(run_id, name, value) for a value that is no JSON yet */
ML_FUNCTION(ml_log_param_value)
{
	ml_tracking_param(ml_arg_run(fcinfo, 0, "run_id"), ml_arg_text(fcinfo, 1), ml_arg_to_jsonb(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.end_run(run_id, status, error) */
ML_FUNCTION(ml_end_run)
{
	ml_tracking_end(ml_arg_run(fcinfo, 0, "run_id"), ml_arg_text(fcinfo, 1), ml_arg_text(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.drop_run(run_id) */
ML_FUNCTION(ml_drop_run)
{
	ml_tracking_drop(ml_arg_run(fcinfo, 0, "run_id"));
	PG_RETURN_VOID();
}

/* ml.seen_runs(run_ids): the runs, when all of them exist and the current user may see them. */
ML_FUNCTION(ml_seen_runs)
{
	ArrayType  *array;
	Datum	   *runs;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(0))
		ml_arg_run(fcinfo, 0, "run_ids");
	array = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &runs, &nulls, &n);
	if (n == 0 || ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(n == 0 ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 n == 0 ? errmsg("there is no run to compare") :
				 errmsg("argument \"%s\" must be an array of one dimension", "run_ids"),
				 errhint("Give the numbers of runs, such as '{3,4}'; ml.runs lists them.")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", "run_ids"),
					 errdetail("Element %d of %d is NULL.", i + 1, n),
					 errhint("Leave it out of the array.")));
		ml_catalog_require_run(DatumGetInt64(runs[i]));
	}
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* ml.read_version(model_ref): the version that a reference means, when the current user may read it. */
ML_FUNCTION(ml_read_version)
{
	MlVersionRef version;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a reference to a version must not be NULL"),
				 errhint("Write it as 'model/1', 'model@alias', or 'model' for the version in production.")));
	ml_catalog_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(version.model);
	values[1] = Int32GetDatum(version.version);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
