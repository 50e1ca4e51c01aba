/*
 * quality.c - ml.set_truth, ml.judge_quality.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/truth.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* ml.set_truth(model text, source text, truth_wait interval, detectors jsonb) */
ML_FUNCTION(ml_set_truth)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	Interval	none = {0};

	PreventCommandIfReadOnly("ml.set_truth()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	if (!PG_ARGISNULL(2) && DatumGetBool(DirectFunctionCall2(interval_le, PG_GETARG_DATUM(2), IntervalPGetDatum(&none))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"truth_wait\" must be greater than zero"),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(2)))),
				 errhint("Give the time within which labels come, such as interval '30 days'.")));
	ml_truth_set(model, ml_arg_text(fcinfo, 1), PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2),
				 ml_arg_jsonb(fcinfo, 3));
	PG_RETURN_VOID();
}

/* ml.judge_quality(model text) */
ML_FUNCTION(ml_judge_quality)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PreventCommandIfReadOnly("ml.judge_quality()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	PG_RETURN_INT32(ml_quality_run(model, true));
}
