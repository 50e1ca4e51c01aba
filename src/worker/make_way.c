/*
 * make_way.c - statements that need a database for themselves do not find our worker in it.
 *
 * The server refuses to drop, rename, move or copy a database with sessions
 * in it. Whoever may do so has our worker leave first. The hook calls what
 * was there before.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "worker/request.h"

static ProcessUtility_hook_type ml_make_way_before = NULL;

/* The value of an option, or NULL. */
static char *
ml_make_way_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return NULL;
}

/* The name of the database that the statement needs for itself, or NULL. */
static char *
ml_make_way_name(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return castNode(DropdbStmt, statement)->dbname;
		case T_CreatedbStmt:
			return ml_make_way_option(castNode(CreatedbStmt, statement)->options, "template");
		case T_AlterDatabaseStmt:
			if (ml_make_way_option(castNode(AlterDatabaseStmt, statement)->options, "tablespace") != NULL)
				return castNode(AlterDatabaseStmt, statement)->dbname;
			return NULL;
		case T_RenameStmt:
			if (castNode(RenameStmt, statement)->renameType == OBJECT_DATABASE)
				return castNode(RenameStmt, statement)->subname;
			return NULL;
		default:
			return NULL;
	}
}

/* Whether the statement drops our extension, whose tables the worker may be using. */
static bool
ml_make_way_drops_extension(Node *statement)
{
	ListCell   *cell;

	if (!IsA(statement, DropStmt) || castNode(DropStmt, statement)->removeType != OBJECT_EXTENSION)
		return false;
	foreach(cell, castNode(DropStmt, statement)->objects)
	{
		if (strcmp(strVal(lfirst(cell)), "pg_mlops") == 0)
			return true;
	}
	return false;
}

static void
ml_make_way(Node *statement)
{
	char	   *name = ml_make_way_name(statement);
	Oid			database = name == NULL ? InvalidOid : get_database_oid(name, true);

	if (IsA(statement, DropdbStmt) || IsA(statement, CreatedbStmt) || IsA(statement, AlterDatabaseStmt))
		ml_request_rescan();
	if (ml_make_way_drops_extension(statement))
		database = MyDatabaseId;
	/* Others get the server's error, and the worker is left alone. */
	if (OidIsValid(database) && ml_compat_owns_database(database, GetUserId()))
		ml_request_hold(database);
}

static void
ml_make_way_utility(PlannedStmt *statement, const char *query, bool read_only_tree, ProcessUtilityContext context,
					ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	if (ml_shared_ready())
		ml_make_way(statement->utilityStmt);
	if (ml_make_way_before)
		ml_make_way_before(statement, query, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params, environment, dest, completion);
}

void
ml_make_way_install(void)
{
	ml_make_way_before = ProcessUtility_hook;
	ProcessUtility_hook = ml_make_way_utility;
}
