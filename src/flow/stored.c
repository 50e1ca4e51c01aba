/*
 * stored.c - the copies of rows that trainings made: where they are, and how a source differs from one.
 *
 * A copy is its owner's table. It may be dropped, renamed or changed, and
 * another may have its name by now; so it is read only as who owns it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "flow/stored.h"
#include "miscadmin.h"
#include "store/access.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The relation of a qualified name, without asking for rights; InvalidOid when it is gone. */
static Oid
ml_stored_relation(const char *table)
{
	List	   *names = ml_compat_qualified_name(table);
	Oid			schema = list_length(names) == 2 ? get_namespace_oid(strVal(linitial(names)), true) : InvalidOid;

	return OidIsValid(schema) ? get_relname_relid(strVal(lsecond(names)), schema) : InvalidOid;
}

char *
ml_stored_problem(const MlStored *stored, const char *role)
{
	Oid			relid = ml_stored_relation(stored->table);
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	Oid			owner;
	char		kind;

	if (!HeapTupleIsValid(tuple))
		return psprintf("table %s is gone", stored->table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	kind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	if (kind != RELKIND_RELATION)
		return psprintf("%s is not a table any more", stored->table);
	if (owner != get_role_oid(role, true))
		return psprintf("table %s belongs to role \"%s\" and not to \"%s\", who trained", stored->table,
						GetUserNameFromId(owner, false), role);
	return NULL;
}

/* The query of a copy, which may not be there. */
static char *
ml_stored_check(const MlStored *stored)
{
	if (stored->table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("snapshot %lld has no copy of its rows", (long long) stored->snapshot_id),
				 errdetail("Its training recorded what identifies them."),
				 errhint("Train with snapshot => 'copy' to keep them.")));
	if (!OidIsValid(ml_stored_relation(stored->table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the copy of the rows of snapshot %lld is gone", (long long) stored->snapshot_id),
				 errdetail("It was table %s, which was dropped, renamed or moved.", stored->table),
				 errhint("Restore the table under that name, or train again with snapshot => 'copy'.")));
	return stored->query;
}

char *
ml_stored_query(int64 snapshot)
{
	MlStored	stored;

	if (!ml_catalog_stored(snapshot, &stored))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("snapshot %lld does not exist", (long long) snapshot),
				 errhint("Give the number of a snapshot; ml.snapshots lists them.")));
	ml_access_require(stored.model, ml_catalog_owner(stored.model), ML_PRIV_READ);
	return ml_stored_check(&stored);
}

char *
ml_stored_query_of(const char *ref)
{
	MlVersionRef version;
	MlStored	stored;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	if (!ml_catalog_stored_of(version.model, version.version, &stored))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of model \"%s\" has no snapshot", version.version, version.model),
				 errdetail("It was trained with snapshot => 'none'."),
				 errhint("Train with snapshot => 'copy' to keep the rows.")));
	return ml_stored_check(&stored);
}

/* ---- how a source differs from a copy ---- */

static void
ml_stored_take_desc(void *ctx, TupleDesc desc)
{
	*(TupleDesc *) ctx = CreateTupleDescCopy(desc);
}

static bool
ml_stored_no_row(void *ctx, TupleTableSlot *slot)
{
	return false;
}

static void
ml_stored_nothing(void *ctx, TupleDesc desc)
{
}

/* Takes two counts. */
static bool
ml_stored_take_counts(void *ctx, TupleTableSlot *slot)
{
	int64	   *counts = ctx;

	slot_getallattrs(slot);
	for (int i = 0; i < 2; i++)
		counts[i] = DatumGetInt64(slot->tts_values[i]);
	return false;
}

/* The columns of a copy, for SELECT; NULL when the source lacks one. */
static char *
ml_stored_columns(TupleDesc desc, const MlLoad *load)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		found = false;

		for (int k = 0; k < load->ncolumns && !found; k++)
			found = strcmp(load->columns[k].name, NameStr(att->attname)) == 0 &&
				load->columns[k].declared == att->atttypid;
		if (!found)
			return NULL;
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : "", quote_identifier(NameStr(att->attname)));
	}
	return out.data;
}

bool
ml_stored_unmatched(const MlStored *stored, const MlLoad *load, int64 *gone, int64 *come)
{
	MlSourceReader reader = {0};
	TupleDesc	desc = NULL;
	int64		counts[2] = {0, 0};
	char	   *columns;

	reader.identity = load->identity;
	reader.describe = ml_stored_take_desc;
	reader.row = ml_stored_no_row;
	reader.ctx = &desc;
	(void) ml_source_read(psprintf("SELECT * FROM (%s) AS s LIMIT 0", stored->query), &reader, NULL);
	columns = ml_stored_columns(desc, load);
	if (columns == NULL)
		return false;
	reader.describe = ml_stored_nothing;
	reader.row = ml_stored_take_counts;
	reader.ctx = counts;
	(void) ml_source_read(psprintf("WITH recorded AS (SELECT %s FROM (%s) AS c), today AS (SELECT %s FROM %s AS s%s%s%s) "
								   "SELECT (SELECT pg_catalog.count(*) FROM (TABLE recorded EXCEPT ALL TABLE today) AS a), "
								   "(SELECT pg_catalog.count(*) FROM (TABLE today EXCEPT ALL TABLE recorded) AS b)",
								   columns, stored->query, columns, ml_source_from(&load->info),
								   load->target ? " WHERE s." : "", load->target ? quote_identifier(load->target) : "",
								   load->target ? " IS NOT NULL" : ""), &reader, NULL);
	*gone = counts[0];
	*come = counts[1];
	return true;
}
