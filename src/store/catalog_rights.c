/*
 * catalog_rights.c - owners and grants, and the item in the server's own catalog that carries them.
 *
 * Names of roles survive a dump, but the server does not know of them. So that
 * roles behave towards models, suites and runs of outside code as they do towards
 * tables, whoever owns one or holds a privilege also has EXECUTE on ml.my_rights(), granted to him by
 * name: DROP ROLE is refused then, DROP OWNED BY takes it away, and without it
 * a name in our tables counts for nothing (access.c). It is granted with the
 * first right and revoked with the last.
 *
 * Locks, in this order: the row of the model or suite; the role (as DROP ROLE locks it, in a
 * weaker mode), so that the last right does not go while another session gives
 * one; and for a change of the item the function, because two sessions cannot
 * update its row in pg_proc at once. All are held until the transaction ends.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* What is noted of rights that a role of the same name left behind. */
#define ML_LEFT_BEHIND	"left by an earlier role of this name"

/* Sees what has been committed by now, and this transaction's own changes. */
static void
ml_push_latest(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
}

/* ---- the item ---- */

/* Grants EXECUTE on the carrier to a role, or revokes it, as its owner. */
static void
ml_carrier_change(const MlCarrier *carrier, const char *role, bool grant)
{
	GrantStmt  *stmt = makeNode(GrantStmt);
	ObjectWithArgs *function = makeNode(ObjectWithArgs);
	AccessPriv *execute = makeNode(AccessPriv);
	RoleSpec   *grantee = makeNode(RoleSpec);
	Oid			user;
	int			context;

	function->objname = list_make2(makeString(pstrdup("ml")), makeString(pstrdup("my_rights")));
	execute->priv_name = pstrdup("execute");
	grantee->roletype = ROLESPEC_CSTRING;
	grantee->rolename = pstrdup(role);
	grantee->location = -1;
	stmt->is_grant = grant;
	stmt->targtype = ACL_TARGET_OBJECT;
	stmt->objtype = OBJECT_FUNCTION;
	stmt->objects = list_make1(function);
	stmt->privileges = list_make1(execute);
	stmt->grantees = list_make1(grantee);
	stmt->behavior = DROP_RESTRICT;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(carrier->owner, context | SECURITY_LOCAL_USERID_CHANGE);
	ExecuteGrantStmt(stmt);
	SetUserIdAndSecContext(user, context);
	CommandCounterIncrement();
}

/* Locks a role against being dropped; mode says whether others may give it rights meanwhile. */
static Oid
ml_lock_role(const char *name, LOCKMODE mode)
{
	Oid			role = get_role_oid(name, true);

	if (OidIsValid(role))
		LockSharedObject(AuthIdRelationId, role, 0, mode);
	return OidIsValid(role) && SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) ? role : InvalidOid;
}

/* Where the catalog names roles that have rights. */
typedef struct MlNaming
{
	MlCatalogScan scan;
	int			role_column;
	int			name_column;	/* of the model or suite */
} MlNaming;

static const MlNaming ml_naming_models = {ML_SCAN_MODEL, ML_MODELS_OWNER, ML_MODELS_MODEL};
static const MlNaming ml_naming_grants = {ML_SCAN_GRANTS, ML_GRANTS_GRANTEE, ML_GRANTS_MODEL};
static const MlNaming ml_naming_suites = {ML_SCAN_SUITES, ML_SUITES_OWNER, ML_SUITES_SUITE};

/* The names (char *) of the models or suites that name a role. */
static List *
ml_naming(const MlNaming *where, const char *role)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *names = NIL;

	ml_push_latest();
	ml_scan_begin(&scan, where->scan, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		isnull;
		Datum		named = ml_scan_get(&scan, tuple, where->role_column, &isnull);

		if (!isnull && strcmp(NameStr(*DatumGetName(named)), role) == 0)
			names = lappend(names, TextDatumGetCString(ml_scan_get(&scan, tuple, where->name_column, NULL)));
	}
	ml_scan_end(&scan);
	PopActiveSnapshot();
	return names;
}

/* Writes the event of a privilege that was granted or revoked. */
static void
ml_grant_event(const char *kind, const MlModelRow *model, const char *privilege, const char *grantee, const char *reason)
{
	StringInfoData detail;

	initStringInfo(&detail);
	ml_detail_text(&detail, "privilege", privilege);
	ml_detail_text(&detail, "grantee", grantee);
	ml_detail_text(&detail, "reason", reason);
	ml_catalog_event(kind, model, 0, &detail);
}

