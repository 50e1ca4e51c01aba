/*
 * access.c - decides rights on models.
 *
 * Nothing is cached here: each call asks for the current user under the active
 * snapshot, so SET ROLE and a revoked privilege count at once. Owners and
 * grantees are role names. A name that no role has grants nothing, nor does
 * one whose role lacks its item on ml.my_rights(): a role that is made anew
 * under the name of one that was dropped (catalog_rights.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

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

/* The SQL name of a privilege. */
const char *
ml_access_name(MlPrivilege privilege)
{
	return ml_privileges[privilege].name;
}

/* Whether names of the role count: it has an item of its own on ml.my_rights(), or owns it. */
bool
ml_access_carried(Oid role, MlCarrier *carrier)
{
	oidvector  *none = buildoidvector(NULL, 0);
	Oid			schema = get_namespace_oid("ml", true);
	HeapTuple	tuple = NULL;
	bool		no_acl;
	Datum		rights;
	bool		found;

	if (OidIsValid(schema))
		tuple = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum("my_rights"), PointerGetDatum(none),
								ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_mlops\" is not installed in this database"),
				 errdetail("Function ml.my_rights() does not exist."),
				 errhint("Run CREATE EXTENSION pg_mlops, or ALTER EXTENSION pg_mlops UPDATE.")));
	carrier->function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	carrier->owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	found = role == carrier->owner;
	rights = SysCacheGetAttr(PROCNAMEARGSNSP, tuple, Anum_pg_proc_proacl, &no_acl);
	if (!found && !no_acl)
	{
		Acl		   *acl = DatumGetAclP(rights);

		for (int i = 0; i < ACL_NUM(acl) && !found; i++)
			found = ACL_DAT(acl)[i].ai_grantee == role && (ACLITEM_GET_PRIVS(ACL_DAT(acl)[i]) & ACL_EXECUTE) != 0;
		if ((Pointer) acl != DatumGetPointer(rights))
			pfree(acl);
	}
	ReleaseSysCache(tuple);
	pfree(none);
	return found;
}

/* Whether the current user is or belongs to the named role, and the name counts. */
static bool
ml_access_is(const char *role)
{
	Oid			oid = get_role_oid(role, true);
	MlCarrier	carrier;

	return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid) && ml_access_carried(oid, &carrier);
}

/* Whether the current user may act as the owner of something, by the owner's name. */
bool
ml_access_is_member(const char *role)
{
	return superuser() || ml_access_is(role);
}

/* Whether the current user holds the privilege on the model. */
bool
ml_access_allowed(const char *model, const char *owner, MlPrivilege privilege)
{
	List	   *grantees;
	ListCell   *lc;

	if (ml_access_is_member(owner))
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

/* Raises the error that tells a user why the owner whose name is his, or a role's of his, is not he. */
static void
ml_refuse_uncarried(const char *model, const char *owner)
{
	Oid			oid = get_role_oid(owner, true);
	MlCarrier	carrier;

	if (!OidIsValid(oid) || !has_privs_of_role(GetUserId(), oid) || ml_access_carried(oid, &carrier))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\"", model),
			 errdetail("Role \"%s\" lacks EXECUTE on ml.my_rights(): another role of that name owned the model, "
					   "or it was revoked.", owner),
			 errhint("Ask a superuser to run: SELECT ml.set_owner(%s, %s);", quote_literal_cstr(model),
					 quote_literal_cstr(quote_identifier(owner)))));
}

/* Raises ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user holds the privilege on the model. */
void
ml_access_require(const char *model, const char *owner, MlPrivilege privilege)
{
	const char *user;

	if (ml_access_allowed(model, owner, privilege))
		return;

	user = GetUserNameFromId(GetUserId(), false);
	ml_refuse_uncarried(model, owner);
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
