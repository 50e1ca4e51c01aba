/*
 * source.c - reading the rows a user names: a relation or one SELECT, with the caller's rights.
 *
 * SPI is connected and finished in one function. The transaction is made
 * read-only while the query runs, so that no function in it can write; what
 * the server lets through all the same is refused after it ran. An error
 * leaves the restoring to the end of the (sub)transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/spi.h"
#include "flow/source.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* The receiver the executor sends rows to. */
typedef struct MlReceiver
{
	DestReceiver pub;
	const MlSourceReader *reader;
	MemoryContext per_row;
	bool		stopped;
} MlReceiver;

static void
ml_receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	MlReceiver *receiver = (MlReceiver *) self;

	receiver->reader->describe(receiver->reader->ctx, desc);
}

static bool
ml_receiver_row(TupleTableSlot *slot, DestReceiver *self)
{
	MlReceiver *receiver = (MlReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->per_row);
	bool		more = receiver->reader->row(receiver->reader->ctx, slot);

	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->per_row);
	receiver->stopped = !more;
	return more;
}

static void
ml_receiver_nothing(DestReceiver *self)
{
}

/* Whether there is nothing but white space. */
static bool
ml_source_is_blank(const char *source)
{
	while (scanner_isspace(*source))
		source++;
	return *source == '\0';
}

/* Whether a source is a query rather than the name of a relation. */
bool
ml_source_is_query(const char *source)
{
	static const char *const words[] = {"select", "with", "values", "table"};

	while (scanner_isspace(*source))
		source++;
	if (*source == '(' || strncmp(source, "--", 2) == 0 || strncmp(source, "/*", 2) == 0)
		return true;
	for (int i = 0; i < (int) lengthof(words); i++)
	{
		int			n = strlen(words[i]);

		if (pg_strncasecmp(source, words[i], n) == 0 &&
			(source[n] == '\0' || scanner_isspace(source[n]) || strchr("(*'\"/;-+", source[n]) != NULL))
			return true;
	}
	/* anything with a semicolon or several words outside quotes is no name; the parser says what it is */
	if (strchr(source, '"') != NULL)
		return false;
	return strchr(source, ';') != NULL || !ml_source_is_blank(source + strcspn(source, " \t\n\r\f"));
}

/* Names the columns that are the whole primary key of a relation. */
static List *
ml_source_keys(Relation rel)
{
	List	   *keys = NIL;
	Oid			index = ml_compat_primary_key(rel);
	HeapTuple	tuple;
	Form_pg_index form;

	if (!OidIsValid(index))
		return NIL;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indnkeyatts == 1 && form->indkey.values[0] > 0)
		keys = list_make1(pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel),
														form->indkey.values[0] - 1)->attname)));
	ReleaseSysCache(tuple);
	return keys;
}

/*
 * The query that reads a relation. With the right to the whole relation all
 * columns are asked for, because the executor then needs no projection;
 * else just the ones wanted.
 */
static char *
ml_source_relation_query(const char *source, const MlSourceReader *reader, MlSourceInfo *info)
{
	List	   *names = ml_compat_qualified_name(source);
	Oid			relid = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, false);
	Relation	rel = relation_open(relid, NoLock);
	char		kind = rel->rd_rel->relkind;
	StringInfoData query;
	bool		whole = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	int			n = 0;

	if (kind != RELKIND_RELATION && kind != RELKIND_VIEW && kind != RELKIND_MATVIEW &&
		kind != RELKIND_FOREIGN_TABLE && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("source \"%s\" is not a table or view", RelationGetRelationName(rel)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	if (!whole)
		for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
			const char *name = NameStr(att->attname);

			if (att->attisdropped ||
				(reader->columns ? !ml_text_listed(reader->columns, name) : ml_text_listed(reader->exclude, name)))
				continue;
			appendStringInfo(&query, "%s%s", n++ > 0 ? ", " : "", quote_identifier(name));
		}
	if (n == 0)
		appendStringInfoChar(&query, '*');
	appendStringInfo(&query, " FROM %s", ml_name_relation(relid));
	if (info)
	{
		info->relation = ml_name_relation(relid);
		info->keys = ml_source_keys(rel);
		info->narrowed = n > 0;
	}
	relation_close(rel, NoLock);
	return query.data;
}