/* Writes a model's new owner, with the event. */
static void
ml_change_owner(const MlModelRow *model, const char *owner, const char *reason)
{
	MlArgs		args = {0};
	StringInfoData detail;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_text(&args, owner);
	ml_catalog_execute("UPDATE ml.models SET owner = $2 WHERE model = $1", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "owner", owner);
	ml_detail_text(&detail, "from", model->owner);
	ml_detail_text(&detail, "reason", reason);
	ml_catalog_event("set_owner", model, 0, &detail);
}

/* Passes the runs of outside code of an earlier role to another one; their environment says whose they were. */
static void
ml_rights_pass_runs(const char *role, const char *heir)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, role);
	ml_bind_arg_text(&args, heir);
	ml_catalog_execute("UPDATE ml.runs SET actor = $2::pg_catalog.name, "
					   "environment = environment || pg_catalog.jsonb_build_object('begun_by', actor) "
					   "WHERE kind = 'external' AND actor = $1::pg_catalog.name", &args, NULL);
}

/*
 * Clears what the catalog still says of a role that has no item: it is another
 * one's, who had the name before. Grants go; models and suites but one each
 * (or NULL), and runs of outside code, pass to the catalog's owner.
 */
static void
ml_rights_clear(const MlCarrier *carrier, const char *role, const char *but_model, const char *but_suite)
{
	char	   *heir = GetUserNameFromId(carrier->owner, false);
	MlModelRow	model;
	ListCell   *lc;

	foreach(lc, ml_naming(&ml_naming_grants, role))
	{
		MlArgs		args = {0};
		MlRow		row;

		ml_catalog_lock((const char *) lfirst(lc), &model);
		ml_bind_arg_text(&args, model.model);
		ml_bind_arg_text(&args, role);
		if (ml_catalog_execute("DELETE FROM ml.grants WHERE ctid = (SELECT g.ctid FROM ml.grants g "
							   "WHERE g.model = $1 AND g.grantee = $2 LIMIT 1) RETURNING privilege", &args, &row) > 0)
			ml_grant_event("revoke", &model, row.column[0], role, ML_LEFT_BEHIND);
	}
	foreach(lc, ml_naming(&ml_naming_models, role))
	{
		if (but_model != NULL && strcmp(but_model, (const char *) lfirst(lc)) == 0)
			continue;
		ml_catalog_lock((const char *) lfirst(lc), &model);
		ml_change_owner(&model, heir, ML_LEFT_BEHIND);
	}
	foreach(lc, ml_naming(&ml_naming_suites, role))
	{
		if (but_suite == NULL || strcmp(but_suite, (const char *) lfirst(lc)) != 0)
			ml_suite_change_owner((const char *) lfirst(lc), heir);
	}
	ml_rights_pass_runs(role, heir);
}

/*
 * Gives a role that is to own a model or a suite, or to hold a privilege, its
 * item; before the row that names it counts.
 */
static void
ml_rights_gain(const char *name, const char *model, const char *suite, LOCKMODE mode)
{
	MlCarrier	carrier;
	Oid			role = ml_lock_role(name, mode);

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errhint("Name an existing role, such as 'analyst'.")));
	if (ml_access_carried(role, &carrier))
		return;
	LockDatabaseObject(ProcedureRelationId, carrier.function, 0, ShareUpdateExclusiveLock);
	if (ml_access_carried(role, &carrier))
		return;
	ml_rights_clear(&carrier, name, model, suite);
	ml_carrier_change(&carrier, name, true);
}

/* The current user has become the owner of a model: two of his may be made at once. */
void
ml_rights_own(const MlModelRow *model)
{
	ml_rights_gain(model->owner, model->model, NULL, RowExclusiveLock);
}

/* A role has become the owner of a suite. */
void
ml_rights_own_suite(const char *suite, const char *owner)
{
	ml_rights_gain(owner, NULL, suite, RowExclusiveLock);
}

/* A role begins a run of outside code. */
void
ml_rights_own_run(const char *actor)
{
	ml_rights_gain(actor, NULL, NULL, RowExclusiveLock);
}

/* Whether there is a run of outside code of a role's. */
static bool
ml_rights_run(const char *role)
{
	MlScan		scan;
	bool		found;

	ml_push_latest();
	ml_scan_begin(&scan, ML_SCAN_RUNS_EXTERNAL, role, 0, NULL);
	found = ml_scan_next(&scan) != NULL;
	ml_scan_end(&scan);
	PopActiveSnapshot();
	return found;
}

