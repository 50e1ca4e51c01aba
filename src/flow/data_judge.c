/*
 * data_judge.c - checks of data over a source: what was collected is judged, and what only a query can tell is asked.
 *
 * Queries over the rows of the source name them s. A collector that ran out of
 * memory is filled by such a query: the server sorts and hashes on disk.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/data_scan.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"

void
ml_data_where(StringInfo out, const MlCheck *check, const char *suite)
{
	if (check->where)
		appendStringInfo(out, " WHERE ml.meets(%s, %s, s.*)", quote_literal_cstr(check->where),
						 quote_literal_cstr(ml_check_what(check, suite)));
}

/* ---- one row of numbers ---- */

typedef struct MlDataRow
{
	MemoryContext context;
	int64		rows;
	int			ncolumns;
	Oid		   *types;
	bool	   *by_value;
	int16	   *lengths;
	NullableDatum *values;
} MlDataRow;

static void
ml_data_row_described(void *ctx, TupleDesc desc)
{
	MlDataRow  *row = ctx;
	MemoryContext old = MemoryContextSwitchTo(row->context);

	row->ncolumns = desc->natts;
	row->types = palloc(sizeof(Oid) * Max(desc->natts, 1));
	row->by_value = palloc(sizeof(bool) * Max(desc->natts, 1));
	row->lengths = palloc(sizeof(int16) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		row->types[i] = TupleDescAttr(desc, i)->atttypid;
		row->by_value[i] = TupleDescAttr(desc, i)->attbyval;
		row->lengths[i] = TupleDescAttr(desc, i)->attlen;
	}
	MemoryContextSwitchTo(old);
}

/* Keeps the first row, and counts the rest. */
static bool
ml_data_row_first(void *ctx, TupleTableSlot *slot)
{
	MlDataRow  *row = ctx;

	if (row->rows++ == 0)
	{
		MemoryContext old = MemoryContextSwitchTo(row->context);

		slot_getallattrs(slot);
		row->values = palloc(sizeof(NullableDatum) * Max(row->ncolumns, 1));
		for (int i = 0; i < row->ncolumns; i++)
		{
			row->values[i].isnull = slot->tts_isnull[i];
			if (!slot->tts_isnull[i])
				row->values[i].value = datumCopy(slot->tts_values[i], row->by_value[i], row->lengths[i]);
		}
		MemoryContextSwitchTo(old);
	}
	return true;
}

static void
ml_data_ask(const char *query, MlDataRow *row)
{
	MlSourceReader reader = {0};

	memset(row, 0, sizeof *row);
	row->context = CurrentMemoryContext;
	reader.describe = ml_data_row_described;
	reader.row = ml_data_row_first;
	reader.ctx = row;
	(void) ml_source_read(query, &reader, NULL);
}

/* ---- again ---- */

/* What a query for a collector gives, row by row. */
typedef struct MlDataAgain
{
	const MlCollector *collector;
	MemoryContext context;		/* the judge's: what a sink keeps outlives the row */
	MlConvert	convert;
	MlGroupSink groups;
	MlLevelSink levels;
	MlPairSink	pairs;
	void	   *sink_ctx;
} MlDataAgain;

static void
ml_data_again_described(void *ctx, TupleDesc desc)
{
}

/* Gives a row's count, with its value where the collector has one, to the sink of groups. */
static void
ml_data_again_group(MlDataAgain *again, const Datum *values)
{
	MlTypeClass class = again->convert.class;
	bool		valued = again->collector->ncolumns == 1 && again->collector->kind == ML_COLLECT_GROUPS &&
		class != ML_TYPE_TEXT && class != ML_TYPE_UNSUPPORTED && class != ML_TYPE_ARRAY;
	double		value = valued ? ml_convert_number(&again->convert, values[1]) : get_float8_nan();
	MemoryContext old = MemoryContextSwitchTo(again->context);

	again->groups(again->sink_ctx, value, DatumGetInt64(values[0]));
	MemoryContextSwitchTo(old);
}

static bool
ml_data_again_row(void *ctx, TupleTableSlot *slot)
{
	MlDataAgain *again = ctx;
	const Datum *values;

	slot_getallattrs(slot);
	values = slot->tts_values;
	if (again->groups)
		ml_data_again_group(again, values);
	else if (again->levels)
	{
		int			length;
		const char *text = ml_convert_text(&again->convert, values[1], &length);
		char	   *terminated = pnstrdup(text, length);
		MemoryContext old = MemoryContextSwitchTo(again->context);

		again->levels(again->sink_ctx, terminated, DatumGetInt64(values[0]), DatumGetInt64(values[2]));
		MemoryContextSwitchTo(old);
	}
	else
	{
		MlPairCounts pair = {DatumGetInt64(values[0]), DatumGetInt64(values[1]), DatumGetInt64(values[2]),
		DatumGetInt64(values[3])};
		MemoryContext old = MemoryContextSwitchTo(again->context);

		again->pairs(again->sink_ctx, &pair);
		MemoryContextSwitchTo(old);
	}
	return true;
}

