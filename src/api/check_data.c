/*
 * check_data.c - ml.check_data, ml.failing_rows, ml.infer_checks, ml.meets, and the aggregate that scans for them.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/check_data.h"
#include "flow/check_scan.h"
#include "flow/check_site.h"
#include "flow/deploy.h"
#include "flow/infer.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

ML_FUNCTION(ml_check_scan)
{
	return ml_check_scan_columns(fcinfo);
}

ML_FUNCTION(ml_check_scan_whole)
{
	return ml_check_scan_row(fcinfo);
}

ML_FUNCTION(ml_check_scan_combine)
{
	return ml_check_scan_merge(fcinfo);
}

static void
ml_put_json(Datum *values, bool *nulls, int i, const char *json)
{
	nulls[i] = json == NULL;
	if (json)
		values[i] = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* ml.check_data(suite, source, environment): what every check says of the source. */
ML_FUNCTION(ml_check_data)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");
	char	   *source = ml_arg_required(fcinfo, 1, "source");
	MlEnvironment environment;
	ListCell   *lc;

	if (!PG_ARGISNULL(2))
		environment = ml_arg_environment(fcinfo, 2);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_check_data_run(suite, source, PG_ARGISNULL(2) ? NULL : &environment))
	{
		const MlCheckResult *result = lfirst(lc);
		const MlCheck *check = result->check;
		MlCheckStatus status = result->outcome.status;
		Datum		values[10] = {0};
		bool		nulls[10] = {false};

		ml_put_text(values, nulls, 0, check->name);
		ml_put_text(values, nulls, 1, check->kind->name);
		ml_put_text(values, nulls, 2, check->ncolumns > 0 ? check->columns[0] : NULL);
		ml_put_text(values, nulls, 3, ml_severity_name(check->severity));
		values[4] = BoolGetDatum(status != ML_CHECK_FAIL && status != ML_CHECK_ERROR);
		ml_put_text(values, nulls, 5, ml_check_status_name(status, check->severity));
		ml_put_json(values, nulls, 6, result->outcome.observed);
		ml_put_json(values, nulls, 7, result->outcome.expected);
		values[8] = Int64GetDatum(result->outcome.n);
		values[9] = Int64GetDatum(result->outcome.n_failed);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
ml_failing_put(void *ctx, Jsonb *row)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		value = JsonbPGetDatum(row);
	bool		isnull = false;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
}

/* ml.failing_rows(suite, check_name, source): the rows that fail a check, all of them. */
ML_FUNCTION(ml_failing_rows)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");
	char	   *check = ml_arg_required(fcinfo, 1, "check_name");

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ml_check_data_failing(suite, check, ml_arg_required(fcinfo, 2, "source"), ml_failing_put, rsinfo);
	return (Datum) 0;
}

/* ml.infer_checks(suite, source): a suite that is learned from data. */
ML_FUNCTION(ml_infer_checks)
{
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");
	char	   *source = ml_arg_required(fcinfo, 1, "source");

	ml_deploy_begin("ml.infer_checks()");
	PG_RETURN_INT32(ml_infer_run(suite, source));
}

/* ml.meets(condition, whose, row): whether a row meets the condition of a check. */
ML_FUNCTION(ml_meets)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(ml_check_site_meets(fcinfo));
}
