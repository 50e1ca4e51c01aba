/*
 * formats.c - formats of texts, each told by one pass over the bytes: no regular expressions, no errors.
 *
 * The others are in formats_net.c and formats_code.c. An empty text has no format.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/formats.h"
#include "check/json_text.h"

/* 8-4-4-4-12 hexadecimal digits. */
static bool
ml_format_uuid(const char *s, int length)
{
	if (length != 36)
		return false;
	for (int i = 0; i < length; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !ml_format_is_hex(s[i]))
			return false;
	return true;
}

/* A number of exactly so many digits, or -1. */
static int
ml_format_digits(const char *s, int n)
{
	int			value = 0;

	for (int i = 0; i < n; i++)
	{
		if (!ml_format_is_digit(s[i]))
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

/* YYYY-MM-DD, a day of the calendar. */
static bool
ml_format_date(const char *s, int length)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year;
	int			month;
	int			day;

	if (length != 10 || s[4] != '-' || s[7] != '-')
		return false;
	year = ml_format_digits(s, 4);
	month = ml_format_digits(s + 5, 2);
	day = ml_format_digits(s + 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return day <= 29;
	return day <= days[month - 1];
}

/* HH:MM:SS, a fraction, and Z or an offset; zone tells whether there is one. */
static bool
ml_format_clock(const char *s, int length, bool *zone)
{
	int			hour;
	int			minute;
	int			second;
	int			i = 8;

	*zone = false;
	if (length < 8 || s[2] != ':' || s[5] != ':')
		return false;
	hour = ml_format_digits(s, 2);
	minute = ml_format_digits(s + 3, 2);
	second = ml_format_digits(s + 6, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	if (i < length && s[i] == '.')
	{
		int			start = ++i;

		while (i < length && ml_format_is_digit(s[i]))
			i++;
		if (i == start)
			return false;
	}
	if (i == length)
		return true;
	*zone = true;
	if (s[i] == 'Z')
		return i + 1 == length;
	if (length - i != 6 || (s[i] != '+' && s[i] != '-') || s[i + 3] != ':')
		return false;
	hour = ml_format_digits(s + i + 1, 2);
	minute = ml_format_digits(s + i + 4, 2);
	return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

static bool
ml_format_time(const char *s, int length)
{
	bool		zone;

	return ml_format_clock(s, length, &zone);
}

/* A date, T or a space, a time. */
static bool
ml_format_timestamp(const char *s, int length)
{
	return length > 11 && ml_format_date(s, 10) && (s[10] == 'T' || s[10] == ' ') &&
		ml_format_time(s + 11, length - 11);
}

/* RFC 3339: with T and a zone. */
static bool
ml_format_date_time(const char *s, int length)
{
	bool		zone;

	return length > 11 && ml_format_date(s, 10) && s[10] == 'T' && ml_format_clock(s + 11, length - 11, &zone) && zone;
}

/* RFC 4648, filled up with = to fours. */
static bool
ml_format_base64(const char *s, int length)
{
	int			fill = 0;

	if (length == 0 || length % 4 != 0)
		return false;
	while (fill < 2 && s[length - 1 - fill] == '=')
		fill++;
	for (int i = 0; i < length - fill; i++)
		if (!ml_format_is_letter(s[i]) && !ml_format_is_digit(s[i]) && s[i] != '+' && s[i] != '/')
			return false;
	return true;
}

/* Whole bytes. */
static bool
ml_format_hex(const char *s, int length)
{
	for (int i = 0; i < length; i++)
		if (!ml_format_is_hex(s[i]))
			return false;
	return length > 0 && length % 2 == 0;
}

static const MlFormat ml_formats[] = {
	{"email", "an email address", ml_format_email},
	{"url", "a URL", ml_format_url},
	{"uuid", "a UUID", ml_format_uuid},
	{"json", "JSON", ml_json_valid},
	{"date", "a date YYYY-MM-DD", ml_format_date},
	{"timestamp", "a timestamp of ISO 8601", ml_format_timestamp},
	{"time", "a time HH:MM:SS", ml_format_time},
	{"ipv4", "an IPv4 address", ml_format_ipv4},
	{"ipv6", "an IPv6 address", ml_format_ipv6},
	{"iban", "an IBAN", ml_format_iban},
	{"credit_card", "the number of a credit card", ml_format_card},
	{"country", "a country code of ISO 3166", ml_format_country},
	{"phone", "a telephone number of E.164", ml_format_phone},
	{"isbn", "an ISBN", ml_format_isbn},
	{"mac_address", "a MAC address", ml_format_mac},
	{"us_ssn", "a US social security number", ml_format_ssn},
	{"base64", "base64", ml_format_base64},
	{"hex", "hexadecimal bytes", ml_format_hex},
	/* as JSON Schema names them */
	{"uri", "a URI", ml_format_url},
	{"date-time", "a date-time of RFC 3339", ml_format_date_time}
};

const MlFormat *
ml_format(const char *name)
{
	for (int i = 0; i < (int) lengthof(ml_formats); i++)
		if (strcmp(ml_formats[i].name, name) == 0)
			return &ml_formats[i];
	return NULL;
}
