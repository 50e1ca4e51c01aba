/*
 * evaluate.c - ml.evaluate, ml.coefficients, ml.importance, ml.summary.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/describe.h"
#include "flow/importance.h"
#include "flow/measure.h"
#include "funcapi.h"
#include "utils/builtins.h"

static void
ml_evaluate_put(void *ctx, const char *key, const char *value, const char *metric, const MlInterval *figure, int64 n)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[7] = {0};
	bool		nulls[7] = {false};

	ml_put_text(values, nulls, 0, key);
	ml_put_text(values, nulls, 1, value);
	values[2] = CStringGetTextDatum(metric);
	values[3] = Float8GetDatum(figure->value);
	ml_put_number(values, nulls, 4, figure->low);
	ml_put_number(values, nulls, 5, figure->high);
	values[6] = Int64GetDatum(n);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.evaluate(model, source, slices, target): metrics of a version on rows with the truth. */
ML_FUNCTION(ml_evaluate)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model");
	char	   *source = ml_arg_required(fcinfo, 1, "source");
	List	   *slices = ml_arg_list(fcinfo, 2, "slices");
	char	   *target = ml_arg_text(fcinfo, 3);

	InitMaterializedSRF(fcinfo, 0);
	ml_measure_run(ref, source, slices, target, ml_evaluate_put, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ml.coefficients(model_ref): the terms of a linear model in raw units. */
ML_FUNCTION(ml_coefficients)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	MlTerm	   *terms;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = ml_describe_terms(ref, &terms);
	for (int i = 0; i < n; i++)
	{
		const MlCoefficient *c = &terms[i].coefficient;
		Datum		values[7] = {0};
		bool		nulls[7] = {false};

		values[0] = CStringGetTextDatum(terms[i].term);
		ml_put_number(values, nulls, 1, c->aliased ? NAN : c->estimate);
		ml_put_number(values, nulls, 2, c->aliased ? NAN : c->std_error);
		ml_put_number(values, nulls, 3, c->aliased ? NAN : c->statistic);
		ml_put_number(values, nulls, 4, c->aliased ? NAN : c->p_value);
		ml_put_number(values, nulls, 5, c->aliased ? NAN : c->low);
		ml_put_number(values, nulls, 6, c->aliased ? NAN : c->high);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.importance(model_ref, method): what each feature adds to a version. */
ML_FUNCTION(ml_importance)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	char	   *method = ml_arg_required(fcinfo, 1, "method");
	MlImportance *features;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = ml_importance_of(ref, method, &features);
	for (int i = 0; i < n; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false};

		values[0] = CStringGetTextDatum(features[i].feature);
		ml_put_number(values, nulls, 1, features[i].importance);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.summary(model_ref): what the learner says of its fit. */
ML_FUNCTION(ml_summary)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *ref = ml_arg_required(fcinfo, 0, "model_ref");
	MlFigure   *figures;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = ml_describe_figures(ref, &figures);
	for (int i = 0; i < n; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false};

		values[0] = CStringGetTextDatum(figures[i].name);
		ml_put_number(values, nulls, 1, figures[i].value);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
