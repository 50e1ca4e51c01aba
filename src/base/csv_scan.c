/*
 * csv_scan.c - the records and fields of a file in COPY's formats csv and text, byte by byte.
 *
 * Nothing is allocated or raised. Where COPY would refuse a line, the scan
 * notes it and goes on as the writer of the file most likely meant it.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/csv_scan.h"
#include "mb/pg_wchar.h"

/* Where a scan stands before the next byte. */
enum
{
	ML_CSV_START,				/* before a record */
	ML_CSV_FIELD,				/* outside quotes */
	ML_CSV_QUOTED,
	ML_CSV_QUOTED_ESCAPE,		/* behind an escape that is not the quote */
	ML_CSV_CR,					/* behind a carriage return outside quotes */
	ML_CSV_BACKSLASH,			/* text anywhere, csv at a line's start */
	ML_CSV_MARKER,				/* behind a backslash and a period */
	ML_CSV_OCTAL,
	ML_CSV_HEX,
	ML_CSV_DONE					/* behind the end-of-data marker */
};

void
ml_csv_scan_begin(MlCsvScan *scan)
{
	scan->special[(unsigned char) scan->delimiter] = true;
	scan->special['\n'] = scan->special['\r'] = true;
	scan->special[(unsigned char) (scan->csv ? scan->quote : '\\')] = true;
	scan->quoted_special['\n'] = scan->quoted_special['\r'] = true;
	scan->quoted_special[(unsigned char) scan->quote] = true;
	scan->quoted_special[(unsigned char) scan->escape] = true;
	scan->last_ended = true;
	scan->state = ML_CSV_START;
}

static void
ml_csv_fault(MlCsvFault *fault, int64 line)
{
	if (fault->n++ == 0)
		fault->line = line;
}

/* Keeps bytes of the header's names. */
static void
ml_csv_keep(MlCsvScan *scan, const char *bytes, Size n)
{
	if (!scan->header || scan->seen_first || scan->names_full)
		return;
	if (n > scan->names_size - scan->names_used)
	{
		scan->names_full = true;
		return;
	}
	memcpy(scan->names + scan->names_used, bytes, n);
	scan->names_used += n;
}

static void
ml_csv_keep_byte(MlCsvScan *scan, char c)
{
	ml_csv_keep(scan, &c, 1);
}

/* An escape that gives no character. COPY does not look into a header that it passes over. */
static void
ml_csv_escape_fault(MlCsvScan *scan)
{
	if (scan->seen_first || !scan->header)
		ml_csv_fault(&scan->escapes, scan->line);
}

/* Bytes that are not escaped are whole characters; what is escaped between them has to be so too. */
static void
ml_csv_settle_escapes(MlCsvScan *scan)
{
	if (scan->npending > 0)
		ml_csv_escape_fault(scan);
	scan->npending = 0;
}

/* Takes a byte that an escape of digits stands for. */
static void
ml_csv_escaped(MlCsvScan *scan, int value)
{
	int			encoding = GetDatabaseEncoding();

	ml_csv_keep_byte(scan, value != 0 ? (char) value : '?');
	if (value == 0)
		ml_csv_escape_fault(scan);
	if (!IS_HIGHBIT_SET(value))
	{
		ml_csv_settle_escapes(scan);
		return;
	}
	scan->pending[scan->npending++] = value;
	if (scan->npending < Min(pg_encoding_mblen(encoding, (char *) scan->pending), (int) sizeof(scan->pending) - 1))
		return;
	if (pg_encoding_verifymbstr(encoding, (char *) scan->pending, scan->npending) != scan->npending)
		ml_csv_escape_fault(scan);
	scan->npending = 0;
}

/* Ends an escape of digits. */
static void
ml_csv_finish_digits(MlCsvScan *scan)
{
	if (scan->state == ML_CSV_HEX && scan->escape_digits == 0)
	{
		ml_csv_settle_escapes(scan);
		ml_csv_keep_byte(scan, 'x');
	}
	else
		ml_csv_escaped(scan, scan->escape_value & 0xff);
	scan->state = ML_CSV_FIELD;
}

