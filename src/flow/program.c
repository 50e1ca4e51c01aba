/*
 * program.c - a suite, compiled for the rows at hand.
 *
 * Everything a compilation makes is in one context, which is reset when the
 * moment has changed and the suite is compiled anew; the suite's checks are
 * pinned by it. What a check leaves behind while it looks at a row is in the
 * caller's current context. Conditions that users wrote run in an expression
 * context of their own, on a virtual tuple of the columns.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "flow/condition.h"
#include "flow/expression.h"
#include "flow/lookup.h"
#include "flow/program.h"
#include "flow/suite.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* A check of the program. */
typedef struct MlProgramCheck
{
	MlRowCheck	row;
	char	   *what;			/* of conditions, for messages */
	ExprState  *where;
	ExprState  *condition;		/* of a kind that has an expression */
	MlLookup   *lookup;			/* the same, where it looks into tables */
} MlProgramCheck;

struct MlProgram
{
	MemoryContext context;
	bool		compiled;
	MlMoment	moment;
	char	   *ref;
	int			ref_length;
	char	   *name;
	TupleDesc	desc;
	int			nchecks;
	MlProgramCheck *checks;
	int			nerrors;
	MlProgramCheck **errors;	/* those of severity error */
	bool		conditions;		/* some check has a condition */
	MlConditionRoom room;
};

/* ---- columns ---- */

/* The columns of a descriptor, in arrays of the current context. */
void
ml_row_type_of(TupleDesc desc, MlRowType *type)
{
	const char **names = palloc(sizeof(char *) * Max(desc->natts, 1));
	Oid		   *types = palloc(sizeof(Oid) * Max(desc->natts, 1));
	int32	   *typmods = palloc(sizeof(int32) * Max(desc->natts, 1));
	Oid		   *collations = palloc(sizeof(Oid) * Max(desc->natts, 1));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		names[i] = att->attisdropped ? NULL : pstrdup(NameStr(att->attname));
		types[i] = att->atttypid;
		typmods[i] = att->atttypmod;
		collations[i] = att->attcollation;
	}
	type->n = desc->natts;
	type->names = names;
	type->types = types;
	type->typmods = typmods;
	type->collations = collations;
}

static int
ml_row_type_find(const MlRowType *type, const char *name)
{
	for (int i = 0; i < type->n; i++)
		if (type->names[i] != NULL && strcmp(type->names[i], name) == 0)
			return i;
	return -1;
}

/* What a check's column is in the rows; false if they lack it. */
bool
ml_row_type_column(const MlRowType *type, const char *name, MlCheckColumn *column)
{
	int			at = ml_row_type_find(type, name);

	if (at < 0)
		return false;
	column->name = name;
	column->index = at;
	column->declared = type->types[at];
	column->typmod = type->typmods ? type->typmods[at] : -1;
	column->collation = type->collations ? type->collations[at] : get_typcollation(type->types[at]);
	ml_convert_init(&column->convert, type->types[at]);
	if (column->convert.class == ML_TYPE_UNSUPPORTED)
		column->convert.type = getBaseType(type->types[at]);
	return true;
}

/* The columns as a descriptor, for conditions. */
TupleDesc
ml_row_type_desc(const MlRowType *type)
{
	TupleDesc	desc = CreateTemplateTupleDesc(type->n);

	for (int i = 0; i < type->n; i++)
	{
		if (type->names[i] == NULL)
		{
			TupleDescInitEntry(desc, i + 1, "........dropped........", INT4OID, -1, 0);
			TupleDescAttr(desc, i)->attisdropped = true;
			continue;
		}
		TupleDescInitEntry(desc, i + 1, type->names[i], type->types[i] == UNKNOWNOID ? TEXTOID : type->types[i],
						   type->typmods ? type->typmods[i] : -1, 0);
		if (type->collations)
			TupleDescInitEntryCollation(desc, i + 1, type->collations[i]);
	}
	return desc;
}

/* ---- compilation ---- */

static ML_NORETURN void
ml_program_no_column(const MlProgram *program, const MlCheck *check, const char *name, const MlRowType *type)
{
	List	   *names = NIL;

	for (int i = 0; i < type->n; i++)
		if (type->names[i])
			names = lappend(names, unconstify(char *, type->names[i]));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("check \"%s\" of suite \"%s\" needs column \"%s\", which the rows do not have", check->name,
					program->name, name),
			 errdetail("They have: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Pass rows with this column, or drop the check with ml.drop_check."))));
}

