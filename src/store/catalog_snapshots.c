/*
 * catalog_snapshots.c - copies of what trainings read, and what is needed to repeat a training.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"

int64
ml_catalog_snapshot_number(void)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_catalog_execute("SELECT pg_catalog.nextval('ml.snapshots_snapshot_id_seq')", &args, &row);
	return ml_row_int64(&row, 0);
}

/* A text column of the current row, or NULL. */
static char *
ml_snapshot_text(MlScan *scan, HeapTuple tuple, int column)
{
	bool		none;
	Datum		value = ml_scan_get(scan, tuple, column, &none);

	return none ? NULL : TextDatumGetCString(value);
}

bool
ml_catalog_stored(int64 snapshot, MlStored *out)
{
	MlScan		scan;
	HeapTuple	tuple;

	memset(out, 0, sizeof *out);
	if (snapshot <= 0)
		return false;
	ml_scan_begin(&scan, ML_SCAN_SNAPSHOT_NUMBER, NULL, snapshot, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		out->snapshot_id = snapshot;
		out->model = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_SNAPSHOTS_MODEL, NULL));
		out->table = ml_snapshot_text(&scan, tuple, ML_SNAPSHOTS_STORED_AS);
		out->query = ml_snapshot_text(&scan, tuple, ML_SNAPSHOTS_STORED_QUERY);
	}
	ml_scan_end(&scan);
	return out->snapshot_id != 0;
}

bool
ml_catalog_stored_of(const char *model, int32 version, MlStored *out)
{
	MlScan		scan;
	HeapTuple	tuple;
	int64		snapshot = 0;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		none;
		Datum		value = ml_scan_get(&scan, tuple, ML_VERSIONS_SNAPSHOT, &none);

		snapshot = none ? 0 : DatumGetInt64(value);
	}
	ml_scan_end(&scan);
	return ml_catalog_stored(snapshot, out);
}

bool
ml_catalog_version_facts(const char *model, int32 version, MlVersionFacts *out)
{
	MlScan		scan;
	HeapTuple	tuple;

	memset(out, 0, sizeof *out);
	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		none;
		Datum		metrics = ml_scan_get(&scan, tuple, ML_VERSIONS_METRICS, &none);

		out->algorithm = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_VERSIONS_ALGORITHM, NULL));
		out->metrics = none ? NULL : DatumGetJsonbPCopy(metrics);
	}
	ml_scan_end(&scan);
	return out->algorithm != NULL;
}