static void
ml_csv_begin_record(MlCsvScan *scan)
{
	scan->line++;
	scan->fields = 1;
	scan->bytes = 0;
	scan->left_quote = false;
	scan->last_ended = false;
	scan->state = ML_CSV_FIELD;
}

/* judged is whether the number of fields means something. */
static void
ml_csv_end_record(MlCsvScan *scan, bool judged)
{
	ml_csv_settle_escapes(scan);
	ml_csv_keep_byte(scan, '\0');
	scan->longest = Max(scan->longest, scan->bytes);
	scan->state = ML_CSV_START;
	scan->last_ended = true;
	if (!scan->seen_first)
	{
		scan->seen_first = true;
		scan->first_fields = scan->fields;
		if (scan->expected == 0)
			scan->expected = scan->fields;
		if (scan->header)
			return;
	}
	scan->records++;
	if (judged && scan->fields != scan->expected)
	{
		if (scan->arity.n == 0)
			scan->arity_fields = scan->fields;
		ml_csv_fault(&scan->arity, scan->line);
	}
}

/* A line feed outside quotes. */
static void
ml_csv_lf(MlCsvScan *scan)
{
	if (scan->end == ML_CSV_END_NONE)
		scan->end = ML_CSV_END_LF;
	else if (scan->end != ML_CSV_END_LF)
		ml_csv_fault(&scan->ends, scan->line);
	ml_csv_end_record(scan, true);
}

/* Decides about a carriage return outside quotes; true if the byte behind it is used up. */
static bool
ml_csv_after_cr(MlCsvScan *scan, int c)
{
	if (scan->end == ML_CSV_END_NONE)
		scan->end = c == '\n' ? ML_CSV_END_CRLF : ML_CSV_END_CR;
	if (c == '\n')
	{
		scan->n_lf++;
		/* where CR ends lines COPY meets the line feed at the start of the next one */
		if (scan->end != ML_CSV_END_CRLF)
			ml_csv_fault(&scan->ends, scan->line + (scan->end == ML_CSV_END_CR ? 1 : 0));
		ml_csv_end_record(scan, true);
		return true;
	}
	if (scan->end == ML_CSV_END_CR)
		ml_csv_end_record(scan, true);
	else
	{
		ml_csv_fault(&scan->ends, scan->line);
		scan->bytes++;
		scan->state = ML_CSV_FIELD;
	}
	return false;
}

static void
ml_csv_mark(MlCsvScan *scan, MlCsvMarker marker)
{
	scan->marker = marker;
	scan->marker_line = scan->line;
	if (marker == ML_CSV_MARKER_ALONE)
	{
		scan->line--;			/* it is no record */
		scan->last_ended = true;
	}
	else
		ml_csv_end_record(scan, false);
	scan->state = ML_CSV_DONE;
}

/* Takes a byte behind a backslash and a period, or -1 at the end; true if it is used up. */
static bool
ml_csv_marker(MlCsvScan *scan, int c)
{
	bool		crlf = scan->end == ML_CSV_END_CRLF;

	if (crlf && !scan->marker_cr && c == '\r')
	{
		scan->marker_cr = true;
		return true;
	}
	if ((c == '\r' || c == '\n') && (!crlf || scan->marker_cr))
	{
		if ((scan->end == ML_CSV_END_LF || crlf) ? c != '\n' : scan->end == ML_CSV_END_CR && c != '\r')
			ml_csv_mark(scan, ML_CSV_MARKER_CORRUPT);
		else
			ml_csv_mark(scan, scan->bytes > 0 ? ML_CSV_MARKER_SHARED : ML_CSV_MARKER_ALONE);
		return true;
	}
	if (!scan->csv)
	{
		ml_csv_mark(scan, ML_CSV_MARKER_CORRUPT);
		return true;
	}
	/* in csv it is data then */
	scan->bytes += 2;
	ml_csv_keep(scan, "\\.", 2);
	scan->state = scan->marker_cr ? ML_CSV_CR : ML_CSV_FIELD;
	scan->n_cr += scan->marker_cr;
	scan->marker_cr = false;
	return false;
}

