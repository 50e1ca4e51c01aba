/*
 * catalog.h - the only door to the ml.* tables.
 *
 * Reads are index scans under the active snapshot, as the catalog's owner;
 * writes are SPI statements as the catalog's owner, in the caller's
 * transaction. Every function may raise an error. Results are palloc'd in the
 * current context. Nothing here checks rights: that is access.h.
 */
#ifndef ML_CATALOG_H
#define ML_CATALOG_H

#include "access/attnum.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "store/gates.h"
#include "utils/jsonb.h"

#define ML_DIGEST_BYTES	32
#define ML_MODEL_NAME_BYTES_MAX 63

/* A resolved model reference. */
typedef struct MlVersionRef
{
	char	   *model;
	int32		version;
	char	   *owner;			/* role name that owns the model */
	uint8		digest[ML_DIGEST_BYTES];	/* SHA-256 of the artifact */
} MlVersionRef;

/* In what way a deployed version takes part in scoring. */
typedef enum MlServingRole
{
	ML_SERVES_PRODUCTION,		/* answers */
	ML_SERVES_CANARY,			/* answers a share of the rows */
	ML_SERVES_SHADOW			/* scores every row, and answers none */
} MlServingRole;

typedef struct MlServed
{
	MlVersionRef version;
	MlServingRole role;
	double		traffic;		/* of a canary: the share of the rows; else 0 */
} MlServed;

/* What becomes of rows to be scored that fail the model's checks. */
typedef enum MlInvalidPolicy
{
	ML_INVALID_UNJUDGED,		/* rows are not judged */
	ML_INVALID_SCORE,			/* scored, and counted */
	ML_INVALID_NULL,			/* not scored: the answer is NULL */
	ML_INVALID_ERROR			/* an error */
} MlInvalidPolicy;

/* What scores the rows of a reference. */
typedef struct MlServing
{
	bool		deployed;		/* the reference is a model's name alone: its deployments answer, and count */
	MlInvalidPolicy invalid;	/* of the model */
	int64		window_us;		/* of the model: windows in which its rows are counted, in microseconds */
	List	   *slices;			/* of the model: columns (char *) that the counts are cut by */
	double		log_fraction;	/* of the model: the share of its rows that is logged */
	int			count;
	MlServed   *versions;		/* production, or the version that is named; then the canary, then shadows by version */
} MlServing;

/* One metric of a run. */
typedef struct MlRunMetric
{
	const char *name;
	int			step;			/* from 1 on; 0: the final value */
	const char *slice_key;		/* NULL: of all rows */
	const char *slice_value;
	double		value;
} MlRunMetric;

/* One column that a source reads; without a name and type, a relation of which it reads none. */
typedef struct MlSourceColumn
{
	char	   *relation;		/* qualified, quoted where it must be */
	char	   *name;
	char	   *type;
} MlSourceColumn;

/*
 * Everything one finished training writes, in one call. JSON members are
 * text that jsonb_in accepts; NULL members are stored as NULL unless said.
 */
typedef struct MlRegistration
{
	/* the model: created when it does not exist yet, owned by the current user */
	const char *model;
	const char *task;
	const char *target;			/* NULL where the task has none */
	/* the run */
	const char *experiment;
	const char *kind;			/* 'train', 'retrain' */
	int64		parent_run;			/* what a retraining repeats, or 0 */
	int32		parent_version;		/* 0: the newest */
	const char *run_params;		/* json: the full call */
	int64		seed;
	const char *code;
	TimestampTz started_at;
	const char *environment;	/* json: server, extension, libraries */
	const char *tags;			/* json */
	int			nmetrics;
	const MlRunMetric *metrics;
	/* the snapshot; source is NULL for snapshot => 'none' */
	const char *source;
	int			nrelations;
	char	  **relations;		/* schema-qualified, quoted */
	int64		rows;
	const char *fingerprint;	/* hex, or NULL */
	const char *profile;		/* json */
	XLogRecPtr	wal_lsn;
	int64		snapshot_id;	/* 0: the next one */
	const char *stored_as;		/* the table of a copy, qualified, and the query that reads it; or NULL */
	const char *stored_query;
	List	   *columns;		/* what the source reads: MlSourceColumn * */
	/* the version */
	const char *algorithm;
	const char *params;			/* json: every parameter with the value used */
	const char *pipeline;		/* json */
	const char *signature;		/* json */
	const char *metrics_json;	/* json: the held-out metrics */
	const char *summary_json;	/* json: what the learner says of its fit */
	const char *notes_json;		/* json array of text */
	bytea	   *artifact;
	const uint8 *digest;
	/* what was learned of the training data: MlCheck * (check/check.h); NIL makes no suite */
	List	   *checks;
	bytea	   *baseline;		/* drift/profile.h */
} MlRegistration;

