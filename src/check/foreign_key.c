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

/* "prefix.a, prefix.b" or, without a prefix, "a, b". */
static void
ml_foreign_key_list(StringInfo out, const char *prefix, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		appendStringInfo(out, "%s%s%s%s", lc == list_head(names) ? "" : ", ", prefix ? prefix : "", prefix ? "." : "",
						 quote_identifier(lfirst(lc)));
}

/*
 * Where the rows have an alias, a look-up that can use an index, or be hashed.
 * Where they have none, a column's name inside of a subquery might be taken for
 * one of the table's, so the columns stay outside of it.
 */
static void
ml_foreign_key_expression(const MlCheck *check, const char *rows, StringInfo out)
{
	const char *alias = rows && strcmp(rows, "r") == 0 ? "r1" : "r";
	char	   *table = ml_foreign_key_table(check);
	List	   *theirs = ml_foreign_key_columns(check);
	List	   *ours = NIL;
	const char *prefix = rows ? quote_identifier(rows) : NULL;

	appendStringInfoChar(out, '(');
	for (int i = 0; i < check->ncolumns; i++)
	{
		ours = lappend(ours, check->columns[i]);
		appendStringInfo(out, "%s%s%s IS NULL OR ", prefix ? prefix : "", prefix ? "." : "",
						 quote_identifier(check->columns[i]));
	}
	if (rows)
	{
		appendStringInfo(out, "EXISTS (SELECT 1 FROM %s AS %s WHERE ", table, alias);
		for (int i = 0; i < check->ncolumns; i++)
			appendStringInfo(out, "%s%s.%s OPERATOR(pg_catalog.=) %s.%s", i > 0 ? " AND " : "", alias,
							 quote_identifier(list_nth(theirs, i)), prefix, quote_identifier(check->columns[i]));
	}
	else
	{
		appendStringInfoChar(out, '(');
		ml_foreign_key_list(out, NULL, ours);
		appendStringInfoString(out, ") OPERATOR(pg_catalog.=) ANY (SELECT ");
		ml_foreign_key_list(out, alias, theirs);
		appendStringInfo(out, " FROM %s AS %s WHERE ", table, alias);
		for (int i = 0; i < check->ncolumns; i++)
			appendStringInfo(out, "%s%s.%s IS NOT NULL", i > 0 ? " AND " : "", alias,
							 quote_identifier(list_nth(theirs, i)));
	}
	appendStringInfoString(out, "))");
}

static void
ml_foreign_key_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	for (int i = 0; i < row->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfo(out, ", %s ", row->columns[i].name);
		ml_value_is(row, i, values, out);
	}
	appendStringInfo(out, ", not in %s (", ml_foreign_key_table(row->check));
	ml_foreign_key_list(out, NULL, ml_foreign_key_columns(row->check));
	appendStringInfoChar(out, ')');
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
	.flags = ML_CHECK_ROWS | ML_CHECK_EXPRESSION,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_foreign_key_params,
	.nparams = lengthof(ml_foreign_key_params),
	.validate = ml_foreign_key_validate,
	.explain = ml_foreign_key_explain,
	.expression = ml_foreign_key_expression
};
