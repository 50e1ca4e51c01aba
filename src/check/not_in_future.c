/*
 * not_in_future.c - checks that dates and times are not later than now.
 *
 * Now is that of the transaction, as in now(). A value beyond it is compared
 * with the clock before it fails, so that what clock_timestamp() has just said
 * is not in the future. Dates and timestamps without time zone are those of the
 * session's time zone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

typedef struct MlNotInFuture
{
	Datum		tolerance;		/* an interval */
	TimestampTz now;			/* what limits is for */
	TimestampTz limit;			/* the latest that passes */
	Timestamp	local;
	DateADT		date;
} MlNotInFuture;

/* The latest that passes at a time. */
static void
ml_not_in_future_limit(MlNotInFuture *state, TimestampTz now)
{
	Datum		limit = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), state->tolerance);

	state->limit = DatumGetTimestampTz(limit);
	state->local = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, limit));
	state->date = DatumGetDateADT(DirectFunctionCall1(timestamp_date, TimestampGetDatum(state->local)));
	state->now = now;
}

static bool
ml_not_in_future_by(const MlNotInFuture *state, Oid type, Datum value)
{
	return type == DATEOID ? DatumGetDateADT(value) <= state->date :
		type == TIMESTAMPOID ? DatumGetTimestamp(value) <= state->local :
		DatumGetTimestampTz(value) <= state->limit;
}

static bool
ml_not_in_future_holds(const MlRowCheck *row, int i, Datum value)
{
	MlNotInFuture *state = row->state;
	Oid			type = row->columns[i].convert.type;
	MlNotInFuture later;

	if (state->now != GetCurrentTransactionStartTimestamp())
		ml_not_in_future_limit(state, GetCurrentTransactionStartTimestamp());
	if (ml_not_in_future_by(state, type, value))
		return true;
	later = *state;
	ml_not_in_future_limit(&later, GetCurrentTimestamp());
	return ml_not_in_future_by(&later, type, value);
}

ML_EACH_COLUMN(ml_not_in_future_passes, ml_not_in_future_holds)

/* The tolerance as an interval; raises an error for what is none, below 0 or above a hundred years. */
static Datum
ml_not_in_future_tolerance(const MlCheck *check)
{
	const char *text = ml_check_param(check, "tolerance")->text;
	Datum		value;
	double		seconds;
	MlConvert	convert;

	if (!ml_convert_time_text(ML_TYPE_INTERVAL, pstrdup(text), &value))
		ml_check_refuse(check, "parameter \"tolerance\" is no interval", psprintf("It is \"%s\".", text),
						"Write it as \"5 minutes\".");
	ml_convert_init(&convert, INTERVALOID);
	seconds = ml_convert_number(&convert, value);
	if (!(seconds >= 0 && seconds <= 100.0 * DAYS_PER_YEAR * SECS_PER_DAY))
		ml_check_refuse(check, "parameter \"tolerance\" is out of range", psprintf("It is \"%s\".", text),
						"Write an interval between 0 and 100 years.");
	return value;
}

static void
ml_not_in_future_prepare(MlRowCheck *row)
{
	MlNotInFuture *state = palloc0(sizeof(MlNotInFuture));

	for (int i = 0; i < row->ncolumns; i++)
		if (row->columns[i].convert.class != ML_TYPE_TIME && row->columns[i].convert.class != ML_TYPE_TIMETZ)
			ml_check_refuse_type(row->check, &row->columns[i], "a date or a timestamp");
	state->tolerance = ml_not_in_future_tolerance(row->check);
	ml_not_in_future_limit(state, GetCurrentTransactionStartTimestamp());
	row->state = state;
	row->passes = ml_not_in_future_passes;
}

static void
ml_not_in_future_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_not_in_future_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfoString(out, ", in the future");
}

static void
ml_not_in_future_validate(const MlCheck *check)
{
	(void) ml_not_in_future_tolerance(check);
}

static const MlParam ml_not_in_future_params[] = {
	{"tolerance", ML_PARAM_TEXT, "0", 0, 0, NULL, "an interval by which a value may be later than now"}
};

const MlCheckKind ml_check_not_in_future = {
	.name = "not_in_future",
	.summary = "dates and times are not later than now",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_not_in_future_params,
	.nparams = lengthof(ml_not_in_future_params),
	.validate = ml_not_in_future_validate,
	.prepare = ml_not_in_future_prepare,
	.explain = ml_not_in_future_explain
};
