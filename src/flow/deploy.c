/*
 * deploy.c - decides whether a change of service or of the register is legal, then has the catalog do it.
 *
 * Rights are checked before the model row is locked, so that a role without
 * them cannot make others wait.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/names.h"
#include "base/settings.h"
#include "base/text.h"
#include "catalog/pg_class.h"
#include "flow/deploy.h"
#include "flow/gates.h"
#include "flow/support.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

static const char *const ml_roles[] = {"staging", "shadow", "canary", "production", "retired"};

/* Finds a role by name; raises an error that lists the roles when there is none. */
static const char *
ml_role_find(const char *name)
{
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("role must not be null"),
				 errhint("The roles are staging, shadow, canary, production and retired.")));
	for (int i = 0; i < (int) lengthof(ml_roles); i++)
	{
		if (strcmp(ml_roles[i], name) == 0)
			return ml_roles[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown role \"%s\"", name),
			 errhint("The roles are staging, shadow, canary, production and retired.")));
}

/* Refuses to start a write where the transaction or the server cannot. */
void
ml_deploy_begin(const char *command)
{
	PreventCommandIfReadOnly(command);
	PreventCommandIfParallelMode(command);
	PreventCommandDuringRecovery(command);
}

/* Checks that the model exists and that the current user holds the privilege. */
static void
ml_deploy_authorize(const char *model, MlPrivilege privilege)
{
	ml_access_require(model, ml_catalog_owner(model), privilege);
}

/* Raises an error unless a share of traffic comes with role canary, and with no other. */
static void
ml_check_traffic(const char *role, const double *traffic)
{
	bool		canary = strcmp(role, "canary") == 0;

	if (canary && traffic == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("role canary needs a share of traffic"),
				 errhint("Say which share of the rows it answers, such as traffic => 0.1.")));
	if (!canary && traffic != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role %s takes no share of traffic", role),
				 errhint("Leave traffic out: it belongs to role canary.")));
	if (canary && !(*traffic > 0.0 && *traffic < 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("traffic must be greater than 0 and less than 1"),
				 errdetail("It is %s.", ml_text_number(*traffic)),
				 errhint("Say 0.1 for a tenth of the rows; role production has them all.")));
}

/*
 * Puts a version into a role. All of ml.deploy and ml.promote comes through
 * here, with the arguments and the right checked before anything else.
 */
static void
ml_deploy_change(MlRoleChange *change)
{
	MlStanding	now;

	if (change->force && (change->reason == NULL || change->reason[0] == '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a forced deployment needs a reason"),
				 errhint("Say why in the argument reason.")));
	ml_check_traffic(change->role, change->traffic);
	ml_deploy_authorize(change->model, ML_PRIV_DEPLOY);

	ml_catalog_standing(change->model, change->version, &now);
	/* the gates may take long, and so the model's row is not locked yet; the catalog confirms them when it is */
	if (now.role == NULL || strcmp(now.role, change->role) != 0)
		change->gates = ml_gates_allow(change->model, change->version, change->role, change->force);
	ml_catalog_set_role(change);
}

/* Puts a version into a role. */
void
ml_deploy_to_role(const char *model, int32 version, const char *role, const double *traffic,
				  const char *reason, bool force)
{
	MlRoleChange change = {0};

	ml_deploy_begin("ml.deploy()");
	change.model = model;
	change.version = version;
	change.role = ml_role_find(role);
	change.traffic = traffic;
	change.reason = reason;
	change.force = force;
	ml_deploy_change(&change);
}

/*
 * The role one step on from where a version stands. Without a version in
 * production there is nothing to be compared with or to take a share from.
 */
static const char *
ml_promote_next(const MlStanding *standing)
{
	const char *role = standing->role;

	if (role == NULL || strcmp(role, "retired") == 0)
		return "staging";
	if (strcmp(role, "production") == 0 || strcmp(role, "canary") == 0 || !standing->in_production)
		return "production";
	return strcmp(role, "staging") == 0 ? "shadow" : "canary";
}

/* Puts a version one step further towards production; returns its role. */
const char *
ml_deploy_promote(const char *model, int32 version, double traffic)
{
	MlRoleChange change = {0};
	MlStanding	standing;

	ml_deploy_begin("ml.promote()");
	ml_check_traffic("canary", &traffic);
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_standing(model, version, &standing);
	change.model = model;
	change.version = version;
	change.role = ml_promote_next(&standing);
	change.traffic = strcmp(change.role, "canary") == 0 ? &traffic : NULL;
	change.reason = "ml.promote";
	change.standing = &standing;
	ml_deploy_change(&change);
	return change.role;
}

/* Raises an error unless the role is one that approvals are for. */
static void
ml_check_approved_role(const char *role)
{
	if (strcmp(ml_role_find(role), "retired") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role retired needs no approval"),
				 errhint("Approvals are for the roles staging, shadow, canary and production.")));
}

/* Sets how many approvals a role needs. */
void
ml_deploy_require_approval(const char *model, const char *role, int32 approvers)
{
	ml_deploy_begin("ml.require_approval()");
	ml_check_approved_role(role);
	if (approvers < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("approvers must not be negative"),
				 errdetail("It is %d.", approvers),
				 errhint("Say how many people other than the trainer must approve; 0 removes the rule.")));
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_require_approval(model, role, approvers);
}

/* Approves that a version enters a role. */
void
ml_deploy_approve(const char *model, int32 version, const char *role)
{
	ml_deploy_begin("ml.approve()");
	ml_check_approved_role(role);
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_approve(model, version, role);
}

/* Takes an approval back; who gave it may, also after losing the privilege. */
void
ml_deploy_withdraw_approval(const char *model, int32 version, const char *role)
{
	ml_deploy_begin("ml.withdraw_approval()");
	ml_check_approved_role(role);
	(void) ml_catalog_owner(model);
	ml_catalog_withdraw_approval(model, version, role);
}

