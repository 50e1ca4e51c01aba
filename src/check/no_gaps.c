/*
 * no_gaps.c - checks that the values of a column follow each other without gaps.
 *
 * A gap is where the next greater value is further than a step away: a number,
 * or for dates and times an interval, added as the server adds intervals, so a
 * month is as long as the month is. NaN and infinities are passed over.
 * Numbers are compared as doubles, with room for their rounding: 4 units in
 * the last place.
 *
 * In SQL, of the values that are finite: count(*) FILTER (WHERE x > lag(x) OVER
 * (ORDER BY x) + step).
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/instant.h"
#include "check/number.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define ML_GAP_ROOM		(4 * DBL_EPSILON)

typedef struct MlGaps
{
	const MlCheckColumn *column;
	double		step;			/* of numbers */
	Interval   *interval;		/* of dates and times */
	bool		begun;
	double		last;
	int64		values;
	int64		gaps;
	double		widest;
	double		from;			/* the widest gap */
	double		to;
} MlGaps;

/* Whether b lies further than a step behind a. */
static bool
ml_gaps_between(const MlGaps *gaps, double a, double b)
{
	PGFunction	plus = gaps->column->convert.class == ML_TYPE_TIMETZ ? timestamptz_pl_interval : timestamp_pl_interval;

	if (gaps->interval == NULL)
		return b - a > gaps->step + ML_GAP_ROOM * Max(fabs(a), fabs(b));
	return ml_instant_of(b) > DatumGetTimestamp(DirectFunctionCall2(plus, TimestampGetDatum(ml_instant_of(a)),
																	IntervalPGetDatum(gaps->interval)));
}

static void
ml_gaps_add(void *ctx, double value, int64 count)
{
	MlGaps	   *gaps = ctx;

	if (!isfinite(value))
		return;
	gaps->values++;
	if (gaps->begun && ml_gaps_between(gaps, gaps->last, value))
	{
		gaps->gaps++;
		if (value - gaps->last > gaps->widest)
		{
			gaps->widest = value - gaps->last;
			gaps->from = gaps->last;
			gaps->to = value;
		}
	}
	gaps->begun = true;
	gaps->last = value;
}

/* The step: an interval that a text says, or NULL and a number. */
static Interval *
ml_no_gaps_step(const MlCheck *check, double *step)
{
	JsonbValue	json = ml_check_scalar(check, "step");

	if (json.type == jbvString)
		return ml_instant_parse(check, "step", pnstrdup(json.val.string.val, json.val.string.len));
	if (json.type == jbvNumeric)
		*step = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(json.val.numeric)));
	if (json.type != jbvNumeric || !(*step > 0))
		ml_check_refuse(check, "parameter \"step\" must be a number above zero or an interval",
						psprintf("It is %s.", ml_check_param(check, "step")->text), "Write 1, or \"1 day\".");
	return NULL;
}

static void
ml_no_gaps_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	double		step;
	bool		number = ml_no_gaps_step(check, &step) == NULL;

	if (number ? columns[0].convert.class != ML_TYPE_NUMBER : !ml_instant_is(&columns[0]))
		ml_check_refuse_type(check, &columns[0],
							 number ? "a number, since its step is one" : "a date or time, since its step is an interval");
	ml_collect(scan, ML_COLLECT_GROUPS, 1, columns);
}

static void
ml_no_gaps_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlGaps		gaps = {0};
	StringInfoData observed;

	gaps.column = ml_collected_columns(scan);
	gaps.interval = ml_no_gaps_step(check, &gaps.step);
	ml_collected_groups(scan, 1, check->columns, ml_gaps_add, &gaps);
	initStringInfo(&observed);
	appendStringInfo(&observed, "{\"value\": " INT64_FORMAT, gaps.gaps);
	if (gaps.gaps > 0)
	{
		appendStringInfoString(&observed, ", \"widest\": {\"from\": ");
		ml_instant_json(gaps.column, gaps.from, &observed);
		appendStringInfoString(&observed, ", \"to\": ");
		ml_instant_json(gaps.column, gaps.to, &observed);
		appendStringInfoChar(&observed, '}');
	}
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->n_failed = gaps.gaps;
	out->status = gaps.values == 0 ? ML_CHECK_INSUFFICIENT :
		gaps.gaps > ml_check_number(check, "max") ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

/* The row behind a gap, or of equal ones the first. */
static void
ml_no_gaps_failing(const MlCheck *check, StringInfo out)
{
	const char *x = psprintf("s.%s", quote_identifier(check->columns[0]));
	double		step;
	Interval   *interval = ml_no_gaps_step(check, &step);
	const char *finite;

	if (interval == NULL)
	{
		x = psprintf("%s::pg_catalog.float8", x);
		finite = psprintf("(%s OPERATOR(pg_catalog.>) '-Infinity' AND %s OPERATOR(pg_catalog.<) 'Infinity')", x, x);
		appendStringInfo(out, "%s AND (%s OPERATOR(pg_catalog.-) pg_catalog.lag(%s) OVER (PARTITION BY %s ORDER BY %s)) "
						 "OPERATOR(pg_catalog.>) (%s OPERATOR(pg_catalog.+) (%s::pg_catalog.float8 OPERATOR(pg_catalog.*) "
						 "greatest(pg_catalog.abs(%s), pg_catalog.abs(pg_catalog.lag(%s) OVER (PARTITION BY %s ORDER BY %s)))))",
						 finite, x, x, finite, x, ml_text_number(step), ml_text_number(ML_GAP_ROOM), x, x, finite, x);
	}
	else
		appendStringInfo(out, "pg_catalog.isfinite(%s) AND %s OPERATOR(pg_catalog.>) (pg_catalog.lag(%s) OVER "
						 "(PARTITION BY pg_catalog.isfinite(%s) ORDER BY %s) OPERATOR(pg_catalog.+) %s::pg_catalog.interval)",
						 x, x, x, x, x,
						 quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))));
}

static void
ml_no_gaps_validate(const MlCheck *check)
{
	double		step;

	if (ml_check_param(check, "step")->isnull)
		ml_check_refuse(check, "it needs step", NULL, "Pass params => '{\"step\": 1}' or '{\"step\": \"1 day\"}'.");
	(void) ml_no_gaps_step(check, &step);
}

static const MlParam ml_no_gaps_params[] = {
	{"step", ML_PARAM_VALUE, NULL, 0, 0, NULL, "how far the next value may be: a number, or for dates and times an interval as a text"},
	{"max", ML_PARAM_INTEGER, "0", 0, DBL_MAX, NULL, "how many gaps pass"}
};

const MlCheckKind ml_check_no_gaps = {
	.name = "no_gaps",
	.summary = "the values of a column follow each other within a step",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_no_gaps_params,
	.nparams = lengthof(ml_no_gaps_params),
	.validate = ml_no_gaps_validate,
	.plan = ml_no_gaps_plan,
	.judge = ml_no_gaps_judge,
	.failing = ml_no_gaps_failing
};
