/*
 * predict.c - ml.predict, ml.probability, ml.probabilities.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/predict.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* ml.predict(model, features, result): the value or the label, as a value of result's type. */
ML_FUNCTION(ml_predict)
{
	MlCallSite *site;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo->flinfo, PG_GETARG_TEXT_PP(0), get_fn_expr_argtype(fcinfo->flinfo, 1));
	return ml_predict_result(site, ml_predict_score(site, PG_GETARG_DATUM(1)),
							 get_fn_expr_rettype(fcinfo->flinfo));
}

/* ml.probability(model, features, class): the probability of a class. */
ML_FUNCTION(ml_probability)
{
	MlCallSite *site;
	int			class;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo->flinfo, PG_GETARG_TEXT_PP(0), get_fn_expr_argtype(fcinfo->flinfo, 1));
	class = ml_predict_class(site, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	PG_RETURN_FLOAT8(ml_predict_score(site, PG_GETARG_DATUM(1))[class]);
}

/* ml.probabilities(model, features): {"label": p} of every class. */
ML_FUNCTION(ml_probabilities)
{
	MlCallSite *site;
	const MlModel *model;
	const double *out;
	StringInfoData json;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo->flinfo, PG_GETARG_TEXT_PP(0), get_fn_expr_argtype(fcinfo->flinfo, 1));
	model = ml_predict_model(site);
	if (model->task != ML_TASK_CLASSIFICATION)
		(void) ml_predict_class(site, NULL);
	out = ml_predict_score(site, PG_GETARG_DATUM(1));
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int k = 0; k < model->nclasses; k++)
	{
		appendStringInfoString(&json, k > 0 ? ", " : "");
		ml_json_text(&json, model->classes[k]);
		appendStringInfoString(&json, ": ");
		ml_json_number(&json, out[k]);
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}
