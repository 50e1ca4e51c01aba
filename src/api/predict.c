/*
 * predict.c - ml.predict, ml.probability, ml.probabilities, and what the planner makes of them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/cost.h"
#include "flow/predict.h"
#include "flow/support.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* ml.predict(model, features, result): the value or the label, as a value of result's type. */
ML_FUNCTION(ml_predict)
{
	MlCallSite *site;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo);
	return ml_predict_result(site, ml_predict_score(site, PG_GETARG_DATUM(1)), fcinfo->flinfo);
}

/* ml.probability(model, features, class): the probability of a class. */
ML_FUNCTION(ml_probability)
{
	MlCallSite *site;
	int			class;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo);
	class = ml_predict_class(site, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	PG_RETURN_FLOAT8(ml_predict_score(site, PG_GETARG_DATUM(1))[class]);
}

static Datum
ml_probabilities_json(const MlModel *model, const double *out)
{
	StringInfoData json;

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

/* ml.probabilities(model, features): {"label": p} of every class. */
ML_FUNCTION(ml_probabilities)
{
	MlCallSite *site;
	const MlModel *model;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo);
	model = ml_predict_model(site);
	if (model->task != ML_TASK_CLASSIFICATION)
		(void) ml_predict_class(site, NULL);
	return ml_probabilities_json(model, ml_predict_score(site, PG_GETARG_DATUM(1)));
}

/* ml.predict_columns(model, result, names, columns...): ml.predict of a row that is given column by column. */
ML_FUNCTION(ml_predict_columns)
{
	MlCallSite *site;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	site = ml_predict_columns_site(fcinfo, 3);
	return ml_predict_result(site, ml_predict_score_columns(site, fcinfo->args + 3), fcinfo->flinfo);
}

/* ml.probability_columns(model, class, names, columns...) */
ML_FUNCTION(ml_probability_columns)
{
	MlCallSite *site;
	int			class;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	site = ml_predict_columns_site(fcinfo, 3);
	class = ml_predict_class(site, PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1));
	PG_RETURN_FLOAT8(ml_predict_score_columns(site, fcinfo->args + 3)[class]);
}

/* ml.probabilities_columns(model, names, columns...) */
ML_FUNCTION(ml_probabilities_columns)
{
	MlCallSite *site;
	const MlModel *model;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	site = ml_predict_columns_site(fcinfo, 2);
	model = ml_predict_model(site);
	if (model->task != ML_TASK_CLASSIFICATION)
		(void) ml_predict_class(site, NULL);
	return ml_probabilities_json(model, ml_predict_score_columns(site, fcinfo->args + 2));
}

/* What the planner asks about the functions above. */
ML_FUNCTION(ml_predict_support)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (IsA(request, SupportRequestSimplify))
		answer = ml_support_simplify((SupportRequestSimplify *) request);
	else if (IsA(request, SupportRequestCost))
		answer = ml_cost_answer((SupportRequestCost *) request);
	PG_RETURN_POINTER(answer);
}
