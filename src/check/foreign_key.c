/*
 * foreign_key.c - checks that the values of columns are in a table that they refer to.
 *
 * A row with a NULL passes, as with a foreign key (MATCH SIMPLE). The table is
 * named with its schema, so that it is the same one under any search_path, and
 * read with the rights of the caller. Values are compared by the operator = of
 * pg_catalog, so nobody's operator is called.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* The table, its name quoted as it has to be. */
static char *
ml_foreign_key_table(const MlCheck *check)
{
	const MlParamValue *table = ml_check_param(check, "references");
	List	   *names = NIL;

	if (table->isnull)
		ml_check_refuse(check, "it needs parameter \"references\"", NULL,
						"Pass params => '{\"references\": \"public.customers\"}'.");
	if (!SplitIdentifierString(pstrdup(table->text), '.', &names) || list_length(names) != 2)
		ml_check_refuse(check, "parameter \"references\" must be a table with its schema",
						psprintf("It is \"%s\".", table->text), "Write it as public.customers.");
	return quote_qualified_identifier(linitial(names), lsecond(names));
}

/* Its columns (char *): those of the check unless others are given. */
static List *
ml_foreign_key_columns(const MlCheck *check)
{
	List	   *columns = NIL;

	if (ml_check_param(check, "references_columns")->isnull)
	{
		for (int i = 0; i < check->ncolumns; i++)
			columns = lappend(columns, check->columns[i]);
	}
	else
	{
		int			n;
		JsonbValue *values = ml_value_list(check, "references_columns", &n);

		for (int i = 0; i < n; i++)
		{
			if (values[i].type != jbvString)
				ml_check_refuse(check, "parameter \"references_columns\" must be an array of names", NULL,
								"Write it as [\"id\"].");
			columns = lappend(columns, pnstrdup(values[i].val.string.val, values[i].val.string.len));
		}
		if (n != check->ncolumns)
			ml_check_refuse(check, "parameter \"references_columns\" must name as many columns as the check",
							psprintf("They are %d and %d.", n, check->ncolumns), "Name them in the same order.");
	}
	return columns;
}

/* A look-up that the server can do by an index or, for many rows, by a hash table. */
static void
ml_foreign_key_expression(const MlCheck *check, const char *rows, StringInfo out)
{
	const char *alias = strcmp(rows, "r") == 0 ? "r1" : "r";
	const char *prefix = quote_identifier(rows);
	List	   *theirs = ml_foreign_key_columns(check);

	appendStringInfoChar(out, '(');
	for (int i = 0; i < check->ncolumns; i++)
		appendStringInfo(out, "%s.%s IS NULL OR ", prefix, quote_identifier(check->columns[i]));
	appendStringInfo(out, "EXISTS (SELECT 1 FROM %s AS %s WHERE ", ml_foreign_key_table(check), alias);
	for (int i = 0; i < check->ncolumns; i++)
		appendStringInfo(out, "%s%s.%s OPERATOR(pg_catalog.=) %s.%s", i > 0 ? " AND " : "", alias,
						 quote_identifier(list_nth(theirs, i)), prefix, quote_identifier(check->columns[i]));
	appendStringInfoString(out, "))");
}

static void
ml_foreign_key_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	for (int i = 0; i < row->ncolumns; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : row->ncolumns > 1 ? "are " : "is ");
		ml_check_show(&row->columns[i], values[row->columns[i].index].value, out);
	}
	appendStringInfo(out, ", not in %s (%s)", ml_foreign_key_table(row->check),
					 ml_text_list(ml_foreign_key_columns(row->check), row->ncolumns));
}

static void
ml_foreign_key_validate(const MlCheck *check)
{
	(void) ml_foreign_key_table(check);
	(void) ml_foreign_key_columns(check);
}

static const MlParam ml_foreign_key_params[] = {
	{"references", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the table, with its schema"},
	{"references_columns", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the table's columns, a JSON array; named as the check's unless given"}
};

const MlCheckKind ml_check_foreign_key = {
	.name = "foreign_key",
	.summary = "values are in the table that they refer to",
	.flags = ML_CHECK_ROWS | ML_CHECK_EXPRESSION | ML_CHECK_LOOKUP,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_foreign_key_params,
	.nparams = lengthof(ml_foreign_key_params),
	.validate = ml_foreign_key_validate,
	.explain = ml_foreign_key_explain,
	.expression = ml_foreign_key_expression
};
