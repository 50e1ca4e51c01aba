/*
 * file_read.c - opening a file of the server and reading it block by block, as characters of the database.
 *
 * The descriptor belongs to the transaction, which closes it after an error.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "flow/file_check.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/wait_event.h"

#define ML_FILE_BLOCK		65536

/* A file that begins like this has this kind of content. */
typedef struct MlFileMagic
{
	const char *name;
	int			length;
	const char *bytes;
} MlFileMagic;

static const MlFileMagic ml_file_compressions[] = {
	{"gzip", 2, "\x1f\x8b"},
	{"zstd", 4, "\x28\xb5\x2f\xfd"},
	{"xz", 6, "\xfd" "7zXZ\0"},
	{"bzip2", 3, "BZh"},
	{"lz4", 4, "\x04\x22\x4d\x18"},
	{"zip", 4, "PK\x03\x04"},
	{"zip", 4, "PK\x05\x06"},
};

static const MlFileMagic ml_file_contents[] = {
	{"binary", 11, "PGCOPY\n\xff\r\n\0"},
	{"parquet", 4, "PAR1"},
	{"pdf", 5, "%PDF-"},
	{"pg_dump archive", 5, "PGDMP"},
	{"sqlite", 15, "SQLite format 3"},
};

static const MlFileMagic ml_file_marks[] = {
	{"UTF-8", 3, "\xef\xbb\xbf"},
	{"UTF-16LE", 2, "\xff\xfe"},
	{"UTF-16BE", 2, "\xfe\xff"},
};

/* Names of formats; the first of each is what the answer calls it. */
typedef struct MlFileFormatName
{
	const char *name;
	MlFileFormat format;
} MlFileFormatName;

static const MlFileFormatName ml_file_formats[] = {
	{"csv", ML_FILE_CSV},
	{"text", ML_FILE_TEXT},
	{"tsv", ML_FILE_TEXT},
	{"jsonl", ML_FILE_JSONL},
	{"ndjson", ML_FILE_JSONL},
	{"json", ML_FILE_JSON},
	{"binary", ML_FILE_BINARY},
	{"parquet", ML_FILE_PARQUET},
};

MlFileFormat
ml_file_format_find(const char *name)
{
	for (int i = 0; i < (int) lengthof(ml_file_formats); i++)
		if (pg_strcasecmp(name, ml_file_formats[i].name) == 0)
			return ml_file_formats[i].format;
	return ML_FILE_UNKNOWN;
}

const char *
ml_file_format_name(MlFileFormat format)
{
	for (int i = 0; i < (int) lengthof(ml_file_formats); i++)
		if (ml_file_formats[i].format == format)
			return ml_file_formats[i].name;
	return "unknown";
}

List *
ml_file_format_names(void)
{
	List	   *names = NIL;

	for (int i = 0; i < (int) lengthof(ml_file_formats); i++)
		names = lappend(names, (char *) ml_file_formats[i].name);
	return names;
}

static const MlFileMagic *
ml_file_magic(const MlFileMagic *magics, int count, const char *head, int n)
{
	for (int i = 0; i < count; i++)
		if (n >= magics[i].length && memcmp(head, magics[i].bytes, magics[i].length) == 0)
			return &magics[i];
	return NULL;
}

/* Reads at a place; fewer bytes than asked for at the end of the file only. */
static int
ml_file_read_at(int fd, const char *path, char *buffer, int length, int64 offset)
{
	int			got = 0;

	while (got < length)
	{
		ssize_t		n;

		CHECK_FOR_INTERRUPTS();
		pgstat_report_wait_start(WAIT_EVENT_COPY_FILE_READ);
		n = pread(fd, buffer + got, length - got, (off_t) (offset + got));
		pgstat_report_wait_end();
		if (n == 0)
			break;
		if (n > 0)
			got += n;
		else if (errno != EINTR)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", path),
					 errdetail("It failed at byte " INT64_FORMAT ".", offset + got),
					 errhint("Look into the operating system's log, and at the file's medium.")));
	}
	return got;
}

/* The format that a name tells, the ending of a compression aside. */
static MlFileFormat
ml_file_format_by_name(const char *path)
{
	static const char *const packed[] = {"gz", "zst", "xz", "bz2", "zip", "lz4"};
	char	   *name = pstrdup(last_dir_separator(path) != NULL ? last_dir_separator(path) + 1 : path);
	char	   *dot = strrchr(name, '.');

	for (int i = 0; dot != NULL && i < (int) lengthof(packed); i++)
		if (pg_strcasecmp(dot + 1, packed[i]) == 0)
		{
			*dot = '\0';
			dot = strrchr(name, '.');
			break;
		}
	if (dot == NULL)
		return ML_FILE_UNKNOWN;
	if (pg_strcasecmp(dot + 1, "tab") == 0)
		return ML_FILE_TEXT;
	return ml_file_format_find(dot + 1);
}

