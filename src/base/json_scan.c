/*
 * json_scan.c - whether bytes are JSON as type json takes it: one value, or one value a line.
 *
 * Nothing is allocated or raised. The encoding is somebody else's business.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/json_scan.h"

/* What comes next. */
enum
{
	ML_JSON_VALUE,				/* a value */
	ML_JSON_FIRST,				/* a value, or the end of the array that has just begun */
	ML_JSON_FIRST_KEY,			/* a key, or the end of the object that has just begun */
	ML_JSON_KEY,
	ML_JSON_COLON,
	ML_JSON_AFTER,				/* behind a value: a comma, the end of what it is in, nothing at the top */
	ML_JSON_STRING,
	ML_JSON_ESCAPE,
	ML_JSON_HEX,
	ML_JSON_LITERAL,
	ML_JSON_MINUS,				/* numbers: a digit has to come */
	ML_JSON_ZERO,				/* no further digit before the point */
	ML_JSON_INT,
	ML_JSON_POINT,				/* a digit has to come */
	ML_JSON_FRACTION,
	ML_JSON_E,					/* a sign or a digit */
	ML_JSON_SIGN,				/* a digit has to come */
	ML_JSON_EXPONENT
};

static void
ml_json_restart(MlJsonScan *scan)
{
	scan->state = ML_JSON_VALUE;
	scan->depth = 0;
	scan->bad = false;
}

void
ml_json_scan_begin(MlJsonScan *scan)
{
	scan->line = 1;
	scan->last_ended = true;
	ml_json_restart(scan);
}

static void
ml_json_wrong(MlJsonScan *scan)
{
	if (scan->bad)
		return;
	scan->bad = true;
	if (scan->wrong++ == 0)
	{
		scan->wrong_line = scan->line;
		scan->wrong_byte = scan->offset;
	}
}

static bool
ml_json_in_object(const MlJsonScan *scan)
{
	return scan->depth > 0 && (scan->is_object[(scan->depth - 1) / 8] >> ((scan->depth - 1) % 8) & 1) != 0;
}

static void
ml_json_open(MlJsonScan *scan, bool object)
{
	uint8		bit = 1 << scan->depth % 8;

	if (scan->depth == ML_JSON_DEPTH_MAX)
	{
		ml_json_wrong(scan);
		return;
	}
	if (object)
		scan->is_object[scan->depth / 8] |= bit;
	else
		scan->is_object[scan->depth / 8] &= ~bit;
	scan->depth++;
	scan->state = object ? ML_JSON_FIRST_KEY : ML_JSON_FIRST;
}

static void
ml_json_close(MlJsonScan *scan, bool object)
{
	if (scan->depth == 0 || ml_json_in_object(scan) != object)
		ml_json_wrong(scan);
	else
	{
		scan->depth--;
		scan->state = ML_JSON_AFTER;
	}
}

static void
ml_json_literal(MlJsonScan *scan, const char *rest)
{
	scan->literal = rest;
	scan->state = ML_JSON_LITERAL;
}

/* The first byte of a value. */
static void
ml_json_value(MlJsonScan *scan, unsigned char c)
{
	switch (c)
	{
		case '"':
			scan->is_key = false;
			scan->state = ML_JSON_STRING;
			break;
		case '{':
			ml_json_open(scan, true);
			break;
		case '[':
			ml_json_open(scan, false);
			break;
		case 't':
			ml_json_literal(scan, "rue");
			break;
		case 'f':
			ml_json_literal(scan, "alse");
			break;
		case 'n':
			ml_json_literal(scan, "ull");
			break;
		case '-':
			scan->state = ML_JSON_MINUS;
			break;
		case '0':
			scan->state = ML_JSON_ZERO;
			break;
		default:
			if (isdigit(c))
				scan->state = ML_JSON_INT;
			else
				ml_json_wrong(scan);
	}
}

/* A byte between values. */
static void
ml_json_structure(MlJsonScan *scan, unsigned char c)
{
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return;
	if ((scan->state == ML_JSON_FIRST && c == ']') || (scan->state == ML_JSON_AFTER && c == ']'))
		ml_json_close(scan, false);
	else if ((scan->state == ML_JSON_FIRST_KEY || scan->state == ML_JSON_AFTER) && c == '}')
		ml_json_close(scan, true);
	else if (scan->state == ML_JSON_VALUE || scan->state == ML_JSON_FIRST)
		ml_json_value(scan, c);
	else if ((scan->state == ML_JSON_FIRST_KEY || scan->state == ML_JSON_KEY) && c == '"')
	{
		scan->is_key = true;
		scan->state = ML_JSON_STRING;
	}
	else if (scan->state == ML_JSON_COLON && c == ':')
		scan->state = ML_JSON_VALUE;
	else if (scan->state == ML_JSON_AFTER && c == ',' && scan->depth > 0)
		scan->state = ml_json_in_object(scan) ? ML_JSON_KEY : ML_JSON_VALUE;
	else
		ml_json_wrong(scan);
}

