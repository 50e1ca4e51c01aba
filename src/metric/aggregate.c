/*
 * aggregate.c - the support functions of the metric aggregates.
 *
 * A transition function passes over rows with a NULL and hands the others to
 * the metric's own add. All of them refuse to run outside an aggregate, and
 * take no state on trust: users may declare aggregates with them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/ranking.h"

#include "utils/builtins.h"
#include "utils/typcache.h"

/* Returns the memory context of the aggregate that calls; raises an error when none does. */
static MemoryContext
ml_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("support function of a metric was called outside an aggregate"),
				 errhint("Call the aggregate itself, such as ml.rmse.")));
	return context;
}

/* Returns whether the row has a NULL, in which case *result is the unchanged state. */
static inline bool
ml_aggregate_skip(FunctionCallInfo fcinfo, Datum *result)
{
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		return false;
	fcinfo->isnull = PG_ARGISNULL(0);
	*result = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	return true;
}

/* Counts a row into a state of fixed size. */
static inline Datum
ml_aggregate_add(FunctionCallInfo fcinfo, const MlMetric *metric, const MlMetricRow *row)
{
	MlTally    *tally;

	/* The executor copies a new state into the aggregate's context; made there, it would be there twice. */
	if (PG_ARGISNULL(0))
		tally = metric->kind->open(metric->kind, CurrentMemoryContext);
	else
		tally = ml_tally_in_place(PG_GETARG_DATUM(0), metric->kind);
	metric->add(tally, row);
	PG_RETURN_POINTER(tally);
}

/* Counts a row (y, y_hat). */
static inline Datum
ml_aggregate_add_values(FunctionCallInfo fcinfo, const MlMetric *metric)
{
	MlMetricRow row;
	Datum		result;

	ml_aggregate_context(fcinfo);
	if (ml_aggregate_skip(fcinfo, &result))
		return result;
	row.y = PG_GETARG_FLOAT8(1);
	row.y_hat = PG_GETARG_FLOAT8(2);
	return ml_aggregate_add(fcinfo, metric, &row);
}

/* Counts a row (label, p). */
static inline Datum
ml_aggregate_add_probability(FunctionCallInfo fcinfo, const MlMetric *metric)
{
	MlMetricRow row;
	Datum		result;

	ml_aggregate_context(fcinfo);
	if (ml_aggregate_skip(fcinfo, &result))
		return result;
	row.label = PG_GETARG_BOOL(1);
	row.p = PG_GETARG_FLOAT8(2);
	return ml_aggregate_add(fcinfo, metric, &row);
}