static void
ml_source_writes(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("source must only read"),
			 errdetail("%s", detail),
			 errhint("Give the name of a table or view, or one SELECT.")));
}

/* Refuses a plan that is not one reading SELECT, and lists the relations it reads. */
static void
ml_source_check(SPIPlanPtr plan, MemoryContext result, MlSourceInfo *info, const MlIdentitySaved *saved)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	CachedPlan *cached;
	PlannedStmt *stmt;
	ListCell   *lc;

	if (list_length(sources) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source must be one statement"),
				 errdetail("It has %d.", list_length(sources)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	if (((CachedPlanSource *) linitial(sources))->commandTag != CMDTAG_SELECT)
	{
		CommandTag	tag = ((CachedPlanSource *) linitial(sources))->commandTag;

		if (tag == CMDTAG_INSERT || tag == CMDTAG_UPDATE || tag == CMDTAG_DELETE || tag == CMDTAG_MERGE ||
			tag == CMDTAG_SELECT_FOR_UPDATE || tag == CMDTAG_SELECT_FOR_SHARE ||
			tag == CMDTAG_SELECT_FOR_NO_KEY_UPDATE || tag == CMDTAG_SELECT_FOR_KEY_SHARE ||
			tag == CMDTAG_SELECT_INTO)
			ml_source_writes("It would change data or lock rows.");
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source must be a SELECT"),
				 errdetail("It is %s.", GetCommandTagName(tag)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	}
	/* what reads for somebody else is not to meet what is temporary, which is the session's */
	if (GetUserId() != (saved ? saved->user : InSecurityRestrictedOperation() ? GetSessionUserId() : GetUserId()))
		ml_identity_check(((CachedPlanSource *) linitial(sources))->query_list);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached == NULL)
		elog(ERROR, "source has no plan");
	stmt = linitial_node(PlannedStmt, cached->stmt_list);
	if (stmt->commandType != CMD_SELECT || stmt->hasModifyingCTE || stmt->rowMarks != NIL)
		ml_source_writes("It would change data or lock rows.");
	foreach(lc, stmt->relationOids)
	{
		MemoryContext old = MemoryContextSwitchTo(result);
		Oid			relid = lfirst_oid(lc);
		char	   *name = ml_name_relation(relid);

		if (info && name && !ml_text_listed(info->relations, name))
			info->relations = lappend(info->relations, name);
		MemoryContextSwitchTo(old);
	}
	/* the plan is not saved, so no resource owner holds the reference */
	ReleaseCachedPlan(cached, NULL);
}

/* What to do about an error of the server's while a source is read, or NULL. */
static const char *
ml_source_hint(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "Ask for SELECT on what the source reads, and for EXECUTE on the functions it calls.";
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			return "Leave functions that write out of the source.";
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_SCHEMA:
			return "Name an existing table or view, with its schema if search_path does not have it.";
		case ERRCODE_SYNTAX_ERROR:
		case ERRCODE_INVALID_NAME:
		case ERRCODE_WRONG_OBJECT_TYPE:
		case ERRCODE_UNDEFINED_PARAMETER:
			return "Give the name of a table or view, or one SELECT.";
		default:
			return NULL;
	}
}

/* Passes on the error of the server's that is being handled, with what its reader needs to know about sources. */
static ML_NORETURN void
ml_source_rethrow(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->hint == NULL && ml_source_hint(error->sqlerrcode) != NULL)
		error->hint = pstrdup(ml_source_hint(error->sqlerrcode));
	if (error->detail == NULL && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		error->detail = psprintf("The source is read with the rights of user \"%s\".",
								 GetUserNameFromId(GetUserId(), false));
	ReThrowError(error);
	pg_unreachable();
}

/* The query that reads a source. */
static char *
ml_source_query(const char *source, const MlSourceReader *reader, MlSourceInfo *info)
{
	char	   *query;

	if (ml_source_is_blank(source))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source is empty"),
				 errhint("Give the name of a table or view, or one SELECT.")));
	if (info)
		memset(info, 0, sizeof *info);
	query = ml_source_is_query(source) ? pstrdup(source) : ml_source_relation_query(source, reader, info);
	if (info)
		info->query = query;
	return query;
}

