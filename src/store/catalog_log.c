/*
 * catalog_log.c - writes the prediction log: rows, and the partitions that hold a day of them each.
 *
 * Partitions are made while the server runs, so they are no members of the
 * extension: pg_dump takes them, with their rows, and attaches them to the
 * extension's table again. As partitions they depend on that table, and go
 * with it when the extension is dropped. Indexes belong to the partitions
 * alone: one of the whole table would be there before a dump is restored, and
 * give each partition an index of the name that the dump is about to create.
 *
 * A partition is made as a table and attached, which waits for no reader. To
 * drop one takes the table for itself for a moment; nobody is made to queue
 * for that.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "store/catalog_internal.h"
#include "store/prediction_log.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define ML_LOG_PARTITION	"prediction_log_"
#define ML_LOG_DROP_TRIES	20		/* to get the table for a drop, with so many milliseconds in between */
#define ML_LOG_DROP_WAIT	50

int32
ml_log_day(TimestampTz at)
{
	/* towards the past, also before 2000 */
	return (int32) (at >= 0 ? at / USECS_PER_DAY : -((-at + USECS_PER_DAY - 1) / USECS_PER_DAY));
}

/* A day as its date, with a separator between year, month and day. */
static char *
ml_log_date(int32 day, const char *separator)
{
	int			y;
	int			m;
	int			d;

	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return psprintf("%04d%s%02d%s%02d", y, separator, m, separator, d);
}

void
ml_catalog_log_partition(int32 day)
{
	Oid			parent = ml_catalog_relation("prediction_log");
	char	   *name = psprintf(ML_LOG_PARTITION "%s", ml_log_date(day, ""));

	if (OidIsValid(get_relname_relid(name, get_rel_namespace(parent))))
		return;
	ml_catalog_command(psprintf("CREATE TABLE ml.%s (LIKE ml.prediction_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)", name));
	ml_catalog_command(psprintf("CREATE INDEX %s_model_idx ON ml.%s (model, predicted_at)", name, name));
	ml_catalog_command(psprintf("CREATE INDEX %s_row_key_idx ON ml.%s (row_key)", name, name));
	/* whoever may read it by some default privilege would see what row security of the whole table hides */
	ml_catalog_command(psprintf("ALTER TABLE ml.%s ENABLE ROW LEVEL SECURITY", name));
	ml_catalog_command(psprintf("ALTER TABLE ml.prediction_log ATTACH PARTITION ml.%s "
								"FOR VALUES FROM ('%s 00:00:00+00') TO ('%s 00:00:00+00')",
								name, ml_log_date(day, "-"), ml_log_date(day + 1, "-")));
}

/* Adds an array parameter with one element for each row. */
static void
ml_log_arg(MlArgs *args, Oid array_type, Oid type, Datum *values, bool *nulls, int n)
{
	int			lower = 1;
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	ml_arg(args, array_type,
		   PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, length, by_value, align)), false);
}

/* The value of one column of a row. */
static Datum
ml_log_value(const MlLogEntry *entry, int column, bool *isnull)
{
	char		digest[2 * ML_LOG_DIGEST_BYTES + 1];

	*isnull = false;
	switch (column)
	{
		case 0:
			return TimestampTzGetDatum(entry->at);
		case 1:
			return CStringGetTextDatum(entry->model);
		case 2:
			return Int32GetDatum(entry->version);
		case 3:
			digest[hex_encode((const char *) entry->digest, ML_LOG_DIGEST_BYTES, digest)] = '\0';
			return CStringGetTextDatum(digest);
		case 4:
			return CStringGetTextDatum(ml_serving_role_name(entry->role));
		case 5:
			return JsonbPGetDatum(entry->features);
		case 6:
			return CStringGetTextDatum(entry->prediction);
		case 7:
			*isnull = isnan(entry->probability);
			return Float8GetDatum(entry->probability);
		default:
			return CStringGetTextDatum(psprintf("%016llx", (unsigned long long) entry->row_key));
	}
}

int64
ml_catalog_log_write(List *entries)
{
	/* the arrays and their elements, in the order of ml_log_value */
	static const Oid types[][2] = {
		{TIMESTAMPTZARRAYOID, TIMESTAMPTZOID}, {TEXTARRAYOID, TEXTOID}, {INT4ARRAYOID, INT4OID},
		{TEXTARRAYOID, TEXTOID}, {TEXTARRAYOID, TEXTOID}, {JSONBARRAYOID, JSONBOID}, {TEXTARRAYOID, TEXTOID},
		{FLOAT8ARRAYOID, FLOAT8OID}, {TEXTARRAYOID, TEXTOID},
	};
	int			n = list_length(entries);
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	MlArgs		args = {0};

	for (int c = 0; c < (int) lengthof(types); c++)
	{
		ListCell   *lc;

		foreach(lc, entries)
			values[foreach_current_index(lc)] = ml_log_value(lfirst(lc), c, &nulls[foreach_current_index(lc)]);
		ml_log_arg(&args, types[c][0], types[c][1], values, nulls, n);
	}
	/* a version that is being dropped is waited for, and its rows are written before it goes or not at all */
	return (int64) ml_catalog_execute(
									  "WITH live AS MATERIALIZED ("
									  "SELECT v.model, v.version, v.artifact_sha256 FROM ml.versions v "
									  "WHERE (v.model, v.version) IN (SELECT u.model, u.version "
									  "FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS u (model, version)) "
									  "FOR KEY SHARE OF v) "
									  "INSERT INTO ml.prediction_log "
									  "(predicted_at, model, version, role, features, prediction, probability, row_key) "
									  "SELECT u.predicted_at, u.model, u.version, u.role, u.features, u.prediction, "
									  "u.probability, u.row_key FROM ROWS FROM (pg_catalog.unnest($1), "
									  "pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), "
									  "pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7), "
									  "pg_catalog.unnest($8), pg_catalog.unnest($9)) AS u (predicted_at, model, version, "
									  "digest, role, features, prediction, probability, row_key) "
									  "JOIN live l ON l.model = u.model AND l.version = u.version "
									  "AND l.artifact_sha256 LIKE u.digest || '%'", &args, NULL);
}

/* Locks a relation for a drop if it can be had within a moment, with nobody waiting behind. */
static bool
ml_log_lock(Oid relation)
{
	for (int i = 0; i < ML_LOG_DROP_TRIES; i++)
	{
		if (ConditionalLockRelationOid(relation, AccessExclusiveLock))
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ML_LOG_DROP_WAIT, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

bool
ml_catalog_log_expire(int32 day)
{
	Oid			parent = ml_catalog_relation("prediction_log");
	MlArgs		args = {0};
	List	   *names;
	ListCell   *lc;

	ml_bind_arg_text(&args, psprintf(ML_LOG_PARTITION "%s", ml_log_date(day, "")));
	names = ml_catalog_rows("SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid "
							"WHERE i.inhparent = 'ml.prediction_log'::regclass "
							"AND c.relname ~ '^prediction_log_[0-9]{8}$' AND c.relname < $1 ORDER BY c.relname", &args);
	foreach(lc, names)
	{
		const char *name = ((MlRow *) lfirst(lc))->column[0];

		if (!ml_log_lock(parent) || !ml_log_lock(get_relname_relid(name, get_rel_namespace(parent))))
			return false;
		ml_catalog_command(psprintf("DROP TABLE ml.%s", quote_identifier(name)));
	}
	return true;
}
