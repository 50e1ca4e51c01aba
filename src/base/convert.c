/*
 * convert.c - from a column's SQL type to a number or a text, the same way in training and in scoring.
 *
 * Called once per value: detoasted copies are left to the caller's per-row context.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "access/transam.h"
#include "base/compat.h"
#include "base/convert.h"
#include "catalog/pg_type.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Settles class and kind, and the base type. */
static void
ml_convert_classify(MlConvert *convert, Oid type)
{
	static const struct
	{
		Oid			type;
		MlTypeClass class;
		MlConvertKind kind;
	}			known[] = {
		{FLOAT8OID, ML_TYPE_NUMBER, ML_CONVERT_FLOAT8},
		{FLOAT4OID, ML_TYPE_NUMBER, ML_CONVERT_FLOAT4},
		{INT2OID, ML_TYPE_NUMBER, ML_CONVERT_INT2},
		{INT4OID, ML_TYPE_NUMBER, ML_CONVERT_INT4},
		{INT8OID, ML_TYPE_NUMBER, ML_CONVERT_INT8},
		{BOOLOID, ML_TYPE_NUMBER, ML_CONVERT_BOOL},
		{NUMERICOID, ML_TYPE_NUMBER, ML_CONVERT_NUMERIC},
		{DATEOID, ML_TYPE_TIME, ML_CONVERT_DATE},
		{TIMESTAMPOID, ML_TYPE_TIME, ML_CONVERT_TIMESTAMP},
		{TIMESTAMPTZOID, ML_TYPE_TIMETZ, ML_CONVERT_TIMESTAMP},
		{INTERVALOID, ML_TYPE_INTERVAL, ML_CONVERT_INTERVAL},
		{TEXTOID, ML_TYPE_TEXT, ML_CONVERT_VARLENA},
		{VARCHAROID, ML_TYPE_TEXT, ML_CONVERT_VARLENA},
		{BPCHAROID, ML_TYPE_TEXT, ML_CONVERT_BPCHAR},
		{UUIDOID, ML_TYPE_TEXT, ML_CONVERT_OUTPUT},
		{NAMEOID, ML_TYPE_TEXT, ML_CONVERT_OUTPUT},
		{CHAROID, ML_TYPE_TEXT, ML_CONVERT_OUTPUT},
		/* a literal in ROW(...) */
		{UNKNOWNOID, ML_TYPE_TEXT, ML_CONVERT_OUTPUT},
		{FLOAT8ARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_FLOAT8_ARRAY},
		{FLOAT4ARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_FLOAT4_ARRAY},
	};

	memset(convert, 0, sizeof *convert);
	convert->type = type;
	/* most types are in the table, and only the others can be domains */
	for (int again = 0; again < 2 && convert->class == ML_TYPE_UNSUPPORTED; again++)
	{
		if (again)
			convert->type = getBaseType(type);
		for (int i = 0; i < (int) lengthof(known); i++)
			if (known[i].type == convert->type)
			{
				convert->class = known[i].class;
				convert->kind = known[i].kind;
			}
	}
	if (convert->class == ML_TYPE_UNSUPPORTED && type_is_enum(convert->type))
	{
		convert->class = ML_TYPE_TEXT;
		convert->kind = ML_CONVERT_OUTPUT;
	}
}

MlTypeClass
ml_convert_class(Oid type)
{
	MlConvert	convert;

	ml_convert_classify(&convert, type);
	return convert.class;
}

void
ml_convert_init(MlConvert *convert, Oid type)
{
	ml_convert_classify(convert, type);
	convert->context = CurrentMemoryContext;
}

char *
ml_convert_type_name(const MlConvert *convert)
{
	return format_type_extended(convert->type, -1,
								convert->type < FirstNormalObjectId ? 0 : FORMAT_TYPE_FORCE_QUALIFY);
}

const char *
ml_type_class_name(MlTypeClass class)
{
	static const char *const names[] = {
		"a type without a numeric or text meaning", "a number", "a date or timestamp without time zone",
		"a timestamp with time zone", "an interval", "a text", "an array of numbers"
	};

	return names[class];
}

static double
ml_convert_interval(const Interval *iv)
{
	if (ML_INTERVAL_NOT_FINITE(iv))
		return iv->month < 0 ? -get_float8_infinity() : get_float8_infinity();
	/* a month is 30 days and twelve of them 365.25 days, as in extract(epoch) */
	return ((double) (iv->month / MONTHS_PER_YEAR) * DAYS_PER_YEAR +
			(double) (iv->month % MONTHS_PER_YEAR) * DAYS_PER_MONTH +
			(double) iv->day) * SECS_PER_DAY + (double) iv->time / USECS_PER_SEC;
}

