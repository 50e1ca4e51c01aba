/*
 * curves.c - ml.confusion, ml.roc, ml.calibration.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/curves.h"
#include "funcapi.h"
#include "utils/builtins.h"

static void
ml_confusion_put(void *ctx, const char *actual, const char *predicted, int64 n)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = CStringGetTextDatum(actual);
	values[1] = CStringGetTextDatum(predicted);
	values[2] = Int64GetDatum(n);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	pfree(DatumGetPointer(values[0]));
	pfree(DatumGetPointer(values[1]));
}

/* ml.confusion(model, source, target): how many rows of each class were given each class. */
ML_FUNCTION(ml_confusion)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model");
	char	   *source = ml_arg_required(fcinfo, 1, "source");
	char	   *target = ml_arg_text(fcinfo, 2);

	InitMaterializedSRF(fcinfo, 0);
	ml_curves_confusion(ref, source, target, ml_confusion_put, fcinfo->resultinfo);
	return (Datum) 0;
}

static void
ml_roc_put(void *ctx, double threshold, double false_positive_rate, double true_positive_rate)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[3];
	bool		nulls[3];

	ml_put_number(values, nulls, 0, threshold);
	ml_put_number(values, nulls, 1, false_positive_rate);
	ml_put_number(values, nulls, 2, true_positive_rate);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.roc(model, source, target): the rates of false and of true positives at every threshold. */
ML_FUNCTION(ml_roc)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model");
	char	   *source = ml_arg_required(fcinfo, 1, "source");
	char	   *target = ml_arg_text(fcinfo, 2);

	InitMaterializedSRF(fcinfo, 0);
	ml_curves_roc(ref, source, target, ml_roc_put, fcinfo->resultinfo);
	return (Datum) 0;
}

static void
ml_calibration_put(void *ctx, const MlCalibrationBand *band)
{
	ReturnSetInfo *rsinfo = ctx;
	Datum		values[8];
	bool		nulls[8] = {false};

	values[0] = Int32GetDatum(band->bin);
	values[1] = Float8GetDatum(band->p_low);
	values[2] = Float8GetDatum(band->p_high);
	ml_put_number(values, nulls, 3, band->mean_probability);
	ml_put_number(values, nulls, 4, band->observed_share);
	ml_put_number(values, nulls, 5, band->low);
	ml_put_number(values, nulls, 6, band->high);
	values[7] = Int64GetDatum(band->n);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.calibration(model, source, bins, target): probabilities beside the shares that came true. */
ML_FUNCTION(ml_calibration)
{
	char	   *ref = ml_arg_required(fcinfo, 0, "model");
	char	   *source = ml_arg_required(fcinfo, 1, "source");
	char	   *target = ml_arg_text(fcinfo, 3);

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"bins\" must not be NULL"),
				 errhint("Pass a value, or leave the argument out: ten bins are the default.")));
	InitMaterializedSRF(fcinfo, 0);
	ml_curves_calibration(ref, source, PG_GETARG_INT32(2), target, ml_calibration_put, fcinfo->resultinfo);
	return (Datum) 0;
}
