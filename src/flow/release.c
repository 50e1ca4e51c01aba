/*
 * release.c - ml.release: writes a row that was set aside to its table.
 *
 * The row is locked, written as the caller through all triggers of the table
 * and its row security, and moved to ml.releases, in one transaction. While it
 * is written the guard that set it aside lets it pass or raises an error.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/row_json.h"
#include "base/text.h"
#include "catalog/pg_attribute.h"
#include "flow/guard.h"
#include "flow/statement.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/quarantine.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* A statement under construction. */
typedef struct MlRelease
{
	Relation	rel;
	StringInfoData sql;
	MlStatementArg *args;
	int			nargs;
} MlRelease;

/* ---- fields ---- */

static const JsonbValue *
ml_release_field(Jsonb *row, const char *name, JsonbValue *out)
{
	return getKeyJsonValueFromContainer(&row->root, name, strlen(name), out);
}

static Form_pg_attribute
ml_release_column(Relation rel, const char *name, int length)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && (int) strlen(NameStr(att->attname)) == length &&
			memcmp(NameStr(att->attname), name, length) == 0)
			return att;
	}
	return NULL;
}

/* Refuses fields that are no column of the table which could take them. */
static void
ml_release_check_fields(Relation rel, Jsonb *row, bool key)
{
	JsonbIterator *iterator = JsonbIteratorInit(&row->root);
	JsonbIteratorToken token;
	JsonbValue	item;

	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		Form_pg_attribute att;
		char	   *name;

		if (token != WJB_KEY)
			continue;
		att = ml_release_column(rel, item.val.string.val, item.val.string.len);
		if (att != NULL && (key || att->attgenerated == '\0'))
			continue;
		name = pnstrdup(item.val.string.val, item.val.string.len);
		ereport(ERROR,
				(errcode(att ? ERRCODE_GENERATED_ALWAYS : ERRCODE_UNDEFINED_COLUMN),
				 att ? errmsg("column \"%s\" of table \"%s\" is generated", name, RelationGetRelationName(rel))
				 : errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), name),
				 errdetail("The quarantined row has a field of that name%s.", key ? " in its key" : ""),
				 errhint("Mend column \"row\" of ml.quarantine: its fields are the columns of the table.")));
	}
}

/* Adds a field as an argument and returns its number. */
static int
ml_release_arg(MlRelease *release, Form_pg_attribute att, const JsonbValue *field)
{
	MlStatementArg *arg = &release->args[release->nargs++];

	arg->type = att->atttypid;
	arg->value = ml_row_json_read(att, field, &arg->isnull);
	return release->nargs;
}

/* ---- statements ---- */

static void
ml_release_insert(MlRelease *release, Jsonb *row)
{
	TupleDesc	desc = RelationGetDescr(release->rel);
	StringInfoData names;
	StringInfoData numbers;

	initStringInfo(&names);
	initStringInfo(&numbers);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		JsonbValue	item;
		const JsonbValue *field = att->attisdropped ? NULL : ml_release_field(row, NameStr(att->attname), &item);

		if (field == NULL)
			continue;
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", quote_identifier(NameStr(att->attname)));
		appendStringInfo(&numbers, "%s$%d", numbers.len ? ", " : "", ml_release_arg(release, att, field));
	}
	appendStringInfo(&release->sql, "INSERT INTO %s", ml_name_relation(RelationGetRelid(release->rel)));
	if (release->nargs == 0)
		appendStringInfoString(&release->sql, " DEFAULT VALUES");
	else
		appendStringInfo(&release->sql, " (%s) OVERRIDING SYSTEM VALUE VALUES (%s)", names.data, numbers.data);
}

/* The condition that a column of the old row has a value: by the type's own equality, else by its text. */
static void
ml_release_equals(MlRelease *release, Form_pg_attribute att, const JsonbValue *field)
{
	const char *name = quote_identifier(NameStr(att->attname));
	Oid			operator = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR)->eq_opr;
	int			arg = ml_release_arg(release, att, field);

	if (release->args[arg - 1].isnull)
	{
		/* Unused otherwise, and the server wants to know a parameter's type. */
		release->nargs--;
		appendStringInfo(&release->sql, "%s IS NULL", name);
	}
	else if (OidIsValid(operator))
	{
		Oid			schema = get_func_namespace(get_opcode(operator));

		appendStringInfo(&release->sql, "%s OPERATOR(%s.%s) $%d", name, quote_identifier(get_namespace_name(schema)),
						 get_opname(operator), arg);
	}
	else
		appendStringInfo(&release->sql, "%s::pg_catalog.text OPERATOR(pg_catalog.=) $%d::pg_catalog.text", name, arg);
}

/* Whether the key is the table's primary key as it is now. */
static bool
ml_release_is_primary(Relation rel, Jsonb *key)
{
	Oid			primary;
	Relation	index;
	bool		same;

	primary = ml_compat_primary_key(rel);
	if (!OidIsValid(primary))
		return false;
	index = index_open(primary, AccessShareLock);
	same = IndexRelationGetNumberOfKeyAttributes(index) == (int) JB_ROOT_COUNT(key);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), index->rd_index->indkey.values[i] - 1);
		JsonbValue	item;

		same = same && ml_release_field(key, NameStr(att->attname), &item) != NULL;
	}
	index_close(index, AccessShareLock);
	return same;
}

