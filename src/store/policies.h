/*
 * policies.h - policies: what they watch, what keeps them back, what they have done.
 *
 * Who runs policies holds the lock on the model's row while one fires, so a
 * model's policies fire one after the other, whoever runs them. It is taken
 * only where it is free: a worker does not wait for users. Nothing here checks
 * rights.
 */
#ifndef ML_POLICIES_H
#define ML_POLICIES_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

typedef struct MlPolicy
{
	int64		id;
	char	   *model;
	char	   *trigger;
	char	   *action;
	Jsonb	   *params;			/* complete */
	char	   *owner;			/* of the model */
	char	   *target;			/* the same, NULL: none */
	int32		version;		/* in production, 0: none */
	TimestampTz due;			/* next_due, 0: none */
} MlPolicy;

/* What has kept a policy from firing, or what it has done. */
typedef struct MlFiring
{
	const char *why;
	const char *evidence;		/* a JSON object */
	List	   *alerts;			/* int64 *: the alerts that it answers */
	const char *outcome;
	const char *brake;			/* or NULL */
	const char *reason;			/* or NULL */
	int64		job;			/* 0: none */
	int32		version;		/* 0: none */
} MlFiring;

/* ---- definitions: lock the model and write an event ---- */

typedef struct MlPolicyDefinition
{
	const char *model;
	const char *trigger;
	const char *action;
	const char *params;			/* JSON */
	Interval   *cooldown;
	int32		budget;			/* 0: no bound */
	TimestampTz due;			/* 0: none */
} MlPolicyDefinition;

/* Sets the policy of a model with a trigger and an action, and returns its number, which it keeps. */
extern int64 ml_catalog_set_policy(const MlPolicyDefinition *definition);

/* The model of a policy; raises ERRCODE_UNDEFINED_OBJECT when there is none. */
extern char *ml_catalog_policy_model(int64 id);

/* The number of a policy; raises ERRCODE_UNDEFINED_OBJECT, with those there are, when there is none. */
extern int64 ml_catalog_policy_find(const char *model, const char *trigger, const char *action);

extern void ml_catalog_enable_policy(int64 id, bool enabled);
extern void ml_catalog_drop_policy(int64 id);

/* ---- running ---- */

/* The policies (MlPolicy *) that are to be looked at now. */
extern List *ml_policies_due(void);

/* Locks the model's row unless somebody else has it, and makes sure that the policy is due still. */
extern bool ml_policy_lock(const MlPolicy *policy);

/* Notes that a policy was looked at, and when it is to be again (0: in every round). */
extern void ml_policy_checked(const MlPolicy *policy, TimestampTz due);

/* The open alerts that a policy answers: those that are not muted, of the version in production. */
typedef struct MlPolicyAlerts
{
	int32		ncolumns;		/* different ones, or rules */
	char	   *columns;		/* their names */
	char	   *rules;			/* JSON array */
	List	   *ids;			/* int64 * */
	TimestampTz since;			/* when the first of them was opened */
} MlPolicyAlerts;

/*
 * Finds alerts whose rule is one of kinds ("drift") or begins with one and a
 * colon, with one of the columns behind it (NIL: any), of at least a severity.
 * False when there are none.
 */
extern bool ml_policy_alerts(const MlPolicy *policy, int nkinds, char *const *kinds, List *columns, bool errors_only,
							 MlPolicyAlerts *out);

/* When a version was trained, and how many rows its source had; rows is -1 where that was not recorded. */
extern TimestampTz ml_policy_trained(const char *model, int32 version, int64 *rows);

/* A moment an interval later, as the server adds them. */
extern TimestampTz ml_policy_later(TimestampTz at, Interval *span);

/* What keeps a policy from firing now, when it is known that it would; until is 0 where that is not known. */
typedef struct MlBrake
{
	const char *name;			/* NULL: nothing */
	char	   *reason;
	TimestampTz until;
} MlBrake;

/* The cool-down and the budget. The model is locked. */
extern void ml_policy_brake(const MlPolicy *policy, MlBrake *out);

/* The job of a model that has not ended; 0 when there is none. */
extern int64 ml_policy_job(const char *model);

/* The newest deployment of a model in production. */
typedef struct MlPolicyDeployment
{
	int64		id;				/* 0: none */
	int32		version;
	bool		rolled_back;	/* a policy's rollback made it */
} MlPolicyDeployment;

extern void ml_policy_deployment(const char *model, MlPolicyDeployment *out);

/*
 * Records what a policy did, with an event of the model by the current user,
 * and in the detail of the alerts; or that it was refused or failed: the same
 * once more is only counted. Returns the number of the firing, 0 for what was
 * counted.
 */
extern int64 ml_policy_record(const MlPolicy *policy, const MlFiring *firing);

/*
 * Writes how retrainings have ended whose jobs have: whether the version was
 * deployed, and why not. The alerts are told.
 */
extern void ml_policies_settle(void);

#endif							/* ML_POLICIES_H */
