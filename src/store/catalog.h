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

/* One metric of a run. */
typedef struct MlRunMetric
{
	const char *name;
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
	const char *kind;			/* 'train' */
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
} MlRegistration;

/*
 * Resolves 'm' (production), 'm/3' or 'm@alias' under the active snapshot.
 * Raises ERRCODE_UNDEFINED_OBJECT with what exists in DETAIL and a HINT, or
 * ERRCODE_INVALID_NAME for a malformed reference.
 */
extern void ml_catalog_resolve(const char *ref, MlVersionRef *out);

/* The same for who can do without: false where ml_catalog_resolve raises an error. */
extern bool ml_catalog_find(const char *ref, MlVersionRef *out);

/* The artifact of a version under the active snapshot, detoasted. */
extern bytea *ml_catalog_artifact(const char *model, int32 version);

/* What was recorded of a training for whoever reads its rows again. */
typedef struct MlTrainingRecord
{
	char	   *source;
	int64		rows;
	char	   *fingerprint;	/* NULL: none */
	Jsonb	   *profile;		/* NULL: none */
	Jsonb	   *environment;
	Jsonb	   *params;			/* the full call */
	int64		seed;
	char	   *trainer;		/* the role that trained: the source is read with its rights */
	char	   *search_path;	/* by which the names in the source resolve; NULL: not recorded */
} MlTrainingRecord;

/* The record of a version's training under the active snapshot; false when its source was not recorded. */
extern bool ml_catalog_training(const char *model, int32 version, MlTrainingRecord *out);

/* The model of a run under the active snapshot, or NULL when there is no such run. */
extern char *ml_catalog_run_model(int64 run);

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

/* Whether any version of the model is in role production now. */
extern bool ml_catalog_in_production(const char *model);

/* Puts a version into role production (the body of ml.deploy, rights already checked). */
extern void ml_catalog_deploy(const char *model, int32 version, const char *reason);

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
 * The bodies of the SQL verbs. Each takes the model row FOR UPDATE first, so
 * that two sessions queue, and writes its event. Rights are already checked.
 */

/* Puts a version into a role; a version that is in it already is left with a NOTICE. */
extern void ml_catalog_set_role(const char *model, int32 version, const char *role,
								const char *reason, bool force);

/* Puts production back to the version before. */
extern void ml_catalog_rollback(const char *model, const char *reason);

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

/* Whether a write of this file's functions is under way: what the immutability triggers ask. */
extern bool ml_catalog_writing(void);

#endif							/* ML_CATALOG_H */
