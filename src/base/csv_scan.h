/*
 * csv_scan.h - the records and fields of a file in COPY's formats csv and text, byte by byte.
 *
 * A scan takes bytes in pieces of any length and keeps counters only, so that
 * a record may be of any size. Lines are numbered as COPY's messages number
 * them, and what COPY refuses is counted as wrong.
 */
#ifndef ML_CSV_SCAN_H
#define ML_CSV_SCAN_H

/* What ends a line: the first end decides, as in COPY. */
typedef enum MlCsvEnd
{
	ML_CSV_END_NONE,
	ML_CSV_END_LF,
	ML_CSV_END_CR,
	ML_CSV_END_CRLF
} MlCsvEnd;

/* The end-of-data marker, a backslash and a period. */
typedef enum MlCsvMarker
{
	ML_CSV_MARKER_NONE,
	ML_CSV_MARKER_ALONE,		/* COPY stops reading here */
	ML_CSV_MARKER_SHARED,		/* text: something stands before it on its line */
	ML_CSV_MARKER_CORRUPT		/* what follows is not the end of the line; COPY refuses it */
} MlCsvMarker;

/* How many faults of a kind there are, and where the first one is. */
typedef struct MlCsvFault
{
	int64		n;
	int64		line;
} MlCsvFault;

typedef struct MlCsvScan
{
	/* what the caller sets, the rest being zero */
	bool		csv;			/* else text */
	char		delimiter;
	char		quote;			/* csv only, as escape, which may be the same */
	char		escape;
	bool		header;			/* the first record holds names */
	int64		expected;		/* fields of a record; 0: as many as the first one has */
	char	   *names;			/* takes the names of the header, each with a NUL behind it */
	Size		names_size;

	/* what comes out, complete after ml_csv_scan_end() */
	int64		line;			/* the last line, as COPY numbers them */
	int64		records;		/* without the header */
	int64		first_fields;	/* fields of the first record, or of the header */
	Size		names_used;
	bool		names_full;		/* the names did not fit */
	MlCsvFault	arity;			/* records, not the header, with another number of fields than expected */
	int64		arity_fields;	/* how many the first of them has */
	MlCsvEnd	end;
	MlCsvFault	ends;			/* line ends of another kind */
	MlCsvFault	escapes;		/* text: escapes that give no valid characters */
	bool		quote_open;		/* the data ends within quotes, */
	int64		quote_line;		/* which were opened in this line */
	MlCsvMarker marker;
	int64		marker_line;
	int64		marker_rest;	/* bytes behind the marker's line */
	int64		n_lf;
	int64		n_cr;
	int64		longest;		/* bytes of the longest record, without its end */
	bool		last_ended;		/* the last line has an end */

	/* the state between two pieces */
	int			state;
	bool		left_quote;		/* the byte before closed a quote */
	bool		seen_first;		/* the first record is complete */
	bool		marker_cr;
	char		last_byte;
	int64		fields;
	int64		bytes;			/* of this record */
	int			escape_value;
	int			escape_digits;
	unsigned char pending[8];	/* bytes of a character that is written as escapes */
	int			npending;
	bool		special[256];	/* bytes that mean something outside quotes */
	bool		quoted_special[256];	/* and within */
} MlCsvScan;

/* Begins a scan whose caller's fields are set. */
extern void ml_csv_scan_begin(MlCsvScan *scan);

/* Takes the next bytes, in the database's encoding. */
extern void ml_csv_scan_bytes(MlCsvScan *scan, const char *bytes, Size n);

/* Says that there are no more. */
extern void ml_csv_scan_end(MlCsvScan *scan);

/* How many lines there are: ends of the file's kind, and a last line without one. */
extern int64 ml_csv_scan_lines(const MlCsvScan *scan);

/*
 * The line that COPY names when it cannot read the next byte. It looks ahead behind a carriage return, so there it is
 * still the line of that.
 */
extern int64 ml_csv_scan_next_line(const MlCsvScan *scan);

#endif							/* ML_CSV_SCAN_H */
