/*
 * catalog_monitor.c - how models are watched: settings, and what their versions were trained on by slice.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/drift.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ---- settings ---- */

/* The columns of ml.models. */
static void
ml_monitor_read_model(const char *model, MlMonitor *out)
{
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_MODEL, model, 0, NULL);
	if ((tuple = ml_scan_next(&scan)) == NULL)
		ml_report_no_model(model);
	out->slices = ml_scan_list(&scan, tuple, ML_MODELS_SLICES);
	ml_scan_end(&scan);
}

void
ml_catalog_monitor(const char *model, MlMonitor *out)
{
	MlScan		scan;
	HeapTuple	tuple;

	memset(out, 0, sizeof *out);
	out->alpha = ML_MONITOR_ALPHA;
	out->alert_after = out->alert_of = 1;
	ml_monitor_read_model(model, out);
	ml_scan_begin(&scan, ML_SCAN_MONITOR, model, 0, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		none;
		Datum		rows = ml_scan_get(&scan, tuple, ML_MONITOR_ROWS, &none);

		out->min_rows = none ? 0 : DatumGetInt32(rows);
		out->methods = ml_scan_list(&scan, tuple, ML_MONITOR_METHODS);
		out->alpha = DatumGetFloat8(ml_scan_get(&scan, tuple, ML_MONITOR_CHANCE, NULL));
		out->alert_after = DatumGetInt32(ml_scan_get(&scan, tuple, ML_MONITOR_AFTER, NULL));
		out->alert_of = DatumGetInt32(ml_scan_get(&scan, tuple, ML_MONITOR_OF, NULL));
		out->cyclic = ml_scan_list(&scan, tuple, ML_MONITOR_CYCLIC);
	}
	ml_scan_end(&scan);
}

/* Adds a List of char * as text[]; empty_null: NIL is NULL. */
static void
ml_monitor_arg_list(MlArgs *args, List *items, bool empty_null)
{
	char	  **texts = palloc(sizeof(char *) * Max(list_length(items), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, items)
		texts[n++] = lfirst(lc);
	if (n == 0 && empty_null)
		ml_arg(args, TEXTARRAYOID, (Datum) 0, true);
	else
		ml_bind_arg_texts(args, n, texts);
}

/* Writes what stands in the model's own row; without a monitor all of it is NULL. */
static void
ml_monitor_write_model(const MlModelRow *model, const MlMonitor *monitor)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model->model);
	ml_arg(&args, INTERVALOID, monitor != NULL ? IntervalPGetDatum(monitor->window_length) : (Datum) 0, monitor == NULL);
	if (monitor != NULL)
		ml_monitor_arg_list(&args, monitor->slices, false);
	else
		ml_monitor_arg_list(&args, NIL, true);
	ml_arg(&args, FLOAT8OID, monitor != NULL ? Float8GetDatum(monitor->log_fraction) : (Datum) 0, monitor == NULL);
	ml_catalog_execute("UPDATE ml.models SET window_length = $2, slices = $3, log_fraction = $4 WHERE model = $1",
					   &args, NULL);
}

/* Adds a list of names to an event's detail. */
static void
ml_monitor_detail_list(StringInfo detail, const char *name, List *items)
{
	StringInfoData json;
	ListCell   *lc;

	if (items == NIL)
		return;
	initStringInfo(&json);
	foreach(lc, items)
	{
		appendStringInfoChar(&json, json.len == 0 ? '[' : ',');
		ml_json_text(&json, lfirst(lc));
	}
	appendStringInfoChar(&json, ']');
	ml_detail_json(detail, name, json.data);
}

static void
ml_monitor_event(const MlModelRow *model, const MlMonitor *monitor)
{
	const Interval *length = monitor->window_length;
	StringInfoData detail;

	initStringInfo(&detail);
	/* not as text, which depends on the session's settings */
	ml_detail_json(&detail, "window_seconds", ml_text_number((double) length->day * SECS_PER_DAY + (double) length->time / USECS_PER_SEC));
	ml_monitor_detail_list(&detail, "slices", monitor->slices);
	ml_monitor_detail_list(&detail, "methods", monitor->methods);
	if (monitor->min_rows > 0)
		ml_detail_json(&detail, "min_rows", psprintf("%d", monitor->min_rows));
	ml_detail_text(&detail, "truth_source", monitor->truth_source);
	ml_detail_json(&detail, "log_fraction", ml_text_number(monitor->log_fraction));
	ml_detail_json(&detail, "alpha", ml_text_number(monitor->alpha));
	ml_detail_json(&detail, "alert_after", psprintf("%d", monitor->alert_after));
	ml_detail_json(&detail, "alert_of", psprintf("%d", monitor->alert_of));
	ml_monitor_detail_list(&detail, "cyclic", monitor->cyclic);
	ml_catalog_event("set_monitor", model, 0, &detail);
}