/* Computes a metric from a state of fixed size. */
static Datum
ml_aggregate_value(FunctionCallInfo fcinfo, const MlMetric *metric)
{
	double		value;

	ml_aggregate_context(fcinfo);
	if (!metric->value(ml_tally_fetch(PG_GETARG_DATUM(0), metric->kind, NULL), &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* ml.rmse_accum(state bytea, y float8, y_hat float8) -> bytea, and so on. */

ML_FUNCTION(ml_rmse_accum)
{
	return ml_aggregate_add_values(fcinfo, &ml_metric_rmse);
}

ML_FUNCTION(ml_mae_accum)
{
	return ml_aggregate_add_values(fcinfo, &ml_metric_mae);
}

ML_FUNCTION(ml_r2_accum)
{
	return ml_aggregate_add_values(fcinfo, &ml_metric_r2);
}

ML_FUNCTION(ml_mape_accum)
{
	return ml_aggregate_add_values(fcinfo, &ml_metric_mape);
}

ML_FUNCTION(ml_log_loss_accum)
{
	return ml_aggregate_add_probability(fcinfo, &ml_metric_log_loss);
}

ML_FUNCTION(ml_brier_accum)
{
	return ml_aggregate_add_probability(fcinfo, &ml_metric_brier);
}

ML_FUNCTION(ml_calibration_error_accum)
{
	return ml_aggregate_add_probability(fcinfo, &ml_metric_calibration_error);
}

/* ml.decision_accum(state bytea, label boolean, predicted boolean) -> bytea, for f1, precision, recall and mcc. */
ML_FUNCTION(ml_decision_accum)
{
	MlMetricRow row;
	Datum		result;

	ml_aggregate_context(fcinfo);
	if (ml_aggregate_skip(fcinfo, &result))
		return result;
	row.label = PG_GETARG_BOOL(1);
	row.predicted = PG_GETARG_BOOL(2);
	return ml_aggregate_add(fcinfo, &ml_metric_f1, &row);
}

/* Returns the equality operator of the arguments' type, looked up once per call site. */
static FmgrInfo *
ml_accuracy_equality(FunctionCallInfo fcinfo)
{
	TypeCacheEntry *type = fcinfo->flinfo->fn_extra;

	if (!type)
	{
		Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, 1);

		if (!OidIsValid(oid))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine the type of the label")));
		type = lookup_type_cache(oid, TYPECACHE_EQ_OPR_FINFO);
		if (!OidIsValid(type->eq_opr_finfo.fn_oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("could not identify an equality operator for type %s", format_type_be(oid)),
					 errhint("Cast the label and the prediction to a type that can be compared, such as text.")));
		/* Entries of the type cache live as long as the session. */
		fcinfo->flinfo->fn_extra = type;
	}
	return &type->eq_opr_finfo;
}

/* ml.accuracy_accum(state bytea, label anyelement, predicted anyelement) -> bytea */
ML_FUNCTION(ml_accuracy_accum)
{
	MlMetricRow row;
	Datum		result;

	ml_aggregate_context(fcinfo);
	if (ml_aggregate_skip(fcinfo, &result))
		return result;
	/* The metric compares these two, and what they are compared by is the type's business. */
	row.label = true;
	row.predicted = DatumGetBool(FunctionCall2Coll(ml_accuracy_equality(fcinfo), PG_GET_COLLATION(),
												   PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)));
	return ml_aggregate_add(fcinfo, &ml_metric_accuracy, &row);
}

/* ml.ranking_accum(state bytea, label boolean, score float8) -> bytea, for auc and average_precision. */
ML_FUNCTION(ml_ranking_accum)
{
	MemoryContext context = ml_aggregate_context(fcinfo);
	MlRanking  *ranking;
	MlMetricRow row;
	Datum		result;

	if (ml_aggregate_skip(fcinfo, &result))
		return result;
	row.label = PG_GETARG_BOOL(1);
	row.score = PG_GETARG_FLOAT8(2);
	if (PG_ARGISNULL(0))
		ranking = (MlRanking *) ml_tally_ranking.open(&ml_tally_ranking, context);
	else
		ranking = ml_ranking_in_place(PG_GETARG_DATUM(0), context);
	ml_ranking_add((MlTally *) ranking, &row);
	return EOHPGetRWDatum(&ranking->header);
}

/* ml.ranking_combine(a bytea, b bytea) -> bytea */
ML_FUNCTION(ml_ranking_combine)
{
	MemoryContext context = ml_aggregate_context(fcinfo);
	MlRanking  *ranking;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
		ranking = (MlRanking *) ml_tally_ranking.open(&ml_tally_ranking, context);
	else
		ranking = ml_ranking_in_place(PG_GETARG_DATUM(0), context);
	if (!PG_ARGISNULL(1))
		ml_ranking_merge(ranking, PG_GETARG_DATUM(1));
	return EOHPGetRWDatum(&ranking->header);
}

/*
 * Computes a metric from a ranking. The sort changes the order of the keys in
 * the state itself, which has no meaning, so the state may be shared and read
 * again, as over a window.
 */
static Datum
ml_ranking_value(FunctionCallInfo fcinfo, const MlMetric *metric)
{
	MlRanking  *ranking;
	double		value;

	ml_aggregate_context(fcinfo);
	ranking = ml_ranking_fetch(PG_GETARG_DATUM(0));
	if (!metric->value((MlTally *) ranking, &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* ml.metric_combine(a bytea, b bytea) -> bytea, for every state of fixed size. */
ML_FUNCTION(ml_metric_combine)
{
	const MlTallyKind *kind;
	MlTally    *from;
	MlTally    *into;

	ml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		return PG_GETARG_DATUM(0);
	}
	from = ml_tally_fetch(PG_GETARG_DATUM(1), NULL, &kind);
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(from);
	into = ml_tally_in_place(PG_GETARG_DATUM(0), kind);
	ml_tally_merge(kind, into, from);
	PG_RETURN_POINTER(into);
}

/* ml.rmse_final(state bytea) -> float8, and so on. */

ML_FUNCTION(ml_rmse_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_rmse);
}

ML_FUNCTION(ml_mae_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_mae);
}

ML_FUNCTION(ml_r2_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_r2);
}

ML_FUNCTION(ml_mape_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_mape);
}

ML_FUNCTION(ml_auc_final)
{
	return ml_ranking_value(fcinfo, &ml_metric_auc);
}

ML_FUNCTION(ml_average_precision_final)
{
	return ml_ranking_value(fcinfo, &ml_metric_average_precision);
}

ML_FUNCTION(ml_log_loss_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_log_loss);
}

ML_FUNCTION(ml_brier_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_brier);
}

ML_FUNCTION(ml_accuracy_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_accuracy);
}

ML_FUNCTION(ml_f1_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_f1);
}

ML_FUNCTION(ml_precision_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_precision);
}

ML_FUNCTION(ml_recall_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_recall);
}

ML_FUNCTION(ml_mcc_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_mcc);
}

ML_FUNCTION(ml_calibration_error_final)
{
	return ml_aggregate_value(fcinfo, &ml_metric_calibration_error);
}
