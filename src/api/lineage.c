/*
 * lineage.c - ml.relation_names: what stands behind ml.impact.
 */
#include "postgres.h"

#include "access/relation.h"
#include "api/arguments.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/text.h"
#include "flow/reads.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* ml.relation_names(relation, column_name): a relation's name and those of its ancestors; the column must exist. */
ML_FUNCTION(ml_relation_names)
{
	char	   *column = ml_arg_text(fcinfo, 1);
	List	   *names = NIL;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null"),
				 errhint("Name a table or view, such as 'public.customers'.")));
	ml_reads_check_column(PG_GETARG_OID(0), column);
	foreach(lc, ml_reads_ancestors(PG_GETARG_OID(0)))
	{
		char	   *name = ml_name_relation(lfirst_oid(lc));

		if (name)
			names = lappend(names, name);
	}
	return ml_result_list(names);
}
