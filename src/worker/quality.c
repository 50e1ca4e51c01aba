/*
 * quality.c - a duty: the quality of deployed versions, a transaction for each model.
 *
 * An error ends one model's transaction, and is raised when the others have
 * had theirs.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/passing.h"
#include "flow/truth.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "worker/duty.h"
#include "worker/launcher.h"

/* Measures a model. Returns its error, in the context, or NULL. */
static ErrorData *
ml_quality_try(const char *model, MemoryContext context)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		ml_duty_begin("measuring quality");
		(void) ml_quality_run(model, false);
		ml_duty_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ml_error_of_server(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return error;
}

static TimestampTz
ml_quality_duty(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops quality", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	List	   *models;
	ErrorData  *first = NULL;
	const char *failed = NULL;
	ListCell   *lc;

	ml_duty_begin("looking for labels that are due");
	old = MemoryContextSwitchTo(context);
	models = ml_catalog_quality_due(ml_duty_asked());
	MemoryContextSwitchTo(old);
	ml_duty_commit();
	foreach(lc, models)
	{
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		error = ml_quality_try(lfirst(lc), context);
		if (first == NULL && error != NULL)
			failed = lfirst(lc);
		if (first == NULL)
			first = error;
	}
	if (first != NULL)
		ereport(ERROR,
				(errcode(first->sqlerrcode),
				 errmsg("the quality of model \"%s\" cannot be measured: %s", failed, first->message)));
	MemoryContextDelete(context);
	return DT_NOEND;
}

const MlDuty ml_duty_quality = {
	.name = "quality",
	.run = ml_quality_duty
};
