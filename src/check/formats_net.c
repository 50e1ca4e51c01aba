/*
 * formats_net.c - formats of the network: addresses of mail, of pages, of machines.
 *
 * Sources: RFC 5321 (mail, without quoted local parts and literals), RFC 3986
 * (URL), RFC 4291 (IPv6). ASCII only, as these have it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/formats.h"

/* A name of the domain system: labels of letters, digits and inner hyphens. */
static bool
ml_format_domain(const char *s, int length, bool dotted)
{
	int			start = 0;
	int			labels = 0;

	if (length < 1 || length > 253)
		return false;
	for (int i = 0; i <= length; i++)
	{
		if (i < length && s[i] != '.')
		{
			if (!ml_format_is_letter(s[i]) && !ml_format_is_digit(s[i]) && s[i] != '-')
				return false;
			continue;
		}
		if (i == start || i - start > 63 || s[start] == '-' || s[i - 1] == '-')
			return false;
		labels++;
		/* the last is no number: 10.0.0 is no name */
		if (i == length && ml_format_is_digit(s[start]) && dotted)
			return false;
		start = i + 1;
	}
	return labels > 1 || !dotted;
}

bool
ml_format_email(const char *s, int length)
{
	int			at = -1;

	for (int i = 0; i < length && at < 0; i++)
	{
		if (s[i] == '@')
			at = i;
		else if (!ml_format_is_letter(s[i]) && !ml_format_is_digit(s[i]) &&
				 (s[i] == '\0' || strchr(".!#$%&'*+/=?^_`{|}~-", s[i]) == NULL))
			return false;
		else if (s[i] == '.' && (i == 0 || s[i - 1] == '.'))
			return false;
	}
	if (at < 1 || at > 64 || s[at - 1] == '.')
		return false;
	return ml_format_domain(s + at + 1, length - at - 1, true);
}

/* Numbers of 0 to 255, four with dots between, without leading zeros. */
bool
ml_format_ipv4(const char *s, int length)
{
	int			part = 0;
	int			digits = 0;
	int			value = 0;

	if (length > 15)
		return false;
	for (int i = 0; i <= length; i++)
	{
		if (i < length && ml_format_is_digit(s[i]))
		{
			if (digits > 0 && value == 0)
				return false;
			value = value * 10 + (s[i] - '0');
			digits++;
			if (digits > 3 || value > 255)
				return false;
			continue;
		}
		if (digits == 0 || (i < length && s[i] != '.'))
			return false;
		part++;
		digits = 0;
		value = 0;
	}
	return part == 4;
}

/* Eight groups of up to four digits; one :: for groups of zeros; the last two may be an IPv4 address. */
bool
ml_format_ipv6(const char *s, int length)
{
	int			groups = 0;
	bool		gap = false;
	int			i = 0;

	if (length < 2 || length > 45 || (s[0] == ':' && s[1] != ':'))
		return false;
	while (i < length)
	{
		int			start = i;

		if (s[i] == ':' && i + 1 < length && s[i + 1] == ':')
		{
			if (gap)
				return false;
			gap = true;
			i += 2;
			continue;
		}
		/* a single colon stands between groups, not at an end, not behind the gap */
		if (s[i] == ':')
		{
			if (i == 0 || i + 1 == length || s[i - 1] == ':')
				return false;
			start = ++i;
		}
		while (i < length && ml_format_is_hex(s[i]))
			i++;
		if (i < length && s[i] == '.')
			return (gap ? groups <= 5 : groups == 6) && ml_format_ipv4(s + start, length - start);
		if (i == start || i - start > 4 || (i < length && s[i] != ':'))
			return false;
		groups++;
	}
	return gap ? groups <= 7 : groups == 8;
}

/* What stands behind a host: no space, no control, % with two digits. */
static bool
ml_format_url_rest(const char *s, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (s[i] <= ' ' || s[i] >= 0x7f || strchr("\"<>\\^`{|}", s[i]) != NULL)
			return false;
		if (s[i] == '%' && (i + 2 >= length || !ml_format_is_hex(s[i + 1]) || !ml_format_is_hex(s[i + 2])))
			return false;
	}
	return true;
}

/* A host with a port: a name, an IPv4 address or an IPv6 address in brackets. */
static bool
ml_format_host(const char *s, int length)
{
	int			host = 0;
	int			port = 0;
	bool		good;

	if (length > 0 && s[0] == '[')
	{
		while (host < length && s[host] != ']')
			host++;
		good = host < length && ml_format_ipv6(s + 1, host - 1);
		host++;
	}
	else
	{
		while (host < length && s[host] != ':')
			host++;
		good = ml_format_ipv4(s, host) || ml_format_domain(s, host, false);
	}
	if (!good || host >= length)
		return good;
	if (s[host] != ':')
		return false;
	for (int i = host + 1; i < length; i++)
	{
		if (!ml_format_is_digit(s[i]))
			return false;
		port = port * 10 + (s[i] - '0');
		if (port > 65535)
			return false;
	}
	return true;
}

/* scheme://[user@]host[:port][/path][?query][#fragment] */
bool
ml_format_url(const char *s, int length)
{
	int			i = 0;
	int			start;
	int			host;

	while (i < length && (ml_format_is_letter(s[i]) ||
						  (i > 0 && (ml_format_is_digit(s[i]) || s[i] == '+' || s[i] == '-' || s[i] == '.'))))
		i++;
	if (i == 0 || length - i < 4 || memcmp(s + i, "://", 3) != 0)
		return false;
	start = host = i + 3;
	for (i = start; i < length && s[i] != '/' && s[i] != '?' && s[i] != '#'; i++)
		if (s[i] == '@')
			host = i + 1;
	return ml_format_host(s + host, i - host) && ml_format_url_rest(s + start, host - start) &&
		ml_format_url_rest(s + i, length - i);
}

/* Six bytes with : or - between, or three groups of four digits with dots. */
bool
ml_format_mac(const char *s, int length)
{
	bool		dotted = length == 14;
	int			step = dotted ? 5 : 3;

	if (length != 17 && !dotted)
		return false;
	for (int i = 0; i < length; i++)
	{
		if (i % step != step - 1)
		{
			if (!ml_format_is_hex(s[i]))
				return false;
		}
		else if (dotted ? s[i] != '.' : (s[i] != ':' && s[i] != '-') || s[i] != s[2])
			return false;
	}
	return true;
}
