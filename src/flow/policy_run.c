/*
 * policy_run.c - looks at policies that are due: trigger, brakes, action.
 *
 * Each policy is run in a subtransaction, so that one that fails neither undoes
 * nor stops the others; what went wrong is recorded, and it is tried again
 * after a while. What a policy does is done as the owner of the model.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "flow/deploy.h"
#include "flow/policy.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/alerts.h"
#include "store/catalog.h"
#include "store/jobs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

/* How long a policy rests that failed, and one whose model has a job. */
#define ML_POLICY_RETRY_MS	(10 * 60 * 1000)
#define ML_POLICY_BUSY_MS	(60 * 1000)

/* A payload ends at 8000 bytes, and JSON may make six of one. */
#define ML_POLICY_WHY_BYTES	1000

static TimestampTz
ml_policy_in(int milliseconds)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) milliseconds);
}

/* ---- brakes ---- */

/* A rollback needs a version to go back to, and does not follow another one. */
static void
ml_policy_brake_rollback(const MlPolicy *policy, MlBrake *brake)
{
	MlPolicyDeployment newest;

	ml_policy_deployment(policy->model, &newest);
	if (newest.rolled_back)
	{
		brake->name = "rolled_back";
		brake->reason = pstrdup("a policy has rolled back already, and nothing was deployed since");
	}
	else if (!ml_catalog_can_roll_back(policy->model))
	{
		brake->name = "no_version";
		brake->reason = pstrdup("no version was in production before that could serve");
	}
	if (brake->name != NULL)
		brake->until = ml_policy_in(ML_POLICY_BUSY_MS);
}

/* Nothing is trained while something is. */
static void
ml_policy_brake_retrain(const MlPolicy *policy, MlBrake *brake)
{
	int64		job = ml_policy_job(policy->model);

	if (job == 0)
		return;
	brake->name = "busy";
	brake->reason = psprintf("job " INT64_FORMAT " of the model has not ended", job);
	brake->until = ml_policy_in(ML_POLICY_BUSY_MS);
}

/* What keeps a policy from doing what its trigger asks for. */
static void
ml_policy_brakes_ask(const MlPolicy *policy, const MlPolicyFinding *finding, MlBrake *brake)
{
	ml_policy_brake(policy, brake);
	if (brake->name == NULL && strcmp(policy->action, "rollback") == 0)
		ml_policy_brake_rollback(policy, brake);
	if (brake->name == NULL && strcmp(policy->action, "retrain") == 0)
		ml_policy_brake_retrain(policy, brake);
}

/* ---- actions ---- */

static void
ml_policy_notify(const MlPolicy *policy, const MlFiring *firing)
{
	StringInfoData payload;
	int			length = pg_mbcliplen(firing->why, strlen(firing->why), ML_POLICY_WHY_BYTES);

	initStringInfo(&payload);
	appendStringInfo(&payload, "{\"kind\": \"policy\", \"policy_id\": " INT64_FORMAT ", \"model\": ", policy->id);
	ml_json_text(&payload, policy->model);
	appendStringInfo(&payload, ", \"version\": %s, \"trigger\": \"%s\", \"why\": ",
					 policy->version ? psprintf("%d", policy->version) : "null", policy->trigger);
	ml_json_text(&payload, pnstrdup(firing->why, length));
	appendStringInfoChar(&payload, '}');
	ml_alert_notify_text(payload.data);
}

static void
ml_policy_rollback(const MlPolicy *policy, MlFiring *firing)
{
	MlPolicyDeployment newest;

	ml_catalog_rollback(policy->model, psprintf("policy " INT64_FORMAT ": %s", policy->id, firing->why));
	ml_policy_deployment(policy->model, &newest);
	firing->version = newest.version;
	/* by this the next one knows that nothing was deployed in between */
	firing->evidence = psprintf("%.*s, \"deployment_id\": " INT64_FORMAT "}", (int) strlen(firing->evidence) - 1,
								firing->evidence, newest.id);
}