/* The format that the start of a file without a telling name tells. */
static MlFileFormat
ml_file_format_by_content(const char *head, int n, const char *content)
{
	int			i = 0;

	if (content != NULL && ml_file_format_find(content) != ML_FILE_UNKNOWN)
		return ml_file_format_find(content);
	if (ml_file_magic(ml_file_marks, 1, head, n) != NULL)
		i = 3;
	while (i < n && (head[i] == ' ' || head[i] == '\t' || head[i] == '\n' || head[i] == '\r'))
		i++;
	if (i < n && head[i] == '{')
		return ML_FILE_JSONL;
	if (i < n && head[i] == '[')
		return ML_FILE_JSON;
	for (i = 0; i < n && head[i] != '\n' && head[i] != '\r' && head[i] != ','; i++)
		if (head[i] == '\t')
			return ML_FILE_TEXT;
	return ML_FILE_CSV;
}

static const char *
ml_file_kind(mode_t mode)
{
	if (S_ISREG(mode))
		return "regular file";
	if (S_ISDIR(mode))
		return "directory";
	if (S_ISFIFO(mode))
		return "pipe";
	if (S_ISSOCK(mode))
		return "socket";
	return "device";
}

static void
ml_file_absent(const char *path, MlFileFacts *facts)
{
	if (errno == ENOENT || errno == ENOTDIR)
		facts->absent = "it does not exist";
	else if (errno == EACCES || errno == EPERM)
		facts->absent = "the server's operating system user may not read it";
	else
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path),
				 errhint("Give the path of a regular file on the server.")));
}

/* Looks at what the file begins and ends with. */
static void
ml_file_look(int fd, const char *path, MlFileFacts *facts)
{
	char		head[1024];
	char		tail[4];
	int			n = ml_file_read_at(fd, path, head, sizeof(head), 0);
	int			ntail = facts->size < (int64) sizeof(tail) ? 0 :
		ml_file_read_at(fd, path, tail, sizeof(tail), facts->size - (int64) sizeof(tail));
	const MlFileMagic *magic;

	magic = ml_file_magic(ml_file_compressions, lengthof(ml_file_compressions), head, n);
	/* text may begin with the letters of bzip2; its level and the mark of a block may not follow by chance */
	if (magic != NULL && strcmp(magic->name, "bzip2") == 0 &&
		(n < 10 || head[3] < '1' || head[3] > '9' ||
		 (memcmp(head + 4, "1AY&SY", 6) != 0 && memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) != 0)))
		magic = NULL;
	facts->compression = magic != NULL ? magic->name : NULL;
	magic = ml_file_magic(ml_file_contents, lengthof(ml_file_contents), head, n);
	facts->content = magic != NULL ? magic->name : NULL;
	magic = ml_file_magic(ml_file_marks, lengthof(ml_file_marks), head, n);
	facts->byte_order_mark = magic != NULL ? magic->name : NULL;
	if (facts->format == ML_FILE_UNKNOWN)
	{
		facts->told_by = "name";
		facts->format = ml_file_format_by_name(path);
	}
	if (facts->format == ML_FILE_UNKNOWN)
	{
		facts->told_by = "content";
		facts->format = ml_file_format_by_content(head, n, facts->content);
	}
	if (facts->format == ML_FILE_BINARY)
		facts->complete = facts->size >= 21 && ntail == 4 && memcmp(tail + 2, "\xff\xff", 2) == 0;
	else if (facts->format == ML_FILE_PARQUET)
		facts->complete = facts->size >= 12 && ntail == 4 && memcmp(tail, "PAR1", 4) == 0;
}

