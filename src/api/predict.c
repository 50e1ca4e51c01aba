/*
 * predict.c - ml.predict, ml.probability, ml.probabilities, what the planner makes of them, and what they counted; ml.transform.
 */
#include "postgres.h"

#include "base/cell.h"
#include "base/compat.h"
#include "base/text.h"
#include "flow/cost.h"
#include "flow/predict.h"
#include "flow/support.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* ml.predict(model, features, result): the value or the label, as a value of result's type. */
ML_FUNCTION(ml_predict)
{
	MlCallSite *site;
	MlLane	   *lane;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo);
	lane = ml_predict_score(site, PG_GETARG_DATUM(1));
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_predict_result(site, lane, fcinfo->flinfo);
}

/* The probability of a class, NULL for the positive one. */
static Datum
ml_probability_of(MlLane *lane, text *label)
{
	int			class = ml_lane_class(lane, label);

	return Float8GetDatum(lane->out[class]);
}

/* ml.probability(model, features, class): the probability of a class. */
ML_FUNCTION(ml_probability)
{
	MlLane	   *lane;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	lane = ml_predict_score(ml_predict_site(fcinfo), PG_GETARG_DATUM(1));
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_probability_of(lane, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
}

static Datum
ml_probabilities_json(MlLane *lane)
{
	const MlModel *model = lane->model;
	StringInfoData json;

	if (model->task != ML_TASK_CLASSIFICATION)
		(void) ml_lane_class(lane, NULL);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int k = 0; k < model->nclasses; k++)
	{
		appendStringInfoString(&json, k > 0 ? ", " : "");
		ml_json_text(&json, model->classes[k]);
		appendStringInfoString(&json, ": ");
		ml_json_number(&json, lane->out[k]);
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* ml.probabilities(model, features): {"label": p} of every class. */
ML_FUNCTION(ml_probabilities)
{
	MlLane	   *lane;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	lane = ml_predict_score(ml_predict_site(fcinfo), PG_GETARG_DATUM(1));
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_probabilities_json(lane);
}

/* ml.predict_columns(model, result, names, columns...): ml.predict of a row that is given column by column. */
ML_FUNCTION(ml_predict_columns)
{
	MlCallSite *site;
	MlLane	   *lane;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	site = ml_predict_columns_site(fcinfo, 3);
	lane = ml_predict_score_columns(site, fcinfo->args + 3);
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_predict_result(site, lane, fcinfo->flinfo);
}

/* ml.probability_columns(model, class, names, columns...) */
ML_FUNCTION(ml_probability_columns)
{
	MlLane	   *lane;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	lane = ml_predict_score_columns(ml_predict_columns_site(fcinfo, 3), fcinfo->args + 3);
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_probability_of(lane, PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1));
}

/* ml.probabilities_columns(model, names, columns...) */
ML_FUNCTION(ml_probabilities_columns)
{
	MlLane	   *lane;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	lane = ml_predict_score_columns(ml_predict_columns_site(fcinfo, 2), fcinfo->args + 2);
	if (unlikely(lane == NULL))
		PG_RETURN_NULL();
	return ml_probabilities_json(lane);
}

/* ml.transform(model, features): what the learner sees of a row, {"column": number or level, null where it is missing}. */
ML_FUNCTION(ml_transform)
{
	const MlModel *model;
	const double *row;
	StringInfoData json;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	row = ml_predict_transform(ml_predict_site(fcinfo), PG_GETARG_DATUM(1), &model);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int j = 0; j < model->pipeline->design->ncols; j++)
	{
		const MlColumn *column = &model->pipeline->design->cols[j];

		appendStringInfoString(&json, j > 0 ? ", " : "");
		ml_json_text(&json, column->name);
		appendStringInfoString(&json, ": ");
		if (ml_cell_is_missing(row[j]))
			appendStringInfoString(&json, "null");
		else if (column->category)
			ml_json_text(&json, column->levels[(int) row[j]]);
		else
			ml_json_number(&json, row[j]);
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* ml.serving_counts(): what this session has scored with deployed versions. */
ML_FUNCTION(ml_serving_counts)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_serving_lines())
	{
		MlSessionLine *line = lfirst(lc);
		Datum		values[6] = {CStringGetTextDatum(line->model), Int32GetDatum(line->version),
			CStringGetTextDatum(ml_serving_role_name(line->role)), Int64GetDatum((int64) line->count.rows),
		Int64GetDatum((int64) line->count.errors), Int64GetDatum((int64) line->count.invalid)};
		bool		nulls[6] = {0};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* What the planner asks about the functions above. */
ML_FUNCTION(ml_predict_support)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (IsA(request, SupportRequestSimplify))
		answer = ml_support_simplify((SupportRequestSimplify *) request, false);
	else if (IsA(request, SupportRequestCost))
		answer = ml_cost_answer((SupportRequestCost *) request);
	PG_RETURN_POINTER(answer);
}