/* The condition of a kind that has an expression. */
static void
ml_program_condition(MlProgram *program, MlProgramCheck *out)
{
	const MlCheck *check = out->row.check;
	bool		lookup = (check->kind->flags & ML_CHECK_LOOKUP) != 0;
	StringInfoData sql;

	initStringInfo(&sql);
	check->kind->expression(check, lookup ? "rows" : NULL, &sql);
	if (lookup)
	{
		int		   *columns = palloc(sizeof(int) * Max(check->ncolumns, 1));

		for (int i = 0; i < check->ncolumns; i++)
			columns[i] = out->row.columns[i].index;
		out->lookup = ml_lookup_create(sql.data, program->desc, check->ncolumns, columns, program->context);
	}
	else
		out->condition = ml_expression_compile(out->what, sql.data, program->desc);
	program->conditions = true;
}

/* What has no value passes. */
static bool
ml_program_always(const MlRowCheck *row, const NullableDatum *values)
{
	return true;
}

/* Finds a check's columns in the rows; false if some have no type, since nothing but NULL is there. */
static bool
ml_program_columns(MlProgram *program, const MlCheck *check, const MlRowType *type, MlRowCheck *row)
{
	bool		typed = true;

	row->ncolumns = check->ncolumns;
	row->columns = palloc0(sizeof(MlCheckColumn) * Max(check->ncolumns, 1));
	for (int i = 0; i < check->ncolumns; i++)
	{
		if (!ml_row_type_column(type, check->columns[i], &row->columns[i]))
		{
			if (!type->open)
				ml_program_no_column(program, check, check->columns[i], type);
			row->columns[i].name = check->columns[i];
			row->columns[i].index = type->n;
			row->columns[i].declared = UNKNOWNOID;
		}
		typed &= row->columns[i].declared != UNKNOWNOID;
	}
	return typed;
}

static void
ml_program_bind(MlProgram *program, const MlCheck *check, const MlRowType *type, MlProgramCheck *out)
{
	bool		typed;

	memset(out, 0, sizeof *out);
	out->what = ml_check_what(check, program->name);
	out->row.check = check;
	out->row.context = program->context;
	typed = ml_program_columns(program, check, type, &out->row);
	if (!typed && (check->kind->flags & ML_CHECK_NULLS) == 0)
		out->row.passes = ml_program_always;
	else if ((check->kind->flags & ML_CHECK_EXPRESSION) != 0)
		ml_program_condition(program, out);
	else
		check->kind->prepare(&out->row);
	if (check->where)
	{
		out->where = ml_expression_compile(out->what, check->where, program->desc);
		program->conditions = true;
	}
}

/* Compiles the checks of suites; everything is in the program's context, which is the current one. */
static void
ml_program_compile(MlProgram *program, const MlSuites *suites, const MlRowType *type)
{
	List	   *checks;
	ListCell   *lc;

	program->conditions = false;
	program->nchecks = program->nerrors = 0;
	program->name = pstrdup(suites->name);
	program->desc = ml_row_type_desc(type);
	checks = ml_suites_checks(suites, program->context);
	program->checks = palloc(sizeof(MlProgramCheck) * Max(list_length(checks), 1));
	program->errors = palloc(sizeof(MlProgramCheck *) * Max(list_length(checks), 1));
	foreach(lc, checks)
	{
		const MlCheck *check = lfirst(lc);

		if ((check->kind->flags & ML_CHECK_ROWS) == 0 || check->environment == ML_ENVIRONMENT_TRAINING)
			continue;
		ml_program_bind(program, check, type, &program->checks[program->nchecks]);
		if (check->severity == ML_SEVERITY_ERROR)
			program->errors[program->nerrors++] = &program->checks[program->nchecks];
		program->nchecks++;
	}
	if (program->conditions)
		ml_condition_room(&program->room, program->desc);
}

/* An empty program, in the slot between calls. */
static MlProgram *
ml_program_begin(MlProgram **slot, MemoryContext context)
{
	if (*slot == NULL)
	{
		MlProgram  *program = MemoryContextAllocZero(context, sizeof(MlProgram));

		program->context = AllocSetContextCreate(context, "pg_mlops checks", ALLOCSET_SMALL_SIZES);
		*slot = program;
	}
	return *slot;
}

/* Looks for the suites of a reference and compiles them. */
static void
ml_program_renew(MlProgram *program, const char *ref, int length, const MlRowType *type, const MlMoment *moment)
{
	MemoryContext old;
	MlSuites	suites;

	program->compiled = false;
	MemoryContextReset(program->context);
	old = MemoryContextSwitchTo(program->context);
	program->ref = pnstrdup(ref, length);
	program->ref_length = length;
	ml_suites_find(program->ref, moment, &suites);
	ml_program_compile(program, &suites, type);
	program->moment = *moment;
	program->compiled = true;
	MemoryContextSwitchTo(old);
}

