/*
 * catalog_versions.c - reads what is recorded of versions, trainings and runs.
 *
 * Index scans under the active snapshot, as in catalog_read.c.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/htup_details.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* The artifact of a version under the active snapshot, detoasted. */
bytea *
ml_catalog_artifact(const char *model, int32 version)
{
	MlScan		scan;
	HeapTuple	tuple;
	bytea	   *artifact;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple == NULL)
		ml_report_no_version(model, ml_catalog_owner(model), version);
	artifact = DatumGetByteaPCopy(ml_scan_get(&scan, tuple, ML_VERSIONS_ARTIFACT, NULL));
	ml_scan_end(&scan);
	return artifact;
}

bytea *
ml_catalog_baseline(const char *model, int32 version)
{
	MlScan		scan;
	HeapTuple	tuple;
	bytea	   *baseline = NULL;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		none;
		Datum		value = ml_scan_get(&scan, tuple, ML_VERSIONS_BASELINE, &none);

		baseline = none ? NULL : DatumGetByteaPCopy(value);
	}
	ml_scan_end(&scan);
	return baseline;
}

/* The ids of the run and the snapshot of a version, and its trainer; without a snapshot the second is 0. */
static void
ml_read_training_ids(const char *model, int32 version, int64 *run, int64 *snapshot, char **trainer)
{
	MlScan		scan;
	HeapTuple	tuple;
	Datum		value;
	bool		none;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple == NULL)
		ml_report_no_version(model, ml_catalog_owner(model), version);
	*run = DatumGetInt64(ml_scan_get(&scan, tuple, ML_VERSIONS_RUN, NULL));
	value = ml_scan_get(&scan, tuple, ML_VERSIONS_SNAPSHOT, &none);
	*snapshot = none ? 0 : DatumGetInt64(value);
	*trainer = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_VERSIONS_CREATED_BY, NULL))));
	ml_scan_end(&scan);
}

/* A text member of a JSON object, or NULL. */
static char *
ml_read_member(Jsonb *json, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = NULL;

	if (JB_ROOT_IS_OBJECT(json))
		v = getKeyJsonValueFromContainer(&json->root, key, strlen(key), &buffer);
	return v != NULL && v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : NULL;
}

/* A text column, or NULL. */
static char *
ml_read_text(MlScan *scan, HeapTuple tuple, int column)
{
	bool		none;
	Datum		value = ml_scan_get(scan, tuple, column, &none);

	return none ? NULL : TextDatumGetCString(value);
}

int32
ml_catalog_newest(const char *model)
{
	MlScan		scan;
	HeapTuple	tuple;
	int32		newest = 0;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		kept;

		(void) ml_scan_get(&scan, tuple, ML_VERSIONS_ARCHIVED, &kept);
		if (kept)
			newest = Max(newest, DatumGetInt32(ml_scan_get(&scan, tuple, ML_VERSIONS_VERSION, NULL)));
	}
	ml_scan_end(&scan);
	return newest;
}

/* Reads a snapshot into the record of a training. */
static void
ml_read_snapshot(const char *model, int64 snapshot, MlTrainingRecord *out)
{
	MlScan		scan;
	HeapTuple	tuple;
	Datum		value;
	bool		none;

	ml_scan_begin(&scan, ML_SCAN_SNAPSHOT, model, snapshot, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		out->source = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_SNAPSHOTS_SOURCE, NULL));
		out->rows = DatumGetInt64(ml_scan_get(&scan, tuple, ML_SNAPSHOTS_ROWS, NULL));
		value = ml_scan_get(&scan, tuple, ML_SNAPSHOTS_FINGERPRINT, &none);
		out->fingerprint = none ? NULL : TextDatumGetCString(value);
		value = ml_scan_get(&scan, tuple, ML_SNAPSHOTS_PROFILE, &none);
		out->profile = none ? NULL : DatumGetJsonbPCopy(value);
	}
	ml_scan_end(&scan);
}

