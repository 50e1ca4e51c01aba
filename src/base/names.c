/*
 * names.c - names of relations and types that mean the same in every session.
 *
 * Everything is palloc'd in the current context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Calls a function of the server's that quotes names, as if the session only wanted those quoted that need it. */
static char *
ml_name_quoted(char *(*function) (const void *), const void *argument)
{
	char	   *volatile name = NULL;
	bool		all = quote_all_identifiers;

	PG_TRY();
	{
		quote_all_identifiers = false;
		name = function(argument);
	}
	PG_FINALLY();
	{
		quote_all_identifiers = all;
	}
	PG_END_TRY();
	return name;
}

static char *
ml_name_quote_relation(const void *relid)
{
	char	   *name = get_rel_name(*(const Oid *) relid);
	char	   *schema = name ? get_namespace_name(get_rel_namespace(*(const Oid *) relid)) : NULL;

	return schema ? quote_qualified_identifier(schema, name) : NULL;
}

char *
ml_name_relation(Oid relid)
{
	return ml_name_quoted(ml_name_quote_relation, &relid);
}

typedef struct MlTypeName
{
	Oid			type;
	int32		typmod;
} MlTypeName;

static char *
ml_name_format_type(const void *argument)
{
	const MlTypeName *name = argument;
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(name->type));
	bits16		flags = FORMAT_TYPE_TYPEMOD_GIVEN;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", name->type);
	if (((Form_pg_type) GETSTRUCT(tuple))->typnamespace != PG_CATALOG_NAMESPACE)
		flags |= FORMAT_TYPE_FORCE_QUALIFY;
	ReleaseSysCache(tuple);
	return format_type_extended(name->type, name->typmod, flags);
}

char *
ml_name_type(Oid type, int32 typmod)
{
	MlTypeName	name = {type, typmod};

	return ml_name_quoted(ml_name_format_type, &name);
}
