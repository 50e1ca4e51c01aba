/*
 * train.c - ml.train, ml.retrain, both as jobs, ml.learners, ml.parameters.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "base/shared.h"
#include "base/text.h"
#include "flow/call.h"
#include "flow/retrain.h"
#include "funcapi.h"
#include "learn/learner.h"
#include "miscadmin.h"
#include "store/jobs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "worker/launcher.h"

static Datum
ml_json_datum(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* Reads the arguments of ml.train and ml.train_async. */
static void
ml_train_arguments(FunctionCallInfo fcinfo, MlTrainSpec *out)
{
	MlTrainSpec spec;

	memset(&spec, 0, sizeof spec);
	spec.model = ml_arg_required(fcinfo, 0, "model");
	spec.source = ml_arg_required(fcinfo, 1, "source");
	spec.target = ml_arg_text(fcinfo, 2);
	spec.algorithm = ml_arg_required(fcinfo, 3, "algorithm");
	spec.features = ml_arg_list(fcinfo, 4, "features");
	spec.exclude = ml_arg_list(fcinfo, 5, "exclude");
	spec.task = ml_arg_text(fcinfo, 6);
	spec.params = ml_arg_jsonb(fcinfo, 7);
	spec.pipeline = ml_arg_jsonb(fcinfo, 8);
	spec.split = ml_arg_jsonb(fcinfo, 9);
	spec.search = ml_arg_jsonb(fcinfo, 10);
	spec.weight = ml_arg_text(fcinfo, 11);
	spec.seed = PG_ARGISNULL(12) ? 0 : PG_GETARG_INT64(12);
	spec.snapshot = ml_arg_required(fcinfo, 13, "snapshot");
	spec.deploy = ml_arg_required(fcinfo, 14, "deploy");
	spec.experiment = ml_arg_text(fcinfo, 15);
	spec.tags = ml_arg_jsonb(fcinfo, 16);
	spec.code = ml_arg_text(fcinfo, 17);
	if (!PG_ARGISNULL(4) && spec.features == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must name at least one column"),
				 errhint("Leave it out to use every column but the target.")));
	*out = spec;
}

/* The type ml.train_result, as the function declares it. */
static TupleDesc
ml_train_result_desc(FunctionCallInfo fcinfo, const char *function)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 10)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s does not match this library", function),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));
	return desc;
}

static Datum
ml_train_result(TupleDesc desc, const char *model, const MlTrainResult *result)
{
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = CStringGetTextDatum(model);
	values[1] = Int32GetDatum(result->version);
	values[2] = CStringGetTextDatum(result->algorithm);
	values[3] = CStringGetTextDatum(result->task);
	values[4] = Int64GetDatum(result->rows);
	values[5] = Int32GetDatum(result->features);
	values[6] = ml_json_datum(result->metrics);
	values[7] = BoolGetDatum(result->deployed);
	values[8] = Float8GetDatum(result->seconds);
	values[9] = ml_result_list(result->notes);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ml.train(...): trains and registers a version; returns one ml.train_result. */
ML_FUNCTION(ml_train)
{
	MlTrainSpec spec;
	MlTrainResult result;
	TupleDesc	desc;

	PreventCommandIfReadOnly("ml.train()");
	PreventCommandIfParallelMode("ml.train()");
	desc = ml_train_result_desc(fcinfo, "ml.train");
	ml_train_arguments(fcinfo, &spec);
	ml_train_run(&spec, &result);
	return ml_train_result(desc, spec.model, &result);
}

/* ml.retrain(model, deploy): repeats the newest version's training on today's rows. */
ML_FUNCTION(ml_retrain)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	char	   *deploy = ml_arg_required(fcinfo, 1, "deploy");
	MlTrainResult result;
	TupleDesc	desc;

	PreventCommandIfReadOnly("ml.retrain()");
	PreventCommandIfParallelMode("ml.retrain()");
	desc = ml_train_result_desc(fcinfo, "ml.retrain");
	ml_retrain_run(model, deploy, NULL, false, &result);
	return ml_train_result(desc, model, &result);
}

/* Queues a job as the current user, and says so where nobody will run it. */
static Datum
ml_train_submit(const char *kind, const char *model, const char *args)
{
	int64		job = ml_jobs_submit(kind, model, args, GetUserNameFromId(GetUserId(), false));

	if (!ml_shared_ready())
		ereport(WARNING,
				(errmsg("job %lld will wait: no background worker runs jobs", (long long) job),
				 errdetail("The library is not in shared_preload_libraries."),
				 errhint("Set shared_preload_libraries = 'pg_mlops' and restart the server, or call ml.%s.", kind)));
	ml_worker_wake_at_commit();
	return Int64GetDatum(job);
}

/* ml.train_async(...): the same as a job; returns its number. */
ML_FUNCTION(ml_train_async)
{
	MlTrainSpec spec;
	StringInfoData args;

	PreventCommandIfReadOnly("ml.train_async()");
	PreventCommandIfParallelMode("ml.train_async()");
	ml_train_arguments(fcinfo, &spec);
	ml_train_precheck(&spec);
	initStringInfo(&args);
	ml_call_write(&args, &spec, true);
	return ml_train_submit("train", spec.model, args.data);
}

/* ml.retrain_async(model, deploy): the same as a job. */
ML_FUNCTION(ml_retrain_async)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	char	   *deploy = ml_arg_required(fcinfo, 1, "deploy");
	MlTrainSpec spec;
	StringInfoData args;

	PreventCommandIfReadOnly("ml.retrain_async()");
	PreventCommandIfParallelMode("ml.retrain_async()");
	ml_retrain_prepare(model, deploy, &spec);
	ml_train_precheck(&spec);
	initStringInfo(&args);
	appendStringInfoString(&args, "{\"deploy\": ");
	ml_json_text(&args, deploy);
	appendStringInfoChar(&args, '}');
	return ml_train_submit("retrain", model, args.data);
}

/* ml.list_learners(): the rows of view ml.learners. */
ML_FUNCTION(ml_list_learners)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; ml_learners[i]; i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false};
		List	   *tasks = NIL;

		for (int task = ML_TASK_REGRESSION; task <= ML_TASK_CLASSIFICATION; task++)
			if (ml_learners[i]->tasks & ML_TASK_BIT(task))
				tasks = lappend(tasks, unconstify(char *, ml_task_name(task)));
		values[0] = CStringGetTextDatum(ml_learners[i]->name);
		values[1] = ml_result_list(tasks);
		values[2] = CStringGetTextDatum(ml_learners[i]->summary);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.list_parameters(): the rows of view ml.parameters. */
ML_FUNCTION(ml_list_parameters)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; ml_learners[i]; i++)
		for (int j = 0; j < ml_learners[i]->nparams; j++)
		{
			const MlParam *param = &ml_learners[i]->params[j];
			bool		bounded = param->type == ML_PARAM_INTEGER || param->type == ML_PARAM_NUMBER;
			Datum		values[7] = {0};
			bool		nulls[7] = {false};

			values[0] = CStringGetTextDatum(ml_learners[i]->name);
			values[1] = CStringGetTextDatum(param->name);
			values[2] = CStringGetTextDatum(ml_param_type_name(param->type));
			nulls[3] = param->default_value == NULL;
			if (!nulls[3])
				values[3] = CStringGetTextDatum(param->default_value);
			nulls[4] = nulls[5] = !bounded;
			values[4] = Float8GetDatum(param->min);
			values[5] = Float8GetDatum(param->max);
			values[6] = CStringGetTextDatum(param->description);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}
