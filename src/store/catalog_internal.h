/*
 * catalog_internal.h - what the catalog_*.c files share: table scans, SPI writes, error reports.
 *
 * Reads open a table and an index by name and scan under the active snapshot.
 * Writes run one SPI statement at a time as the catalog's owner. Strings in
 * results live in the caller's memory context.
 */
#ifndef ML_CATALOG_INTERNAL_H
#define ML_CATALOG_INTERNAL_H

#include "base/compat.h"
#include "access/genam.h"
#include "access/skey.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "store/catalog.h"
#include "store/gates.h"
#include "utils/relcache.h"

/* ---- reads: catalog_read.c ---- */

typedef enum MlCatalogScan
{
	ML_SCAN_MODEL,				/* ml.models by (model) */
	ML_SCAN_VERSION,			/* ml.versions by (model, version) */
	ML_SCAN_SERVING,			/* current rows of ml.deployments that serve, by (model) */
	ML_SCAN_DEPLOYMENTS,		/* ml.deployments by (model), oldest first */
	ML_SCAN_ALIAS,				/* current rows of ml.aliases by (model, alias) */
	ML_SCAN_GRANTS,				/* ml.grants by (model) */
	ML_SCAN_RUNS,				/* ml.runs by (model, version) */
	ML_SCAN_SNAPSHOT,			/* ml.snapshots by (model, snapshot_id) */
	ML_SCAN_SNAPSHOT_NUMBER,	/* ml.snapshots by its number alone */
	ML_SCAN_GATES,				/* ml.gates by (model), in the order of names */
	ML_SCAN_EVENTS,				/* ml.events by (model), oldest first */
	ML_SCAN_EVENTS_AFTER,		/* ml.events of the models that sort behind a name, by model */
	ML_SCAN_EVENTS_NAMELESS,	/* ml.events of no model */
	ML_SCAN_EVENT_HEADS,		/* ml.event_heads by (model) */
	ML_SCAN_RUN,				/* ml.runs by its number alone */
	ML_SCAN_RUNS_EXTERNAL,		/* ml.runs of outside code by (actor) */
	ML_SCAN_SUITES,				/* ml.suites by (suite) */
	ML_SCAN_CHECKS,				/* ml.checks by (suite), in the order in which they were added */
	ML_SCAN_CHECK,				/* ml.checks by (suite, name) */
	ML_SCAN_CHECK_RESULTS,		/* ml.check_results by (suite, name), oldest first */
	ML_SCAN_MONITOR,			/* ml.monitor_options by (model) */
	ML_SCAN_SLICE_BASELINE,		/* ml.slice_baselines by (model, version) */
	ML_SCAN_JOB					/* ml.job_queue by its number */
} MlCatalogScan;

typedef struct MlScan
{
	Relation	rel;
	Relation	index;			/* open where the order matters, or NULL */
	SysScanDesc scan;
} MlScan;

