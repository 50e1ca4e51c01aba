/*
 * data_scan.c - checks of data over a source: bound to its columns, and collected in one scan.
 *
 * The scan is a query of the source's with our aggregate around it, so that it
 * runs in parallel workers, through views, partitions and row security, with
 * the rights of whoever asks. Binding a check may fail for what the source is;
 * then the check has that as its outcome, and the others go on. A failure is
 * caught in a subtransaction, as everywhere in the server.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/passing.h"
#include "base/text.h"
#include "flow/check_scan.h"
#include "flow/data_scan.h"
#include "flow/expression.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* A function has 100 arguments at most: the spec, columns and conditions. */
#define ML_DATA_ARGUMENTS_MAX	(FUNC_MAX_ARGS - 5)

/* ---- the source ---- */

/* A pass that reads nothing yet. */
static MlDataPass *
ml_data_pass_create(const MlDataScan *scan)
{
	MlDataPass *pass = palloc0(sizeof(MlDataPass));

	pass->attnos = palloc(sizeof(int) * Max(scan->desc->natts, 1));
	pass->scan_of = palloc(sizeof(int) * Max(scan->desc->natts, 1));
	for (int i = 0; i < scan->desc->natts; i++)
		pass->scan_of[i] = -1;
	return pass;
}

void
ml_data_scan_begin(MlDataScan *scan, const char *source)
{
	memset(scan, 0, sizeof *scan);
	scan->source = source;
	scan->desc = ml_source_describe(source, &scan->info);
	scan->from = ml_source_from(&scan->info);
	ml_row_type_of(scan->desc, &scan->type);
	scan->pass = ml_data_pass_create(scan);
}

MlDataCheck *
ml_data_scan_add(MlDataScan *scan, const MlCheck *check, const char *suite, bool trusted)
{
	MlDataCheck *added;

	scan->checks = scan->checks ? repalloc(scan->checks, sizeof(MlDataCheck) * (scan->nchecks + 1)) :
		palloc(sizeof(MlDataCheck));
	added = &scan->checks[scan->nchecks++];
	memset(added, 0, sizeof *added);
	added->check = check;
	added->suite = suite;
	added->trusted = trusted;
	added->row = added->where = added->bins = -1;
	return added;
}

/* ---- binding ---- */

/* The scan's number of an attribute of the source, which it reads from now on. */
static int
ml_data_column(MlDataScan *scan, int attno)
{
	if (scan->pass->scan_of[attno] < 0)
	{
		scan->pass->scan_of[attno] = scan->pass->program.ncolumns;
		scan->pass->attnos[scan->pass->program.ncolumns++] = attno;
	}
	return scan->pass->scan_of[attno];
}

/* The number of a new condition. */
static int
ml_data_condition_add(MlDataScan *scan, char *sql, char *whose)
{
	MlScanProgram *program = &scan->pass->program;
	int			n = program->nconditions++;

	program->conditions = n == 0 ? palloc(sizeof(char *)) : repalloc(program->conditions, sizeof(char *) * (n + 1));
	program->whose = n == 0 ? palloc(sizeof(char *)) : repalloc(program->whose, sizeof(char *) * (n + 1));
	program->conditions[n] = sql;
	program->whose[n] = whose;
	return n;
}

/* A condition that a user wrote; the same text of a WHERE is evaluated once. */
static int
ml_data_condition(MlDataScan *scan, const char *sql, const MlDataCheck *data, bool where)
{
	char	   *whose = ml_check_what(data->check, data->suite);
	Bitmapset  *columns = ml_expression_columns(whose, sql, scan->desc);

	for (int i = -1; (i = bms_next_member(columns, i)) >= 0;)
		(void) ml_data_column(scan, i);
	if (where)
		for (int i = 0; i < scan->nchecks; i++)
			if (scan->checks[i].pass == scan->pass && scan->checks[i].where >= 0 && scan->checks[i].check->where != NULL &&
				strcmp(scan->checks[i].check->where, sql) == 0)
				return scan->checks[i].where;
	return ml_data_condition_add(scan, pstrdup(sql), whose);
}

const MlCheck *
ml_data_all_columns(const MlDataScan *scan, const MlCheck *check)
{
	MlCheck    *all = palloc(sizeof(MlCheck));

	*all = *check;
	all->columns = palloc(sizeof(char *) * Max(scan->type.n, 1));
	all->ncolumns = 0;
	for (int i = 0; i < scan->type.n; i++)
		if (scan->type.names[i] != NULL)
			all->columns[all->ncolumns++] = unconstify(char *, scan->type.names[i]);
	if (all->ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the source has no columns"),
				 errhint("Give the source columns, or drop the check.")));
	return all;
}