/* The condition that a row has the key. */
static void
ml_release_where(MlRelease *release, Jsonb *key)
{
	TupleDesc	desc = RelationGetDescr(release->rel);
	bool		first = true;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		JsonbValue	item;
		const JsonbValue *field = att->attisdropped ? NULL : ml_release_field(key, NameStr(att->attname), &item);

		if (field == NULL)
			continue;
		appendStringInfoString(&release->sql, first ? "" : " AND ");
		ml_release_equals(release, att, field);
		first = false;
	}
	if (first)
		appendStringInfoString(&release->sql, "true");
}

/*
 * Sets every column but identities that only the server gives, of the one row
 * that has the key. Without a primary key rows may be equal in all columns:
 * then any one of them is changed.
 */
static void
ml_release_update(MlRelease *release, Jsonb *row, Jsonb *key)
{
	TupleDesc	desc = RelationGetDescr(release->rel);
	const char *table = ml_name_relation(RelationGetRelid(release->rel));
	bool		first = true;

	appendStringInfo(&release->sql, "UPDATE %s SET", table);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		JsonbValue	item;
		const JsonbValue *field = att->attisdropped || att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ? NULL :
			ml_release_field(row, NameStr(att->attname), &item);

		if (field == NULL)
			continue;
		appendStringInfo(&release->sql, "%s %s = $%d", first ? "" : ",", quote_identifier(NameStr(att->attname)),
						 ml_release_arg(release, att, field));
		first = false;
	}
	if (ml_release_is_primary(release->rel, key))
	{
		appendStringInfoString(&release->sql, " WHERE ");
		ml_release_where(release, key);
		return;
	}
	appendStringInfo(&release->sql, " WHERE (tableoid, ctid) OPERATOR(pg_catalog.=) (SELECT tableoid, ctid FROM %s WHERE ",
					 table);
	ml_release_where(release, key);
	appendStringInfoString(&release->sql, " LIMIT 1)");
}

static void
ml_release_submit(Oid relid, const MlQuarantined *quarantined)
{
	MlRelease	release = {0};
	bool		update = strcmp(quarantined->operation, "UPDATE") == 0;
	int			level;

	release.rel = relation_open(relid, RowExclusiveLock);
	release.args = palloc0(sizeof(MlStatementArg) * 2 * Max(RelationGetDescr(release.rel)->natts, 1));
	initStringInfo(&release.sql);
	ml_release_check_fields(release.rel, quarantined->row, false);
	level = ml_row_json_pin();
	if (update)
	{
		ml_release_check_fields(release.rel, quarantined->key, true);
		ml_release_update(&release, quarantined->row, quarantined->key);
	}
	else
		ml_release_insert(&release, quarantined->row);
	ml_row_json_unpin(level);
	if (ml_statement_run(release.sql.data, release.nargs, release.args) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 update ? errmsg("table \"%s\" has no row that the quarantined one could replace",
								 RelationGetRelationName(release.rel))
				 : errmsg("table \"%s\" did not take the quarantined row", RelationGetRelationName(release.rel)),
				 update ? errdetail("Its key is %s.", JsonbToCString(NULL, &quarantined->key->root, VARSIZE(quarantined->key)))
				 : errdetail("A trigger or a rule of the table has left it out."),
				 update ? errhint("If the row is not wanted any more, DELETE it from ml.quarantine.")
				 : errhint("The row stays in ml.quarantine.")));
	relation_close(release.rel, NoLock);
}

/* ---- the verb ---- */

static void
ml_release_context(void *arg)
{
	errcontext("release of quarantined row " INT64_FORMAT, *(const int64 *) arg);
}

/* Reads and locks a row of the caller's that can be released, and finds its table. */
static Oid
ml_release_find(int64 quarantine_id, MlQuarantined *quarantined)
{
	Oid			relid;

	if (!ml_catalog_quarantined(quarantine_id, quarantined) ||
		!ml_guard_may_mend(quarantined->guard_id, quarantined->relation, quarantined->owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no quarantined row " INT64_FORMAT, quarantine_id),
				 errdetail("It is released, deleted, or another owner's."),
				 errhint("Table ml.quarantine lists the rows that you may release.")));
	if (strcmp(quarantined->action, "quarantine") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("quarantined row " INT64_FORMAT " was only flagged", quarantine_id),
				 errdetail("It is in table %s.", quarantined->relation),
				 errhint("Correct it there, and DELETE it from ml.quarantine.")));
	relid = ml_guard_table(quarantined->guard_id, quarantined->relation);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s is gone", quarantined->relation),
				 errdetail("No table has guard " INT64_FORMAT ", and none has that name.", quarantined->guard_id),
				 errhint("Make a table of that name again, or take the row from ml.quarantine yourself.")));
	return relid;
}

void
ml_guard_release(int64 quarantine_id)
{
	ErrorContextCallback context = {error_context_stack, ml_release_context, &quarantine_id};
	MlQuarantined quarantined;
	Oid			relid = ml_release_find(quarantine_id, &quarantined);
	int64		before;

	error_context_stack = &context;
	before = ml_guard_set_releasing(quarantined.guard_id);
	PG_TRY();
	{
		ml_release_submit(relid, &quarantined);
	}
	PG_FINALLY();
	{
		(void) ml_guard_set_releasing(before);
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	ml_catalog_released(quarantine_id);
}
