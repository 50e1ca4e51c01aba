/*
 * serving.c - what stands behind ml.stat_serving and ml.live_profile.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "base/shared.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "flow/serving.h"
#include "monitor/counters.h"
#include "store/access.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define ML_SERVING_COLUMNS	13

/* The owner of a model that the current user may know of; NULL when it is gone, or not for him. */
static char *
ml_serving_owner(const char *model)
{
	char	   *owner;

	return ml_catalog_model_exists(model, &owner) && ml_access_allowed(model, owner, ML_PRIV_ANY) ? owner : NULL;
}

/* The microseconds below which a share of the timed rows stay; within a bin times are spread as their logarithms are. */
static double
ml_serving_quantile(const MlServingTotals *t, double share)
{
	double		target = share * (double) t->samples;
	double		before = 0;

	for (int b = 0; b < ML_LATENCY_BINS; b++)
	{
		double		n = (double) t->latency[b];

		if (n > 0 && before + n >= target)
		{
			double		low = ml_latency_bin_ns(b);

			return low * pow(ml_latency_bin_ns(b + 1) / low, (target - before) / n) / 1000;
		}
		before += n;
	}
	return NAN;
}

/* Puts a line; of the server's rows that not even had one, without a model. */
static void
ml_serving_put(FunctionCallInfo fcinfo, const char *model, int32 version, int32 role, const MlServingTotals *t)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[ML_SERVING_COLUMNS];
	bool		nulls[ML_SERVING_COLUMNS] = {0};

	nulls[0] = nulls[1] = nulls[2] = model == NULL;
	values[0] = model ? CStringGetTextDatum(model) : (Datum) 0;
	values[1] = Int32GetDatum(version);
	values[2] = model ? CStringGetTextDatum(ml_serving_role_name((MlServingRole) role)) : (Datum) 0;
	values[3] = Int64GetDatum((int64) t->count.rows);
	values[4] = Int64GetDatum((int64) t->count.errors);
	values[5] = Int64GetDatum((int64) t->count.rejected);
	values[6] = Float8GetDatum(t->samples > 0 ? (double) t->ns / (double) t->samples / 1000 : 0);
	values[7] = Float8GetDatum(ml_serving_quantile(t, 0.5));
	values[8] = Float8GetDatum(ml_serving_quantile(t, 0.99));
	nulls[6] = nulls[7] = nulls[8] = t->samples == 0;
	values[9] = TimestampTzGetDatum(t->since);
	nulls[9] = t->since == 0;
	values[10] = Int64GetDatum((int64) t->count.invalid);
	values[11] = Int64GetDatum((int64) t->dropped);
	values[12] = TimestampTzGetDatum(t->last);
	nulls[12] = t->last == 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.list_serving(): since the server started; without shared memory, of this session. */
ML_FUNCTION(ml_list_serving)
{
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (ml_shared_ready())
	{
		ml_counters_hand_over();
		foreach(lc, ml_counters_serving())
		{
			const MlServingLine *line = lfirst(lc);

			if (ml_serving_owner(line->key.model) != NULL)
				ml_serving_put(fcinfo, line->key.model, line->key.version, line->key.role, &line->totals);
		}
		if (ml_counters_lost() > 0)
		{
			MlServingTotals lost = {0};

			lost.dropped = ml_counters_lost();
			ml_serving_put(fcinfo, NULL, 0, 0, &lost);
		}
		return (Datum) 0;
	}
	foreach(lc, ml_serving_lines())
	{
		const MlSessionLine *line = lfirst(lc);
		MlServingTotals totals = {0};

		totals.count = line->count;
		ml_serving_put(fcinfo, line->model, line->version, (int32) line->role, &totals);
	}
	return (Datum) 0;
}

/* ml.list_live_windows(model): what is counted and not written yet. */
ML_FUNCTION(ml_list_live_windows)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_READ);
	if (!ml_shared_ready())
		return (Datum) 0;
	ml_counters_hand_over();
	foreach(lc, ml_counters_windows(model))
	{
		const MlWindowCounts *window = lfirst(lc);
		int			n = list_length(window->slices);
		Datum	   *slices = palloc(sizeof(Datum) * Max(n, 1));
		Datum		values[7];
		bool		nulls[7] = {0};

		for (int i = 0; i < n; i++)
			slices[i] = CStringGetTextDatum(list_nth(window->slices, i));
		values[0] = CStringGetTextDatum(window->key.model);
		values[1] = Int32GetDatum(window->key.version);
		values[2] = CStringGetTextDatum(ml_serving_role_name((MlServingRole) window->key.role));
		values[3] = TimestampTzGetDatum(window->start);
		values[4] = TimestampTzGetDatum(window->end);
		values[5] = PointerGetDatum(construct_array(slices, n, TEXTOID, -1, false, TYPALIGN_INT));
		values[6] = PointerGetDatum(ml_counts_encode(&window->counts));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
