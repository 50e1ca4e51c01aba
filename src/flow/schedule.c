/*
 * schedule.c - retraining by pg_cron.
 *
 * A job of pg_cron is a row of its table cron.job, written by its functions
 * with the caller's rights: it belongs to the caller and runs as the caller.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "flow/schedule.h"
#include "flow/statement.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/*
 * The name of a model's job. Names are a role's in all databases, so that of a
 * database that pg_cron does not live in is part of it. pg_cron's names have
 * no room for the longest of ours.
 */
static char *
ml_schedule_name(const char *model, const char *elsewhere)
{
	const char *what = elsewhere ? psprintf("%s in %s", model, elsewhere) : model;
	char	   *name = psprintf("pg_mlops retrain %s", what);

	if (strlen(name) < NAMEDATALEN)
		return name;
	return psprintf("pg_mlops retrain #%016llx",
					(unsigned long long) hash_bytes_extended((const unsigned char *) what, strlen(what), 0));
}

static char *
ml_schedule_command(const char *model)
{
	return psprintf("SELECT version, deployed, notes FROM ml.retrain(%s)", quote_literal_cstr(model));
}

/* Raises an error unless this database has pg_cron, with what can be done where another one has it. */
static void
ml_schedule_require_cron(const char *model, const char *schedule)
{
	const char *home;
	char	   *here;

	if (OidIsValid(get_extension_oid("pg_cron", true)))
		return;
	home = GetConfigOption("cron.database_name", true, false);
	here = get_database_name(MyDatabaseId);
	if (home == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("extension \"pg_cron\" is not installed in this database"),
				 errdetail("The server has not loaded pg_cron."),
				 errhint("Install pg_cron, set shared_preload_libraries = 'pg_cron,pg_mlops', restart the server and run "
						 "CREATE EXTENSION pg_cron; or call ml.retrain by another scheduler.")));
	if (strcmp(home, here) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("extension \"pg_cron\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION pg_cron.")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("extension \"pg_cron\" is not installed in this database"),
			 errdetail("pg_cron lives in database \"%s\"; this one is \"%s\".", home, here),
			 errhint("Run there: SELECT cron.schedule_in_database(%s, %s, %s, %s);",
					 quote_literal_cstr(ml_schedule_name(model, here)), quote_literal_cstr(schedule ? schedule : "0 3 * * *"),
					 quote_literal_cstr(ml_schedule_command(model)), quote_literal_cstr(here))));
}

static void
ml_schedule_arg(MlStatementArg *arg, const char *text)
{
	arg->type = TEXTOID;
	arg->value = CStringGetTextDatum(text);
	arg->isnull = false;
}

/* Ends the schedule, if there is one of the current user's. */
static void
ml_schedule_end(const char *model)
{
	MlStatementArg arg;

	ml_schedule_arg(&arg, ml_schedule_name(model, NULL));
	if (ml_statement_run("SELECT cron.unschedule(j.jobid) FROM cron.job j "
						 "WHERE j.jobname OPERATOR(pg_catalog.=) $1 AND j.username OPERATOR(pg_catalog.=) CURRENT_USER::text",
						 1, &arg) == 0)
		ereport(NOTICE,
				(errmsg("retraining of model \"%s\" is not scheduled by role \"%s\"", model,
						GetUserNameFromId(GetUserId(), false))));
}

void
ml_schedule_retrain_run(const char *model, const char *schedule)
{
	MlStatementArg args[3];

	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	ml_schedule_require_cron(model, schedule);
	if (schedule == NULL)
	{
		ml_schedule_end(model);
		return;
	}
	ml_schedule_arg(&args[0], ml_schedule_name(model, NULL));
	ml_schedule_arg(&args[1], schedule);
	ml_schedule_arg(&args[2], ml_schedule_command(model));
	(void) ml_statement_run("SELECT cron.schedule($1, $2, $3)", 3, args);
}