/* Column numbers, as 10_catalog.sql creates them. */
#define ML_MODELS_MODEL			1
#define ML_MODELS_TASK			2
#define ML_MODELS_OWNER			4
#define ML_MODELS_INVALID_POLICY	9
#define ML_MODELS_WINDOW_LENGTH	10
#define ML_MODELS_SLICES		11
#define ML_MODELS_LOG_FRACTION	12
#define ML_VERSIONS_MODEL		1
#define ML_VERSIONS_VERSION		2
#define ML_VERSIONS_RUN			3
#define ML_VERSIONS_ALGORITHM	4
#define ML_VERSIONS_PARAMS		6
#define ML_VERSIONS_PIPELINE	7
#define ML_VERSIONS_METRICS		9
#define ML_VERSIONS_ARTIFACT	10
#define ML_VERSIONS_SHA256		11
#define ML_VERSIONS_BYTES		12
#define ML_VERSIONS_SNAPSHOT	13
#define ML_VERSIONS_CREATED_BY	15
#define ML_VERSIONS_ARCHIVED	19
#define ML_VERSIONS_BASELINE	20
#define ML_DEPLOYMENTS_MODEL	1
#define ML_DEPLOYMENTS_VERSION	2
#define ML_DEPLOYMENTS_ROLE		3
#define ML_DEPLOYMENTS_TRAFFIC	4
#define ML_DEPLOYMENTS_FROM		5
#define ML_DEPLOYMENTS_UNTIL	6
#define ML_ALIASES_MODEL		1
#define ML_ALIASES_ALIAS		2
#define ML_ALIASES_VERSION		3
#define ML_ALIASES_UNTIL		5
#define ML_GRANTS_MODEL			1
#define ML_GRANTS_GRANTEE		2
#define ML_GRANTS_PRIVILEGE		3
#define ML_RUNS_RUN				1
#define ML_RUNS_EXPERIMENT		2
#define ML_RUNS_KIND			3
#define ML_RUNS_MODEL			4
#define ML_RUNS_VERSION			5
#define ML_RUNS_STATUS			7
#define ML_RUNS_PARAMS			8
#define ML_RUNS_SEED			9
#define ML_RUNS_CODE			10
#define ML_RUNS_ACTOR			11
#define ML_RUNS_ENVIRONMENT		14
#define ML_SNAPSHOTS_SNAPSHOT	1
#define ML_SNAPSHOTS_SOURCE		2
#define ML_SNAPSHOTS_ROWS		4
#define ML_SNAPSHOTS_FINGERPRINT	5
#define ML_SNAPSHOTS_PROFILE	6
#define ML_SNAPSHOTS_STORED_AS	8
#define ML_SNAPSHOTS_MODEL		10
#define ML_SNAPSHOTS_STORED_QUERY	11
#define ML_GATES_MODEL			1
#define ML_GATES_NAME			2
#define ML_GATES_METRIC			3
#define ML_GATES_MIN			4
#define ML_GATES_MAX			5
#define ML_GATES_VERSUS			6
#define ML_GATES_MARGIN			7
#define ML_GATES_SLICES			8
#define ML_GATES_MIN_ROWS		9
#define ML_GATES_ROLE			10
#define ML_GATES_ID				13
#define ML_EVENTS_EVENT			1
#define ML_EVENTS_AT			2
#define ML_EVENTS_ACTOR			3
#define ML_EVENTS_KIND			4
#define ML_EVENTS_MODEL			5
#define ML_EVENTS_VERSION		6
#define ML_EVENTS_DETAIL		7
#define ML_EVENTS_HASH			8
#define ML_EVENT_HEADS_MODEL	1
#define ML_EVENT_HEADS_EVENTS	2
#define ML_EVENT_HEADS_EVENT	3
#define ML_EVENT_HEADS_HASH		4
#define ML_SUITES_SUITE			1
#define ML_SUITES_OWNER			2
#define ML_SUITES_MODEL			3
#define ML_SUITES_VERSION		4
#define ML_SUITES_REVISION		5
#define ML_SUITES_CREATED		7
#define ML_CHECKS_SUITE			1
#define ML_CHECKS_NAME			2
#define ML_CHECKS_KIND			3
#define ML_CHECKS_COLUMNS		4
#define ML_CHECKS_PARAMS		5
#define ML_CHECKS_SEVERITY		6
#define ML_CHECKS_ENVIRONMENT	7
#define ML_CHECKS_LEARNED		8
#define ML_RESULTS_SUITE		2
#define ML_RESULTS_NAME			3
#define ML_RESULTS_KIND			4
#define ML_RESULTS_SOURCE		8
#define ML_RESULTS_OBSERVED		11
#define ML_RESULTS_AT			16
#define ML_RESULTS_ACTOR		17
#define ML_MONITOR_MODEL		1
#define ML_MONITOR_METHODS		2
#define ML_MONITOR_ROWS			3
#define ML_MONITOR_CHANCE		4
#define ML_MONITOR_AFTER		5
#define ML_MONITOR_OF			6
#define ML_MONITOR_CYCLIC		7
#define ML_SLICED_MODEL			1
#define ML_SLICED_VERSION		2
#define ML_SLICED_SLICES		3
#define ML_SLICED_COUNTS		4
#define ML_SLICED_PROBLEM		5
#define ML_JOBS_JOB				1
#define ML_JOBS_MODEL			3
#define ML_JOBS_STATUS			5
#define ML_JOBS_SUBMITTED_BY	7
#define ML_JOBS_PID				14