void
ml_catalog_set_monitor(const char *model_name, const MlMonitor *monitor)
{
	MlModelRow	model;
	MlArgs		args = {0};

	ml_catalog_lock(model_name, &model);
	ml_monitor_write_model(&model, monitor);
	/* baselines of slices that could not be made are tried again */
	ml_bind_arg_text(&args, model.model);
	ml_catalog_execute("DELETE FROM ml.slice_baselines WHERE model = $1 AND counts IS NULL", &args, NULL);
	if (monitor == NULL)
	{
		ml_catalog_execute("DELETE FROM ml.monitor_options WHERE model = $1", &args, NULL);
		ml_catalog_event("drop_monitor", &model, 0, NULL);
		return;
	}
	ml_monitor_arg_list(&args, monitor->methods, true);
	ml_arg(&args, INT4OID, Int32GetDatum(monitor->min_rows), monitor->min_rows == 0);
	ml_arg(&args, FLOAT8OID, Float8GetDatum(monitor->alpha), false);
	ml_bind_arg_int4(&args, monitor->alert_after);
	ml_bind_arg_int4(&args, monitor->alert_of);
	ml_monitor_arg_list(&args, monitor->cyclic, false);
	ml_bind_arg_text(&args, model.actor);
	ml_catalog_execute("INSERT INTO ml.monitor_options AS o (model, methods, min_rows, alpha, alert_after, "
					   "alert_of, cyclic, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
					   "ON CONFLICT (model) DO UPDATE SET methods = excluded.methods, min_rows = excluded.min_rows, "
					   "alpha = excluded.alpha, alert_after = excluded.alert_after, "
					   "alert_of = excluded.alert_of, cyclic = excluded.cyclic, set_by = excluded.set_by, "
					   "set_at = pg_catalog.clock_timestamp()", &args, NULL);
	ml_monitor_event(&model, monitor);
}

int32
ml_catalog_watched_version(const char *model)
{
	int32		version = ml_catalog_production(model);
	MlScan		scan;
	HeapTuple	tuple;

	if (version > 0)
		return version;
	ml_scan_begin(&scan, ML_SCAN_VERSION, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
		version = Max(version, DatumGetInt32(ml_scan_get(&scan, tuple, ML_VERSIONS_VERSION, NULL)));
	ml_scan_end(&scan);
	return version;
}

/* ---- baselines of slices ---- */

bytea *
ml_catalog_slice_baseline(const char *model, int32 version, List *slices, char **problem)
{
	MlScan		scan;
	HeapTuple	tuple;
	bytea	   *counts = NULL;
	char	   *why = "They have not been counted yet.";

	ml_scan_begin(&scan, ML_SCAN_SLICE_BASELINE, model, version, NULL);
	if ((tuple = ml_scan_next(&scan)) != NULL &&
		ml_text_same_list(ml_scan_list(&scan, tuple, ML_SLICED_SLICES), slices))
	{
		bool		none;
		Datum		value = ml_scan_get(&scan, tuple, ML_SLICED_COUNTS, &none);

		if (!none)
			counts = DatumGetByteaPCopy(value);
		value = ml_scan_get(&scan, tuple, ML_SLICED_PROBLEM, &none);
		why = none ? NULL : TextDatumGetCString(value);
	}
	ml_scan_end(&scan);
	if (problem != NULL)
		*problem = slices != NIL ? why : NULL;
	return counts;
}

void
ml_catalog_put_slice_baseline(const char *model, int32 version, List *slices, bytea *counts, const char *problem)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_monitor_arg_list(&args, slices, false);
	ml_arg(&args, BYTEAOID, PointerGetDatum(counts), counts == NULL);
	ml_bind_arg_text(&args, problem);
	ml_catalog_execute("INSERT INTO ml.slice_baselines (model, version, slices, counts, problem) "
					   "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (model, version) DO UPDATE SET slices = excluded.slices, "
					   "counts = excluded.counts, problem = excluded.problem, made_at = pg_catalog.clock_timestamp()",
					   &args, NULL);
}

List *
ml_catalog_slices_due(const char *model)
{
	MlArgs		args = {0};
	List	   *versions = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, model);
	foreach(lc, ml_catalog_rows("SELECT m.model, d.version, m.owner FROM ml.models m JOIN ml.deployments d USING (model) "
								"WHERE ($1 IS NULL OR m.model = $1) AND m.slices <> '{}' AND d.ended_at IS NULL "
								"AND d.role IN ('production', 'canary', 'shadow') AND NOT EXISTS ("
								"SELECT FROM ml.slice_baselines b WHERE b.model = d.model AND b.version = d.version "
								"AND b.slices = m.slices) ORDER BY 1, 2", &args))
	{
		const MlRow *row = lfirst(lc);
		MlVersionRef *version = palloc0(sizeof(MlVersionRef));

		version->model = row->column[0];
		version->version = (int32) ml_row_int64(row, 1);
		version->owner = row->column[2];
		versions = lappend(versions, version);
	}
	return versions;
}
