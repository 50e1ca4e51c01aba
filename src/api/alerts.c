/*
 * alerts.c - ml.raise_alert, ml.clear_alert and the verbs on alerts.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/alert.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static int64
ml_alert_arg_id(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("id must not be null"),
				 errhint("Table ml.alerts lists the alerts.")));
	return PG_GETARG_INT64(0);
}

/* ml.raise_alert(model, rule, severity, slice, detail) */
ML_FUNCTION(ml_raise_alert)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	char	   *rule = ml_arg_required(fcinfo, 1, "rule");
	char	   *severity = ml_arg_required(fcinfo, 2, "severity");
	Jsonb	   *detail = ml_arg_jsonb(fcinfo, 4);

	if (detail != NULL && !JB_ROOT_IS_OBJECT(detail))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("detail must be a JSON object"),
				 errhint("Write it as {\"name\": value, ...}.")));
	PG_RETURN_INT64(ml_alert_report(model, rule, severity, ml_arg_text(fcinfo, 3),
									detail ? JsonbToCString(NULL, &detail->root, VARSIZE(detail)) : NULL));
}

/* ml.clear_alert(model, rule, slice) */
ML_FUNCTION(ml_clear_alert)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");

	PG_RETURN_BOOL(ml_alert_withdraw(model, ml_arg_required(fcinfo, 1, "rule"), ml_arg_text(fcinfo, 2)));
}

/* ml.acknowledge_alert(id, comment) */
ML_FUNCTION(ml_acknowledge_alert)
{
	ml_alert_acknowledge(ml_alert_arg_id(fcinfo), ml_arg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.mute_alert(id, duration, until, comment) */
ML_FUNCTION(ml_mute_alert)
{
	int64		id = ml_alert_arg_id(fcinfo);
	Datum		until;

	if (PG_ARGISNULL(1) == PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(PG_ARGISNULL(1) ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an alert is muted for a duration or until a moment"),
				 PG_ARGISNULL(1) ? errdetail("Neither is given.") : errdetail("Both are given."),
				 errhint("Say duration => '1 day', or until => a timestamp.")));
	until = PG_ARGISNULL(1) ? PG_GETARG_DATUM(2) :
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()), PG_GETARG_DATUM(1));
	ml_alert_mute(id, DatumGetTimestampTz(until), ml_arg_text(fcinfo, 3));
	PG_RETURN_VOID();
}

/* ml.unmute_alert(id) */
ML_FUNCTION(ml_unmute_alert)
{
	ml_alert_unmute(ml_alert_arg_id(fcinfo));
	PG_RETURN_VOID();
}

/* ml.close_alert(id, comment) */
ML_FUNCTION(ml_close_alert)
{
	ml_alert_close(ml_alert_arg_id(fcinfo), ml_arg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.reopen_alert(id, comment) */
ML_FUNCTION(ml_reopen_alert)
{
	ml_alert_reopen(ml_alert_arg_id(fcinfo), ml_arg_text(fcinfo, 1));
	PG_RETURN_VOID();
}
