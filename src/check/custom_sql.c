/*
 * custom_sql.c - checks what a query of the user's answers.
 *
 * Either the first value of its first row: expected, or a number between min
 * and max; or how many rows it returns: rows. {source} in its text stands for
 * what is checked: write FROM {source} AS s. The text runs as one SELECT with
 * the rights of who checks.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/number.h"
#include "check/reference.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#define ML_CUSTOM_SOURCE	"{source}"

static void
ml_custom_sql_query(const MlCheck *check, const char *source, StringInfo out)
{
	const char *text = ml_check_param(check, "query")->text;
	const char *place;

	while ((place = strstr(text, ML_CUSTOM_SOURCE)) != NULL)
	{
		appendBinaryStringInfo(out, text, place - text);
		appendStringInfoString(out, source);
		text = place + strlen(ML_CUSTOM_SOURCE);
	}
	appendStringInfoString(out, text);
}

/* The value that a query answered, as text; NULL for NULL. */
static char *
ml_custom_sql_text(const MlCheckAnswer *answer)
{
	Oid			output;
	bool		varlena;

	if (answer->rows == 0 || answer->values[0].isnull)
		return NULL;
	getTypeOutputInfo(answer->types[0], &output, &varlena);
	return OidOutputFunctionCall(output, answer->values[0].value);
}

/* Whether the value is the one expected: numbers as numbers, booleans as booleans, else as texts. */
static bool
ml_custom_sql_equals(const MlCheck *check, const MlCheckAnswer *answer)
{
	JsonbValue	expected = ml_check_scalar(check, "expected");

	switch (expected.type)
	{
		case jbvNumeric:
			return ml_convert_class(answer->types[0]) == ML_TYPE_NUMBER &&
				ml_answer_number(answer, 0) ==
				DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(expected.val.numeric)));
		case jbvBool:
			return ml_convert_class(answer->types[0]) == ML_TYPE_NUMBER && ml_answer_number(answer, 0) == expected.val.boolean;
		default:
			return strcmp(ml_custom_sql_text(answer), pnstrdup(expected.val.string.val, expected.val.string.len)) == 0;
	}
}

static void
ml_custom_sql_answer(const MlCheck *check, const MlCheckAnswer *answer, MlCheckOutcome *out)
{
	const MlParamValue *rows = ml_check_param(check, "rows");
	char	   *text = ml_custom_sql_text(answer);
	bool		number = text && ml_convert_class(answer->types[0]) == ML_TYPE_NUMBER;
	StringInfoData observed;

	if (!rows->isnull)
	{
		out->n_failed = rows->number == 0 ? answer->rows : 0;
		out->observed = psprintf("{\"value\": " INT64_FORMAT "}", answer->rows);
		out->status = answer->rows == rows->number ? ML_CHECK_PASS : ML_CHECK_FAIL;
		return;
	}
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	if (text == NULL)
		appendStringInfoString(&observed, "null");
	else if (answer->types[0] == BOOLOID)
		appendStringInfoString(&observed, DatumGetBool(answer->values[0].value) ? "true" : "false");
	else if (number)
		ml_json_number(&observed, ml_answer_number(answer, 0));
	else
		ml_json_text(&observed, text);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	if (text == NULL)
		out->status = ML_CHECK_INSUFFICIENT;
	else if (!ml_check_param(check, "expected")->isnull)
		out->status = ml_custom_sql_equals(check, answer) ? ML_CHECK_PASS : ML_CHECK_FAIL;
	else
		out->status = number && ml_check_in_range(check, ml_answer_number(answer, 0)) ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_custom_sql_validate(const MlCheck *check)
{
	bool		bounds = !isnan(ml_check_number(check, "min")) || !isnan(ml_check_number(check, "max"));
	int			ways = (int) bounds + !ml_check_param(check, "expected")->isnull + !ml_check_param(check, "rows")->isnull;

	if (ml_check_param(check, "query")->isnull)
		ml_check_refuse(check, "it needs query", NULL,
						"Pass params => '{\"query\": \"SELECT 1 FROM {source} AS s WHERE s.a > s.b\", \"rows\": 0}'.");
	if (ways != 1)
		ml_check_refuse(check, "it needs one of expected, min or max, and rows",
						psprintf("%d are given.", ways),
						"Say which value, between which numbers, or how many rows the query must answer.");
	if (bounds)
		ml_check_need_bounds(check);
	if (!ml_check_param(check, "expected")->isnull)
		(void) ml_check_scalar(check, "expected");
}

static void
ml_custom_sql_expect(const MlCheck *check, StringInfo out)
{
	const MlParamValue *expected = ml_check_param(check, "expected");
	const MlParamValue *rows = ml_check_param(check, "rows");

	if (!expected->isnull)
		appendStringInfo(out, "{\"value\": %s}", expected->text);
	else if (!rows->isnull)
		appendStringInfo(out, "{\"rows\": %s}", ml_text_number(rows->number));
	else
		ml_check_expect_range(check, out);
}

static const MlParam ml_custom_sql_params[] = {
	{"query", ML_PARAM_TEXT, NULL, 0, 0, NULL, "a SELECT; {source} in it stands for what is checked"},
	{"expected", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the first value of its first row: a number, a boolean or a text"},
	{"rows", ML_PARAM_INTEGER, NULL, 0, DBL_MAX, NULL, "or how many rows it returns"},
	ML_CHECK_BOUNDS
};

const MlCheckKind ml_check_custom_sql = {
	.name = "custom_sql",
	.summary = "a query answers what is expected",
	.flags = ML_CHECK_QUERY,
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_custom_sql_params,
	.nparams = lengthof(ml_custom_sql_params),
	.validate = ml_custom_sql_validate,
	.expect = ml_custom_sql_expect,
	.query = ml_custom_sql_query,
	.answer = ml_custom_sql_answer
};
