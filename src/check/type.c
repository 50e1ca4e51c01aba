/*
 * type.c - checks the type of columns: the declared one, or what texts can be read as.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"
#include "check/readers.h"
#include "check/values.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"

typedef struct MlTypeState
{
	const MlReader *reader;		/* NULL: the declared type decides */
	bool	   *good;			/* which columns are of an expected type */
} MlTypeState;

/* A NULL is of its column's type as well. */
static bool
ml_type_passes_declared(const MlRowCheck *row, const NullableDatum *values)
{
	const MlTypeState *state = row->state;

	for (int i = 0; i < row->ncolumns; i++)
		if (!state->good[i])
			return false;
	return true;
}

static bool
ml_type_castable(const MlRowCheck *row, int i, Datum value)
{
	const MlTypeState *state = row->state;
	int			length;
	const char *s;

	s = ml_value_text(row, i, value, &length);
	return state->reader->reads(s, length);
}

static bool
ml_type_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlTypeState *state = row->state;

	return state->good[i] && (state->reader == NULL || ml_type_castable(row, i, value));
}

ML_EACH_COLUMN(ml_type_passes_castable, ml_type_holds)

/* The names (char *) of the expected types. */
static List *
ml_type_expected(const MlCheck *check)
{
	const MlParamValue *expected = ml_check_param(check, "expected");
	List	   *names = NIL;
	JsonbValue *values;
	JsonbValue	single;
	int			n = 1;

	if (JB_ROOT_IS_SCALAR(expected->json))
	{
		single = ml_check_scalar(check, "expected");
		values = &single;
	}
	else
		values = ml_value_list(check, "expected", &n);
	for (int i = 0; i < n; i++)
	{
		if (values[i].type != jbvString)
			ml_check_refuse(check, "parameter \"expected\" must be the name of a type, or an array of names",
							psprintf("It is %s.", expected->text), "Write it as \"integer\" or [\"integer\", \"bigint\"].");
		names = lappend(names, pnstrdup(values[i].val.string.val, values[i].val.string.len));
	}
	return names;
}

/* Whether a column is declared with one of the types; with the modifier where the name has one. */
static bool
ml_type_is_expected(const MlCheckColumn *column, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		Oid			type = InvalidOid;
		int32		typmod = -1;

		ml_compat_find_type(lfirst(lc), &type, &typmod);
		if (type == column->declared && (typmod < 0 || typmod == column->typmod))
			return true;
	}
	return false;
}

static void
ml_type_prepare(MlRowCheck *row)
{
	const MlParamValue *castable = ml_check_param(row->check, "castable");
	List	   *names = ml_check_param(row->check, "expected")->isnull ? NIL : ml_type_expected(row->check);
	MlTypeState *state = palloc0(sizeof(MlTypeState));

	if (!castable->isnull)
	{
		ml_value_need_texts(row);
		state->reader = ml_reader(castable->text);
	}
	state->good = palloc(sizeof(bool) * row->ncolumns);
	for (int i = 0; i < row->ncolumns; i++)
		state->good[i] = names == NIL || ml_type_is_expected(&row->columns[i], names);
	row->state = state;
	row->passes = names == NIL || state->reader ? ml_type_passes_castable : ml_type_passes_declared;
}

static void
ml_type_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlTypeState *state = row->state;

	for (int i = 0; i < row->ncolumns; i++)
	{
		const NullableDatum *v = &values[row->columns[i].index];

		if (!state->good[i])
		{
			ml_value_at(row, i, out);
			appendStringInfo(out, "is of type %s, not %s",
							 format_type_with_typemod(row->columns[i].declared, row->columns[i].typmod),
							 ml_check_param(row->check, "expected")->text);
			return;
		}
		if (state->reader == NULL || v->isnull || ml_type_castable(row, i, v->value))
			continue;
		ml_value_is(row, i, values, out);
		appendStringInfo(out, ", which cannot be read as %s", state->reader->name);
		return;
	}
}

static void
ml_type_validate(const MlCheck *check)
{
	if (ml_check_param(check, "expected")->isnull && ml_check_param(check, "castable")->isnull)
		ml_check_refuse(check, "it needs expected or castable", NULL,
						"Pass params => '{\"expected\": \"integer\"}', or '{\"castable\": \"integer\"}' for a text.");
	if (!ml_check_param(check, "expected")->isnull)
	{
		ListCell   *lc;

		foreach(lc, ml_type_expected(check))
		{
			Oid			type = InvalidOid;
			int32		typmod = -1;

			ml_compat_find_type(lfirst(lc), &type, &typmod);
			if (!OidIsValid(type))
				ml_check_refuse(check, psprintf("there is no type \"%s\"", (char *) lfirst(lc)), NULL,
								"Write it as format_type() does, as in \"character varying(10)\".");
		}
	}
}

static const MlParam ml_type_params[] = {
	{"expected", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the name of the declared type, or an array of names"},
	{"castable", ML_PARAM_TEXT, NULL, 0, 0, ML_READER_NAMES, "what the texts of the columns can be read as"}
};

const MlCheckKind ml_check_type = {
	.name = "type",
	.summary = "columns are declared with a type, or hold texts that can be read as one",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_type_params,
	.nparams = lengthof(ml_type_params),
	.validate = ml_type_validate,
	.prepare = ml_type_prepare,
	.explain = ml_type_explain
};
