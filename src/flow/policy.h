/*
 * policy.h - policies: a trigger, an action, and brakes.
 */
#ifndef ML_POLICY_H
#define ML_POLICY_H

#include "base/options.h"
#include "store/policies.h"

/* ---- definitions: need the owner ---- */

/* Sets a policy and returns its number; cooldown NULL and budget 0 stand for the defaults. */
extern int64 ml_policy_set(const char *model, const char *trigger, const char *action, Jsonb *params,
						   Interval *cooldown, int32 budget);
extern void ml_policy_enable(int64 id, bool enabled);
extern void ml_policy_drop(int64 id);
extern void ml_policy_drop_named(const char *model, const char *trigger, const char *action);

/* The parameters of a trigger or an action; NULL behind the last. */
typedef struct MlPolicyKind
{
	const char *name;
	const MlParam *params;
	int			nparams;
} MlPolicyKind;

extern const MlPolicyKind ml_policy_kinds[];

/* The value of a parameter of a policy, which is complete. */
extern const MlParamValue *ml_policy_param(const MlPolicy *policy, const char *name);

/* ---- running ---- */

/* What a trigger found. */
typedef struct MlPolicyFinding
{
	bool		found;
	char	   *why;
	char	   *evidence;		/* a JSON object */
	List	   *alerts;			/* int64 * */
	TimestampTz since;			/* when the alerts began, 0: none */
	TimestampTz due;			/* when to look again, 0: in the next round */
} MlPolicyFinding;

/* Asks a policy's trigger (policy_judge.c). */
extern void ml_policy_judge(const MlPolicy *policy, MlPolicyFinding *out);

/* The moment of a schedule after another one; 0 when there is none. */
extern TimestampTz ml_policy_schedule(const char *cron, const char *zone, TimestampTz after);

/*
 * Looks at one policy that is due and does what it says, in a subtransaction:
 * an error is recorded and returned as false. fired says whether it acted.
 */
extern bool ml_policy_run(const MlPolicy *policy, bool *fired);

/* Does what the worker does, for the models of the current user; returns how many policies fired. */
extern int	ml_policies_run_own(void);

#endif							/* ML_POLICY_H */