/* Prepares it; SPI is connected. */
static SPIPlanPtr
ml_source_prepare(const char *query)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source must be a SELECT"),
				 errdetail("It cannot be prepared: %s.", SPI_result_code_string(SPI_result)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	return plan;
}

/* Reads the source; see the header. */
static bool
ml_source_read_unguarded(const char *source, const MlSourceReader *reader, MlSourceInfo *info,
						 const MlIdentitySaved *saved)
{
	MemoryContext result = CurrentMemoryContext;
	MlReceiver	receiver;
	SPIPlanPtr	plan;
	SPIExecuteOptions options;
	bool		read_only = XactReadOnly;
	Oid			user = GetUserId();
	CommandId	command;
	char	   *query;
	int			rc;

	query = ml_source_query(source, reader, info);
	memset(&receiver, 0, sizeof receiver);
	receiver.pub.receiveSlot = ml_receiver_row;
	receiver.pub.rStartup = ml_receiver_startup;
	receiver.pub.rShutdown = ml_receiver_nothing;
	receiver.pub.rDestroy = ml_receiver_nothing;
	receiver.pub.mydest = DestNone;
	receiver.reader = reader;
	receiver.per_row = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops row", ALLOCSET_DEFAULT_SIZES);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = ml_source_prepare(query);
	ml_source_check(plan, result, info, saved);
	memset(&options, 0, sizeof options);
	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = &receiver.pub;
	command = GetCurrentCommandId(false);
	XactReadOnly = true;
	rc = SPI_execute_plan_extended(plan, &options);
	XactReadOnly = read_only;
	if (rc < 0)
		elog(ERROR, "reading the source failed: %s", SPI_result_code_string(rc));
	/* large objects before 16 and temporary tables are written in read-only transactions too */
	if (GetCurrentCommandId(false) != command)
		ml_source_writes("It changed data while it was read.");
	/* what is recorded of the reading names its reader */
	if (GetUserId() != user)
		ml_source_writes("It changed the current user while it was read.");
	SPI_finish();
	MemoryContextDelete(receiver.per_row);
	return !receiver.stopped;
}

bool
ml_source_read(const char *source, const MlSourceReader *reader, MlSourceInfo *info)
{
	MemoryContext context = CurrentMemoryContext;
	MlIdentitySaved saved;
	volatile bool all = false;

	PG_TRY();
	{
		if (reader->identity)
			ml_identity_enter(reader->identity, &saved);
		all = ml_source_read_unguarded(source, reader, info, reader->identity ? &saved : NULL);
		if (reader->identity)
			ml_identity_leave(&saved);
	}
	PG_CATCH();
	{
		ml_source_rethrow(context);
	}
	PG_END_TRY();
	return all;
}

char *
ml_source_from(const MlSourceInfo *info)
{
	RawStmt    *statement;

	if (info->relation != NULL && !info->narrowed)
		return info->relation;
	/* the server's own word for where its one statement ends: without a semicolon, and comments behind that */
	statement = linitial_node(RawStmt, raw_parser(info->query, RAW_PARSE_DEFAULT));
	return psprintf("(\n%s\n)", statement->stmt_len > 0 ?
					pnstrdup(info->query + statement->stmt_location, statement->stmt_len) : info->query);
}

/* Describes the source; see the header. */
static TupleDesc
ml_source_describe_unguarded(const char *source, MlSourceInfo *info)
{
	MemoryContext result = CurrentMemoryContext;
	MlSourceReader reader = {0};
	char	   *query = ml_source_query(source, &reader, info);
	MemoryContext old;
	SPIPlanPtr	plan;
	TupleDesc	desc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = ml_source_prepare(query);
	ml_source_check(plan, result, info, NULL);
	old = MemoryContextSwitchTo(result);
	desc = CreateTupleDescCopy(((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->resultDesc);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return desc;
}

TupleDesc
ml_source_describe(const char *source, MlSourceInfo *info)
{
	MemoryContext context = CurrentMemoryContext;
	TupleDesc volatile desc = NULL;

	PG_TRY();
	{
		desc = ml_source_describe_unguarded(source, info);
	}
	PG_CATCH();
	{
		ml_source_rethrow(context);
	}
	PG_END_TRY();
	return desc;
}
