/*
 * jobs.c - ml.cancel_job, ml.wait_job, ml.stat_progress_train, ml.schedule_retrain.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "base/shared.h"
#include "catalog/pg_authid.h"
#include "flow/schedule.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "store/access.h"
#include "store/catalog.h"
#include "store/jobs.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How often ml.wait_job looks. */
#define ML_WAIT_LOOK_MS		100

static bool
ml_job_ended(const char *status)
{
	return strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
}

static int64
ml_arg_job(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "job_id"),
				 errhint("SELECT * FROM ml.jobs shows them.")));
	return PG_GETARG_INT64(0);
}

/* Ends a job, whatever it is at: waiting, running, or abandoned; false when it has ended by itself. */
static bool
ml_job_cancel(int64 job, const char *by)
{
	MlJobState	state;

	/* between two looks it may go from one to the next */
	for (;;)
	{
		if (ml_jobs_cancel_waiting(job, by) || ml_progress_cancel(job, by) || ml_jobs_cancel_abandoned(job, by))
			return true;
		ml_jobs_see(job, &state);
		if (ml_job_ended(state.status))
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
}

/* ml.cancel_job(job_id) */
ML_FUNCTION(ml_cancel_job)
{
	int64		job = ml_arg_job(fcinfo);

	PreventCommandIfReadOnly("ml.cancel_job()");
	ml_jobs_require_cancel(job);
	if (!ml_job_cancel(job, GetUserNameFromId(GetUserId(), false)))
		ereport(NOTICE,
				(errmsg("job %lld has already ended", (long long) job)));
	PG_RETURN_VOID();
}

/* When waiting ends, of an argument that is NULL for never. */
static TimestampTz
ml_wait_until(FunctionCallInfo fcinfo)
{
	const Interval *timeout;
	double		ms;

	if (PG_ARGISNULL(1))
		return DT_NOEND;
	timeout = PG_GETARG_INTERVAL_P(1);
	ms = timeout->time / 1000.0 + (timeout->day + timeout->month * (double) DAYS_PER_MONTH) * SECS_PER_DAY * 1000.0;
	if (ms < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must not be negative"),
				 errhint("Write it as '10 minutes', or leave it out to wait until the job has ended.")));
	return ms > INT_MAX ? DT_NOEND : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) ms);
}

/* Refuses to wait for what cannot come. */
static void
ml_wait_refuse(int64 job, const MlJobState *state, bool for_ever)
{
	if (state->own)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job %lld was submitted by this transaction", (long long) job),
				 errdetail("It begins when the transaction has committed."),
				 errhint("Wait for it in a transaction of its own.")));
	if (for_ever && !ml_shared_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job %lld will not begin: no background worker runs jobs", (long long) job),
				 errdetail("The library is not in shared_preload_libraries."),
				 errhint("Set shared_preload_libraries = 'pg_mlops' and restart the server.")));
}

/* ml.wait_job(job_id, timeout): the status when the job has ended, or at the timeout. */
ML_FUNCTION(ml_wait_job)
{
	int64		job = ml_arg_job(fcinfo);
	TimestampTz until = ml_wait_until(fcinfo);
	MlJobState	state;

	for (;;)
	{
		/* each look has a snapshot of its own */
		ml_jobs_see(job, &state);
		if (ml_job_ended(state.status) || GetCurrentTimestamp() >= until)
			break;
		ml_wait_refuse(job, &state, until == DT_NOEND);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(ML_WAIT_LOOK_MS, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until) + 1),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_TEXT_P(cstring_to_text(state.status));
}

/* Whether the current user may see how far a training is. */
static bool
ml_progress_shown(const MlProgress *progress)
{
	char	   *owner;

	return has_privs_of_role(GetUserId(), progress->role) || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		(ml_catalog_model_exists(progress->model, &owner) &&
		 ml_access_allowed(progress->model, owner, ML_PRIV_READ));
}

/* A figure of a training, or NULL where it is not known. */
static void
ml_put_figure(Datum *values, bool *nulls, int i, int64 figure)
{
	nulls[i] = figure == ML_PROGRESS_UNKNOWN;
	values[i] = Int64GetDatum(figure);
}

/* ml.list_training_progress(): the rows of view ml.stat_progress_train. */
ML_FUNCTION(ml_list_training_progress)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_progress_list())
	{
		const MlProgress *progress = lfirst(lc);
		Datum		values[9] = {0};
		bool		nulls[9] = {false};

		if (!ml_progress_shown(progress))
			continue;
		values[0] = Int32GetDatum(progress->pid);
		nulls[1] = progress->job == 0;
		values[1] = Int64GetDatum(progress->job);
		values[2] = CStringGetTextDatum(progress->model);
		values[3] = CStringGetTextDatum(ml_progress_phase_name(progress->phase));
		ml_put_figure(values, nulls, 4, progress->rows_done);
		ml_put_figure(values, nulls, 5, progress->rows_total);
		ml_put_figure(values, nulls, 6, progress->iterations_done);
		ml_put_figure(values, nulls, 7, progress->iterations_total);
		values[8] = Int64GetDatum(progress->memory_bytes);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.schedule_retrain(model, schedule) */
ML_FUNCTION(ml_schedule_retrain)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");

	PreventCommandIfReadOnly("ml.schedule_retrain()");
	ml_schedule_retrain_run(model, ml_arg_text(fcinfo, 1));
	PG_RETURN_VOID();
}
