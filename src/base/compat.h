/*
 * compat.h - every test of the server's version, and what differs between 15 and 18.
 *
 * Include it right after postgres.h in every file that is not mathematics.
 */
#ifndef ML_COMPAT_H
#define ML_COMPAT_H

#include "fmgr.h"

/* The macros for variable-length values have a header of their own since 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "pg_mlops needs PostgreSQL 15 to 18"
#endif

/* The library is built with hidden visibility; before 16 the server's macro says nothing about it. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* Defines an SQL-callable function that is visible outside the library. */
#define ML_FUNCTION(name) \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS)

/* A function that never returns is marked in front since 18. */
#if PG_VERSION_NUM >= 180000
#define ML_NORETURN pg_noreturn
#else
#define ML_NORETURN pg_attribute_noreturn()
#endif

/* Intervals can be infinite since 17. */
#if PG_VERSION_NUM >= 170000
#define ML_INTERVAL_NOT_FINITE(iv) INTERVAL_NOT_FINITE(iv)
#else
#define ML_INTERVAL_NOT_FINITE(iv) false
#endif

/* RelationGetPrimaryKeyIndex() takes whether to accept a deferrable key since 18. */
#if PG_VERSION_NUM >= 180000
#define ml_compat_primary_key(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define ml_compat_primary_key(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* stringToQualifiedNameList() takes an error context since 16. */
#if PG_VERSION_NUM >= 160000
#define ml_compat_qualified_name(s) stringToQualifiedNameList(s, NULL)
#else
#define ml_compat_qualified_name(s) stringToQualifiedNameList(s)
#endif

/* Since 16 input functions can say what is wrong with a text without raising an error. */
#if PG_VERSION_NUM >= 160000
#define ML_COMPAT_SOFT_INPUT
#include "nodes/miscnodes.h"
#endif

/* The local transaction number moved within PGPROC in 17. */
#if PG_VERSION_NUM >= 170000
#define ml_compat_lxid(proc) ((proc)->vxid.lxid)
#else
#define ml_compat_lxid(proc) ((proc)->lxid)
#endif

/* What a statement needs the right to stands in its range table before 16, and in a list of its own since. */
#if PG_VERSION_NUM >= 160000
#define MlCompatPermission RTEPermissionInfo
#define ml_compat_permissions(stmt) ((stmt)->permInfos)
#else
#define MlCompatPermission RangeTblEntry
#define ml_compat_permissions(stmt) ((stmt)->rtable)
#endif

/* One function tells who owns objects of all kinds since 16, and what is allowed on them. */
#if PG_VERSION_NUM >= 160000
#define ml_compat_may_create_in(schema, role) \
	(object_aclcheck(NamespaceRelationId, schema, role, ACL_CREATE) == ACLCHECK_OK)
#define ml_compat_owns_relation(relid, role) object_ownercheck(RelationRelationId, relid, role)
#define ml_compat_owns_database(database, role) object_ownercheck(DatabaseRelationId, database, role)
#else
#define ml_compat_may_create_in(schema, role) (pg_namespace_aclcheck(schema, role, ACL_CREATE) == ACLCHECK_OK)
#define ml_compat_owns_relation(relid, role) pg_class_ownercheck(relid, role)
#define ml_compat_owns_database(database, role) pg_database_ownercheck(database, role)
#endif

/* Variables know since 16 which outer joins may make them NULL, and since 18 whether they are of an OLD or NEW row. */
#if PG_VERSION_NUM >= 180000
#define ml_compat_plain_var(var) \
	(bms_is_empty((var)->varnullingrels) && (var)->varreturningtype == VAR_RETURNING_DEFAULT)
#elif PG_VERSION_NUM >= 160000
#define ml_compat_plain_var(var) bms_is_empty((var)->varnullingrels)
#else
#define ml_compat_plain_var(var) true
#endif

/* expandRTE() takes since 18 which row of RETURNING is meant. */
#if PG_VERSION_NUM >= 180000
#define ml_compat_expand_rte(rte, rtindex, dropped, names, vars) \
	expandRTE(rte, rtindex, 0, VAR_RETURNING_DEFAULT, -1, dropped, names, vars)
#else
#define ml_compat_expand_rte(rte, rtindex, dropped, names, vars) \
	expandRTE(rte, rtindex, 0, -1, dropped, names, vars)
#endif

/* parseTypeString() takes an error context since 16; before, whether the type may be missing. */
#if PG_VERSION_NUM >= 160000
#define ml_compat_parse_type(s, type, typmod) ((void) parseTypeString(s, type, typmod, NULL))
#define ml_compat_find_type(s, type, typmod) \
	((void) parseTypeString(s, type, typmod, (Node *) &(ErrorSaveContext) {T_ErrorSaveContext}))
#else
#define ml_compat_parse_type(s, type, typmod) parseTypeString(s, type, typmod, false)
#define ml_compat_find_type(s, type, typmod) parseTypeString(s, type, typmod, true)
#endif

/* Membership and the right to become a role part ways in 16. */
#if PG_VERSION_NUM >= 160000
#define ml_compat_can_become(member, role) member_can_set_role(member, role)
#else
#define ml_compat_can_become(member, role) is_member_of_role(member, role)
#endif

/* COPY takes a line of a backslash and a period for the end of a csv file before 18, and for data since. */
#if PG_VERSION_NUM >= 180000
#define ML_COMPAT_CSV_MARKER false
#else
#define ML_COMPAT_CSV_MARKER true
#endif

/* tuplesort_getdatum() takes since 16 whether to copy what is passed by reference. */
#if PG_VERSION_NUM >= 160000
#define ml_compat_sorted_datum(sort, value, isnull) tuplesort_getdatum(sort, true, false, value, isnull, NULL)
#else
#define ml_compat_sorted_datum(sort, value, isnull) tuplesort_getdatum(sort, true, value, isnull, NULL)
#endif

/* CHECK constraints may be there without being enforced since 18. */
#if PG_VERSION_NUM >= 180000
#define ml_compat_check_enforced(check) ((check)->ccenforced)
#else
#define ml_compat_check_enforced(check) true
#endif

#endif							/* ML_COMPAT_H */
