/*
 * pipeline.c - ml.pipeline_steps and ml.pipeline_spec: what stands between the source and the learner of a version.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "base/text.h"
#include "flow/describe.h"
#include "funcapi.h"
#include "transform/pipeline.h"
#include "utils/builtins.h"

/* A member of a step, or NULL. */
static JsonbValue *
ml_pipeline_member(JsonbContainer *step, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(step, name, strlen(name), NULL);

	return value != NULL && value->type != jbvNull ? value : NULL;
}

/* A text, or NULL. */
static char *
ml_pipeline_text(const JsonbValue *value)
{
	return value && value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

/* ml.pipeline_steps(model_ref): the steps in order, with what they learned. */
ML_FUNCTION(ml_pipeline_steps)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb	   *steps = ml_describe_pipeline(ml_arg_required(fcinfo, 0, "model_ref"));

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < JsonContainerSize(&steps->root); i++)
	{
		JsonbContainer *step = getIthJsonbValueFromContainer(&steps->root, i)->val.binary.data;
		JsonbValue *treats = ml_pipeline_member(step, "treats");
		JsonbValue *learned = ml_pipeline_member(step, "learned");
		List	   *columns = NIL;
		Datum		values[5];
		bool		nulls[5] = {false};

		for (uint32 j = 0; treats && j < JsonContainerSize(treats->val.binary.data); j++)
			columns = lappend(columns, ml_pipeline_text(getIthJsonbValueFromContainer(treats->val.binary.data, j)));
		ml_put_text(values, nulls, 0, ml_pipeline_text(ml_pipeline_member(step, "step")));
		values[1] = ml_result_list(columns);
		nulls[2] = learned == NULL;
		values[2] = learned ? JsonbPGetDatum(JsonbValueToJsonb(learned)) : (Datum) 0;
		ml_put_text(values, nulls, 3, ml_pipeline_text(ml_pipeline_member(step, "description")));
		values[4] = Int32GetDatum((int32) i + 1);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.pipeline_spec(model_ref): the pipeline that makes the same steps when it is passed to ml.train. */
ML_FUNCTION(ml_pipeline_spec_of)
{
	PG_RETURN_JSONB_P(ml_pipeline_spec(ml_describe_pipeline(ml_arg_required(fcinfo, 0, "model_ref"))));
}
