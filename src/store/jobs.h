/*
 * jobs.h - the queue of trainings that background workers run.
 *
 * A job is queued, then running, then succeeded, failed or cancelled. Who runs
 * it holds its lock, which the server releases when that process ends however
 * it ends; so a job that is running without a holder has been abandoned.
 * Nothing here checks rights but ml_jobs_see.
 */
#ifndef ML_JOBS_H
#define ML_JOBS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct MlJob
{
	int64		id;
	char	   *kind;			/* train, retrain */
	char	   *model;
	char	   *args;			/* JSON object: the function's arguments */
	char	   *settings;		/* JSON object of texts: what of the submitting session counts */
	char	   *login;			/* who was logged in */
	Oid			role;			/* whose rights it has */
	int32		attempts;		/* how often it was started, this time included */
} MlJob;

/* How a job stands. */
typedef struct MlJobState
{
	char	   *status;
	bool		own;			/* written by the transaction that asks, so nobody else sees it yet */
	int32		pid;			/* of the process that runs it, 0: none */
	char	   *model;
} MlJobState;

/*
 * Queues a call: kind is train or retrain, args a JSON object of the
 * function's arguments, role the name of the role with whose rights it runs.
 * The search_path and other settings of this session go with it. Returns the
 * job's number. Whoever calls it wakes the worker.
 */
extern int64 ml_jobs_submit(const char *kind, const char *model, const char *args, const char *role);

/*
 * The state of a job as of now, whatever the transaction's snapshot; raises
 * ERRCODE_UNDEFINED_OBJECT unless there is one that the current user may see.
 */
extern void ml_jobs_see(int64 id, MlJobState *out);

/* Raises an error unless the current user may end the job: who submitted it, and the owner of the model. */
extern void ml_jobs_require_cancel(int64 id);

/* Ends a job that no process has taken on; false when one has, or it has ended. */
extern bool ml_jobs_cancel_waiting(int64 id, const char *by);

/* Ends a job that was running when its process is gone. */
extern bool ml_jobs_cancel_abandoned(int64 id, const char *by);

/* ---- for the workers ---- */

/* Marks the oldest job that may begin as running, in this life of the server; false when there is none. */
extern bool ml_jobs_start_next(TimestampTz life, MlJob *out);

/* Puts a job that could not be started back into the queue, with what was missing. */
extern void ml_jobs_put_back(const MlJob *job, const char *message);

/* The numbers of the jobs that are marked as running: a List of int64 *. */
extern List *ml_jobs_running(void);

/* Takes on a job that was started for this process; false when it is not to be run any more. */
extern bool ml_jobs_claim(int64 id, int32 attempt, int32 pid, MlJob *out);

/* Ends a job with its result (JSON), in the transaction of what it did; raises an error when the job is gone. */
extern void ml_jobs_succeed(const MlJob *job, const char *result);

/* Ends a job as failed, with the error, or as cancelled, with a message. */
extern void ml_jobs_fail(const MlJob *job, const char *error);
extern void ml_jobs_cancelled(const MlJob *job, const char *message);

/*
 * Settles a running job whose process is gone, that is, nobody has its lock:
 * one of an earlier life of the server is queued once more and fails the
 * second time; one of this life fails.
 */
extern void ml_jobs_settle_abandoned(int64 id, TimestampTz life);

/* Takes the lock that says that this process runs the job, until it is released or the process ends; false when another has it. */
extern bool ml_jobs_lock(int64 id);
extern void ml_jobs_unlock(int64 id);

#endif							/* ML_JOBS_H */
