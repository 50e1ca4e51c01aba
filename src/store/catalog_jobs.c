/*
 * catalog_jobs.c - the queue of trainings: submitting, starting, ending.
 *
 * A job's row is written in short transactions of their own, but for its
 * success, which is part of the transaction that registers its version.
 * Whoever takes a job on holds its lock as long as the process lives.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/text.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "store/jobs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The settings of the submitting session that count beside how the source reads: what the training makes of it, and who asked. */
static const char *const ml_job_settings[] = {
	"search_path", "application_name", "pg_mlops.max_categories", "pg_mlops.train_memory"
};

/* Job locks are advisory locks of a class that no SQL function takes; pg_locks shows it as objsubid. */
#define ML_JOB_LOCK_CLASS	0x4D4C

/* How often a job is started at most. */
#define ML_JOB_ATTEMPTS		2

static void
ml_jobs_setting(StringInfo out, const char *name)
{
	appendStringInfoString(out, out->len > 0 ? ", " : "{");
	ml_json_text(out, name);
	appendStringInfoString(out, ": ");
	ml_json_text(out, GetConfigOption(name, false, false));
}

static char *
ml_jobs_settings(void)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < ML_SOURCE_SETTINGS; i++)
		ml_jobs_setting(&out, ml_source_settings[i]);
	for (int i = 0; i < (int) lengthof(ml_job_settings); i++)
		ml_jobs_setting(&out, ml_job_settings[i]);
	appendStringInfoChar(&out, '}');
	return out.data;
}

int64
ml_jobs_submit(const char *kind, const char *model, const char *args, const char *role)
{
	MlArgs		bound = {0};
	MlRow		row;

	ml_bind_arg_text(&bound, kind);
	ml_bind_arg_text(&bound, model);
	ml_bind_arg_json(&bound, args);
	ml_bind_arg_text(&bound, role);
	ml_arg(&bound, OIDOID, ObjectIdGetDatum(get_role_oid(role, false)), false);
	ml_bind_arg_text(&bound, GetUserNameFromId(GetSessionUserId(), false));
	ml_bind_arg_json(&bound, ml_jobs_settings());
	ml_catalog_execute("INSERT INTO ml.job_queue (kind, model, args, submitted_by, role_id, login, settings) "
					   "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING job_id", &bound, &row);
	return ml_row_int64(&row, 0);
}

/* ---- the lock ---- */

bool
ml_jobs_lock(int64 id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, ML_JOB_LOCK_CLASS);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
ml_jobs_unlock(int64 id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, ML_JOB_LOCK_CLASS);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* ---- for users ---- */

static ML_NORETURN void
ml_jobs_report_none(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("job %lld does not exist", (long long) id),
			 errdetail("Or the current user may not see it: a job is its submitter's, and shown to those who may read the model."),
			 errhint("SELECT * FROM ml.jobs shows them.")));
}

/* A job's row and what it says of rights, as of now. */
static bool
ml_jobs_read(int64 id, MlJobState *out, char **submitter)
{
	MlScan		scan;
	HeapTuple	tuple;
	bool		found;
	bool		isnull;

	/* to a scan, no number means all */
	if (id <= 0)
		return false;
	PushActiveSnapshot(GetLatestSnapshot());
	ml_scan_begin(&scan, ML_SCAN_JOB, NULL, id, NULL);
	tuple = ml_scan_next(&scan);
	found = tuple != NULL;
	if (found)
	{
		Datum		pid = ml_scan_get(&scan, tuple, ML_JOBS_PID, &isnull);

		out->pid = isnull ? 0 : DatumGetInt32(pid);
		out->status = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_JOBS_STATUS, NULL));
		out->model = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_JOBS_MODEL, NULL));
		out->own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
		*submitter = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_JOBS_SUBMITTED_BY, NULL))));
	}
	ml_scan_end(&scan);
	PopActiveSnapshot();
	return found;
}

/* Whether the current user is, or may act as, who submitted a job. */
static bool
ml_jobs_submitted_by(const char *submitter)
{
	return strcmp(submitter, GetUserNameFromId(GetUserId(), false)) == 0 || ml_access_is_member(submitter);
}