/* Queues a training; how it ends is written when its job has ended. */
static void
ml_policy_retrain(const MlPolicy *policy, MlFiring *firing)
{
	StringInfoData args;

	initStringInfo(&args);
	appendStringInfoString(&args, "{\"deploy\": ");
	ml_json_text(&args, ml_policy_param(policy, "deploy")->text);
	appendStringInfoChar(&args, '}');
	firing->job = ml_jobs_submit("retrain", policy->model, args.data, policy->owner);
	firing->outcome = "started";
}

/* Does what the policy says, as the owner of the model, and records it. */
static void
ml_policy_act(const MlPolicy *policy, const MlPolicyFinding *finding)
{
	Oid			role = get_role_oid(policy->owner, true);
	MlFiring	firing = {0};
	Oid			user;
	int			context;

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", policy->owner),
				 errdetail("A policy acts with the rights of the owner of the model."),
				 errhint("Give the model to another role with ml.set_owner.")));
	firing.why = finding->why;
	firing.evidence = finding->evidence;
	firing.alerts = finding->alerts;
	firing.outcome = "done";
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(role, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	ml_access_require(policy->model, policy->owner, ML_PRIV_OWNER);
	if (strcmp(policy->action, "rollback") == 0)
		ml_policy_rollback(policy, &firing);
	else if (strcmp(policy->action, "retrain") == 0)
		ml_policy_retrain(policy, &firing);
	else
		ml_policy_notify(policy, &firing);
	ml_policy_record(policy, &firing);
	SetUserIdAndSecContext(user, context);
}

/* ---- one policy ---- */

/* Records that a brake has kept a policy back. */
static void
ml_policy_refuse(const MlPolicy *policy, const MlPolicyFinding *finding, const MlBrake *brake)
{
	MlFiring	firing = {0};

	firing.why = finding->why;
	firing.evidence = finding->evidence;
	firing.alerts = finding->alerts;
	firing.outcome = "refused";
	firing.brake = brake->name;
	firing.reason = brake->reason;
	(void) ml_policy_record(policy, &firing);
}

/* Looks at a policy; whether it acted. */
static bool
ml_policy_look(const MlPolicy *policy)
{
	MlPolicyFinding finding;
	MlBrake		brake = {0};

	ml_policy_judge(policy, &finding);
	if (!finding.found)
	{
		ml_policy_checked(policy, finding.due);
		return false;
	}
	if (!ml_policy_lock(policy))
		return false;
	ml_policy_brakes_ask(policy, &finding, &brake);
	if (brake.name != NULL)
		ml_policy_refuse(policy, &finding, &brake);
	else
		ml_policy_act(policy, &finding);
	/* a schedule waits for its next moment; another trigger for what holds it back */
	ml_policy_checked(policy, strcmp(policy->trigger, "schedule") == 0 ? finding.due : Max(finding.due, brake.until));
	return brake.name == NULL;
}

/* Records that a policy failed; a failure that was not there before is a warning. */
static void
ml_policy_failed(const MlPolicy *policy, const ErrorData *error)
{
	MlFiring	firing = {0};

	firing.why = "it was due";
	firing.evidence = "{}";
	firing.outcome = "failed";
	firing.reason = error->detail ? psprintf("%s (%s)", error->message, error->detail) : error->message;
	if (ml_policy_record(policy, &firing) != 0)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("policy " INT64_FORMAT " of model \"%s\" failed: %s", policy->id, policy->model, error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 error->hint ? errhint("%s", error->hint) : 0));
	ml_policy_checked(policy, ml_policy_in(ML_POLICY_RETRY_MS));
}

bool
ml_policy_run(const MlPolicy *policy, bool *fired)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	*fired = false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		*fired = ml_policy_look(policy);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	*fired = false;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		ReThrowError(error);
	ml_policy_failed(policy, error);
	return false;
}

int
ml_policies_run_own(void)
{
	int			count = 0;
	ListCell   *lc;

	ml_deploy_begin("ml.run_policies()");
	ml_policies_settle();
	ml_alerts_sweep();
	foreach(lc, ml_policies_due())
	{
		const MlPolicy *policy = lfirst(lc);
		bool		fired;

		CHECK_FOR_INTERRUPTS();
		if (!ml_access_allowed(policy->model, policy->owner, ML_PRIV_OWNER))
			continue;
		(void) ml_policy_run(policy, &fired);
		count += fired;
	}
	return count;
}
