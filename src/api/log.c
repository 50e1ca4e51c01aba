/*
 * log.c - ml.row_key, and what became of the rows for the prediction log.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/predict.h"
#include "funcapi.h"
#include "monitor/log_ring.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* ml.row_key(model, features): the key that the row has in ml.prediction_log. */
ML_FUNCTION(ml_row_key)
{
	MlCallSite *site;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	site = ml_predict_site(fcinfo);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%016llx",
											  (unsigned long long) ml_predict_row_key(site, PG_GETARG_DATUM(1)))));
}

/* ml.prediction_log_counts(): one row, or none where the library was not preloaded. */
ML_FUNCTION(ml_prediction_log_counts)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MlLogStatus status;

	InitMaterializedSRF(fcinfo, 0);
	if (ml_log_ring_status(&status))
	{
		Datum		values[8] = {
			Int64GetDatum((int64) status.accepted), Int64GetDatum((int64) (status.accepted - status.taken)),
			Int64GetDatum((int64) status.written), Int64GetDatum((int64) (status.taken - status.written)),
			Int64GetDatum((int64) status.dropped), Int64GetDatum((int64) status.used),
			Int64GetDatum((int64) status.memory), TimestampTzGetDatum(status.since)
		};
		bool		nulls[8] = {0};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