/*
 * Resolves 'm' (production), 'm/3' or 'm@alias' under the active snapshot.
 * Raises ERRCODE_UNDEFINED_OBJECT with what exists in DETAIL and a HINT, or
 * ERRCODE_INVALID_NAME for a malformed reference.
 */
extern void ml_catalog_resolve(const char *ref, MlVersionRef *out);

/*
 * The same with the canary and the shadows beside production: one index scan
 * finds them all. Only a plain 'm' has any. With missing_ok, false in place of
 * an error.
 */
extern bool ml_catalog_serving(const char *ref, bool missing_ok, MlServing *out);

/* The window of a model that has no monitor of its own, in microseconds. */
#define ML_WINDOW_DEFAULT_US	(INT64CONST(3600) * 1000000)

/* The baseline of a version under the active snapshot, detoasted; NULL when it has none, or is not there. */
extern bytea *ml_catalog_baseline(const char *model, int32 version);

/* Finds a policy by its name; false when there is none of that name. */
extern bool ml_invalid_policy_parse(const char *name, MlInvalidPolicy *policy);

/* The name of a role that serves. */
extern const char *ml_serving_role_name(MlServingRole role);

/* The artifact of a version under the active snapshot, detoasted. */
extern bytea *ml_catalog_artifact(const char *model, int32 version);

/* The bytes of a version's artifact. */
extern int64 ml_catalog_artifact_bytes(const char *model, int32 version);

/* A metric that the training of a version recorded; false when there is none, or no number. */
extern bool ml_catalog_recorded_metric(const char *model, int32 version, const char *name, double *value);

/* The steps of a version as they were recorded; NULL when there is no such version. */
extern Jsonb *ml_catalog_pipeline(const char *model, int32 version);

/* The task of a model; raises ERRCODE_UNDEFINED_OBJECT when there is no such model. */
extern char *ml_catalog_task(const char *model);

/* What was recorded of a training for whoever reads its rows again. */
typedef struct MlTrainingRecord
{
	char	   *source;
	int64		rows;
	char	   *fingerprint;	/* NULL: none */
	Jsonb	   *profile;		/* NULL: none */
	Jsonb	   *environment;
	Jsonb	   *params;			/* the full call; NULL: none */
	int64		run_id;
	char	   *experiment;
	char	   *code;
	int64		seed;
	char	   *trainer;		/* the role that trained, or whose training was repeated: the source is read with its rights */
	char	   *search_path;	/* by which the names in the source resolve; NULL: not recorded */
} MlTrainingRecord;

/* A number for a snapshot that is yet to be registered. */
extern int64 ml_catalog_snapshot_number(void);

/* The copy of a snapshot's rows; what a snapshot without one does not have is NULL. */
typedef struct MlStored
{
	int64		snapshot_id;	/* 0: there is no snapshot */
	char	   *model;
	char	   *table;			/* qualified; it may be gone */
	char	   *query;
} MlStored;