void
ml_jobs_see(int64 id, MlJobState *out)
{
	char	   *submitter;
	char	   *owner;

	if (!ml_jobs_read(id, out, &submitter) ||
		!(ml_jobs_submitted_by(submitter) ||
		  (ml_catalog_model_exists(out->model, &owner) && ml_access_allowed(out->model, owner, ML_PRIV_READ))))
		ml_jobs_report_none(id);
}

void
ml_jobs_require_cancel(int64 id)
{
	MlJobState	state;
	char	   *submitter;
	char	   *owner = NULL;

	ml_jobs_see(id, &state);
	(void) ml_jobs_read(id, &state, &submitter);
	if (ml_jobs_submitted_by(submitter) ||
		(ml_catalog_model_exists(state.model, &owner) && ml_access_allowed(state.model, owner, ML_PRIV_OWNER)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to cancel job %lld", (long long) id),
			 errdetail("It was submitted by role \"%s\"%s.", submitter,
					   owner ? psprintf(", and model \"%s\" belongs to role \"%s\"", state.model, owner) : ""),
			 errhint("Ask a member of role \"%s\" to do it.", submitter)));
}

bool
ml_jobs_cancel_waiting(int64 id, const char *by)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, id);
	ml_bind_arg_text(&args, by);
	return ml_catalog_execute("UPDATE ml.job_queue SET status = 'cancelled', message = 'cancelled by ' || $2, "
							  "finished_at = pg_catalog.clock_timestamp() "
							  "WHERE job_id = $1 AND (status = 'queued' OR status = 'running' AND pid IS NULL)",
							  &args, NULL) > 0;
}

bool
ml_jobs_cancel_abandoned(int64 id, const char *by)
{
	MlArgs		args = {0};
	bool		done = false;

	if (!ml_jobs_lock(id))
		return false;
	ml_bind_arg_int8(&args, id);
	ml_bind_arg_text(&args, by);
	done = ml_catalog_execute("UPDATE ml.job_queue SET status = 'cancelled', message = 'cancelled by ' || $2, "
							  "finished_at = pg_catalog.clock_timestamp() WHERE job_id = $1 AND status = 'running'",
							  &args, NULL) > 0;
	ml_jobs_unlock(id);
	return done;
}

/* ---- for the workers ---- */

/* A job from a row of job_id, kind, model, args, settings, login, role_id, attempts. */
static void
ml_jobs_from_row(const MlRow *row, MlJob *out)
{
	out->id = ml_row_int64(row, 0);
	out->kind = row->column[1];
	out->model = row->column[2];
	out->args = row->column[3];
	out->settings = row->column[4];
	out->login = row->column[5];
	out->role = (Oid) ml_row_int64(row, 6);
	out->attempts = (int32) ml_row_int64(row, 7);
}

bool
ml_jobs_start_next(TimestampTz life, MlJob *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(life), false);
	/* one job of a model at a time: the next version is to know of the one before */
	if (ml_catalog_execute("UPDATE ml.job_queue j SET status = 'running', started_at = pg_catalog.clock_timestamp(), "
						   "attempts = j.attempts + 1, pid = NULL, life = $1, message = NULL WHERE j.job_id = ("
						   "SELECT q.job_id FROM ml.job_queue q WHERE q.status = 'queued' AND NOT EXISTS ("
						   "SELECT FROM ml.job_queue r WHERE r.status = 'running' AND r.model = q.model) "
						   "ORDER BY q.job_id LIMIT 1 FOR UPDATE OF q SKIP LOCKED) "
						   "RETURNING j.job_id, j.kind, j.model, j.args, j.settings, j.login, j.role_id, j.attempts",
						   &args, &row) == 0)
		return false;
	ml_jobs_from_row(&row, out);
	return true;
}

void
ml_jobs_put_back(const MlJob *job, const char *message)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, job->id);
	ml_bind_arg_int4(&args, job->attempts);
	ml_bind_arg_text(&args, message);
	ml_catalog_execute("UPDATE ml.job_queue SET status = 'queued', attempts = attempts - 1, started_at = NULL, life = NULL, "
					   "message = $3 WHERE job_id = $1 AND status = 'running' AND attempts = $2 AND pid IS NULL",
					   &args, NULL);
}