/* "s.a, s.b" */
static char *
ml_data_list(const MlCollector *collector, int n)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < n; i++)
		appendStringInfo(&out, "%ss.%s", i > 0 ? ", " : "", quote_identifier(collector->columns[i].name));
	return out.data;
}

/* The query for a collector that ran out of memory. */
static char *
ml_data_again_query(const MlDataAgainContext *context, const MlCollector *collector)
{
	StringInfoData where;
	char	   *first = ml_data_list(collector, 1);
	char	   *all = ml_data_list(collector, collector->ncolumns);
	StringInfoData given;

	initStringInfo(&where);
	if (context->data)
		ml_data_where(&where, context->data->check, context->data->suite);
	initStringInfo(&given);
	for (int i = 0; i < collector->ncolumns; i++)
	{
		/* NULL is a value of what is compared, but not of what is counted or told apart */
		if (collector->kind == ML_COLLECT_COPIES || (collector->kind == ML_COLLECT_PAIRS && i < collector->ncolumns - 1) ||
			(collector->kind == ML_COLLECT_LEVELS && i > 0))
			continue;
		appendStringInfo(&given, "%s pg_catalog.num_nulls(s.%s) OPERATOR(pg_catalog.=) 0", given.len > 0 ? " AND" : where.len > 0 ? " AND" : " WHERE",
						 quote_identifier(collector->columns[i].name));
	}
	switch (collector->kind)
	{
		case ML_COLLECT_GROUPS:
			if (collector->ncolumns == 1)
				return psprintf("SELECT pg_catalog.count(*), %s FROM %s AS s%s%s GROUP BY %s ORDER BY %s", first,
								context->scan->from, where.data, given.data, first, first);
			/* FALLTHROUGH */
		case ML_COLLECT_COPIES:
			return psprintf("SELECT pg_catalog.count(*) FROM %s AS s%s%s GROUP BY %s", context->scan->from, where.data,
							given.data, all);
		case ML_COLLECT_LEVELS:
			return psprintf("SELECT pg_catalog.count(*), %s, %s FROM %s AS s%s%s GROUP BY %s "
							"ORDER BY (%s)::pg_catalog.text COLLATE pg_catalog.\"C\"", first,
							collector->ncolumns > 1 ?
							psprintf("pg_catalog.count(*) - pg_catalog.count(s.%s)",
									 quote_identifier(collector->columns[1].name)) : "0::pg_catalog.int8",
							context->scan->from, where.data, given.data, first, first);
		case ML_COLLECT_PAIRS:
			return psprintf("SELECT pg_catalog.sum(c)::pg_catalog.int8, pg_catalog.count(*), pg_catalog.max(c), "
							"coalesce((pg_catalog.array_agg(c ORDER BY c DESC))[2], 0) FROM "
							"(SELECT %s, pg_catalog.count(*) AS c FROM %s AS s%s%s GROUP BY %s) AS s GROUP BY %s",
							all, context->scan->from, where.data, given.data, all,
							ml_data_list(collector, collector->ncolumns - 1));
		default:
			elog(ERROR, "a collector that keeps no values has lost them");
	}
}

static void
ml_data_again(void *ctx, const MlCollector *collector, MlGroupSink groups, MlLevelSink levels, MlPairSink pairs,
			  void *sink_ctx)
{
	MlDataAgain again = {collector, CurrentMemoryContext, collector->columns[0].convert, groups, levels, pairs, sink_ctx};
	MlSourceReader reader = {0};
	MlDataAgainContext *context = ctx;

	again.convert.context = CurrentMemoryContext;
	reader.describe = ml_data_again_described;
	reader.row = ml_data_again_row;
	reader.ctx = &again;
	context->scan->scans++;
	if (!ml_text_listed(context->scan->lost, context->data->check->name))
		context->scan->lost = lappend(context->scan->lost, context->data->check->name);
	(void) ml_source_read(ml_data_again_query(context, collector), &reader, NULL);
}

/* ---- judging ---- */

void
ml_data_scan_collected(const MlDataCheck *data, MlCollected *out)
{
	memset(out, 0, sizeof *out);
	out->program = &data->pass->program;
	out->state = data->pass->state;
	out->check = data->row;
	out->where = data->where;
	out->bins = data->bins;
	out->columns = data->columns;
}