/* Finds the copy of a snapshot by its number, and that of a version. False when there is no such snapshot. */
extern bool ml_catalog_stored(int64 snapshot, MlStored *out);
extern bool ml_catalog_stored_of(const char *model, int32 version, MlStored *out);

/* What a version is made of and was found to do: JSON objects. False when there is no such version. */
typedef struct MlVersionFacts
{
	char	   *algorithm;
	Jsonb	   *metrics;		/* NULL: none */
} MlVersionFacts;

extern bool ml_catalog_version_facts(const char *model, int32 version, MlVersionFacts *out);

/* The newest version that is not archived, under the active snapshot, or 0. */
extern int32 ml_catalog_newest(const char *model);

/* Whether a retrained version was deployed, and why not: into its notes, and an event where it was not. */
extern void ml_catalog_deploy_notes(const char *model, int32 version, const char *deploy, bool deployed, List *notes);

/*
 * The record of a version's training under the active snapshot; false when its
 * source was not recorded as a snapshot. The call is filled in all the same, if there was one.
 */
extern bool ml_catalog_training(const char *model, int32 version, MlTrainingRecord *out);

/* Whether a model exists under the active snapshot; owner may be NULL. */
extern bool ml_catalog_model_exists(const char *model, char **owner);

/* Raises ERRCODE_INVALID_NAME unless the text can name a model. */
extern void ml_catalog_check_name(const char *model);

/*
 * Writes model, run, run metrics, snapshot, version and event; returns the
 * version number, with the model row locked so that concurrent trainings of
 * one model get distinct numbers. task and target must agree with an
 * existing model (ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE otherwise).
 */
extern int32 ml_catalog_register(const MlRegistration *r, int64 *run_id);

/* The version in production under the active snapshot, or 0. */
extern int32 ml_catalog_production(const char *model);

/* Whether any version of the model is in role production now. */
extern bool ml_catalog_in_production(const char *model);

/* Puts a version into role production (the body of ml.deploy, rights already checked). */
extern void ml_catalog_deploy(const char *model, int32 version, const char *reason, const MlGatePass *gates);

/* Raises ERRCODE_INVALID_NAME unless the text can name an alias. */
extern void ml_catalog_check_alias(const char *alias);

/* The owner of a model; raises ERRCODE_UNDEFINED_OBJECT with what exists when there is no such model. */
extern char *ml_catalog_owner(const char *model);

/* The roles (char *) that hold the named privilege on a model, or any when privilege is NULL. */
extern List *ml_catalog_grantees(const char *model, const char *privilege);

/* One row of ml.deployed_at. */
typedef struct MlDeployment
{
	int32		version;
	char	   *role;
	bool		has_traffic;
	double		traffic;
} MlDeployment;

/* The deployments (MlDeployment *) of a model that were current at a moment, under the active snapshot. */
extern List *ml_catalog_deployed_at(const char *model, TimestampTz at);

/*
 * The bodies of the SQL verbs. Each takes the model row FOR NO KEY UPDATE first, so
 * that two sessions queue, and writes its event. Rights are already checked.
 */

/* Where a version stood when the next step of ml.promote was decided. */
typedef struct MlStanding
{
	const char *role;			/* NULL for none */
	bool		in_production;	/* whether any version of the model was in production */
} MlStanding;

/* A version on its way into a role. */
typedef struct MlRoleChange
{
	const char *model;
	int32		version;
	const char *role;
	const double *traffic;		/* of a canary; NULL for the other roles */
	const char *reason;			/* or NULL */
	bool		force;
	const MlStanding *standing; /* what has to be true still, or NULL */
	const MlGatePass *gates;	/* what the gates of the role found; NULL: not asked */
} MlRoleChange;

/* Reads where a version stands, without a lock; raises ERRCODE_UNDEFINED_OBJECT when there is no such version. */
extern void ml_catalog_standing(const char *model, int32 version, MlStanding *out);

/* Puts a version into a role; a version that is in it already is left with a NOTICE. */
extern void ml_catalog_set_role(const MlRoleChange *change);

