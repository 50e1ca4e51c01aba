/*
 * judge.c - ml.set_monitor, ml.monitor_source, ml.drift_between, and what stands behind ml.monitors, ml.profiles, ml.drift_report.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "base/text.h"
#include "flow/drift_source.h"
#include "flow/watch.h"
#include "funcapi.h"
#include "monitor/judge.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "worker/launcher.h"

/* ---- how a model is watched ---- */

/* The arguments of ml.set_monitor, in order. */
enum
{
	ML_MONITOR_ARG_MODEL,
	ML_MONITOR_ARG_WINDOW,
	ML_MONITOR_ARG_SLICES,
	ML_MONITOR_ARG_METHODS,
	ML_MONITOR_ARG_MIN_ROWS,
	ML_MONITOR_ARG_TRUTH,
	ML_MONITOR_ARG_LOG,
	ML_MONITOR_ARG_ALPHA,
	ML_MONITOR_ARG_AFTER,
	ML_MONITOR_ARG_OF,
	ML_MONITOR_ARG_CYCLIC
};

/* ml.set_monitor(model, window_length, ...) */
ML_FUNCTION(ml_set_monitor)
{
	char	   *model = ml_arg_required(fcinfo, ML_MONITOR_ARG_MODEL, "model");
	MlMonitor	monitor = {0};

	if (PG_ARGISNULL(ML_MONITOR_ARG_WINDOW))
	{
		ml_watch_drop(model);
		ml_worker_wake_at_commit();
		PG_RETURN_VOID();
	}
	monitor.window_length = PG_GETARG_INTERVAL_P(ML_MONITOR_ARG_WINDOW);
	monitor.slices = ml_arg_list(fcinfo, ML_MONITOR_ARG_SLICES, "slices");
	monitor.methods = ml_arg_list(fcinfo, ML_MONITOR_ARG_METHODS, "methods");
	if (!PG_ARGISNULL(ML_MONITOR_ARG_MIN_ROWS))
	{
		monitor.min_rows = PG_GETARG_INT32(ML_MONITOR_ARG_MIN_ROWS);
		if (monitor.min_rows < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("min_rows must be 1 or more"),
					 errdetail("It is %d.", monitor.min_rows),
					 errhint("Leave it out to have it chosen by the number of bins: %d for ten.", ML_MONITOR_MIN_ROWS)));
	}
	monitor.truth_source = ml_arg_text(fcinfo, ML_MONITOR_ARG_TRUTH);
	monitor.log_fraction = PG_ARGISNULL(ML_MONITOR_ARG_LOG) ? 0 : PG_GETARG_FLOAT8(ML_MONITOR_ARG_LOG);
	monitor.alpha = PG_ARGISNULL(ML_MONITOR_ARG_ALPHA) ? ML_MONITOR_ALPHA : PG_GETARG_FLOAT8(ML_MONITOR_ARG_ALPHA);
	monitor.alert_after = PG_ARGISNULL(ML_MONITOR_ARG_AFTER) ? 1 : PG_GETARG_INT32(ML_MONITOR_ARG_AFTER);
	monitor.alert_of = PG_ARGISNULL(ML_MONITOR_ARG_OF) ? 1 : PG_GETARG_INT32(ML_MONITOR_ARG_OF);
	monitor.cyclic = ml_arg_list(fcinfo, ML_MONITOR_ARG_CYCLIC, "cyclic");
	ml_watch_set(model, &monitor);
	ml_worker_wake_at_commit();
	PG_RETURN_VOID();
}

/* ml.drop_monitor(model) */
ML_FUNCTION(ml_drop_monitor)
{
	ml_watch_drop(ml_arg_required(fcinfo, 0, "model"));
	ml_worker_wake_at_commit();
	PG_RETURN_VOID();
}

