/*
 * check_data.c - ml.check_data and ml.failing_rows: a suite over a source.
 *
 * The source is read with the rights of whoever asks, results are written as
 * the catalog's owner. Rows that fail are found by going through the source
 * again: by the check itself where it judges rows, else by the kind's query.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/check_data.h"
#include "flow/condition.h"
#include "flow/data_scan.h"
#include "flow/expression.h"
#include "flow/lookup.h"
#include "flow/suite.h"
#include "funcapi.h"
#include "store/access.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

/* So many earlier results of a check are looked at. */
#define ML_CHECK_PAST_MAX	1000

/* What the search for earlier results needs. */
typedef struct MlPastContext
{
	const char *suite;
	const char *source;
} MlPastContext;

static const MlCheckPast *
ml_check_data_past(void *ctx, const MlCheck *check)
{
	const MlPastContext *past = ctx;

	return ml_catalog_check_past(past->suite, check->name, past->source, ML_CHECK_PAST_MAX);
}

/* What a reference means at the moment. */
static void
ml_check_data_suites(const char *ref, MlSuites *suites)
{
	MlMoment	moment;

	ml_moment_now(&moment);
	ml_suites_find(ref, &moment, suites);
}

/* Runs checks over a source; those of the second suite, if there are two, stand behind those of the first. */
static List *
ml_check_data_scan(List *checks, const char *suite, bool trusted, const char *source)
{
	MlPastContext past = {suite, source};
	MlDataScan	scan;
	List	   *results = NIL;
	ListCell   *lc;

	ml_data_scan_begin(&scan, source);
	scan.past = ml_check_data_past;
	scan.past_ctx = &past;
	foreach(lc, checks)
		(void) ml_data_scan_add(&scan, lfirst(lc), suite, trusted);
	ml_data_scan_bind(&scan);
	ml_data_scan_run(&scan);
	ml_data_scan_judge(&scan);
	ml_data_scan_tell(&scan);
	for (int i = 0; i < scan.nchecks; i++)
	{
		MlCheckResult *result = palloc(sizeof(MlCheckResult));

		/* the check as it is defined, not with all columns */
		result->check = list_nth(checks, i);
		result->outcome = scan.checks[i].outcome;
		results = lappend(results, result);
	}
	return results;
}

/* What a version learned is told to those who may read the model: sets hold values of the training data. */
static void
ml_check_data_withhold(const MlSuites *suites, List *results)
{
	MlSuites	learned = *suites;
	List	   *checks;
	ListCell   *lc;

	learned.suite[0] = suites->suite[suites->n - 1];
	learned.n = 1;
	if (learned.suite[0].model == NULL ||
		ml_access_allowed(learned.suite[0].model, learned.suite[0].owner, ML_PRIV_READ))
		return;
	checks = ml_suites_checks(&learned, CurrentMemoryContext);
	foreach(lc, results)
	{
		MlCheckResult *result = lfirst(lc);

		if (list_member_ptr(checks, result->check))
			result->outcome.expected = NULL;
	}
}

List *
ml_check_data_run(const char *ref, const char *source, const MlEnvironment *environment)
{
	MlSuites	suites;
	List	   *checks = NIL;
	List	   *results;
	ListCell   *lc;

	ml_check_data_suites(ref, &suites);
	foreach(lc, ml_suites_checks(&suites, CurrentMemoryContext))
	{
		MlCheck    *check = lfirst(lc);

		if (environment == NULL || *environment == ML_ENVIRONMENT_BOTH || check->environment == ML_ENVIRONMENT_BOTH ||
			check->environment == *environment)
			checks = lappend(checks, check);
	}
	results = ml_check_data_scan(checks, suites.name, ml_suites_trusted(&suites), source);
	ml_check_data_withhold(&suites, results);
	(void) ml_catalog_check_results(suites.name, source, results);
	return results;
}

List *
ml_check_data_training(const MlSuites *suites, const char *source)
{
	List	   *checks = NIL;
	ListCell   *lc;

	foreach(lc, ml_suites_checks(suites, CurrentMemoryContext))
		if (((MlCheck *) lfirst(lc))->environment != ML_ENVIRONMENT_SERVING)
			checks = lappend(checks, lfirst(lc));
	return ml_check_data_scan(checks, suites->name, ml_suites_trusted(suites), source);
}

/* ---- failing rows ---- */

typedef struct MlFailingRows
{
	MlDataScan *scan;
	MlDataCheck *data;
	MlRowCheck *row;
	ExprState  *where;
	ExprState  *condition;
	MlLookup   *lookup;
	MlConditionRoom room;
	const char *whose;
	NullableDatum *values;
	bool		query;			/* each row is one that fails */
	MlFailingSink sink;
	void	   *ctx;
} MlFailingRows;

static void
ml_failing_described(void *ctx, TupleDesc desc)
{
}

/* Whether the row in the slot fails. */
static bool
ml_failing_fails(MlFailingRows *failing, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	for (int i = 0; i < failing->scan->desc->natts; i++)
	{
		failing->values[i].value = slot->tts_values[i];
		failing->values[i].isnull = slot->tts_isnull[i];
	}
	if (failing->where || failing->condition)
		ml_condition_fill(&failing->room, failing->values);
	if (failing->where && !ml_condition_holds(&failing->room, failing->where, false, failing->whose))
		return false;
	if (failing->lookup)
		return !ml_lookup_holds(failing->lookup, failing->values);
	if (failing->condition)
		return !ml_condition_holds(&failing->room, failing->condition, true, failing->whose);
	return !failing->row->passes(failing->row, failing->values);
}

