/*
 * source.c - reading the rows a user names: a relation or one SELECT, with the caller's rights.
 *
 * SPI is connected and finished in one function. The transaction is made
 * read-only while the query runs, so that no function in it can write; an
 * error leaves the restoring to the end of the (sub)transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/spi.h"
#include "flow/source.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
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

/* Whether a source is a query rather than the name of a relation. */
static bool
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
	return source[0] != '"' && strpbrk(source, " \t\n;") != NULL && strchr(source, '"') == NULL;
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

static bool
ml_source_in(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
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
	Relation	rel = table_open(relid, NoLock);
	StringInfoData query;
	bool		whole = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	int			n = 0;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	if (!whole)
		for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
			const char *name = NameStr(att->attname);

			if (att->attisdropped ||
				(reader->columns ? !ml_source_in(reader->columns, name) : ml_source_in(reader->exclude, name)))
				continue;
			appendStringInfo(&query, "%s%s", n++ > 0 ? ", " : "", quote_identifier(name));
		}
	if (n == 0)
		appendStringInfoChar(&query, '*');
	appendStringInfo(&query, " FROM %s",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	if (info)
	{
		info->keys = ml_source_keys(rel);
		info->narrowed = n > 0;
	}
	table_close(rel, NoLock);
	return query.data;
}

static void
ml_source_writes(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("source must only read"),
			 errdetail("It would change data or lock rows."),
			 errhint("Give the name of a table or view, or one SELECT.")));
}

/* Refuses a plan that is not one reading SELECT, and lists the relations it reads. */
static void
ml_source_check(SPIPlanPtr plan, MemoryContext result, MlSourceInfo *info)
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
			ml_source_writes();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source must be a SELECT"),
				 errdetail("It is %s.", GetCommandTagName(tag)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	}
	cached = SPI_plan_get_cached_plan(plan);
	if (cached == NULL)
		elog(ERROR, "source has no plan");
	stmt = linitial_node(PlannedStmt, cached->stmt_list);
	if (stmt->commandType != CMD_SELECT || stmt->hasModifyingCTE || stmt->rowMarks != NIL)
		ml_source_writes();
	foreach(lc, stmt->relationOids)
	{
		MemoryContext old = MemoryContextSwitchTo(result);
		Oid			relid = lfirst_oid(lc);
		char	   *name = get_rel_name(relid);

		if (info && name)
		{
			name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name);
			if (!ml_source_in(info->relations, name))
				info->relations = lappend(info->relations, name);
		}
		MemoryContextSwitchTo(old);
	}
	/* the plan is not saved, so no resource owner holds the reference */
	ReleaseCachedPlan(cached, NULL);
}

bool
ml_source_read(const char *source, const MlSourceReader *reader, MlSourceInfo *info)
{
	MemoryContext result = CurrentMemoryContext;
	MlReceiver	receiver;
	SPIPlanPtr	plan;
	SPIExecuteOptions options;
	bool		read_only = XactReadOnly;
	char	   *query;
	int			rc;

	if (info)
		memset(info, 0, sizeof *info);
	query = ml_source_is_query(source) ? pstrdup(source) : ml_source_relation_query(source, reader, info);
	if (info)
		info->query = query;
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
	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_PARALLEL_OK);
	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source must be a SELECT"),
				 errdetail("It cannot be prepared: %s.", SPI_result_code_string(SPI_result)),
				 errhint("Give the name of a table or view, or one SELECT.")));
	ml_source_check(plan, result, info);
	memset(&options, 0, sizeof options);
	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = &receiver.pub;
	XactReadOnly = true;
	rc = SPI_execute_plan_extended(plan, &options);
	XactReadOnly = read_only;
	if (rc < 0)
		elog(ERROR, "reading the source failed: %s", SPI_result_code_string(rc));
	SPI_finish();
	MemoryContextDelete(receiver.per_row);
	return !receiver.stopped;
}
