/*
 * predicate.c - checks rows by an SQL expression of the user's.
 *
 * As in a CHECK constraint, a row fails only where the expression is false.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"

static void
ml_predicate_expression(const MlCheck *check, const char *rows, StringInfo out)
{
	appendStringInfo(out, "(%s\n)", ml_check_param(check, "expression")->text);
}

static void
ml_predicate_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	appendStringInfo(out, "does not meet %s", ml_check_param(row->check, "expression")->text);
}

static void
ml_predicate_validate(const MlCheck *check)
{
	const MlParamValue *expression = ml_check_param(check, "expression");

	if (expression->isnull || expression->text[strspn(expression->text, " \t\r\n")] == '\0')
		ml_check_refuse(check, "it needs parameter \"expression\"", NULL,
						"Pass params => '{\"expression\": \"paid <= owed\"}'.");
}

static const MlParam ml_predicate_params[] = {
	{"expression", ML_PARAM_TEXT, NULL, 0, 0, NULL, "a boolean SQL expression over the columns of the row"}
};

const MlCheckKind ml_check_predicate = {
	.name = "predicate",
	.summary = "rows meet an SQL expression",
	.flags = ML_CHECK_ROWS | ML_CHECK_EXPRESSION,
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_predicate_params,
	.nparams = lengthof(ml_predicate_params),
	.validate = ml_predicate_validate,
	.explain = ml_predicate_explain,
	.expression = ml_predicate_expression
};