int
ml_file_open(const char *path, MlFileFacts *facts)
{
	struct stat st;
	int			fd;

	if (stat(path, &st) != 0)
	{
		ml_file_absent(path, facts);
		return -1;
	}
	facts->kind = ml_file_kind(st.st_mode);
	if (!S_ISREG(st.st_mode))
	{
		facts->absent = "it is not a regular file";
		return -1;
	}
	/* should a pipe take its place in between, then opening must not wait for a writer */
	fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0)
	{
		ml_file_absent(path, facts);
		return -1;
	}
	if (fstat(fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	facts->kind = ml_file_kind(st.st_mode);
	if (!S_ISREG(st.st_mode))
	{
		facts->absent = "it is not a regular file";
		ml_file_close(fd);
		return -1;
	}
	facts->size = st.st_size;
	ml_file_look(fd, path, facts);
	return fd;
}

void
ml_file_close(int fd)
{
	(void) CloseTransientFile(fd);
}

/* Bytes on their way from the file to a scan. */
typedef struct MlFileFlow
{
	MlFileFacts *facts;
	Oid			conversion;		/* to the database's encoding, or InvalidOid */
	int			encoding;		/* in which bytes are verified where there is no conversion */
	char	   *converted;
	int			converted_size;
	int64		offset;			/* of the file, where the buffer begins */
} MlFileFlow;

/* As COPY does: SQL_ASCII on either side means no conversion. */
static void
ml_file_flow_begin(MlFileFlow *flow, MlFileFacts *facts)
{
	int			database = GetDatabaseEncoding();

	memset(flow, 0, sizeof(*flow));
	flow->facts = facts;
	flow->encoding = facts->encoding == PG_SQL_ASCII ? database : facts->encoding;
	if (flow->encoding == database || database == PG_SQL_ASCII)
		return;
	flow->conversion = FindDefaultConversionProc(facts->encoding, database);
	if (!OidIsValid(flow->conversion))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
						pg_encoding_to_char(facts->encoding), GetDatabaseEncodingName()),
				 errhint("COPY could not read the file either. Convert it first, for example with iconv.")));
	flow->converted_size = (ML_FILE_BLOCK + MAX_CONVERSION_INPUT_LENGTH) * MAX_CONVERSION_GROWTH + 1;
	flow->converted = palloc(flow->converted_size);
}

static void
ml_file_scan(MlFileFacts *facts, const char *bytes, Size n)
{
	if (ml_file_is_delimited(facts->format))
		ml_csv_scan_bytes(&facts->csv, bytes, n);
	else
		ml_json_scan_bytes(&facts->json, bytes, n);
}

/* Passes on the characters that a piece begins with; how many bytes they take. */
static int
ml_file_pass(MlFileFlow *flow, const char *bytes, int n)
{
	int			valid;

	if (!OidIsValid(flow->conversion))
	{
		valid = pg_encoding_verifymbstr(flow->encoding, bytes, n);
		ml_file_scan(flow->facts, bytes, valid);
		return valid;
	}
	valid = pg_do_encoding_conversion_buf(flow->conversion, flow->facts->encoding, GetDatabaseEncoding(),
										  (unsigned char *) bytes, n,
										  (unsigned char *) flow->converted, flow->converted_size, true);
	ml_file_scan(flow->facts, flow->converted, strlen(flow->converted));
	return valid;
}

/* Whether the bytes at the end of a piece may be the beginning of a character. */
static bool
ml_file_incomplete(MlFileFlow *flow, const char *bytes, int n)
{
	if (OidIsValid(flow->conversion))
		return n < MAX_CONVERSION_INPUT_LENGTH;
	return pg_encoding_mblen(flow->encoding, bytes) > n;
}

/* Notes a byte that is no character. The scan gets something in its place that means nothing. */
static void
ml_file_invalid(MlFileFlow *flow, const char *buffer, int at)
{
	MlFileFacts *facts = flow->facts;

	if (facts->n_invalid++ == 0)
	{
		facts->invalid_line = ml_file_is_delimited(facts->format) ? ml_csv_scan_next_line(&facts->csv) : facts->json.line;
		facts->invalid_byte = flow->offset + at;
		facts->invalid_value = (unsigned char) buffer[at];
	}
	ml_file_scan(facts, "?", 1);
}

/* Passes on a buffer; how many bytes at its end wait for more. */
static int
ml_file_pass_all(MlFileFlow *flow, const char *buffer, int n, bool at_end)
{
	int			at = 0;

	while (at < n)
	{
		at += ml_file_pass(flow, buffer + at, n - at);
		if (at == n || (!at_end && ml_file_incomplete(flow, buffer + at, n - at)))
			break;
		ml_file_invalid(flow, buffer, at++);
	}
	return n - at;
}

void
ml_file_read(int fd, const char *path, MlFileFacts *facts)
{
	char	   *buffer = palloc0(ML_FILE_BLOCK + MAX_CONVERSION_INPUT_LENGTH);
	int64		offset = 0;
	int			carried = 0;
	int			got;
	MlFileFlow	flow;

	ml_file_flow_begin(&flow, facts);
	/* the answer has a row for the mark; it is no part of the first name or value */
	if (facts->byte_order_mark != NULL && strcmp(facts->byte_order_mark, "UTF-8") == 0 && flow.encoding == PG_UTF8)
		offset = 3;
	do
	{
		int			n;

		got = ml_file_read_at(fd, path, buffer + carried, ML_FILE_BLOCK, offset);
		n = carried + got;
		flow.offset = offset - carried;
		offset += got;
		carried = ml_file_pass_all(&flow, buffer, n, got < ML_FILE_BLOCK);
		memmove(buffer, buffer + n - carried, carried);
	} while (got == ML_FILE_BLOCK);
	if (ml_file_is_delimited(facts->format))
		ml_csv_scan_end(&facts->csv);
	else
		ml_json_scan_end(&facts->json);
	pfree(buffer);
}