double
ml_convert_number(const MlConvert *convert, Datum value)
{
	switch (convert->kind)
	{
		case ML_CONVERT_FLOAT8:
			return DatumGetFloat8(value);
		case ML_CONVERT_FLOAT4:
			return DatumGetFloat4(value);
		case ML_CONVERT_INT2:
			return DatumGetInt16(value);
		case ML_CONVERT_INT4:
			return DatumGetInt32(value);
		case ML_CONVERT_INT8:
			return (double) DatumGetInt64(value);
		case ML_CONVERT_BOOL:
			return DatumGetBool(value);
		case ML_CONVERT_NUMERIC:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
		case ML_CONVERT_DATE:
			{
				DateADT		d = DatumGetDateADT(value);

				if (DATE_NOT_FINITE(d))
					return DATE_IS_NOBEGIN(d) ? -get_float8_infinity() : get_float8_infinity();
				return d;
			}
		case ML_CONVERT_TIMESTAMP:
			{
				Timestamp	t = DatumGetTimestamp(value);

				if (TIMESTAMP_NOT_FINITE(t))
					return TIMESTAMP_IS_NOBEGIN(t) ? -get_float8_infinity() : get_float8_infinity();
				return (double) t / USECS_PER_DAY;
			}
		case ML_CONVERT_INTERVAL:
			return ml_convert_interval(DatumGetIntervalP(value));
		default:
			elog(ERROR, "conversion %d has no number", (int) convert->kind);
	}
}

const char *
ml_convert_text(MlConvert *convert, Datum value, int *length)
{
	char	   *text;

	if (convert->kind == ML_CONVERT_VARLENA || convert->kind == ML_CONVERT_BPCHAR)
	{
		struct varlena *v = PG_DETOAST_DATUM_PACKED(value);

		text = VARDATA_ANY(v);
		*length = VARSIZE_ANY_EXHDR(v);
		if (convert->kind == ML_CONVERT_BPCHAR)
			*length = bpchartruelen(text, *length);
		return text;
	}
	if (convert->kind == ML_CONVERT_BOOL)
		text = DatumGetBool(value) ? "true" : "false";
	else
	{
		if (unlikely(!OidIsValid(convert->output.fn_oid)))
		{
			Oid			output;
			bool		varlena;

			getTypeOutputInfo(convert->type, &output, &varlena);
			fmgr_info_cxt(output, &convert->output, convert->context);
		}
		text = OutputFunctionCall(&convert->output, value);
	}
	*length = strlen(text);
	return text;
}

#ifdef ML_COMPAT_SOFT_INPUT

bool
ml_convert_time_text(MlTypeClass class, char *text, Datum *value)
{
	ErrorSaveContext escontext = {T_ErrorSaveContext};

	return DirectInputFunctionCallSafe(class == ML_TYPE_INTERVAL ? interval_in :
									   class == ML_TYPE_TIME ? timestamp_in : timestamptz_in,
									   text, InvalidOid, -1, (Node *) &escontext, value);
}

#else

/*
 * Whether the decoder may be given the fields of a date: it raises an error
 * for what stands in the place of a time zone's name and is none. Only the
 * first field cannot be one, so that a month's name joined to a day by dashes
 * is not read behind another field.
 */
static bool
ml_convert_zones_known(char **field, const int *type, int nfields)
{
	for (int i = 1; i < nfields; i++)
		if (type[i] == DTK_DATE && isalpha((unsigned char) field[i][0]) && pg_tzset(field[i]) == NULL)
			return false;
	return true;
}

/* As timestamp_in and timestamptz_in do it. */
static bool
ml_convert_timestamp_text(bool zone, const char *text, Datum *value)
{
	char		buffer[MAXDATELEN + MAXDATEFIELDS];
	char	   *field[MAXDATEFIELDS];
	int			type[MAXDATEFIELDS];
	int			nfields;
	int			kind;
	int			tz;
	fsec_t		fraction;
	struct pg_tm tm;
	Timestamp	at;

	if (ParseDateTime(text, buffer, sizeof buffer, field, type, MAXDATEFIELDS, &nfields) != 0 ||
		!ml_convert_zones_known(field, type, nfields) ||
		DecodeDateTime(field, type, nfields, &kind, &tm, &fraction, &tz) != 0)
		return false;
	switch (kind)
	{
		case DTK_DATE:
			if (tm2timestamp(&tm, fraction, zone ? &tz : NULL, &at) != 0)
				return false;
			break;
		case DTK_EPOCH:
			at = SetEpochTimestamp();
			break;
		case DTK_LATE:
			TIMESTAMP_NOEND(at);
			break;
		case DTK_EARLY:
			TIMESTAMP_NOBEGIN(at);
			break;
		default:
			return false;
	}
	*value = TimestampGetDatum(at);
	return true;
}

/* As interval_in does it. */
static bool
ml_convert_interval_text(char *text, Datum *value)
{
	char		buffer[256];
	char	   *field[MAXDATEFIELDS];
	int			type[MAXDATEFIELDS];
	int			nfields;
	int			kind;
	int			problem;
	struct pg_itm_in span = {0};
	Interval   *interval = palloc(sizeof(Interval));

	problem = ParseDateTime(text, buffer, sizeof buffer, field, type, MAXDATEFIELDS, &nfields);
	if (problem == 0)
		problem = DecodeInterval(field, type, nfields, INTERVAL_FULL_RANGE, &kind, &span);
	if (problem == DTERR_BAD_FORMAT)
		problem = DecodeISO8601Interval(text, &kind, &span);
	if (problem != 0 || kind != DTK_DELTA || itmin2interval(&span, interval) != 0)
		return false;
	*value = IntervalPGetDatum(interval);
	return true;
}

bool
ml_convert_time_text(MlTypeClass class, char *text, Datum *value)
{
	if (class == ML_TYPE_INTERVAL)
		return ml_convert_interval_text(text, value);
	return ml_convert_timestamp_text(class == ML_TYPE_TIMETZ, text, value);
}

#endif							/* ML_COMPAT_SOFT_INPUT */
