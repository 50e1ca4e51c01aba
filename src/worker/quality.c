/*
 * quality.c - a duty: the quality of deployed versions, a transaction for each model.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/truth.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "worker/duty.h"
#include "worker/launcher.h"

static TimestampTz
ml_quality_duty(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops quality", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	List	   *models;
	ListCell   *lc;

	ml_duty_begin("looking for labels that are due");
	old = MemoryContextSwitchTo(context);
	models = ml_catalog_quality_due(ml_duty_asked());
	MemoryContextSwitchTo(old);
	ml_duty_commit();
	foreach(lc, models)
	{
		CHECK_FOR_INTERRUPTS();
		ml_duty_begin("measuring quality");
		(void) ml_quality_run(lfirst(lc), false);
		ml_duty_commit();
	}
	MemoryContextDelete(context);
	return DT_NOEND;
}

const MlDuty ml_duty_quality = {
	.name = "quality",
	.run = ml_quality_duty
};
