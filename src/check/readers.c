/*
 * readers.c - whether a text can be read as a value of a type, without an error where it cannot.
 */
#include "postgres.h"

#include <errno.h>
#include <math.h>

#include "base/compat.h"
#include "base/convert.h"
#include "check/formats.h"
#include "check/json_text.h"
#include "check/readers.h"
#include "datatype/timestamp.h"
#include "utils/builtins.h"

/* What numeric can hold: digits before and behind the point. */
#define ML_NUMBER_WHOLE_MAX		131072
#define ML_NUMBER_FRACTION_MAX	16383

/* No date or interval is written with so many bytes. */
#define ML_READER_TIME_MAX		200

static bool
ml_reader_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
ml_reader_trim(const char **s, int *length)
{
	while (*length > 0 && ml_reader_is_space(**s))
	{
		(*s)++;
		(*length)--;
	}
	while (*length > 0 && ml_reader_is_space((*s)[*length - 1]))
		(*length)--;
}

static bool
ml_reads_whole(const char *s, int length, uint64 max)
{
	uint64		value = 0;
	int			i = 0;

	ml_reader_trim(&s, &length);
	if (length > 0 && (s[0] == '+' || s[0] == '-'))
	{
		/* the least is one further from 0 than the greatest */
		max += s[0] == '-';
		i++;
	}
	if (i == length)
		return false;
	for (; i < length; i++)
	{
		if (!ml_format_is_digit(s[i]) || value > (max - (s[i] - '0')) / 10)
			return false;
		value = value * 10 + (s[i] - '0');
	}
	return true;
}

static bool
ml_reads_smallint(const char *s, int length)
{
	return ml_reads_whole(s, length, PG_INT16_MAX);
}

static bool
ml_reads_integer(const char *s, int length)
{
	return ml_reads_whole(s, length, PG_INT32_MAX);
}

static bool
ml_reads_bigint(const char *s, int length)
{
	return ml_reads_whole(s, length, PG_INT64_MAX);
}

bool
ml_reads_number(const char *s, int length)
{
	int64		whole = 0;		/* digits before the point, from the first that is not 0 */
	int64		fraction = 0;	/* digits behind it */
	int64		zeros = 0;		/* behind the point, before the first that is not 0 */
	int64		exponent = 0;
	bool		point = false;
	bool		any = false;
	bool		some = false;	/* a digit that is not 0 was seen */
	int			i = 0;

	ml_reader_trim(&s, &length);
	if (i < length && (s[i] == '+' || s[i] == '-'))
		i++;
	for (; i < length && (ml_format_is_digit(s[i]) || (s[i] == '.' && !point)); i++)
	{
		if (s[i] == '.')
		{
			point = true;
			continue;
		}
		any = true;
		some |= s[i] != '0';
		whole += !point && some;
		fraction += point;
		zeros += point && !some;
	}
	if (!any)
		return false;
	if (i < length && (s[i] == 'e' || s[i] == 'E'))
	{
		bool		minus = i + 1 < length && s[i + 1] == '-';
		int			start;

		i += 1 + (minus || (i + 1 < length && s[i + 1] == '+'));
		start = i;
		for (; i < length && ml_format_is_digit(s[i]); i++)
			exponent = Min(exponent * 10 + (s[i] - '0'), 10000000);
		if (i == start)
			return false;
		if (minus)
			exponent = -exponent;
	}
	return i == length && (!some || (whole > 0 ? whole : -zeros) + exponent <= ML_NUMBER_WHOLE_MAX) &&
		fraction - exponent <= ML_NUMBER_FRACTION_MAX;
}

static bool
ml_reads_double(const char *s, int length)
{
	char		text[64];
	char	   *copy = text;
	char	   *end;
	double		x;

	ml_reader_trim(&s, &length);
	/* the words, as the server has them */
	if (length == 3 && pg_strncasecmp(s, "nan", 3) == 0)
		return true;
	if (length > 0 && (s[0] == '+' || s[0] == '-') && length <= 9)
	{
		if ((length == 4 && pg_strncasecmp(s + 1, "inf", 3) == 0) ||
			(length == 9 && pg_strncasecmp(s + 1, "infinity", 8) == 0))
			return true;
	}
	else if ((length == 3 && pg_strncasecmp(s, "inf", 3) == 0) || (length == 8 && pg_strncasecmp(s, "infinity", 8) == 0))
		return true;
	for (int i = 0; i < length; i++)
		if (!ml_format_is_digit(s[i]) && (s[i] == '\0' || strchr("+-.eE", s[i]) == NULL))
			return false;
	if (length == 0)
		return false;
	if (length < (int) sizeof text)
	{
		memcpy(text, s, length);
		text[length] = '\0';
	}
	else
		copy = pnstrdup(s, length);
	errno = 0;
	x = strtod(copy, &end);
	/* too great is refused by the type, and too small */
	return end == copy + length && !isinf(x) && !(errno == ERANGE && x == 0);
}

static bool
ml_reads_boolean(const char *s, int length)
{
	bool		value;

	ml_reader_trim(&s, &length);
	return parse_bool_with_len(s, length, &value);
}

static bool
ml_reads_time_class(MlTypeClass class, const char *s, int length)
{
	Datum		value;

	return length <= ML_READER_TIME_MAX && ml_convert_time_text(class, pnstrdup(s, length), &value);
}

static bool
ml_reads_timestamp(const char *s, int length)
{
	return ml_reads_time_class(ML_TYPE_TIME, s, length);
}

static bool
ml_reads_timestamptz(const char *s, int length)
{
	return ml_reads_time_class(ML_TYPE_TIMETZ, s, length);
}

static bool
ml_reads_interval(const char *s, int length)
{
	return ml_reads_time_class(ML_TYPE_INTERVAL, s, length);
}

/* 32 digits, a hyphen allowed behind each four, all in braces or not. */
static bool
ml_reads_uuid(const char *s, int length)
{
	int			digits = 0;

	if (length > 1 && s[0] == '{')
	{
		if (s[length - 1] != '}')
			return false;
		s++;
		length -= 2;
	}
	for (int i = 0; i < length; i++)
	{
		if (ml_format_is_hex(s[i]))
			digits++;
		else if (s[i] != '-' || digits == 0 || digits % 4 != 0 || s[i - 1] == '-' || i + 1 == length)
			return false;
	}
	return digits == 32;
}

static const MlReader ml_readers[] = {
	{"smallint", ml_reads_smallint},
	{"integer", ml_reads_integer},
	{"bigint", ml_reads_bigint},
	{"number", ml_reads_number},
	{"double precision", ml_reads_double},
	{"boolean", ml_reads_boolean},
	{"date", ml_reads_timestamp},
	{"timestamp", ml_reads_timestamp},
	{"timestamptz", ml_reads_timestamptz},
	{"interval", ml_reads_interval},
	{"uuid", ml_reads_uuid},
	{"json", ml_json_valid}
};

const MlReader *
ml_reader(const char *name)
{
	for (int i = 0; i < (int) lengthof(ml_readers); i++)
		if (strcmp(ml_readers[i].name, name) == 0)
			return &ml_readers[i];
	return NULL;
}