/* Takes a byte behind a backslash; true if it is used up. */
static bool
ml_csv_backslash(MlCsvScan *scan, int c)
{
	scan->state = ML_CSV_FIELD;
	if (c == '.')
	{
		scan->state = ML_CSV_MARKER;
		scan->marker_cr = false;
		return true;
	}
	if (scan->csv)
	{
		scan->bytes++;
		ml_csv_keep_byte(scan, '\\');
		return false;
	}
	scan->bytes += 2;
	scan->escape_value = scan->escape_digits = 0;
	if (c >= '0' && c <= '7')
	{
		scan->state = ML_CSV_OCTAL;
		scan->escape_value = c - '0';
		scan->escape_digits = 1;
	}
	else if (c == 'x')
		scan->state = ML_CSV_HEX;
	else
	{
		static const char letters[] = "bfnrtv";
		static const char controls[] = "\b\f\n\r\t\v";
		const char *at = c != 0 ? strchr(letters, c) : NULL;

		ml_csv_settle_escapes(scan);
		ml_csv_keep_byte(scan, at != NULL ? controls[at - letters] : (char) c);
		scan->n_lf += c == '\n';
		scan->n_cr += c == '\r';
	}
	return true;
}

/* Takes a digit of an escape; false if the byte is none of its digits. */
static bool
ml_csv_digit(MlCsvScan *scan, unsigned char c)
{
	if (scan->state == ML_CSV_OCTAL ? c < '0' || c > '7' || scan->escape_digits == 3 :
		!isxdigit(c) || scan->escape_digits == 2)
	{
		ml_csv_finish_digits(scan);
		return false;
	}
	if (scan->state == ML_CSV_OCTAL)
		scan->escape_value = scan->escape_value * 8 + (c - '0');
	else
		scan->escape_value = scan->escape_value * 16 + (isdigit(c) ? c - '0' : pg_ascii_tolower(c) - 'a' + 10);
	scan->escape_digits++;
	scan->bytes++;
	return true;
}

/* Takes bytes outside quotes up to one that means something, and that one. */
static const char *
ml_csv_field(MlCsvScan *scan, const char *p, const char *end)
{
	const char *from = p;
	unsigned char c;

	while (p < end && !scan->special[(unsigned char) *p])
		p++;
	if (p > from)
	{
		scan->bytes += p - from;
		scan->left_quote = false;
		if (scan->npending > 0)
			ml_csv_settle_escapes(scan);
		if (!scan->seen_first)
			ml_csv_keep(scan, from, p - from);
	}
	if (p == end)
		return p;
	c = *p++;
	if (c == '\n')
	{
		scan->n_lf++;
		ml_csv_lf(scan);
	}
	else if (c == '\r')
	{
		scan->n_cr++;
		scan->state = ML_CSV_CR;
	}
	else if (c == (unsigned char) scan->delimiter)
	{
		ml_csv_settle_escapes(scan);
		scan->fields++;
		scan->bytes++;
		if (!scan->seen_first)
			ml_csv_keep_byte(scan, '\0');
	}
	else if (scan->csv)
	{
		/* a quote right behind a closing one is a doubled quote, where quotes are their own escape */
		if (scan->left_quote && scan->escape == scan->quote)
			ml_csv_keep_byte(scan, c);
		else
			scan->quote_line = scan->line;
		scan->bytes++;
		scan->state = ML_CSV_QUOTED;
	}
	else
		scan->state = ML_CSV_BACKSLASH;
	scan->left_quote = false;
	return p;
}