List *
ml_jobs_running(void)
{
	MlArgs		args = {0};
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, ml_catalog_rows("SELECT job_id FROM ml.job_queue WHERE status = 'running' ORDER BY job_id", &args))
	{
		int64	   *id = palloc(sizeof(int64));

		*id = ml_row_int64(lfirst(lc), 0);
		ids = lappend(ids, id);
	}
	return ids;
}

bool
ml_jobs_claim(int64 id, int32 attempt, int32 pid, MlJob *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_int8(&args, id);
	ml_bind_arg_int4(&args, attempt);
	ml_bind_arg_int4(&args, pid);
	if (ml_catalog_execute("UPDATE ml.job_queue SET pid = $3 "
						   "WHERE job_id = $1 AND status = 'running' AND attempts = $2 AND pid IS NULL "
						   "RETURNING job_id, kind, model, args, settings, login, role_id, attempts", &args, &row) == 0)
		return false;
	ml_jobs_from_row(&row, out);
	return true;
}

void
ml_jobs_succeed(const MlJob *job, const char *result)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, job->id);
	ml_bind_arg_int4(&args, job->attempts);
	ml_bind_arg_json(&args, result);
	if (ml_catalog_execute("UPDATE ml.job_queue SET status = 'succeeded', result = $3, pid = NULL, "
						   "finished_at = pg_catalog.clock_timestamp() "
						   "WHERE job_id = $1 AND status = 'running' AND attempts = $2", &args, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job %lld is gone", (long long) job->id),
				 errdetail("It was cancelled, or its model \"%s\" was dropped, while it ran.", job->model)));
}

void
ml_jobs_fail(const MlJob *job, const char *error)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, job->id);
	ml_bind_arg_int4(&args, job->attempts);
	ml_bind_arg_text(&args, error);
	ml_catalog_execute("UPDATE ml.job_queue SET status = 'failed', error = $3, pid = NULL, "
					   "finished_at = pg_catalog.clock_timestamp() "
					   "WHERE job_id = $1 AND status = 'running' AND attempts = $2", &args, NULL);
}

void
ml_jobs_cancelled(const MlJob *job, const char *message)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, job->id);
	ml_bind_arg_int4(&args, job->attempts);
	ml_bind_arg_text(&args, message);
	ml_catalog_execute("UPDATE ml.job_queue SET status = 'cancelled', message = $3, pid = NULL, "
					   "finished_at = pg_catalog.clock_timestamp() "
					   "WHERE job_id = $1 AND status = 'running' AND attempts = $2", &args, NULL);
}

void
ml_jobs_settle_abandoned(int64 id, TimestampTz life)
{
	MlArgs		args = {0};

	if (!ml_jobs_lock(id))
		return;
	ml_bind_arg_int8(&args, id);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(life), false);
	ml_bind_arg_int4(&args, ML_JOB_ATTEMPTS);
	ml_catalog_execute("UPDATE ml.job_queue SET status = 'queued', pid = NULL, started_at = NULL, life = NULL, "
					   "message = 'queued again: the server ended while it ran' "
					   "WHERE job_id = $1 AND status = 'running' AND (life IS DISTINCT FROM $2 OR pid IS NULL) AND attempts < $3",
					   &args, NULL);
	ml_catalog_execute("UPDATE ml.job_queue SET status = 'failed', finished_at = pg_catalog.clock_timestamp(), error = CASE "
					   "WHEN life IS DISTINCT FROM $2 THEN 'the server ended while it ran, ' || $3 || ' times' "
					   "WHEN pid IS NULL THEN 'the background worker that was started for it did not get as far as beginning' "
					   "ELSE 'its background worker, process ' || pid || ', ended without a result: it was terminated, or "
					   "failed as the server''s log tells' END, pid = NULL "
					   "WHERE job_id = $1 AND status = 'running' AND (life IS NOT DISTINCT FROM $2 OR attempts >= $3)",
					   &args, NULL);
	ml_jobs_unlock(id);
}
