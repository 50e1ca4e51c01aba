/*
 * file_check.h - what a file on the server holds, before COPY reads it.
 *
 * file_check.c looks at the arguments, file_read.c opens and reads, file_judge.c judges. A file that is missing or
 * wrong is an answer; only arguments that make no sense, missing rights and a
 * disk that fails are errors.
 */
#ifndef ML_FILE_CHECK_H
#define ML_FILE_CHECK_H

#include "base/csv_scan.h"
#include "base/json_scan.h"
#include "nodes/pg_list.h"

typedef enum MlFileFormat
{
	ML_FILE_UNKNOWN,			/* to be told from name and content */
	ML_FILE_CSV,
	ML_FILE_TEXT,
	ML_FILE_JSONL,
	ML_FILE_JSON,
	ML_FILE_BINARY,
	ML_FILE_PARQUET
} MlFileFormat;

/* A bound that may be missing. */
typedef struct MlFileBound
{
	bool		given;
	int64		value;
} MlFileBound;

/* What is asked for; NULL, NIL and InvalidOid where nothing is said. */
typedef struct MlFileAsk
{
	const char *path;
	const char *format;
	MlFileBound min_bytes;
	MlFileBound max_bytes;
	MlFileBound min_lines;
	MlFileBound max_lines;
	bool		has_columns;
	List	   *columns;		/* of char * */
	const char *encoding;
	const char *delimiter;
	const char *quote;
	const char *escape;
	bool		has_header;
	bool		header;
	Oid			target;
} MlFileAsk;

/* A row of the answer. */
typedef struct MlFileRow
{
	const char *name;
	const char *column_name;	/* or NULL */
	const char *severity;
	const char *status;			/* pass, fail or skipped */
	const char *observed;		/* JSON text, or NULL */
	const char *expected;
	int64		n;				/* -1 where nothing was counted */
	int64		n_failed;
} MlFileRow;

/* A List of MlFileRow *, in the order of the documentation. */
extern List *ml_file_check(const MlFileAsk *ask);

/* What file_read.c found out. */
typedef struct MlFileFacts
{
	const char *kind;			/* "regular file", "directory", ...; NULL: there is none */
	const char *absent;			/* why it cannot be read, or NULL */
	int64		size;
	const char *compression;	/* or NULL */
	const char *content;		/* the format that the first bytes give away, or NULL */
	bool		complete;		/* binary and parquet: it ends as it must */
	MlFileFormat format;
	const char *told_by;		/* "argument", "name" or "content" */
	int			encoding;		/* of the file */
	const char *byte_order_mark;	/* or NULL */
	int64		n_invalid;		/* bytes that are no characters */
	int64		invalid_line;	/* the first of them */
	int64		invalid_byte;	/* and its offset, from 0 */
	int			invalid_value;
	MlCsvScan	csv;
	MlJsonScan	json;
} MlFileFacts;

/* The names of formats, with aliases. */
extern MlFileFormat ml_file_format_find(const char *name);
extern const char *ml_file_format_name(MlFileFormat format);
extern List *ml_file_format_names(void);

static inline bool
ml_file_is_delimited(MlFileFormat format)
{
	return format == ML_FILE_CSV || format == ML_FILE_TEXT;
}

static inline bool
ml_file_is_characters(MlFileFormat format)
{
	return ml_file_is_delimited(format) || format == ML_FILE_JSONL || format == ML_FILE_JSON;
}

/* Whether the content is characters, as far as its start tells, so that it is worth reading. */
static inline bool
ml_file_is_readable(const MlFileFacts *facts)
{
	return ml_file_is_characters(facts->format) && facts->compression == NULL && facts->content == NULL;
}

/* Opens the file and reads its start and end; -1 when there is nothing to read. The format is settled then. */
extern int	ml_file_open(const char *path, MlFileFacts *facts);

/* Reads all of it through the scan that its format needs, which the caller has set up. */
extern void ml_file_read(int fd, const char *path, MlFileFacts *facts);

extern void ml_file_close(int fd);

typedef struct MlFileJudge
{
	const MlFileAsk *ask;
	MlFileFacts facts;
	bool		header;			/* the file is to begin with names */
	bool		has_wanted;
	List	   *wanted;			/* the names that are expected, in order */
	List	   *target_columns; /* what COPY can fill in the target */
	List	   *names;			/* of the header */
	List	   *rows;			/* the answer */
} MlFileJudge;

/* Adds the rows for a file that was read, as far as it was worth it, or for one that could not be opened. */
extern void ml_file_judge(MlFileJudge *judge);
extern void ml_file_judge_absent(MlFileJudge *judge);

#endif							/* ML_FILE_CHECK_H */