/* The same within quotes. */
static const char *
ml_csv_quoted(MlCsvScan *scan, const char *p, const char *end)
{
	const char *from = p;
	unsigned char c;

	while (p < end && !scan->quoted_special[(unsigned char) *p])
		p++;
	scan->bytes += p - from;
	if (!scan->seen_first)
		ml_csv_keep(scan, from, p - from);
	if (p == end)
		return p;
	c = *p++;
	scan->bytes++;
	if (c == (unsigned char) scan->escape && scan->escape != scan->quote)
		scan->state = ML_CSV_QUOTED_ESCAPE;
	else if (c == (unsigned char) scan->quote)
	{
		scan->state = ML_CSV_FIELD;
		scan->left_quote = true;
	}
	else
	{
		scan->n_lf += c == '\n';
		scan->n_cr += c == '\r';
		/* COPY numbers lines in this way, also before it has seen the first end of a record */
		if (c == (scan->end == ML_CSV_END_LF ? '\n' : '\r'))
			scan->line++;
		ml_csv_keep_byte(scan, c);
	}
	return p;
}

/* Takes a byte behind an escape within quotes; true if it is used up. */
static bool
ml_csv_quoted_escape(MlCsvScan *scan, char c)
{
	bool		escaped = c == scan->quote || c == scan->escape;

	ml_csv_keep_byte(scan, escaped ? c : scan->escape);
	scan->bytes += escaped;
	scan->state = ML_CSV_QUOTED;
	return escaped;
}

void
ml_csv_scan_bytes(MlCsvScan *scan, const char *bytes, Size n)
{
	const char *p = bytes;
	const char *end = bytes + n;

	if (n > 0)
		scan->last_byte = bytes[n - 1];
	while (p < end)
	{
		unsigned char c = *p;

		switch (scan->state)
		{
			case ML_CSV_START:
				ml_csv_begin_record(scan);
				if (c == '\\' && scan->csv && ML_COMPAT_CSV_MARKER)
				{
					scan->state = ML_CSV_BACKSLASH;
					p++;
				}
				break;
			case ML_CSV_FIELD:
				p = ml_csv_field(scan, p, end);
				break;
			case ML_CSV_QUOTED:
				p = ml_csv_quoted(scan, p, end);
				break;
			case ML_CSV_QUOTED_ESCAPE:
				p += ml_csv_quoted_escape(scan, c);
				break;
			case ML_CSV_CR:
				p += ml_csv_after_cr(scan, c);
				break;
			case ML_CSV_BACKSLASH:
				p += ml_csv_backslash(scan, c);
				break;
			case ML_CSV_MARKER:
				p += ml_csv_marker(scan, c);
				break;
			case ML_CSV_OCTAL:
			case ML_CSV_HEX:
				p += ml_csv_digit(scan, c);
				break;
			default:
				scan->marker_rest += end - p;
				p = end;
				break;
		}
	}
}

void
ml_csv_scan_end(MlCsvScan *scan)
{
	if (scan->state == ML_CSV_MARKER)
		(void) ml_csv_marker(scan, -1);
	if (scan->state == ML_CSV_CR)
		(void) ml_csv_after_cr(scan, -1);
	if (scan->state == ML_CSV_OCTAL || scan->state == ML_CSV_HEX)
		ml_csv_finish_digits(scan);
	scan->quote_open = scan->state == ML_CSV_QUOTED || scan->state == ML_CSV_QUOTED_ESCAPE;
	if (scan->state != ML_CSV_START && scan->state != ML_CSV_DONE)
	{
		ml_csv_end_record(scan, !scan->quote_open);
		/* within an open quote lines end, too */
		scan->last_ended = scan->last_byte == (scan->end == ML_CSV_END_CR ? '\r' : '\n');
	}
}

int64
ml_csv_scan_lines(const MlCsvScan *scan)
{
	int64		ends = scan->end == ML_CSV_END_CR ? scan->n_cr : scan->n_lf;

	return ends + (scan->last_ended ? 0 : 1);
}

int64
ml_csv_scan_next_line(const MlCsvScan *scan)
{
	if (scan->state == ML_CSV_START || (scan->state == ML_CSV_CR && !scan->csv && scan->end == ML_CSV_END_CR))
		return scan->line + 1;
	/* within quotes, too, csv looks at what stands behind a carriage return before it counts it */
	if (scan->state == ML_CSV_QUOTED && scan->last_byte == '\r' && scan->end != ML_CSV_END_LF)
		return scan->line - 1;
	return scan->line;
}