/* Puts production back to the version before. */
void
ml_deploy_rollback(const char *model, const char *reason)
{
	ml_deploy_begin("ml.rollback()");
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_rollback(model, reason);
}

/* Ends the current deployments in a role. */
void
ml_deploy_undeploy(const char *model, const char *role)
{
	ml_deploy_begin("ml.undeploy()");
	(void) ml_role_find(role);
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_end_role(model, role);
}

/* Points an alias to a version. */
void
ml_deploy_set_alias(const char *model, const char *alias, int32 version)
{
	ml_deploy_begin("ml.set_alias()");
	ml_catalog_check_alias(alias);
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_set_alias(model, alias, version);
}

/* Ends an alias. */
void
ml_deploy_drop_alias(const char *model, const char *alias)
{
	ml_deploy_begin("ml.drop_alias()");
	ml_catalog_check_alias(alias);
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_drop_alias(model, alias);
}

/* Sets what becomes of rows to be scored that fail the model's checks. */
void
ml_deploy_set_invalid_policy(const char *model, const char *action)
{
	MlInvalidPolicy policy;

	ml_deploy_begin("ml.set_invalid_policy()");
	if (action != NULL && !ml_invalid_policy_parse(action, &policy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown action \"%s\" for invalid rows", action),
				 errhint("The actions are score, null and error; NULL does not judge the rows.")));
	ml_deploy_authorize(model, ML_PRIV_DEPLOY);
	ml_catalog_set_invalid_policy(model, action);
	/* plans for a model without a policy do not fetch all columns */
	ml_support_forget_plans();
}

/* Sets or removes the description of a model. */
void
ml_deploy_describe(const char *model, const char *description)
{
	ml_deploy_begin("ml.describe()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_describe(model, description);
}

/* Sets or removes a tag of a model. */
void
ml_deploy_tag(const char *model, const char *key, const char *value)
{
	ml_deploy_begin("ml.tag()");
	if (key == NULL || key[0] == '\0')
		ereport(ERROR,
				(errcode(key == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key must not be null or empty")));
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_tag(model, key, value);
}

/* Takes a version out of the choice for service. */
void
ml_deploy_archive(const char *model, int32 version)
{
	ml_deploy_begin("ml.archive()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_archive(model, version);
}

/* Deletes a version. */
void
ml_deploy_drop_version(const char *model, int32 version)
{
	ml_deploy_begin("ml.drop_version()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_drop_version(model, version);
}

/* Deletes a model. */
void
ml_deploy_drop_model(const char *model)
{
	ml_deploy_begin("ml.drop_model()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_drop_model(model);
}

/* Raises an error unless the privilege is one that can be granted. */
static void
ml_check_grantable(const char *privilege)
{
	MlPrivilege parsed;

	if (privilege == NULL || !ml_access_parse(privilege, &parsed) ||
		parsed == ML_PRIV_OWNER || parsed == ML_PRIV_ANY)
		ereport(ERROR,
				(errcode(privilege == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 privilege == NULL
				 ? errmsg("privilege must not be null")
				 : errmsg("privilege \"%s\" cannot be granted", privilege),
				 errhint("The privileges are use, read, train and deploy.")));
}

/* Grants a privilege on a model to a role. */
void
ml_deploy_grant(const char *model, const char *privilege, const char *grantee)
{
	ml_deploy_begin("ml.grant()");
	ml_check_grantable(privilege);
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_grant(model, privilege, grantee);
}

/* Revokes a privilege on a model from a role. */
void
ml_deploy_revoke(const char *model, const char *privilege, const char *grantee)
{
	ml_deploy_begin("ml.revoke()");
	ml_check_grantable(privilege);
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_catalog_revoke(model, privilege, grantee);
}

/* Raises an error unless there is such a relation and the current user owns it. */
static void
ml_check_relation(Oid relid)
{
	char	   *name = OidIsValid(relid) ? ml_name_relation(relid) : NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(OidIsValid(relid) ? ERRCODE_UNDEFINED_TABLE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 OidIsValid(relid) ? errmsg("relation %u does not exist", relid) : errmsg("relation must not be null"),
				 errhint("Name a table or view, such as 'public.customers'.")));
	if (!ml_compat_owns_relation(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of relation %s", name),
				 errdetail("The current user is \"%s\".", GetUserNameFromId(GetUserId(), false)),
				 errhint("Attaching a model binds the relation's owner: ask a role that owns both.")));
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" is temporary", get_rel_name(relid)),
				 errdetail("It goes away with the session."),
				 errhint("Attach a model to relations that last.")));
}

/* Attaches a model to a relation. */
void
ml_deploy_attach(const char *model, Oid relid)
{
	ml_deploy_begin("ml.attach()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_check_relation(relid);
	ml_catalog_attach(model, relid, ml_attach_mode == ML_ATTACH_REFUSE ? "refuse" : "report");
}

/* Detaches a model from a relation. */
void
ml_deploy_detach(const char *model, Oid relid)
{
	ml_deploy_begin("ml.detach()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	ml_check_relation(relid);
	ml_catalog_detach(model, relid);
}

/* Gives a model to another role. */
void
ml_deploy_set_owner(const char *model, Oid owner)
{
	char	   *name = GetUserNameFromId(owner, false);

	ml_deploy_begin("ml.set_owner()");
	ml_deploy_authorize(model, ML_PRIV_OWNER);
	if (!superuser() && !ml_compat_can_become(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be able to SET ROLE \"%s\"", name),
				 errdetail("A model is given only to a role that \"%s\" is a member of.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Ask a superuser to do it.")));
	ml_catalog_set_owner(model, name);
}
