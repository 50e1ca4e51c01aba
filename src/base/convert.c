/*
 * convert.c - from a column's SQL type to a number or a text, the same way in training and in scoring.
 *
 * Called once per value: detoasted copies are left to the caller's per-row context.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupmacs.h"
#include "base/compat.h"
#include "base/convert.h"
#include "catalog/dependency.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* The function that casts a vector of the extension vector to float4[]; InvalidOid for any other type. */
static Oid
ml_convert_vector_cast(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			function = InvalidOid;
	Oid			extension;
	char	   *name;
	bool		vector;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);
	vector = strcmp(name, "vector") == 0 || strcmp(name, "halfvec") == 0;
	ReleaseSysCache(tuple);
	if (!vector)
		return InvalidOid;
	extension = getExtensionOfObject(TypeRelationId, type);
	name = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	if (name == NULL || strcmp(name, "vector") != 0)
		return InvalidOid;
	tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(type), ObjectIdGetDatum(FLOAT4ARRAYOID));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	ReleaseSysCache(tuple);
	return function;
}

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
		{INT2ARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_INT2_ARRAY},
		{INT4ARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_INT4_ARRAY},
		{INT8ARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_INT8_ARRAY},
		{NUMERICARRAYOID, ML_TYPE_ARRAY, ML_CONVERT_NUMERIC_ARRAY},
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
	if (convert->class == ML_TYPE_UNSUPPORTED && OidIsValid(convert->cast_function = ml_convert_vector_cast(convert->type)))
	{
		convert->class = ML_TYPE_ARRAY;
		convert->kind = ML_CONVERT_VECTOR;
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

/* A vector as the float4[] that its type's cast makes of it. */
static Datum
ml_convert_cast(MlConvert *convert, Datum value)
{
	if (unlikely(!OidIsValid(convert->cast.fn_oid)))
		fmgr_info_cxt(convert->cast_function, &convert->cast, convert->context);
	switch (convert->cast.fn_nargs)
	{
		case 1:
			return FunctionCall1(&convert->cast, value);
		case 2:
			return FunctionCall2(&convert->cast, value, Int32GetDatum(-1));
		default:
			return FunctionCall3(&convert->cast, value, Int32GetDatum(-1), BoolGetDatum(true));
	}
}

void
ml_convert_array(MlConvert *convert, Datum value, MlArrayReader *reader)
{
	bool		vector = convert->kind == ML_CONVERT_VECTOR;
	ArrayType  *array = DatumGetArrayTypeP(vector ? ml_convert_cast(convert, value) : value);

	reader->kind = vector ? ML_CONVERT_FLOAT4_ARRAY : convert->kind;
	reader->length = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	reader->at = 0;
	reader->nulls = ARR_NULLBITMAP(array);
	reader->data = ARR_DATA_PTR(array);
}

double
ml_array_other(MlArrayReader *reader)
{
	const char *data = reader->data;

	switch (reader->kind)
	{
		case ML_CONVERT_INT2_ARRAY:
			reader->data += sizeof(int16);
			return *(const int16 *) data;
		case ML_CONVERT_INT4_ARRAY:
			reader->data += sizeof(int32);
			return *(const int32 *) data;
		case ML_CONVERT_INT8_ARRAY:
			reader->data += sizeof(int64);
			return (double) *(const int64 *) data;
		case ML_CONVERT_NUMERIC_ARRAY:
			data = (const char *) att_align_pointer(data, TYPALIGN_INT, -1, data);
			reader->data = data + VARSIZE_ANY(data);
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, PointerGetDatum(data)));
		default:
			elog(ERROR, "conversion %d has no elements", (int) reader->kind);
	}
}

bool
ml_convert_is_vector(const char *type_name)
{
	const char *dot = strrchr(type_name, '.');

	return dot != NULL && (strcmp(dot, ".vector") == 0 || strcmp(dot, ".halfvec") == 0);
}

bool
ml_convert_is_single(const char *type_name)
{
	return strncmp(type_name, "real", 4) == 0 || ml_convert_is_vector(type_name);
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