/* ml.watched(model): what ml.monitors tells beside the settings. */
ML_FUNCTION(ml_watched)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	MlWatched	watched = {0};
	TupleDesc	desc;
	Datum		values[6] = {0};
	bool		nulls[6] = {true, true, true, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (ml_access_allowed(model, ml_catalog_owner(model), ML_PRIV_READ))
	{
		ml_watch_describe(model, &watched);
		values[0] = Int32GetDatum(watched.version);
		nulls[0] = watched.version == 0;
		values[1] = ml_result_list(watched.columns);
		values[2] = ml_result_list(watched.methods);
		values[3] = Int32GetDatum(watched.min_rows);
		values[4] = Float8GetDatum(watched.false_alarms);
		nulls[1] = nulls[2] = nulls[3] = nulls[4] = false;
		ml_put_text(values, nulls, 5, watched.problem);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ---- drift of sources ---- */

/* The columns of ml.drift, in order. */
enum
{
	ML_DRIFT_COL_MODEL,
	ML_DRIFT_COL_VERSION,
	ML_DRIFT_COL_START,
	ML_DRIFT_COL_END,
	ML_DRIFT_COL_KEY,
	ML_DRIFT_COL_VALUE,
	ML_DRIFT_COL_COLUMN,
	ML_DRIFT_COL_TYPE,
	ML_DRIFT_COL_METHOD,
	ML_DRIFT_COL_STATISTIC,
	ML_DRIFT_COL_P,
	ML_DRIFT_COL_LIMIT,
	ML_DRIFT_COL_REFERENCE,
	ML_DRIFT_COL_N,
	ML_DRIFT_COL_VERDICT,
	ML_DRIFT_COL_ROLE,
	ML_DRIFT_COL_ALPHA,
	ML_DRIFT_COL_FLOOR,
	ML_DRIFT_COL_LOOK,
	ML_DRIFT_COL_AT,
	ML_DRIFT_COLS
};

static void
ml_drift_put(void *ctx, const char *model, int32 version, const MlDriftRow *row)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[ML_DRIFT_COLS] = {0};
	bool		nulls[ML_DRIFT_COLS] = {false};

	ml_put_text(values, nulls, ML_DRIFT_COL_MODEL, model);
	values[ML_DRIFT_COL_VERSION] = Int32GetDatum(version);
	nulls[ML_DRIFT_COL_VERSION] = version == 0;
	nulls[ML_DRIFT_COL_START] = nulls[ML_DRIFT_COL_END] = nulls[ML_DRIFT_COL_ROLE] = true;
	ml_put_text(values, nulls, ML_DRIFT_COL_KEY, row->slice_key);
	ml_put_text(values, nulls, ML_DRIFT_COL_VALUE, row->slice_value);
	ml_put_text(values, nulls, ML_DRIFT_COL_COLUMN, row->column_name);
	ml_put_text(values, nulls, ML_DRIFT_COL_TYPE, ml_drift_type_name(row->type));
	ml_put_text(values, nulls, ML_DRIFT_COL_METHOD, row->method->name);
	ml_put_number(values, nulls, ML_DRIFT_COL_STATISTIC, row->result.statistic);
	ml_put_number(values, nulls, ML_DRIFT_COL_P, row->result.p_value);
	ml_put_number(values, nulls, ML_DRIFT_COL_LIMIT, row->result.limit);
	values[ML_DRIFT_COL_REFERENCE] = Int64GetDatum(row->n_reference);
	values[ML_DRIFT_COL_N] = Int64GetDatum(row->n);
	ml_put_text(values, nulls, ML_DRIFT_COL_VERDICT, ml_drift_verdict_name(row->verdict));
	ml_put_number(values, nulls, ML_DRIFT_COL_ALPHA, row->alpha);
	ml_put_number(values, nulls, ML_DRIFT_COL_FLOOR, row->floor);
	values[ML_DRIFT_COL_LOOK] = Int32GetDatum(1);
	values[ML_DRIFT_COL_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Opens the result, whose rows are those of ml.drift. */
static void
ml_drift_results(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	if (((ReturnSetInfo *) fcinfo->resultinfo)->setDesc->natts != ML_DRIFT_COLS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("ml.drift does not match this library"),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));
}

/* ml.monitor_source(model_ref, source) */
ML_FUNCTION(ml_monitor_source)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	char	   *source = ml_arg_required(fcinfo, 1, "source");

	ml_drift_results(fcinfo);
	ml_drift_of_source(ref, source, ml_drift_put, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ml.drift_between(reference, current, methods) */
ML_FUNCTION(ml_drift_between)
{
	char	   *reference = ml_arg_required(fcinfo, 0, "reference");
	char	   *current = ml_arg_required(fcinfo, 1, "current");
	List	   *methods = ml_arg_list(fcinfo, 2, "methods");

	ml_drift_results(fcinfo);
	ml_drift_of_sources(reference, current, methods, ml_drift_put, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ---- counts ---- */

/* The bins with their rows, in order, as JSON. */
static Datum
ml_profile_bins(const MlBins *bins, const MlColumnCounts *counts)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int b = 0; b < bins->nbins; b++)
	{
		appendStringInfoString(&json, b == 0 ? "[{\"bin\": " : ", {\"bin\": ");
		ml_json_text(&json, ml_bins_label(bins, b));
		appendStringInfo(&json, ", \"rows\": %lld}", (long long) counts->bins[b]);
	}
	appendStringInfoChar(&json, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Puts a share, which is NULL where the column has no such bin or no rows. */
static void
ml_profile_share(Datum *values, bool *nulls, int i, const MlColumnCounts *counts, int bin)
{
	ml_put_number(values, nulls, i, bin < 0 || counts->rows == 0 ? NAN : (double) counts->bins[bin] / (double) counts->rows);
}

/* The figures of a column, from null_share on. */
static void
ml_profile_figures(Datum *values, bool *nulls, const MlBins *bins, const MlColumnCounts *counts)
{
	ml_profile_share(values, nulls, 0, counts, ml_bins_null(bins));
	ml_profile_share(values, nulls, 1, counts, ml_bins_nan(bins));
	ml_profile_share(values, nulls, 2, counts, ml_bins_unseen(bins));
	ml_put_number(values, nulls, 3, counts->mean);
	ml_put_number(values, nulls, 4, sqrt(counts->variance));
	ml_put_number(values, nulls, 5, counts->min);
	ml_put_number(values, nulls, 6, counts->max);
	values[7] = ml_profile_bins(bins, counts);
	nulls[7] = false;
}

/* A window, decoded; false where there is no baseline to read it by. */
static bool
ml_profile_window(FunctionCallInfo fcinfo, int counts_arg, MlBaseline **baseline, int **slices, int *nslices, MlCounts *counts)
{
	MlCountsShape shape;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(counts_arg))
		return false;
	*baseline = ml_baseline_decode(PG_GETARG_BYTEA_PP(0));
	*nslices = ml_judge_slices(*baseline, ml_arg_list(fcinfo, 1, "slices"), slices);
	ml_counts_decode(PG_GETARG_BYTEA_PP(counts_arg), counts);
	ml_counts_shape(&shape, *baseline, *nslices, *slices);
	if (!ml_counts_same_shape(&shape, &counts->shape))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the counts do not fit the baseline"),
				 errdetail("They have %d columns in %d sets, the baseline has %d in %d.", counts->shape.ncolumns,
						   counts->shape.nsets, shape.ncolumns, shape.nsets),
				 errhint("Pass the baseline of the version that the counts are of.")));
	return true;
}

/* ml.window_profile(baseline, slices, counts) */
ML_FUNCTION(ml_window_profile)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MlBaseline *baseline;
	MlCounts	counts;
	int		   *slices;
	int			nslices;

	InitMaterializedSRF(fcinfo, 0);
	if (!ml_profile_window(fcinfo, 2, &baseline, &slices, &nslices, &counts))
		return (Datum) 0;
	for (int set = 0; set < counts.shape.nsets; set++)
	{
		const char *key = NULL;
		const char *value = NULL;

		if (set > 0)
		{
			int			column;
			int			bin;

			if (ml_counts_rows(&counts, set) == 0)
				continue;
			ml_slice_of(baseline, nslices, slices, set, &column, &bin);
			key = baseline->bins[column].name;
			value = ml_bins_label(&baseline->bins[column], bin);
		}
		for (int i = 0; i < baseline->ncolumns; i++)
		{
			const MlBins *bins = &baseline->bins[i];
			MlColumnCounts column;
			Datum		values[12] = {0};
			bool		nulls[12] = {false};

			ml_counts_read(&counts, set, i, bins, &column);
			ml_put_text(values, nulls, 0, key);
			ml_put_text(values, nulls, 1, value);
			ml_put_text(values, nulls, 2, bins->name);
			values[3] = Int64GetDatum(column.rows);
			ml_profile_figures(values + 4, nulls + 4, bins, &column);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

/* ml.baseline(model_ref) */
ML_FUNCTION(ml_baseline)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	MlVersionRef version;
	MlBaseline *baseline;
	bytea	   *bytes;

	InitMaterializedSRF(fcinfo, 0);
	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	bytes = ml_catalog_baseline(version.model, version.version);
	if (bytes == NULL)
		return (Datum) 0;
	baseline = ml_baseline_decode(bytes);
	for (int i = 0; i < baseline->ncolumns; i++)
	{
		const MlBins *bins = &baseline->bins[i];
		MlColumnCounts column;
		Datum		values[11] = {0};
		bool		nulls[11] = {false};

		ml_counts_read(&baseline->counts, 0, i, bins, &column);
		ml_put_text(values, nulls, 0, bins->name);
		values[1] = Int64GetDatum(column.rows);
		ml_put_number(values, nulls, 2, baseline->distinct[i]);
		ml_profile_figures(values + 3, nulls + 3, bins, &column);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The set of a slice by its names, or -1. */
static int
ml_changed_set(const MlBaseline *baseline, int nslices, const int *slices, int nsets, const char *key, const char *value)
{
	if (key == NULL || value == NULL)
		return 0;
	for (int set = 1; set < nsets; set++)
	{
		int			column;
		int			bin;

		ml_slice_of(baseline, nslices, slices, set, &column, &bin);
		if (strcmp(baseline->bins[column].name, key) == 0 && strcmp(ml_bins_label(&baseline->bins[column], bin), value) == 0)
			return set;
	}
	return -1;
}

/* ml.what_changed(baseline, slices, sliced, counts, column_name, slice_key, slice_value) */
ML_FUNCTION(ml_what_changed)
{
	MlBaseline *baseline;
	MlCounts	counts;
	MlCounts	reference;
	MlColumnCounts then;
	MlColumnCounts now;
	int		   *slices;
	int			nslices;
	int			column;
	int			set;

	if (PG_ARGISNULL(4) || !ml_profile_window(fcinfo, 3, &baseline, &slices, &nslices, &counts))
		PG_RETURN_NULL();
	column = ml_baseline_find(baseline, ml_arg_text(fcinfo, 4));
	set = ml_changed_set(baseline, nslices, slices, counts.shape.nsets, ml_arg_text(fcinfo, 5), ml_arg_text(fcinfo, 6));
	if (column < 0 || set < 0 || (set > 0 && PG_ARGISNULL(2)))
		PG_RETURN_NULL();
	reference = baseline->counts;
	if (set > 0)
	{
		ml_counts_decode(PG_GETARG_BYTEA_PP(2), &reference);
		if (!ml_counts_same_shape(&reference.shape, &counts.shape))
			PG_RETURN_NULL();
	}
	ml_counts_read(&reference, set, column, &baseline->bins[column], &then);
	ml_counts_read(&counts, set, column, &baseline->bins[column], &now);
	PG_RETURN_TEXT_P(cstring_to_text(ml_judge_words(&baseline->bins[column], &then, &now)));
}