/*
 * Opens a scan. Without a model it visits every row in the order of names;
 * without a number of a version or snapshot (0) or an alias (NULL) every row
 * of the model.
 */
extern void ml_scan_begin(MlScan *scan, MlCatalogScan what, const char *model, int64 number, const char *alias);

/* The next tuple, valid until the next call, or NULL. */
extern HeapTuple ml_scan_next(MlScan *scan);

/* The same from the end of the index backwards, for scans in its order. */
extern HeapTuple ml_scan_previous(MlScan *scan);

/* A column of the tuple; isnull may be NULL for columns that are never null. */
extern Datum ml_scan_get(MlScan *scan, HeapTuple tuple, int column, bool *isnull);

extern void ml_scan_end(MlScan *scan);

/* A column of type text[] as a List of char *; NULL is NIL. */
extern List *ml_scan_list(MlScan *scan, HeapTuple tuple, int column);

/* What is wrong with a name of a model, alias or suite, or NULL when nothing is. */
extern const char *ml_name_problem(const char *name);

/* The Oid of a relation of schema ml; raises an error with a HINT when the extension is missing. */
extern Oid	ml_catalog_relation(const char *name);

/*
 * ---- error reports: catalog_report.c; none of them returns ----
 *
 * They read under the active snapshot. A write that waited for a lock calls
 * ml_report_as_of_now first, or the DETAIL could list what is gone.
 */

extern void ml_report_as_of_now(void);

extern ML_NORETURN void ml_report_no_model(const char *model);
extern ML_NORETURN void ml_report_no_version(const char *model, const char *owner, int32 version);
extern ML_NORETURN void ml_report_no_alias(const char *model, const char *owner, const char *alias);
extern ML_NORETURN void ml_report_no_production(const char *model, const char *owner);

/* ---- writes: catalog_write.c ---- */

#define ML_WRITE_ARGS_MAX	20
#define ML_WRITE_COLUMNS_MAX	10

/* Bind parameters $1, $2, ... in the order they are added. */
typedef struct MlArgs
{
	int			n;
	Oid			types[ML_WRITE_ARGS_MAX];
	Datum		values[ML_WRITE_ARGS_MAX];
	char		nulls[ML_WRITE_ARGS_MAX];
} MlArgs;

/* What a statement gave: the number of rows, and the first one in text form. */
typedef struct MlRow
{
	uint64		nrows;
	char	   *column[ML_WRITE_COLUMNS_MAX];	/* NULL for SQL NULL */
} MlRow;

/* A model row that is locked until the transaction ends. */
typedef struct MlModelRow
{
	char	   *model;
	char	   *owner;
	char	   *task;
	char	   *target;			/* NULL for none */
	char	   *actor;			/* the current user */
} MlModelRow;

extern void ml_arg(MlArgs *args, Oid type, Datum value, bool isnull);
extern void ml_bind_arg_text(MlArgs *args, const char *value);
extern void ml_bind_arg_int4(MlArgs *args, int32 value);
extern void ml_bind_arg_int8(MlArgs *args, int64 value);
extern void ml_bind_arg_json(MlArgs *args, const char *value);

/* Runs a command that was made for once, as the owner of the ml.* tables. */
extern void ml_catalog_command(const char *sql);

