/*
 * pipeline_claim.c - what the steps of a pipeline need of the texts of a column, before there are any rows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/pipeline.h"

static ML_NORETURN void
ml_claim_twice(const MlStepSpec *first, const MlStepSpec *then, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("step \"%s\" needs the texts of column \"%s\" as they come", then->transform->name, column),
			 errdetail("Step \"%s\" before it treats the column.", first->transform->name),
			 errhint("Leave the column out of one of them, or give the source query a second column with the same texts.")));
}

/* The first step that takes the texts as they come and is for the column, by name or not; NULL: none is. */
static const MlStepSpec *
ml_claim_find(List *steps, const char *column, bool named, MlTextClaim *claim)
{
	const MlStepSpec *before = NULL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		const MlStepSpec *step = lfirst(lc);
		bool		names = ml_text_listed(step->columns, column);

		if (!names && step->columns != NIL)
			continue;
		memset(claim, 0, sizeof *claim);
		if (step->transform->claim)
			step->transform->claim(step->params, claim);
		if (claim->encoding != ML_ENCODING_LEVELS && names == named)
		{
			if (before)
				ml_claim_twice(before, step, column);
			return step;
		}
		/* an encoder that is for all categories takes the column unless a later one names it */
		if (!named && step->transform->claim && !names)
			return NULL;
		if (names && !step->transform->blind)
			before = step;
		if (!named && before)
			return NULL;
	}
	return NULL;
}

void
ml_pipeline_claim(List *steps, const char *column, MlTextClaim *claim)
{
	bool		all_levels = false;
	bool		named = false;
	ListCell   *lc;

	if (ml_claim_find(steps, column, true, claim) != NULL)
	{
		claim->named = true;
		return;
	}
	if (ml_claim_find(steps, column, false, claim) != NULL)
		return;
	foreach(lc, steps)
	{
		const MlStepSpec *step = lfirst(lc);
		bool		names = ml_text_listed(step->columns, column);

		memset(claim, 0, sizeof *claim);
		if (step->transform->claim && (names || step->columns == NIL))
			step->transform->claim(step->params, claim);
		all_levels |= claim->all_levels;
		named |= claim->all_levels && names;
	}
	memset(claim, 0, sizeof *claim);
	claim->all_levels = all_levels;
	claim->named = named;
}
