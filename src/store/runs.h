/*
 * runs.h - what the catalog keeps of runs: those of outside code, and those that end when they are written.
 *
 * A run of outside code (kind 'external') is begun, written to while it is
 * running, and ended. It belongs to the role that began it: members of that
 * role write to it. All other runs are written once, by the function that
 * carried them out.
 */
#ifndef ML_RUNS_H
#define ML_RUNS_H

#include "datatype/timestamp.h"
#include "store/catalog.h"

/* A run as it begins; NULL where nothing was given. */
typedef struct MlRunStart
{
	const char *experiment;
	const char *name;
	const char *params;			/* json object */
	bool		has_parent;
	int64		parent;
	const char *model;
	const int64 *seed;
	const char *code;
	const char *tags;			/* json object */
	const char *environment;	/* json object */
} MlRunStart;

/* A run that has ended; what is NULL or 0 was not given. */
typedef struct MlRunRecord
{
	const char *kind;
	const char *model;
	int32		version;
	const char *experiment;
	int64		parent;			/* 0: the run that made the version */
	const char *status;			/* NULL: it succeeded */
	const char *error;
	const char *params;			/* json object */
	const int64 *seed;
	const char *code;
	const char *environment;	/* json object */
	TimestampTz started_at;
	TimestampTz finished_at;	/* 0: now */
	int			nmetrics;
	const MlRunMetric *metrics;
} MlRunRecord;

/* What of a run says who may see it. */
typedef struct MlRunHead
{
	char	   *kind;
	char	   *model;			/* NULL: of none */
	char	   *actor;
	char	   *status;
} MlRunHead;

/* Finds a run under the active snapshot; false if there is none of that number. */
extern bool ml_catalog_run(int64 run, MlRunHead *head);

/* Whether the current user may see a run: as the row security of ml.runs has it. */
extern bool ml_catalog_run_seen(const MlRunHead *head);

/* Raises ERRCODE_UNDEFINED_OBJECT or ERRCODE_INSUFFICIENT_PRIVILEGE unless there is a run that the current user may see. */
extern void ml_catalog_require_run(int64 run);

/* Begins a run of the current user's, and returns its number. */
extern int64 ml_catalog_start_run(const MlRunStart *start);

/*
 * Writes to a run of the current user's that is running. A metric that is
 * there already, and a parameter with another value, are
 * ERRCODE_UNIQUE_VIOLATION. The names of arguments are checked before.
 */
extern void ml_catalog_log_metric(int64 run, const char *name, double value, const int32 *step);
extern void ml_catalog_log_param(int64 run, const char *name, const char *json);
extern void ml_catalog_end_run(int64 run, const char *status, const char *error);

/* Deletes a run of outside code with its metrics; one that started others stays. */
extern void ml_catalog_drop_run(int64 run);

/*
 * Writes a run of a model or one of its versions, and returns its number; 0
 * when the model is not there any more.
 */
extern int64 ml_catalog_record_run(const MlRunRecord *record);

#endif							/* ML_RUNS_H */