/*
 * Runs one statement on ml.* tables as their owner; row may be NULL; returns
 * the number of rows. The text is a literal: the plan is kept under its address.
 */
extern uint64 ml_catalog_execute(const char *sql, MlArgs *args, MlRow *row);

/* The same for a statement of which every row counts: a List of MlRow *. */
extern List *ml_catalog_rows(const char *sql, MlArgs *args);

extern int64 ml_row_int64(const MlRow *row, int column);

/* Locks the model row and the end of its chain of events; raises ERRCODE_UNDEFINED_OBJECT when there is no model. */
extern void ml_catalog_lock(const char *model, MlModelRow *out);

/* ---- events: catalog_events.c ---- */

/* Locks the end of a model's chain of events: part of ml_catalog_lock. */
extern void ml_event_head_lock(const char *model);

/* Adds a member to an event's detail, a text or JSON as it is; NULL values are left out. */
extern void ml_detail_text(StringInfo detail, const char *name, const char *value);
extern void ml_detail_json(StringInfo detail, const char *name, const char *value);

/* Writes an event; version 0 and detail NULL stand for none. */
extern void ml_catalog_event(const char *kind, const MlModelRow *model, int32 version, StringInfo detail);

/* ---- runs: catalog_runs.c ---- */

/* Writes the metrics of a run. */
extern void ml_catalog_run_metrics(int64 run, const MlRunMetric *metrics, int n);

/* ---- gates: catalog_gates.c ---- */

/* Raises an error unless the gates of the role are those that were found to pass; the model is locked. */
extern void ml_catalog_gates_confirm(const MlModelRow *model, const char *role, const MlGatePass *pass);

/* Adds a text[] parameter of the strings, of which those that are NULL become SQL NULL. */
extern void ml_bind_arg_texts(MlArgs *args, int n, char *const *values);

/* ---- lineage: catalog_lineage.c ---- */

/* Writes what the source of a version reads: a List of MlSourceColumn *. */
extern void ml_register_source_columns(const char *model, int32 version, List *columns);

/* ---- attachments: catalog_attach.c ---- */

/* Brings the guards of a model up to date with what its versions read, or removes them. */
extern void ml_attachments_refresh(const MlModelRow *model);
extern void ml_attachments_drop_guards(const MlModelRow *model);

/* ---- service: catalog_serve.c ---- */

/* Raises an error unless the version exists; says whether it is archived and its current role (NULL for none). */
extern void ml_catalog_version_state(const MlModelRow *model, int32 version, bool *archived, char **role);

/* Raises an error when the version is archived; doing says what was tried. */
extern void ml_catalog_refuse_archived(const MlModelRow *model, int32 version, bool archived, const char *doing);

/* Raises an error when the version has an alias; doing says what was tried, as in "drop". */
extern void ml_catalog_refuse_aliased(const MlModelRow *model, int32 version, const char *doing);

/* ---- rights: catalog_rights.c ---- */

/* Lets the owner of a new model have his rights. */
extern void ml_rights_own(const MlModelRow *model);

/* The same of a role that begins a run of outside code. */
extern void ml_rights_own_run(const char *actor);

/* The same of a suite that is new, or changes hands. */
extern void ml_rights_own_suite(const char *suite, const char *owner);

/* The names (char *) of the roles with rights on a model or runs of it, and what is to be called for each when they are gone. */
extern List *ml_rights_holders(const MlModelRow *model);
extern void ml_rights_lose(const char *role);

/* ---- suites: catalog_suites.c ---- */

/* Writes a suite's new owner. */
extern void ml_suite_change_owner(const char *suite, const char *owner);

/* ---- approvals: catalog_approvals.c ---- */

/* Raises an error when the version lacks approvals for the role. */
extern void ml_catalog_check_approvals(const MlModelRow *model, int32 version, const char *role);

#endif							/* ML_CATALOG_INTERNAL_H */