/* What was recorded of the training of a version; false when its source was not. */
bool
ml_catalog_training(const char *model, int32 version, MlTrainingRecord *out)
{
	MlScan		scan;
	HeapTuple	tuple;
	int64		run;
	int64		snapshot;
	char	   *reader;

	memset(out, 0, sizeof *out);
	ml_read_training_ids(model, version, &run, &snapshot, &out->trainer);
	out->run_id = run;
	if (snapshot != 0)
		ml_read_snapshot(model, snapshot, out);
	ml_scan_begin(&scan, ML_SCAN_RUNS, model, version, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		Datum		seed;
		bool		none;

		/* other runs may be about the version too */
		if (DatumGetInt64(ml_scan_get(&scan, tuple, ML_RUNS_RUN, NULL)) != run)
			continue;
		seed = ml_scan_get(&scan, tuple, ML_RUNS_SEED, &none);
		out->seed = none ? 0 : DatumGetInt64(seed);
		out->params = DatumGetJsonbPCopy(ml_scan_get(&scan, tuple, ML_RUNS_PARAMS, NULL));
		out->environment = DatumGetJsonbPCopy(ml_scan_get(&scan, tuple, ML_RUNS_ENVIRONMENT, NULL));
		out->search_path = ml_read_member(out->environment, "search_path");
		reader = ml_read_member(out->environment, "reader");
		if (reader != NULL)
			out->trainer = reader;
		out->experiment = ml_read_text(&scan, tuple, ML_RUNS_EXPERIMENT);
		out->code = ml_read_text(&scan, tuple, ML_RUNS_CODE);
	}
	ml_scan_end(&scan);
	return out->source != NULL && out->params != NULL;
}

/* The bytes of a version's artifact. */
int64
ml_catalog_artifact_bytes(const char *model, int32 version)
{
	MlScan		scan;
	HeapTuple	tuple;
	int64		bytes;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple == NULL)
		ml_report_no_version(model, ml_catalog_owner(model), version);
	bytes = DatumGetInt64(ml_scan_get(&scan, tuple, ML_VERSIONS_BYTES, NULL));
	ml_scan_end(&scan);
	return bytes;
}

/* A metric that the training of a version recorded; false when there is none, or no number. */
bool
ml_catalog_recorded_metric(const char *model, int32 version, const char *name, double *value)
{
	MlScan		scan;
	HeapTuple	tuple;
	bool		isnull = true;
	JsonbValue	buffer;
	JsonbValue *found = NULL;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		Datum		metrics = ml_scan_get(&scan, tuple, ML_VERSIONS_METRICS, &isnull);

		if (!isnull)
			found = getKeyJsonValueFromContainer(&DatumGetJsonbPCopy(metrics)->root, name, strlen(name), &buffer);
	}
	ml_scan_end(&scan);
	if (found == NULL || found->type != jbvNumeric)
		return false;
	*value = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(found->val.numeric)));
	return true;
}

/* The steps of a version as they were recorded; NULL when there is no such version. */
Jsonb *
ml_catalog_pipeline(const char *model, int32 version)
{
	MlScan		scan;
	HeapTuple	tuple;
	bool		isnull = true;
	Jsonb	   *steps = NULL;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		Datum		value = ml_scan_get(&scan, tuple, ML_VERSIONS_PIPELINE, &isnull);

		if (!isnull)
			steps = DatumGetJsonbPCopy(value);
	}
	ml_scan_end(&scan);
	return steps;
}

/* The task of a model; raises ERRCODE_UNDEFINED_OBJECT when there is no such model. */
char *
ml_catalog_task(const char *model)
{
	MlScan		scan;
	HeapTuple	tuple;
	char	   *task;

	ml_scan_begin(&scan, ML_SCAN_MODEL, model, 0, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple == NULL)
		ml_report_no_model(model);
	task = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_MODELS_TASK, NULL));
	ml_scan_end(&scan);
	return task;
}