static void
ml_data_no_column(const MlDataScan *scan, const MlCheck *check, const char *name)
{
	List	   *names = NIL;

	for (int i = 0; i < scan->type.n; i++)
		if (scan->type.names[i])
			names = lappend(names, unconstify(char *, scan->type.names[i]));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" does not exist", name),
			 errdetail("The source has: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Give the source this column, or drop the check."))));
}

/* Finds the columns of a check; false where it is about the training alone and one is not there. */
static bool
ml_data_columns(MlDataScan *scan, MlDataCheck *data)
{
	const MlCheck *check = data->check;

	data->columns = palloc0(sizeof(MlCheckColumn) * Max(check->ncolumns, 1));
	for (int i = 0; i < check->ncolumns; i++)
	{
		if (!ml_row_type_column(&scan->type, check->columns[i], &data->columns[i]))
		{
			if (check->environment == ML_ENVIRONMENT_TRAINING)
				return false;
			ml_data_no_column(scan, check, check->columns[i]);
		}
		data->columns[i].index = ml_data_column(scan, data->columns[i].index);
	}
	return true;
}

/* Adds a check that counts rows to the leader's program. */
static void
ml_data_count_rows(MlDataScan *scan, MlDataCheck *data)
{
	MlScanProgram *program = &scan->pass->program;
	const MlCheckKind *kind = data->check->kind;
	MlScanCheck *counting;

	program->checks = program->checks == NULL ? palloc(sizeof(MlScanCheck)) :
		repalloc(program->checks, sizeof(MlScanCheck) * (program->nchecks + 1));
	counting = &program->checks[program->nchecks];
	memset(counting, 0, sizeof *counting);
	counting->row.check = data->check;
	counting->row.ncolumns = data->check->ncolumns;
	counting->row.columns = data->columns;
	counting->row.context = CurrentMemoryContext;
	counting->where = data->where;
	counting->condition = -1;
	if ((kind->flags & ML_CHECK_EXPRESSION) != 0)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		kind->expression(data->check, (kind->flags & ML_CHECK_LOOKUP) != 0 ? "s" : NULL, &sql);
		if ((kind->flags & ML_CHECK_LOOKUP) != 0)
		{
			scan->pass->arguments = lappend(scan->pass->arguments, sql.data);
			counting->condition = ml_data_condition_add(scan, NULL, NULL);
		}
		else
			counting->condition = ml_data_condition(scan, sql.data, data, false);
	}
	else
		kind->prepare(&counting->row);
	data->row = program->nchecks++;
}

static void
ml_data_bind(MlDataScan *scan, MlDataCheck *data)
{
	const MlCheckKind *kind = data->check->kind;

	if ((kind->flags & ML_CHECK_SCHEMA) != 0)
	{
		MlSourceColumns columns = {scan->type.n, scan->type.names, scan->type.types, scan->type.typmods};

		kind->schema(data->check, &columns, &data->outcome);
		data->done = true;
		return;
	}
	if ((kind->flags & ML_CHECK_ALL_COLUMNS) != 0 && data->check->ncolumns == 0)
		data->check = ml_data_all_columns(scan, data->check);
	if (!ml_data_columns(scan, data))
	{
		data->outcome.status = ML_CHECK_SKIPPED;
		data->done = true;
		return;
	}
	if ((kind->flags & ML_CHECK_QUERY) != 0)
		return;
	if (data->check->where)
		data->where = ml_data_condition(scan, data->check->where, data, true);
	/* what only a query can judge is counted by it later */
	if (kind->plan == NULL && kind->prepare == NULL && kind->expression == NULL)
		return;
	if (kind->prepare || kind->expression)
		ml_data_count_rows(scan, data);
	scan->pass->collecting.check = data->check;
	scan->pass->collecting.where = data->where;
	scan->pass->collecting.bins = -1;
	if (kind->plan)
		kind->plan(data->check, data->columns, &scan->pass->collecting);
	if (data->where >= 0 && data->row < 0)
		ml_collect(&scan->pass->collecting, ML_COLLECT_ROWS, 0, NULL);
	data->bins = scan->pass->collecting.bins;
	data->scanned = true;
}

/* The outcome of a check that an error has kept from being judged. */
static void
ml_data_failed(MlDataCheck *data, const ErrorData *error)
{
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"error\": ");
	ml_json_text(&observed, error->message);
	if (error->detail)
	{
		appendStringInfoString(&observed, ", \"detail\": ");
		ml_json_text(&observed, error->detail);
	}
	appendStringInfoChar(&observed, '}');
	memset(&data->outcome, 0, sizeof data->outcome);
	data->outcome.status = ML_CHECK_ERROR;
	data->outcome.observed = observed.data;
	data->done = true;
	data->scanned = false;
}

