/*
 * instant.c - dates and times among the figures of a scan, which counts them in days.
 *
 * A microsecond survives: days are doubles, and a double tells microseconds
 * apart for centuries around 2000.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/instant.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

bool
ml_instant_is(const MlCheckColumn *column)
{
	return column->convert.class == ML_TYPE_TIME || column->convert.class == ML_TYPE_TIMETZ;
}

Timestamp
ml_instant_of(double days)
{
	return isinf(days) ? (days < 0 ? DT_NOBEGIN : DT_NOEND) : (Timestamp) rint(days * USECS_PER_DAY);
}

void
ml_instant_json(const MlCheckColumn *column, double days, StringInfo out)
{
	char		shown[MAXDATELEN + 1];
	Timestamp	at;

	if (isnan(days))
		appendStringInfoString(out, "null");
	else if (!ml_instant_is(column))
		ml_json_number(out, days);
	else
	{
		at = ml_instant_of(days);
		if (column->convert.type == DATEOID)
			JsonEncodeDateTime(shown, DateADTGetDatum(TIMESTAMP_IS_NOBEGIN(at) ? DATEVAL_NOBEGIN :
													  TIMESTAMP_IS_NOEND(at) ? DATEVAL_NOEND :
													  (DateADT) rint(days)), DATEOID, NULL);
		else
			JsonEncodeDateTime(shown, TimestampGetDatum(at), column->convert.type, NULL);
		ml_json_text(out, shown);
	}
}

double
ml_instant_param(const MlCheck *check, const MlCheckColumn *column, const char *param)
{
	Oid			type = column->convert.type;
	JsonbValue	json;

	if (ml_check_param(check, param)->isnull)
		return get_float8_nan();
	json = ml_check_scalar(check, param);
	/* integers may be bounded by 99.5, or by 100.0, which the type does not read */
	if (json.type == jbvNumeric && (type == INT2OID || type == INT4OID || type == INT8OID))
		return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(json.val.numeric)));
	return ml_convert_number(&column->convert, ml_check_datum(check, column, &json));
}

Interval *
ml_instant_parse(const MlCheck *check, const char *param, char *text)
{
	Interval   *interval;
	Interval	zero = {0};

	interval = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
													 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (ML_INTERVAL_NOT_FINITE(interval) ||
		!DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(interval), IntervalPGetDatum(&zero))))
		ml_check_refuse(check, psprintf("parameter \"%s\" must be longer than no time", param),
						psprintf("It is \"%s\".", text), "Write it as in \"1 day\" or \"90 minutes\".");
	return interval;
}