/* How many approvals a version needs to enter a role; 0 where no rule says so. */
extern int32 ml_catalog_approvers(const char *model, const char *role);

/* Sets how many approvals a role of a model needs; 0 removes the rule. */
extern void ml_catalog_require_approval(const char *model, const char *role, int32 approvers);

/* Approves that a version enters a role, or takes that back, for the current user and who logged in. */
extern void ml_catalog_approve(const char *model, int32 version, const char *role);
extern void ml_catalog_withdraw_approval(const char *model, int32 version, const char *role);

/* Puts production back to the version before, and whether there is one. */
extern void ml_catalog_rollback(const char *model, const char *reason);
extern bool ml_catalog_can_roll_back(const char *model);

/* Ends the current deployments in a role. */
extern void ml_catalog_end_role(const char *model, const char *role);

/* Points an alias to a version. */
extern void ml_catalog_set_alias(const char *model, const char *alias, int32 version);

/* Ends an alias. */
extern void ml_catalog_drop_alias(const char *model, const char *alias);

/* Sets the description of a model, or removes it (NULL). */
extern void ml_catalog_describe(const char *model, const char *description);

/* Sets a tag of a model to a JSON text, or removes it (NULL). */
extern void ml_catalog_tag(const char *model, const char *key, const char *value);

/* Sets what becomes of rows that fail the model's checks when they are to be scored; NULL: they are not judged. */
extern void ml_catalog_set_invalid_policy(const char *model, const char *policy);

/* Takes a version out of the choice for service. */
extern void ml_catalog_archive(const char *model, int32 version);

/* Deletes a version and the snapshot that only it refers to; its run stays. */
extern void ml_catalog_drop_version(const char *model, int32 version);

/* Deletes a model with everything but its events. */
extern void ml_catalog_drop_model(const char *model);

/*
 * Attaches a model to a relation that its versions read, in mode 'refuse' or
 * 'report', or changes the mode; and ends that.
 */
extern void ml_catalog_attach(const char *model, Oid relid, const char *mode);
extern void ml_catalog_detach(const char *model, Oid relid);

/*
 * The relation of an attachment as it is now, by its guard where there is one
 * and else by the recorded name; InvalidOid when it is gone. guard may be NULL.
 */
extern Oid	ml_catalog_attached_relation(const char *guard, const char *relation);

/* The number of the column that was recorded under a name; 0 when it is gone. */
extern AttrNumber ml_catalog_attached_column(const char *guard, const char *relation, const char *column);

/* Grants a privilege on a model to a role, or revokes it. */
extern void ml_catalog_grant(const char *model, const char *privilege, const char *grantee);
extern void ml_catalog_revoke(const char *model, const char *privilege, const char *grantee);

/* Gives a model to another role. */
extern void ml_catalog_set_owner(const char *model, const char *owner);

/* Takes one privilege that the current user holds on a model. */
typedef void (*MlRightSink) (void *arg, const char *model, const char *privilege);

/* Calls back for every privilege of the current user, under the active snapshot. */
extern void ml_catalog_my_rights(MlRightSink report, void *arg);

/* Takes one problem that ml_catalog_verify_events found; event_id is 0 where there is no event to name. */
typedef void (*MlEventProblem) (void *arg, int64 event_id, const char *problem);

/*
 * Checks the chains of events under the active snapshot: of the models that
 * the current user may read, or all of them for superusers and members of
 * pg_read_all_data.
 */
extern void ml_catalog_verify_events(MlEventProblem report, void *arg);

/* One hash, in hex, over the ends of all chains; raises ERRCODE_INSUFFICIENT_PRIVILEGE for those who do not see all. */
extern char *ml_catalog_event_anchor(void);

/* Whether a write of this file's functions is under way: what the immutability triggers ask. */
extern bool ml_catalog_writing(void);

#endif							/* ML_CATALOG_H */