/* What of a pass grows while checks are bound to it. */
typedef struct MlDataMark
{
	int			ncolumns;
	int			nconditions;
	int			nchecks;
	int			ncollectors;
	int			narguments;
} MlDataMark;

static void
ml_data_undo(MlDataPass *pass, const MlDataMark *mark)
{
	while (pass->program.ncolumns > mark->ncolumns)
		pass->scan_of[pass->attnos[--pass->program.ncolumns]] = -1;
	pass->program.nconditions = mark->nconditions;
	pass->program.nchecks = mark->nchecks;
	pass->collecting.n = mark->ncollectors;
	pass->arguments = list_truncate(pass->arguments, mark->narguments);
}

/* Does something in a subtransaction; returns its error, or NULL. */
static ErrorData *
ml_data_attempt(MlDataScan *scan, MlDataCheck *data, void (*what) (MlDataScan *scan, MlDataCheck *data))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		what(scan, data);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (ml_error_of_moment(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}

void
ml_data_try(MlDataScan *scan, MlDataCheck *data, void (*what) (MlDataScan *scan, MlDataCheck *data))
{
	MlDataPass *pass = scan->pass;
	MlDataMark	mark = {pass->program.ncolumns, pass->program.nconditions, pass->program.nchecks, pass->collecting.n,
	list_length(pass->arguments)};
	ErrorData  *error = ml_data_attempt(scan, data, what);

	if (error)
	{
		ml_data_undo(pass, &mark);
		data->row = data->where = data->bins = -1;
		ml_data_failed(data, error);
	}
}

/* Binds a check to the pass at hand. */
static void
ml_data_bind_to_pass(MlDataScan *scan, MlDataCheck *data)
{
	data->pass = scan->pass;
	data->row = data->where = data->bins = -1;
	data->scanned = false;
	ml_data_try(scan, data, ml_data_bind);
	scan->pass->program.ncollectors = scan->pass->collecting.n;
	scan->pass->program.collectors = scan->pass->collecting.collectors;
}

void
ml_data_scan_bind(MlDataScan *scan)
{
	for (int i = 0; i < scan->nchecks; i++)
		ml_data_bind_to_pass(scan, &scan->checks[i]);
}

void
ml_data_scan_collect(MlDataScan *scan, MlCollectKind kind, int ncolumns, const int *attnos, MlCheckColumn *columns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		(void) ml_row_type_column(&scan->type, scan->type.names[attnos[i]], &columns[i]);
		columns[i].index = ml_data_column(scan, attnos[i]);
	}
	scan->pass->collecting.where = scan->pass->collecting.bins = -1;
	ml_collect(&scan->pass->collecting, kind, ncolumns, columns);
	scan->pass->program.ncollectors = scan->pass->collecting.n;
	scan->pass->program.collectors = scan->pass->collecting.collectors;
}

/* ---- the scan ---- */

/* The spec as a literal. */
static void
ml_data_spec(const MlDataScan *scan, StringInfo out)
{
	const MlScanProgram *program = &scan->pass->program;
	MlScanColumn *columns = palloc(sizeof(MlScanColumn) * Max(program->ncolumns, 1));
	StringInfoData spec;
	char	   *hex;

	for (int i = 0; i < program->ncolumns; i++)
	{
		columns[i].name = scan->type.names[scan->pass->attnos[i]];
		columns[i].typmod = scan->type.typmods[scan->pass->attnos[i]];
		columns[i].collation = scan->type.collations[scan->pass->attnos[i]];
	}
	initStringInfo(&spec);
	ml_scan_spec_write(&spec, program->ncolumns, columns, program);
	hex = palloc(spec.len * 2 + 1);
	hex[hex_encode(spec.data, spec.len, hex)] = '\0';
	appendStringInfo(out, "'\\x%s'::pg_catalog.bytea", hex);
}

/* The query that scans the source. */
static char *
ml_data_query(const MlDataScan *scan)
{
	const MlScanProgram *program = &scan->pass->program;
	bool		whole = program->ncolumns + list_length(scan->pass->arguments) > ML_DATA_ARGUMENTS_MAX;
	StringInfoData query;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&query);
	appendStringInfoString(&query, whole ? "SELECT ml.check_scan_row(" : "SELECT ml.check_scan(");
	ml_data_spec(scan, &query);
	appendStringInfoString(&query, whole ? ", x.*) FROM (SELECT " : "");
	for (int i = 0; i < program->ncolumns; i++)
	{
		appendStringInfo(&query, "%ss.%s", whole && n == 0 ? "" : ", ",
						 quote_identifier(scan->type.names[scan->pass->attnos[i]]));
		n++;
	}
	foreach(lc, scan->pass->arguments)
	{
		appendStringInfo(&query, "%s(%s)", whole && n == 0 ? "" : ", ", (char *) lfirst(lc));
		if (whole)
			appendStringInfo(&query, " AS \"condition %d\"", n);
		n++;
	}
	if (whole)
		appendStringInfo(&query, " FROM %s AS s) AS x", scan->from);
	else
		appendStringInfo(&query, ") FROM %s AS s", scan->from);
	return query.data;
}

