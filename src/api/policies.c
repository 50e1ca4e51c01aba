/*
 * policies.c - ml.set_policy and the verbs on policies, ml.run_policies, ml.next_due, ml.worker_runs, what stands behind ml.policy_parameters.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "base/cron.h"
#include "flow/policy.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "worker/launcher.h"
#include "worker/slots.h"

static int64
ml_policy_arg_id(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("policy_id must not be null"),
				 errhint("Table ml.policies lists the policies.")));
	return PG_GETARG_INT64(0);
}

/* ml.set_policy(model, trigger, action, params, cooldown, budget) */
ML_FUNCTION(ml_set_policy)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	int32		budget = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);

	PG_RETURN_INT64(ml_policy_set(model, ml_arg_text(fcinfo, 1), ml_arg_text(fcinfo, 2), ml_arg_jsonb(fcinfo, 3),
								  PG_ARGISNULL(4) ? NULL : PG_GETARG_INTERVAL_P(4),
								  !PG_ARGISNULL(5) && budget == 0 ? -1 : budget));
}

/* ml.enable_policy(policy_id, enabled) */
ML_FUNCTION(ml_enable_policy)
{
	int64		id = ml_policy_arg_id(fcinfo);

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("enabled must not be null"),
				 errhint("Say true or false.")));
	ml_policy_enable(id, PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

/* ml.drop_policy(policy_id) */
ML_FUNCTION(ml_drop_policy)
{
	ml_policy_drop(ml_policy_arg_id(fcinfo));
	PG_RETURN_VOID();
}

/* ml.drop_policy(model, trigger, action) */
ML_FUNCTION(ml_drop_policy_named)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");

	ml_policy_drop_named(model, ml_arg_text(fcinfo, 1), ml_arg_text(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.run_policies() */
ML_FUNCTION(ml_run_policies)
{
	int			fired = ml_policies_run_own();

	/* for the jobs that were queued */
	ml_worker_wake_at_commit();
	PG_RETURN_INT32(fired);
}

/* ml.worker_runs() */
ML_FUNCTION(ml_worker_runs)
{
	const MlWorkerSlot *slot;
	bool		runs = false;

	if (ml_workers != NULL)
	{
		LWLockAcquire(ml_workers_lock, LW_SHARED);
		slot = ml_slot_find(MyDatabaseId, false);
		runs = slot != NULL && slot->running;
		LWLockRelease(ml_workers_lock);
	}
	PG_RETURN_BOOL(runs);
}

/* ml.next_due(cron, after, timezone) */
ML_FUNCTION(ml_next_due)
{
	TimestampTz due = ml_policy_schedule(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(2)),
										 PG_GETARG_TIMESTAMPTZ(1));

	if (due == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(due);
}

/* ml.list_policy_parameters() */
ML_FUNCTION(ml_list_policy_parameters)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (const MlPolicyKind *kind = ml_policy_kinds; kind->name != NULL; kind++)
		for (int i = 0; i < kind->nparams; i++)
		{
			Datum		values[5];
			bool		nulls[5] = {false};

			values[0] = CStringGetTextDatum(kind->name);
			values[1] = CStringGetTextDatum(kind->params[i].name);
			values[2] = CStringGetTextDatum(ml_param_type_name(kind->params[i].type));
			ml_put_text(values, nulls, 3, kind->params[i].default_value);
			values[4] = CStringGetTextDatum(kind->params[i].description);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}
