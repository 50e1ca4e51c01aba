/*
 * identity.c - running a recorded source with the rights, and by the names, of who wrote it.
 *
 * Nothing is allocated that needs release; the server restores identity and
 * settings after an error.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "flow/identity.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Raises an error unless the current user, who recorded the source, has a privilege on its model. */
static void
ml_identity_require(const MlIdentity *identity)
{
	if (ml_access_allowed(identity->model, ml_catalog_owner(identity->model), ML_PRIV_ANY))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("role \"%s\" has no privilege on model \"%s\"", identity->role, identity->model),
			 errdetail("A recorded source is read with the rights of the role that recorded it: that role lost its "
					   "privileges on the model, or is a new one of its name."),
			 errhint("Train a new version, or give ml.run_gates a source, as a role that may read it.")));
}

void
ml_identity_enter(const MlIdentity *identity, MlIdentitySaved *saved)
{
	Oid			role = get_role_oid(identity->role, true);
	const char *path = identity->search_path != NULL ? identity->search_path : "pg_catalog";

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", identity->role),
				 errdetail("A recorded source is read with the rights of the role that recorded it."),
				 errhint("Train a new version as a role that may read the source.")));
	GetUserIdAndSecContext(&saved->user, &saved->context);
	/* what is temporary here was not there when the names were written: it comes last */
	if (role != saved->user)
		path = path[0] == '\0' ? "pg_temp" : psprintf("%s, pg_temp", path);
	SetUserIdAndSecContext(role, saved->context | SECURITY_RESTRICTED_OPERATION);
	if (role != saved->user)
		ml_identity_require(identity);
	saved->nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
ml_identity_leave(const MlIdentitySaved *saved)
{
	AtEOXact_GUC(false, saved->nest_level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

static bool
ml_temporary_function(Oid function, void *context)
{
	return isAnyTempNamespace(get_func_namespace(function));
}

/* Whether a type, or what it is made of, is temporary. */
static bool
ml_temporary_type(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	bool		temporary;
	Oid			inner;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	temporary = isAnyTempNamespace(form->typnamespace);
	inner = OidIsValid(form->typbasetype) ? form->typbasetype : form->typelem;
	ReleaseSysCache(tuple);
	return temporary || (OidIsValid(inner) && ml_temporary_type(inner));
}

/* Whether the types named in a function's column list are. */
static bool
ml_temporary_columns(const RangeTblEntry *rte)
{
	ListCell   *lc;
	ListCell   *type;

	foreach(lc, rte->functions)
		foreach(type, ((RangeTblFunction *) lfirst(lc))->funccoltypes)
			if (ml_temporary_type(lfirst_oid(type)))
				return true;
	return false;
}

static bool
ml_temporary_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return query_tree_walker((Query *) node, ml_temporary_walker, context, QTW_EXAMINE_RTES_BEFORE);
		case T_RangeTblEntry:
			{
				RangeTblEntry *rte = (RangeTblEntry *) node;

				if (OidIsValid(rte->relid) && isAnyTempNamespace(get_rel_namespace(rte->relid)))
					return true;
				/* the walker of queries looks into it */
				return ml_temporary_columns(rte);
			}
		case T_Const:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CoerceToDomain:
		case T_RowExpr:
		case T_FuncExpr:
			if (ml_temporary_type(exprType(node)))
				return true;
			break;
		default:
			break;
	}
	return check_functions_in_node(node, ml_temporary_function, context) ||
		expression_tree_walker(node, ml_temporary_walker, context);
}

void
ml_identity_check(List *queries)
{
	if (ml_temporary_walker((Node *) queries, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the recorded source uses temporary objects of this session"),
				 errdetail("It is read with the rights of user \"%s\", whom they do not belong to.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Read it as that user, or train on a source that is not temporary.")));
}
