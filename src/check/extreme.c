/*
 * extreme.c - what kinds min and max share: numbers, dates and times, and bounds of the same type.
 *
 * Numbers are compared as doubles.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "check/extreme.h"
#include "check/instant.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

void
ml_extreme_validate(const MlCheck *check)
{
	const MlParamValue *min = ml_check_param(check, "min");
	const MlParamValue *max = ml_check_param(check, "max");
	JsonbValue	low;
	JsonbValue	high;

	if (min->isnull && max->isnull)
		ml_check_refuse(check, "it needs min or max", NULL,
						"Pass params => '{\"min\": 0, \"max\": 100}', or one of them.");
	low = ml_check_scalar(check, min->isnull ? "max" : "min");
	high = ml_check_scalar(check, max->isnull ? "min" : "max");
	if (low.type != high.type)
		ml_check_refuse(check, "min and max are of different types",
						psprintf("They are %s and %s.", min->text, max->text), "Write both as numbers, or both as texts.");
	if (low.type == jbvNumeric &&
		DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(low.val.numeric), NumericGetDatum(high.val.numeric))))
		ml_check_refuse(check, "min is above max", psprintf("They are %s and %s.", min->text, max->text),
						"Exchange them.");
}

void
ml_extreme_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	if (columns[0].convert.class != ML_TYPE_NUMBER && !ml_instant_is(&columns[0]))
		ml_check_refuse_type(check, &columns[0], "a number, a date or a time");
	/* a bound that the type cannot read is an error now, not after the scan */
	(void) ml_instant_param(check, &columns[0], "min");
	(void) ml_instant_param(check, &columns[0], "max");
	ml_collect(scan, ML_COLLECT_MOMENTS, 1, columns);
}

void
ml_extreme_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	const MlCheckColumn *column = ml_collected_columns(scan);
	double		x = check->kind->number(check, scan);
	double		min = ml_instant_param(check, column, "min");
	double		max = ml_instant_param(check, column, "max");
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_instant_json(column, x, &observed);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = isnan(x) ? ML_CHECK_INSUFFICIENT : x < min || x > max ? ML_CHECK_FAIL : ML_CHECK_PASS;
}
