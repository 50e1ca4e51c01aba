/*
 * catalog_quarantine.c - writes and reads rows that guards have set aside.
 *
 * Setting aside happens in the middle of users' statements, perhaps for many
 * of their rows, so it is not an SPI statement: the row is put into the table
 * and its indexes directly. None of those has an expression or a predicate, no
 * trigger fires on INSERT, and the constraints hold by construction. Like all
 * else in the transaction it is undone when that fails.
 */
#include "postgres.h"

#include "base/compat.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "store/quarantine.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

static void
ml_set_aside_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static Datum
ml_set_aside_name(const char *text)
{
	return DirectFunctionCall1(namein, CStringGetDatum(text));
}

void
ml_catalog_set_aside(const MlSetAside *aside)
{
	Relation	rel = table_open(ml_catalog_relation("quarantine"), RowExclusiveLock);
	Datum		values[ML_QUARANTINE_COLUMNS] = {0};
	bool		nulls[ML_QUARANTINE_COLUMNS] = {false};

	if (RelationGetDescr(rel)->natts != ML_QUARANTINE_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ml.quarantine\" is of another release"),
				 errdetail("It has %d columns; the library writes %d.", RelationGetDescr(rel)->natts,
						   ML_QUARANTINE_COLUMNS),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));
	values[0] = Int64GetDatum(nextval_internal(ml_catalog_relation("quarantine_quarantine_id_seq"), false));
	ml_set_aside_text(values, nulls, 1, aside->relation);
	values[2] = Int64GetDatum(aside->guard_id);
	ml_set_aside_text(values, nulls, 3, aside->suite);
	ml_set_aside_text(values, nulls, 4, aside->action);
	ml_set_aside_text(values, nulls, 5, aside->operation);
	values[6] = JsonbPGetDatum(aside->row);
	nulls[7] = aside->key == NULL;
	values[7] = aside->key ? JsonbPGetDatum(aside->key) : (Datum) 0;
	values[8] = DirectFunctionCall1(jsonb_in, CStringGetDatum(aside->failed_checks));
	values[9] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[10] = ml_set_aside_name(GetUserNameFromId(GetUserId(), false));
	values[11] = ml_set_aside_name(aside->owner);
	ml_set_aside_text(values, nulls, 12, aside->reason);
	nulls[13] = true;
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	table_close(rel, NoLock);
}

static Jsonb *
ml_quarantined_json(const char *text)
{
	return text ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))) : NULL;
}

bool
ml_catalog_quarantined(int64 quarantine_id, MlQuarantined *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_int8(&args, quarantine_id);
	if (ml_catalog_execute("SELECT q.relation, q.owner, q.guard_id, q.action, q.operation, q.\"row\", q.key "
						   "FROM ml.quarantine q WHERE q.quarantine_id = $1 FOR UPDATE", &args, &row) == 0)
		return false;
	out->relation = row.column[0];
	out->owner = row.column[1];
	out->guard_id = ml_row_int64(&row, 2);
	out->action = row.column[3];
	out->operation = row.column[4];
	out->row = ml_quarantined_json(row.column[5]);
	out->key = ml_quarantined_json(row.column[6]);
	return true;
}

void
ml_catalog_released(int64 quarantine_id)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, quarantine_id);
	ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	if (ml_catalog_execute("WITH q AS (DELETE FROM ml.quarantine WHERE quarantine_id = $1 RETURNING *) "
						   "INSERT INTO ml.releases (quarantine_id, relation, \"row\", was, failed_checks, quarantined_at, "
						   "quarantined_by, released_by, guard_id, suite, operation, key, owner) "
						   "SELECT q.quarantine_id, q.relation, q.\"row\", q.was, q.failed_checks, q.at, q.actor, $2, "
						   "q.guard_id, q.suite, q.operation, q.key, q.owner FROM q", &args, NULL) != 1)
		elog(ERROR, "quarantined row " INT64_FORMAT " is gone", quarantine_id);
}

int64
ml_catalog_guard_id(void)
{
	return nextval_internal(ml_catalog_relation("guard_id"), false);
}