typedef struct MlDataAnswer
{
	MemoryContext context;
	MlScanState *state;
} MlDataAnswer;

static void
ml_data_described(void *ctx, TupleDesc desc)
{
}

/* Takes the state over into the scan's context. */
static bool
ml_data_answered(void *ctx, TupleTableSlot *slot)
{
	MlDataAnswer *answer = ctx;
	bool		isnull;
	Datum		state = slot_getattr(slot, 1, &isnull);

	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(answer->context);

		answer->state = ml_check_scan_take(state);
		MemoryContextSwitchTo(old);
	}
	return true;
}

/* Goes through the source once for the pass at hand. */
static void
ml_data_pass_run(MlDataScan *scan, MlDataCheck *unused)
{
	MlDataPass *pass = scan->pass;
	MlDataAnswer answer = {CurrentMemoryContext, NULL};
	MlSourceReader reader = {0};

	/* the aggregate takes one argument at least */
	if (pass->program.ncolumns == 0 && pass->arguments == NIL)
	{
		pass->arguments = list_make1("true");
		(void) ml_data_condition_add(scan, NULL, NULL);
	}
	reader.describe = ml_data_described;
	reader.row = ml_data_answered;
	reader.ctx = &answer;
	scan->scans++;
	(void) ml_source_read(ml_data_query(scan), &reader, NULL);
	pass->state = answer.state ? answer.state :
		ml_scan_state_create(&pass->program, CurrentMemoryContext, ml_check_scan_memory());
}

/* Scans for the halves of checks that a scan with all of them has failed for, down to those that it failed for. */
static void
ml_data_divide(MlDataScan *scan, MlDataCheck **checks, int n, const ErrorData *error)
{
	int			half = n / 2;

	if (n == 1)
	{
		ml_data_failed(checks[0], error);
		scan->broken = lappend(scan->broken, checks[0]->check->name);
		return;
	}
	for (int part = 0; part < 2; part++)
	{
		MlDataCheck **some = part == 0 ? checks : checks + half;
		int			nsome = part == 0 ? half : n - half;
		const ErrorData *again;

		scan->pass = ml_data_pass_create(scan);
		for (int i = 0; i < nsome; i++)
			ml_data_bind_to_pass(scan, some[i]);
		again = ml_data_attempt(scan, NULL, ml_data_pass_run);
		if (again)
			ml_data_divide(scan, some, nsome, again);
	}
}

void
ml_data_scan_run(MlDataScan *scan)
{
	MlDataCheck **checks = palloc(sizeof(MlDataCheck *) * Max(scan->nchecks, 1));
	const ErrorData *error;
	int			n = 0;

	for (int i = 0; i < scan->nchecks; i++)
		if (scan->checks[i].scanned)
			checks[n++] = &scan->checks[i];
	if (n == 0 && scan->pass->collecting.n == 0)
	{
		scan->pass->state = ml_scan_state_create(&scan->pass->program, CurrentMemoryContext, ml_check_scan_memory());
		return;
	}
	error = ml_data_attempt(scan, NULL, ml_data_pass_run);
	if (error == NULL)
		return;
	/* a source that cannot be read without any check either is no matter of the checks */
	scan->pass = ml_data_pass_create(scan);
	ml_data_pass_run(scan, NULL);
	ml_data_divide(scan, checks, n, error);
}

void
ml_data_scan_tell(const MlDataScan *scan)
{
	StringInfoData why;

	if (scan->scans < 2)
		return;
	initStringInfo(&why);
	if (scan->broken)
		appendStringInfo(&why, "An error stopped the scan for: %s.", ml_text_list(scan->broken, 20));
	if (scan->lost)
		appendStringInfo(&why, "%sValues did not fit into maintenance_work_mem (%s) for: %s.", why.len > 0 ? " " : "",
						 ml_text_bytes((double) ml_check_scan_memory()), ml_text_list(scan->lost, 20));
	ereport(NOTICE,
			(errmsg("the source was scanned %d times", scan->scans),
			 errdetail_internal("%s", why.data)));
}