MlProgram *
ml_program_for(MlProgram **slot, MemoryContext context, const char *ref, int ref_length, const MlRowType *type)
{
	MlProgram  *program = ml_program_begin(slot, context);
	MlMoment	moment;

	ml_moment_now(&moment);
	if (unlikely(!program->compiled || !ml_moment_equal(&moment, &program->moment) ||
				 program->ref_length != ref_length || memcmp(program->ref, ref, ref_length) != 0))
		ml_program_renew(program, ref, ref_length, type, &moment);
	return program;
}

void
ml_program_make(MlProgram **slot, MemoryContext context, const MlSuites *suites, const MlRowType *type)
{
	MlProgram  *program = ml_program_begin(slot, context);
	MemoryContext old;

	/* an error leaves an empty slot, not a program that lets everything pass */
	*slot = NULL;
	MemoryContextReset(program->context);
	old = MemoryContextSwitchTo(program->context);
	ml_program_compile(program, suites, type);
	MemoryContextSwitchTo(old);
	*slot = program;
}

bool
ml_program_judges(const MlProgram *program)
{
	return program->nchecks > 0;
}

void
ml_program_forget(MlProgram *program)
{
	if (program)
		program->compiled = false;
}

const char *
ml_program_suite(const MlProgram *program)
{
	return program->name;
}

/* ---- rows ---- */

static inline bool
ml_program_check_passes(MlProgram *program, MlProgramCheck *check, const NullableDatum *values)
{
	if (unlikely(check->where != NULL) && !ml_condition_holds(&program->room, check->where, false, check->what))
		return true;
	if (likely(check->row.passes != NULL))
		return check->row.passes(&check->row, values);
	if (check->lookup)
		return ml_lookup_holds(check->lookup, values);
	return ml_condition_holds(&program->room, check->condition, true, check->what);
}

bool
ml_program_passes(MlProgram *program, const NullableDatum *values)
{
	if (unlikely(program->conditions))
		ml_condition_fill(&program->room, values);
	for (int i = 0; i < program->nerrors; i++)
		if (!ml_program_check_passes(program, program->errors[i], values))
			return false;
	return true;
}

/* What is wrong with a row that fails a check. */
static char *
ml_program_message(const MlProgramCheck *check, const NullableDatum *values)
{
	const MlRowCheck *row = &check->row;
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < row->ncolumns; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : "", row->columns[i].name);
	if (row->ncolumns > 0)
		appendStringInfoChar(&out, ' ');
	if (row->check->kind->explain)
		row->check->kind->explain(row, values, &out);
	else if (row->ncolumns == 0)
		appendStringInfo(&out, "%s is not met", row->check->name);
	else
	{
		appendStringInfoString(&out, "is ");
		for (int i = 0; i < row->ncolumns; i++)
		{
			const NullableDatum *v = &values[row->columns[i].index];

			appendStringInfoString(&out, i > 0 ? ", " : "");
			if (v->isnull)
				appendStringInfoString(&out, "NULL");
			else
				ml_check_show(&row->columns[i], v->value, &out);
		}
	}
	return out.data;
}

List *
ml_program_failures(MlProgram *program, const NullableDatum *values)
{
	List	   *failures = NIL;

	if (program->conditions)
		ml_condition_fill(&program->room, values);
	for (int i = 0; i < program->nchecks; i++)
	{
		MlProgramCheck *check = &program->checks[i];
		MlFailure  *failure;

		if (ml_program_check_passes(program, check, values))
			continue;
		failure = palloc(sizeof(MlFailure));
		failure->check = check->row.check;
		failure->column = check->row.ncolumns > 0 ? pstrdup(check->row.columns[0].name) : NULL;
		failure->message = ml_program_message(check, values);
		failures = lappend(failures, failure);
	}
	return failures;
}

/* ---- reports ---- */

char *
ml_failures_json(List *failures)
{
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	foreach(lc, failures)
	{
		const MlFailure *failure = lfirst(lc);

		appendStringInfoString(&out, foreach_current_index(lc) > 0 ? ", " : "");
		appendStringInfoString(&out, "{\"name\": ");
		ml_json_text(&out, failure->check->name);
		appendStringInfo(&out, ", \"kind\": \"%s\", \"column\": ", failure->check->kind->name);
		ml_json_text(&out, failure->column);
		appendStringInfo(&out, ", \"severity\": \"%s\", \"message\": ", ml_severity_name(failure->check->severity));
		ml_json_text(&out, failure->message);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

char *
ml_failures_text(List *failures)
{
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&out);
	foreach(lc, failures)
	{
		const MlFailure *failure = lfirst(lc);

		if (failure->check->severity != ML_SEVERITY_ERROR)
			continue;
		appendStringInfo(&out, "%s%s: %s", out.len > 0 ? "; " : "", failure->check->name, failure->message);
	}
	appendStringInfoChar(&out, '.');
	return out.data;
}
