/*
 * tracking.c - the verbs on runs of outside code: rules of their arguments.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/deploy.h"
#include "flow/environment.h"
#include "flow/tracking.h"

/* Raises an error for a name that says nothing. */
static void
ml_tracking_check_name(const char *argument, const char *name, const char *hint)
{
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", argument),
				 errhint("%s", hint)));
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", argument),
				 errhint("%s", hint)));
}

/* The text of a JSON object, which may be left out. */
static const char *
ml_tracking_object(const char *argument, Jsonb *value)
{
	if (value == NULL)
		return "{}";
	if (!JB_ROOT_IS_OBJECT(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", argument),
				 errdetail("It is %s.", JsonbToCString(NULL, &value->root, VARSIZE(value))),
				 errhint("Write it as {\"learning_rate\": 0.1}.")));
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

int64
ml_tracking_start(MlRunStart *start, Jsonb *params, Jsonb *tags)
{
	ml_deploy_begin("ml.start_run()");
	ml_tracking_check_name("experiment", start->experiment,
						   "Name what the runs that are to be compared have in common, such as 'price'.");
	if (start->name != NULL)
		ml_tracking_check_name("name", start->name, "Leave it out for a run without a name.");
	start->params = ml_tracking_object("params", params);
	start->tags = ml_tracking_object("tags", tags);
	start->environment = ml_environment_of_session();
	return ml_catalog_start_run(start);
}

void
ml_tracking_metric(int64 run, const char *name, const double *value, const int32 *step)
{
	ml_deploy_begin("ml.log_metric()");
	ml_tracking_check_name("name", name, "Name what was measured, such as 'rmse'.");
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("metric \"%s\" must not be NULL", name),
				 errhint("Log 'NaN' for a figure that is not defined, or log nothing.")));
	if (step != NULL && *step < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must not be negative"),
				 errdetail("It is %d.", *step),
				 errhint("Number the steps from 0 or 1, or leave the step out for the final value.")));
	ml_catalog_log_metric(run, name, *value, step);
}

void
ml_tracking_param(int64 run, const char *name, Jsonb *value)
{
	ml_deploy_begin("ml.log_param()");
	ml_tracking_check_name("name", name, "Name the parameter, such as 'learning_rate'.");
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be NULL", name),
				 errhint("Log 'null'::jsonb for a parameter without a value, or log nothing.")));
	ml_catalog_log_param(run, name, JsonbToCString(NULL, &value->root, VARSIZE(value)));
}

void
ml_tracking_end(int64 run, const char *status, const char *error)
{
	ml_deploy_begin("ml.end_run()");
	if (status == NULL || (strcmp(status, "succeeded") != 0 && strcmp(status, "failed") != 0 &&
						   strcmp(status, "cancelled") != 0))
		ereport(ERROR,
				(errcode(status == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 status == NULL ? errmsg("argument \"status\" must not be NULL") :
				 errmsg("a run cannot end with status \"%s\"", status),
				 errhint("It is \"succeeded\", \"failed\" or \"cancelled\".")));
	if (error != NULL && strcmp(status, "succeeded") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a run that succeeded has no error"),
				 errdetail("The error is: %s", error),
				 errhint("End it with status => 'failed', or log what was noticed as a parameter.")));
	ml_catalog_end_run(run, status, error);
}

void
ml_tracking_drop(int64 run)
{
	ml_deploy_begin("ml.drop_run()");
	ml_catalog_drop_run(run);
}
