/*
 * policies.c - the duty that brings alerts up to date and runs policies.
 *
 * Each policy has a transaction of its own. What is due is kept in a context
 * that outlives them, and is emptied when the duty begins.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/policy.h"
#include "miscadmin.h"
#include "store/alerts.h"
#include "utils/memutils.h"
#include "worker/policies.h"

static MemoryContext ml_policies_context = NULL;

static TimestampTz
ml_policies_run(void)
{
	MemoryContext caller;
	List	   *due;
	ListCell   *lc;

	if (ml_policies_context == NULL)
		ml_policies_context = AllocSetContextCreate(TopMemoryContext, "pg_mlops policies", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(ml_policies_context);
	ml_duty_begin("looking for policies that are due");
	caller = MemoryContextSwitchTo(ml_policies_context);
	ml_policies_settle();
	ml_alerts_sweep();
	due = ml_policies_due();
	MemoryContextSwitchTo(caller);
	ml_duty_commit();
	foreach(lc, due)
	{
		const MlPolicy *policy = lfirst(lc);
		bool		fired;

		CHECK_FOR_INTERRUPTS();
		ml_duty_begin(psprintf("running policy " INT64_FORMAT, policy->id));
		(void) ml_policy_run(policy, &fired);
		ml_duty_commit();
	}
	return DT_NOEND;
}

const MlDuty ml_duty_policies = {"policies", ml_policies_run};