/* A byte of a number; false if the number ends before it. */
static bool
ml_json_number_byte(MlJsonScan *scan, unsigned char c)
{
	bool		digit = isdigit(c) != 0;
	bool		whole = scan->state == ML_JSON_ZERO || scan->state == ML_JSON_INT;

	if (digit && scan->state == ML_JSON_MINUS)
		scan->state = c == '0' ? ML_JSON_ZERO : ML_JSON_INT;
	else if (digit && scan->state == ML_JSON_POINT)
		scan->state = ML_JSON_FRACTION;
	else if (digit && (scan->state == ML_JSON_E || scan->state == ML_JSON_SIGN))
		scan->state = ML_JSON_EXPONENT;
	else if (digit && scan->state != ML_JSON_ZERO)
		return true;
	else if (c == '.' && whole)
		scan->state = ML_JSON_POINT;
	else if ((c == 'e' || c == 'E') && (whole || scan->state == ML_JSON_FRACTION))
		scan->state = ML_JSON_E;
	else if ((c == '+' || c == '-') && scan->state == ML_JSON_E)
		scan->state = ML_JSON_SIGN;
	else if (whole || scan->state == ML_JSON_FRACTION || scan->state == ML_JSON_EXPONENT)
	{
		scan->state = ML_JSON_AFTER;
		return false;
	}
	else
		ml_json_wrong(scan);
	return true;
}

static void
ml_json_string_byte(MlJsonScan *scan, unsigned char c)
{
	switch (scan->state)
	{
		case ML_JSON_STRING:
			if (c == '"')
				scan->state = scan->is_key ? ML_JSON_COLON : ML_JSON_AFTER;
			else if (c == '\\')
				scan->state = ML_JSON_ESCAPE;
			else if (c < ' ')
				ml_json_wrong(scan);
			break;
		case ML_JSON_ESCAPE:
			scan->state = c == 'u' ? ML_JSON_HEX : ML_JSON_STRING;
			scan->digits = 4;
			if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
				ml_json_wrong(scan);
			break;
		default:
			if (!isxdigit(c))
				ml_json_wrong(scan);
			else if (--scan->digits == 0)
				scan->state = ML_JSON_STRING;
	}
}

static void
ml_json_byte(MlJsonScan *scan, unsigned char c)
{
	if (scan->state >= ML_JSON_MINUS && ml_json_number_byte(scan, c))
		return;
	if (scan->state == ML_JSON_LITERAL)
	{
		if (c != (unsigned char) *scan->literal)
			ml_json_wrong(scan);
		else if (*++scan->literal == '\0')
			scan->state = ML_JSON_AFTER;
	}
	else if (scan->state >= ML_JSON_STRING)
		ml_json_string_byte(scan, c);
	else
		ml_json_structure(scan, c);
}

/* The end of a value: of the line, or of all. */
static void
ml_json_finish(MlJsonScan *scan)
{
	/* a space ends a number */
	if (!scan->bad)
		ml_json_byte(scan, ' ');
	if (scan->state != ML_JSON_AFTER || scan->depth > 0)
		ml_json_wrong(scan);
	scan->values++;
	ml_json_restart(scan);
}

void
ml_json_scan_bytes(MlJsonScan *scan, const char *bytes, Size n)
{
	for (Size i = 0; i < n; i++, scan->offset++)
	{
		unsigned char c = bytes[i];

		/* most bytes are within strings */
		if (scan->state == ML_JSON_STRING && c >= ' ' && c != '"' && c != '\\')
		{
			scan->last_ended = false;
			continue;
		}
		if (c == '\n' && scan->lines)
			ml_json_finish(scan);
		else if (!scan->bad)
			ml_json_byte(scan, c);
		scan->last_ended = c == '\n';
		scan->line += c == '\n';
	}
}

void
ml_json_scan_end(MlJsonScan *scan)
{
	if (!scan->lines || !scan->last_ended)
		ml_json_finish(scan);
}
