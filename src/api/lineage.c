/*
 * lineage.c - ml.source_changed, and what stands behind ml.impact, ml.attached_columns and ml.openlineage.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"

#include "api/arguments.h"
#include "base/names.h"
#include "base/text.h"
#include "flow/changed.h"
#include "flow/reads.h"
#include "flow/source.h"
#include "funcapi.h"
#include "store/access.h"
#include "store/catalog.h"
#include "store/runs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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

/* ml.attached_name(guard, relation): what an attached relation is called now; NULL when it is gone. */
ML_FUNCTION(ml_attached_name)
{
	Oid			relid;
	char	   *name;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	relid = ml_catalog_attached_relation(PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0)), ml_arg_text(fcinfo, 1));
	name = OidIsValid(relid) ? ml_name_relation(relid) : NULL;
	if (name == NULL)
		PG_RETURN_NULL();
	return CStringGetTextDatum(name);
}

/* ml.attached_type(guard, relation, column_name): the type a recorded column has now; NULL when it is gone. */
ML_FUNCTION(ml_attached_type)
{
	char	   *guard = PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0));
	char	   *relation = ml_arg_text(fcinfo, 1);
	char	   *column = ml_arg_text(fcinfo, 2);
	AttrNumber	attno = relation && column ? ml_catalog_attached_column(guard, relation, column) : 0;
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attno == 0)
		PG_RETURN_NULL();
	get_atttypetypmodcoll(ml_catalog_attached_relation(guard, relation), attno, &type, &typmod, &collation);
	return CStringGetTextDatum(ml_name_type(type, typmod));
}

static void
ml_put_changed(void *ctx, const char *column, const char *statistic, const char *recorded, const char *today)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[4];
	bool		nulls[4];

	ml_put_text(values, nulls, 0, column);
	ml_put_text(values, nulls, 1, statistic);
	ml_put_text(values, nulls, 2, recorded);
	ml_put_text(values, nulls, 3, today);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.source_changed(model_ref): how the source of a version differs from what its training read. */
ML_FUNCTION(ml_source_changed)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");

	InitMaterializedSRF(fcinfo, 0);
	ml_changed_run(ref, ml_put_changed, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ml.openlineage_run(run_id): the run itself, when it exists and the current user may read it. */
ML_FUNCTION(ml_openlineage_run)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("run_id must not be null"),
				 errhint("Give the number of a run; ml.runs lists them.")));
	ml_catalog_require_run(PG_GETARG_INT64(0));
	PG_RETURN_INT64(PG_GETARG_INT64(0));
}

/* ml.source_query(source): a query as it is, a relation as a query of it. */
ML_FUNCTION(ml_source_query)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (ml_source_is_query(source))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	return CStringGetTextDatum(psprintf("SELECT * FROM %s", source));
}
