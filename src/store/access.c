/*
 * access.c - decides rights on models.
 *
 * Nothing is cached here: each call asks for the current user under the active
 * snapshot, so SET ROLE and a revoked privilege count at once. Owners and
 * grantees are role names; a name that no role has grants nothing.
 */
#include "postgres.h"

#include "base/compat.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/acl.h"
#include "utils/builtins.h"

typedef struct MlPrivilegeInfo
{
	const char *name;
	const char *purpose;		/* completes "The privilege to ..." */
} MlPrivilegeInfo;

/* Indexed by MlPrivilege. */
static const MlPrivilegeInfo ml_privileges[] = {
	[ML_PRIV_USE] = {"use", "score with a model"},
	[ML_PRIV_READ] = {"read", "see a model's weights, snapshots and metrics"},
	[ML_PRIV_TRAIN] = {"train", "add versions to a model"},
	[ML_PRIV_DEPLOY] = {"deploy", "move a model's aliases and deployments"},
	[ML_PRIV_OWNER] = {"owner", "change, drop or grant a model"},
	[ML_PRIV_ANY] = {"any", "see a model"},
};

/* Finds a privilege by its SQL name; false when there is none of that name. */
bool
ml_access_parse(const char *name, MlPrivilege *privilege)
{
	for (int i = 0; i < (int) lengthof(ml_privileges); i++)
	{
		if (strcmp(ml_privileges[i].name, name) == 0)
		{
			*privilege = (MlPrivilege) i;
			return true;
		}
	}
	return false;
}

/* Whether the current user is or belongs to the named role. */
static bool
ml_access_is(const char *role)
{
	Oid			oid = get_role_oid(role, true);

	return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid);
}

/* Whether the current user holds the privilege on the model. */
bool
ml_access_allowed(const char *model, const char *owner, MlPrivilege privilege)
{
	List	   *grantees;
	ListCell   *lc;

	if (superuser() || ml_access_is(owner))
		return true;
	if (privilege == ML_PRIV_OWNER)
		return false;

	grantees = ml_catalog_grantees(model, privilege == ML_PRIV_ANY ? NULL : ml_privileges[privilege].name);
	foreach(lc, grantees)
	{
		if (ml_access_is((const char *) lfirst(lc)))
			return true;
	}
	return false;
}

/* Raises ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user holds the privilege on the model. */
void
ml_access_require(const char *model, const char *owner, MlPrivilege privilege)
{
	const char *user;

	if (ml_access_allowed(model, owner, privilege))
		return;

	user = GetUserNameFromId(GetUserId(), false);
	if (privilege == ML_PRIV_OWNER)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\"", model),
				 errdetail("The model belongs to role \"%s\"; the current user is \"%s\".", owner, user),
				 errhint("Ask a member of role \"%s\" to do it.", owner)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\"", model),
			 errdetail("The privilege to %s is missing for user \"%s\".", ml_privileges[privilege].purpose, user),
			 errhint("Ask a member of role \"%s\" to run: SELECT ml.grant(%s, %s, %s);",
					 owner, quote_literal_cstr(model),
					 quote_literal_cstr(privilege == ML_PRIV_ANY ? "use" : ml_privileges[privilege].name),
					 quote_literal_cstr(quote_identifier(user)))));
}