/* Takes the item from a role that owns neither model nor suite nor run and holds no privilege any more. */
void
ml_rights_lose(const char *name)
{
	MlCarrier	carrier;
	Oid			role = ml_lock_role(name, ShareRowExclusiveLock);

	if (!OidIsValid(role) || !ml_access_carried(role, &carrier) || role == carrier.owner ||
		ml_naming(&ml_naming_models, name) != NIL || ml_naming(&ml_naming_grants, name) != NIL ||
		ml_naming(&ml_naming_suites, name) != NIL || ml_rights_run(name))
		return;
	LockDatabaseObject(ProcedureRelationId, carrier.function, 0, ShareUpdateExclusiveLock);
	if (ml_access_carried(role, &carrier))
		ml_carrier_change(&carrier, name, false);
}

/* The names of the roles with rights on a model or runs of outside code of it, as of now. */
List *
ml_rights_holders(const MlModelRow *model)
{
	List	   *holders;
	MlArgs		args = {0};
	ListCell   *lc;

	ml_push_latest();
	holders = lappend(ml_catalog_grantees(model->model, NULL), model->owner);
	PopActiveSnapshot();
	ml_bind_arg_text(&args, model->model);
	foreach(lc, ml_catalog_rows("SELECT DISTINCT r.actor FROM ml.runs r WHERE r.model = $1 AND r.kind = 'external'", &args))
		holders = lappend(holders, ((const MlRow *) lfirst(lc))->column[0]);
	return holders;
}

/* ---- the verbs ---- */

/* Grants a privilege on a model to a role. */
void
ml_catalog_grant(const char *model_name, const char *privilege, const char *grantee)
{
	MlModelRow	model;
	MlArgs		args = {0};

	ml_catalog_lock(model_name, &model);
	ml_rights_gain(grantee, NULL, NULL, ShareRowExclusiveLock);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, privilege);
	ml_bind_arg_text(&args, grantee);
	ml_bind_arg_text(&args, model.actor);
	if (ml_catalog_execute("INSERT INTO ml.grants (model, privilege, grantee, granted_by) VALUES ($1, $2, $3, $4) "
						   "ON CONFLICT (model, grantee, privilege) DO NOTHING", &args, NULL) > 0)
		ml_grant_event("grant", &model, privilege, grantee, NULL);
}

/* Revokes a privilege on a model from a role. */
void
ml_catalog_revoke(const char *model_name, const char *privilege, const char *grantee)
{
	MlModelRow	model;
	MlArgs		args = {0};

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, privilege);
	ml_bind_arg_text(&args, grantee);
	if (ml_catalog_execute("DELETE FROM ml.grants WHERE model = $1 AND privilege = $2 AND grantee = $3", &args, NULL) > 0)
	{
		ml_grant_event("revoke", &model, privilege, grantee, NULL);
		ml_rights_lose(grantee);
	}
}

/* Gives a model to another role; one that has it already, with the item, is left with a NOTICE. */
void
ml_catalog_set_owner(const char *model_name, const char *owner)
{
	MlModelRow	model;
	MlCarrier	carrier;

	ml_catalog_lock(model_name, &model);
	if (strcmp(model.owner, owner) == 0 && ml_access_carried(get_role_oid(owner, false), &carrier))
	{
		ereport(NOTICE,
				(errmsg("model \"%s\" already belongs to role \"%s\"", model.model, owner)));
		return;
	}
	ml_rights_gain(owner, model.model, NULL, ShareRowExclusiveLock);
	ml_change_owner(&model, owner, NULL);
	if (strcmp(model.owner, owner) != 0)
		ml_rights_lose(model.owner);
}

/* Calls back with each model and privilege that the current user holds. */
void
ml_catalog_my_rights(MlRightSink report, void *arg)
{
	static const MlPrivilege privileges[] = {ML_PRIV_USE, ML_PRIV_READ, ML_PRIV_TRAIN, ML_PRIV_DEPLOY, ML_PRIV_OWNER};
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_MODEL, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		char	   *model = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_MODELS_MODEL, NULL));
		char	   *owner = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_MODELS_OWNER, NULL))));

		for (int i = 0; i < (int) lengthof(privileges); i++)
			if (ml_access_allowed(model, owner, privileges[i]))
				report(arg, model, ml_access_name(privileges[i]));
	}
	ml_scan_end(&scan);
}
