/*
 * file_check.c - checking a file of the server: rights and arguments, then reading, then judging.
 *
 * Everything is palloc'd in the current context, the reader's buffers too.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_authid.h"
#include "flow/file_check.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"

/* The names of a header may take this much; a table has 1600 columns of 63 bytes at most. */
#define ML_FILE_NAMES_BYTES		(1024 * 1024)

/* So many names stand in a DETAIL. */
#define ML_FILE_NAMES_SHOWN		20

static void
ml_file_check_bounds(const char *what, const MlFileBound *min, const MlFileBound *max)
{
	if ((min->given && min->value < 0) || (max->given && max->value < 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_%s and max_%s cannot be negative", what, what),
				 errdetail("The argument is " INT64_FORMAT ".", min->given && min->value < 0 ? min->value : max->value),
				 errhint("Give a number from 0, or leave it out.")));
	if (min->given && max->given && min->value > max->value)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_%s is greater than max_%s", what, what),
				 errdetail("They are " INT64_FORMAT " and " INT64_FORMAT ".", min->value, max->value),
				 errhint("No file can satisfy both: change one of them.")));
}

/* One byte that COPY accepts in this place, or fallback. */
static char
ml_file_character(const char *name, const char *value, char fallback, const char *forbidden)
{
	if (value == NULL)
		return fallback;
	if (strlen(value) != 1 || strchr(forbidden, value[0]) != NULL || IS_HIGHBIT_SET(value[0]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one character that COPY accepts", name),
				 errdetail("It is \"%s\".", value),
				 errhint("Give a single one-byte character as for COPY's option of the name, or leave it out.")));
	return value[0];
}

static void
ml_file_set_csv(MlFileJudge *judge)
{
	const MlFileAsk *ask = judge->ask;
	MlCsvScan  *csv = &judge->facts.csv;

	csv->csv = judge->facts.format == ML_FILE_CSV;
	if (!csv->csv && (ask->quote != NULL || ask->escape != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quote and escape are for format csv"),
				 errdetail("The file's format is text."),
				 errhint("Pass format => 'csv', or leave them out.")));
	csv->delimiter = ml_file_character("delimiter", ask->delimiter, csv->csv ? ',' : '\t',
									   csv->csv ? "\r\n" : "\r\n\\.abcdefghijklmnopqrstuvwxyz0123456789");
	csv->quote = ml_file_character("quote", ask->quote, '"', "\r\n");
	csv->escape = ml_file_character("escape", ask->escape, csv->quote, "\r\n");
	if (csv->csv && csv->delimiter == csv->quote)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("delimiter and quote must be different"),
				 errdetail("Both are \"%c\".", csv->quote),
				 errhint("Change one of them.")));
	csv->header = judge->header;
	csv->names_size = judge->header ? ML_FILE_NAMES_BYTES : 0;
	csv->names = palloc(Max(csv->names_size, 1));
	csv->expected = judge->has_wanted ? list_length(judge->wanted) : 0;
	ml_csv_scan_begin(csv);
}

/* The columns that COPY can fill; whoever may read or fill some of them may know the names. */
static List *
ml_file_target(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	List	   *columns = NIL;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Pass a table as target.")));
	if (pg_class_aclmask(relid, GetUserId(), ACL_SELECT | ACL_INSERT, ACLMASK_ANY) == 0 &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT | ACL_INSERT, ACLMASK_ANY) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for relation %s", RelationGetRelationName(rel)),
				 errdetail("To compare a file with it takes SELECT or INSERT on it, or on a column."),
				 errhint("Ask its owner to grant one of them, or leave target out.")));
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped && att->attgenerated == '\0')
			columns = lappend(columns, pstrdup(NameStr(att->attname)));
	}
	relation_close(rel, AccessShareLock);
	return columns;
}

static void
ml_file_prepare(MlFileJudge *judge)
{
	const MlFileAsk *ask = judge->ask;
	MlFileFacts *facts = &judge->facts;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to check a file of the server"),
				 errdetail("Role \"%s\" does not have the privileges of role pg_read_server_files.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("A superuser can GRANT pg_read_server_files to it. COPY ... FROM a file asks for the same.")));
	if (ask->path[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path is empty"),
				 errhint("Give the path of a file on the server.")));
	if (ask->format != NULL)
	{
		facts->format = ml_file_format_find(ask->format);
		facts->told_by = "argument";
		if (facts->format == ML_FILE_UNKNOWN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown file format \"%s\"", ask->format),
					 errdetail("The formats are %s.", ml_text_list(ml_file_format_names(), ML_FILE_NAMES_SHOWN)),
					 errhint("%s", ml_text_hint(ask->format, ml_file_format_names(),
												"Leave it out, and it is told from name and content."))));
	}
	facts->encoding = ask->encoding != NULL ? pg_char_to_encoding(ask->encoding) : GetDatabaseEncoding();
	if (facts->encoding < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown encoding \"%s\"", ask->encoding),
				 errhint("Give a name as for COPY's option ENCODING, such as UTF8 or LATIN1.")));
	ml_file_check_bounds("bytes", &ask->min_bytes, &ask->max_bytes);
	ml_file_check_bounds("lines", &ask->min_lines, &ask->max_lines);
	if (OidIsValid(ask->target))
		judge->target_columns = ml_file_target(ask->target);
	judge->has_wanted = ask->has_columns || OidIsValid(ask->target);
	judge->wanted = ask->has_columns ? ask->columns : judge->target_columns;
	if (judge->has_wanted && judge->wanted == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no column to compare the file with"),
				 errhint("Name the columns in the order of the file, or leave columns out.")));
}

List *
ml_file_check(const MlFileAsk *ask)
{
	MlFileJudge judge = {ask};
	MlFileFacts *facts = &judge.facts;
	int			fd;

	ml_file_prepare(&judge);
	fd = ml_file_open(ask->path, facts);
	if (fd < 0)
	{
		ml_file_judge_absent(&judge);
		return judge.rows;
	}
	judge.header = ask->has_header ? ask->header : facts->format == ML_FILE_CSV;
	if (ml_file_is_delimited(facts->format))
		ml_file_set_csv(&judge);
	facts->json.lines = facts->format == ML_FILE_JSONL;
	ml_json_scan_begin(&facts->json);
	if (ml_file_is_readable(facts))
		ml_file_read(fd, ask->path, facts);
	ml_file_judge(&judge);
	ml_file_close(fd);
	return judge.rows;
}
