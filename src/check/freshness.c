/*
 * freshness.c - checks how old the newest date or time of a column is.
 *
 * In SQL: max(x) + max_age >= now(), where now() is the start of the
 * transaction. Dates and timestamps without time zone are taken in the
 * session's time zone. A newest value of infinity fails: it is no age, and must
 * not hide that no others come.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "check/instant.h"
#include "check/number.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static void
ml_freshness_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	if (!ml_instant_is(&columns[0]))
		ml_check_refuse_type(check, &columns[0], "a date or a time");
	ml_collect(scan, ML_COLLECT_MOMENTS, 1, columns);
}

/* The newest as a moment; false where there is none. */
static bool
ml_freshness_newest(const MlCheck *check, const MlCollected *scan, double *days, TimestampTz *newest)
{
	MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

	if (f.n == 0 || isinf(f.max))
		return false;
	*days = f.max;
	*newest = ml_instant_of(f.max);
	if (ml_collected_columns(scan)->convert.class == ML_TYPE_TIME)
		*newest = DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(*newest)));
	return true;
}

/* Its age in seconds. */
static double
ml_freshness_number(const MlCheck *check, const MlCollected *scan)
{
	double		days;
	TimestampTz newest;

	if (!ml_freshness_newest(check, scan, &days, &newest))
		return get_float8_nan();
	return (double) (GetCurrentTransactionStartTimestamp() - newest) / USECS_PER_SEC;
}

static void
ml_freshness_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	Interval   *max_age = ml_instant_parse(check, "max_age", pstrdup(ml_check_param(check, "max_age")->text));
	double		days;
	TimestampTz newest;
	TimestampTz until;
	StringInfoData observed;

	if (!ml_freshness_newest(check, scan, &days, &newest))
	{
		bool		infinite = ml_collected_moments(scan, check->columns[0]).n > 0;

		out->observed = pstrdup(infinite ? "{\"value\": null, \"newest\": \"infinite\"}" : "{\"value\": null}");
		out->status = infinite ? ML_CHECK_FAIL : ML_CHECK_INSUFFICIENT;
		return;
	}
	until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(newest),
													IntervalPGetDatum(max_age)));
	initStringInfo(&observed);
	appendStringInfo(&observed, "{\"value\": %s, \"newest\": ", ml_text_number(ml_freshness_number(check, scan)));
	ml_instant_json(ml_collected_columns(scan), days, &observed);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = until >= GetCurrentTransactionStartTimestamp() ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_freshness_validate(const MlCheck *check)
{
	const MlParamValue *max_age = ml_check_param(check, "max_age");

	if (max_age->isnull)
		ml_check_refuse(check, "it needs max_age", NULL, "Pass params => '{\"max_age\": \"1 day\"}'.");
	(void) ml_instant_parse(check, "max_age", pstrdup(max_age->text));
}

static const MlParam ml_freshness_params[] = {
	{"max_age", ML_PARAM_TEXT, NULL, 0, 0, NULL, "how old the newest value may be, an interval"}
};

const MlCheckKind ml_check_freshness = {
	.name = "freshness",
	.summary = "the newest date or time is no older than max_age",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_freshness_params,
	.nparams = lengthof(ml_freshness_params),
	.validate = ml_freshness_validate,
	.plan = ml_freshness_plan,
	.judge = ml_freshness_judge,
	.number = ml_freshness_number
};
