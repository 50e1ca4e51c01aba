/*
 * share.c - judging by the least share of rows that must not fail, parameter min.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/share.h"

void
ml_share_validate(const MlCheck *check)
{
	if (ml_check_param(check, "min")->isnull)
		ml_check_refuse(check, "it needs parameter \"min\"", NULL, "Pass a share, as in \"min\": 0.95.");
}

void
ml_share_judge(const MlCheck *check, MlCheckOutcome *out)
{
	StringInfoData observed;
	double		passed = (double) (out->n - out->n_failed);

	if (out->n == 0)
	{
		out->status = ML_CHECK_INSUFFICIENT;
		return;
	}
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_json_number(&observed, passed / (double) out->n);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	/* compared as shares, so that 0.95 of 20 rows is met by 19 */
	out->status = passed / (double) out->n >= ml_check_number(check, "min") ? ML_CHECK_PASS : ML_CHECK_FAIL;
}