void
ml_data_scan_seen(MlDataScan *scan, MlCollected *out, MlDataAgainContext *again)
{
	memset(out, 0, sizeof *out);
	out->program = &scan->pass->program;
	out->state = scan->pass->state;
	out->check = out->where = out->bins = -1;
	again->scan = scan;
	again->data = NULL;
	out->again = ml_data_again;
	out->again_ctx = again;
}

/* Counts the rows that fail by a query, for a kind that no scan can judge. */
static void
ml_data_count(MlDataScan *scan, MlDataCheck *data, MlCollected *collected)
{
	StringInfoData failing;
	StringInfoData where;
	MlDataRow	row;

	initStringInfo(&failing);
	data->check->kind->failing(data->check, &failing);
	initStringInfo(&where);
	ml_data_where(&where, data->check, data->suite);
	ml_data_ask(psprintf("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE s.failing) FROM "
						 "(SELECT (%s) AS failing FROM %s AS s%s) AS s", failing.data, scan->from, where.data), &row);
	collected->counted = true;
	collected->counted_rows = DatumGetInt64(row.values[0].value);
	collected->counted_failed = DatumGetInt64(row.values[1].value);
}

/* Judges by a query of the check's own. */
static void
ml_data_ask_check(MlDataScan *scan, MlDataCheck *data)
{
	StringInfoData query;
	MlDataRow	row;
	MlCheckAnswer answer;

	if (!data->trusted)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the query of the check would run with your rights"),
				 errdetail("Suite \"%s\" belongs to a role that cannot act as you.", data->suite),
				 errhint("Have its owner run it, or make a suite of your own.")));
	initStringInfo(&query);
	data->check->kind->query(data->check, scan->from, &query);
	ml_data_ask(query.data, &row);
	answer.rows = row.rows;
	answer.ncolumns = row.ncolumns;
	answer.types = row.types;
	answer.values = row.values;
	data->outcome.n = row.rows;
	data->check->kind->answer(data->check, &answer, &data->outcome);
}

/* A kind of rows judges data by the share of those that fail. */
static void
ml_data_judge_rows(const MlCheck *check, const MlCollected *collected, MlCheckOutcome *out)
{
	int64		n = ml_collected_rows(collected);
	int64		failed = ml_collected_failed(collected);
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"failed_share\": ");
	if (n > 0)
		ml_json_number(&observed, (double) failed / n);
	else
		appendStringInfoString(&observed, "null");
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->n_failed = failed;
	/* the comparison in whole rows, so that 1 - 0.9 is a tenth */
	out->status = n == 0 ? ML_CHECK_INSUFFICIENT : n - failed >= check->mostly * n ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

/* What is expected, by the kind's words or by the parameters. */
static char *
ml_data_expected(const MlCheck *check)
{
	StringInfoData out;

	initStringInfo(&out);
	if (check->kind->expect)
		check->kind->expect(check, &out);
	else
		appendStringInfoString(&out, JsonbToCString(NULL, &check->given->root, VARSIZE(check->given)));
	return out.data;
}

static const MlCheckPast *
ml_data_past(void *ctx)
{
	const MlDataAgainContext *context = ctx;

	return context->scan->past(context->scan->past_ctx, context->data->check);
}

static void
ml_data_judge(MlDataScan *scan, MlDataCheck *data)
{
	const MlCheckKind *kind = data->check->kind;
	MlDataAgainContext context = {scan, data};
	MlCollected collected;

	if ((kind->flags & ML_CHECK_QUERY) != 0)
	{
		ml_data_ask_check(scan, data);
		return;
	}
	ml_data_scan_collected(data, &collected);
	collected.again = ml_data_again;
	collected.again_ctx = &context;
	collected.past = ml_data_past;
	collected.past_ctx = &context;
	if (!data->scanned)
		ml_data_count(scan, data, &collected);
	data->outcome.n = ml_collected_rows(&collected);
	if (kind->judge)
		kind->judge(data->check, &collected, &data->outcome);
	else
		ml_data_judge_rows(data->check, &collected, &data->outcome);
}

void
ml_data_scan_judge(MlDataScan *scan)
{
	for (int i = 0; i < scan->nchecks; i++)
	{
		MlDataCheck *data = &scan->checks[i];

		CHECK_FOR_INTERRUPTS();
		if (!data->done)
			ml_data_try(scan, data, ml_data_judge);
		data->done = true;
		if (data->outcome.expected == NULL)
			data->outcome.expected = ml_data_expected(data->check);
	}
}