static bool
ml_failing_row(void *ctx, TupleTableSlot *slot)
{
	MlFailingRows *failing = ctx;

	if (failing->query)
	{
		bool		isnull;
		Datum		row = slot_getattr(slot, 1, &isnull);

		failing->sink(failing->ctx, DatumGetJsonbP(row));
	}
	else if (ml_failing_fails(failing, slot))
	{
		Datum		row;
		text	   *json;

		/* the rows of a query have no type that could be looked up before it is registered */
		BlessTupleDesc(slot->tts_tupleDescriptor);
		row = ExecFetchSlotHeapTupleDatum(slot);
		json = DatumGetTextP(DirectFunctionCall1(row_to_json, row));
		failing->sink(failing->ctx, DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																	   CStringGetDatum(text_to_cstring(json)))));
	}
	return true;
}

/* Binds the check to the rows as they come: column i is attribute i. */
static void
ml_failing_bind(MlFailingRows *failing)
{
	const MlCheck *check = failing->data->check;
	const MlCheckKind *kind = check->kind;
	MlRowCheck *row = palloc0(sizeof(MlRowCheck));

	failing->values = palloc(sizeof(NullableDatum) * Max(failing->scan->desc->natts, 1));
	row->check = check;
	row->context = CurrentMemoryContext;
	row->ncolumns = check->ncolumns;
	row->columns = palloc0(sizeof(MlCheckColumn) * Max(check->ncolumns, 1));
	for (int i = 0; i < check->ncolumns; i++)
		if (!ml_row_type_column(&failing->scan->type, check->columns[i], &row->columns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of check \"%s\" does not exist in the source", check->columns[i], check->name),
					 errhint("Give the source this column.")));
	failing->row = row;
	ml_condition_room(&failing->room, failing->scan->desc);
	if (check->where)
		failing->where = ml_expression_compile(failing->whose, check->where, failing->scan->desc);
	if ((kind->flags & ML_CHECK_EXPRESSION) != 0)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		kind->expression(check, (kind->flags & ML_CHECK_LOOKUP) != 0 ? "rows" : NULL, &sql);
		if ((kind->flags & ML_CHECK_LOOKUP) != 0)
		{
			int		   *columns = palloc(sizeof(int) * Max(check->ncolumns, 1));

			for (int i = 0; i < check->ncolumns; i++)
				columns[i] = row->columns[i].index;
			failing->lookup = ml_lookup_create(sql.data, failing->scan->desc, check->ncolumns, columns,
											   CurrentMemoryContext);
		}
		else
			failing->condition = ml_expression_compile(failing->whose, sql.data, failing->scan->desc);
	}
	else
		kind->prepare(row);
}

/* The query for the rows that a kind fails which does not judge them one by one. */
static char *
ml_failing_query(const MlFailingRows *failing)
{
	const MlCheck *check = failing->data->check;
	StringInfoData condition;
	StringInfoData where;

	initStringInfo(&condition);
	check->kind->failing(check, &condition);
	initStringInfo(&where);
	ml_data_where(&where, check, failing->data->suite);
	return psprintf("SELECT s.row FROM (SELECT pg_catalog.to_jsonb(s.*) AS row, (%s) AS failing FROM %s AS s%s) AS s "
					"WHERE s.failing", condition.data, failing->scan->from, where.data);
}

/* The check of a name among those of a suite. */
static const MlCheck *
ml_failing_find(const MlSuites *suites, List *checks, const char *name)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, checks)
	{
		const MlCheck *check = lfirst(lc);

		if (strcmp(check->name, name) == 0)
			return check;
		names = lappend(names, check->name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("suite \"%s\" has no check \"%s\"", suites->name, name),
			 errdetail("Its checks are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Table ml.checks lists them."))));
}

void
ml_check_data_failing(const char *ref, const char *name, const char *source, MlFailingSink sink, void *ctx)
{
	MlSuites	suites;
	MlDataScan	scan;
	MlFailingRows failing = {0};
	MlSourceReader reader = {0};
	const MlCheck *check;

	ml_check_data_suites(ref, &suites);
	check = ml_failing_find(&suites, ml_suites_checks(&suites, CurrentMemoryContext), name);
	ml_data_scan_begin(&scan, source);
	failing.scan = &scan;
	failing.data = ml_data_scan_add(&scan, check, suites.name, false);
	failing.whose = ml_check_what(check, suites.name);
	failing.sink = sink;
	failing.ctx = ctx;
	reader.describe = ml_failing_described;
	reader.row = ml_failing_row;
	reader.ctx = &failing;
	if ((check->kind->flags & ML_CHECK_ALL_COLUMNS) != 0 && check->ncolumns == 0)
		failing.data->check = ml_data_all_columns(&scan, check);
	if (check->kind->prepare || check->kind->expression)
	{
		ml_failing_bind(&failing);
		(void) ml_source_read(source, &reader, NULL);
	}
	else if (check->kind->failing)
	{
		failing.query = true;
		(void) ml_source_read(ml_failing_query(&failing), &reader, NULL);
	}
}
