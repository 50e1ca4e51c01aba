/*
 * aggregate_match.c - checks an aggregate of a column against that of a column of another relation.
 *
 * In SQL: sum(x) of the source divided by sum(y) of the reference, or avg, min,
 * max, count.
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "check/reference.h"
#include "utils/builtins.h"

static void
ml_aggregate_match_query(const MlCheck *check, const char *source, StringInfo out)
{
	const char *aggregate = ml_check_param(check, "aggregate")->text;
	const MlParamValue *other = ml_check_param(check, "reference_column");

	appendStringInfo(out, "SELECT (SELECT pg_catalog.%s(s.%s) FROM %s AS s), ", aggregate,
					 quote_identifier(check->columns[0]), source);
	appendStringInfo(out, "(SELECT pg_catalog.%s(r.%s) FROM %s AS r), (SELECT pg_catalog.count(*) FROM %s AS s)", aggregate,
					 quote_identifier(other->isnull ? check->columns[0] : other->text), ml_reference_name(check), source);
}

static void
ml_aggregate_match_answer(const MlCheck *check, const MlCheckAnswer *answer, MlCheckOutcome *out)
{
	for (int i = 0; i < 2; i++)
		if (ml_convert_class(answer->types[i]) != ML_TYPE_NUMBER)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("check \"%s\" compares numbers only", check->name),
					 errdetail("The aggregate of the %s is of type %s.", i == 0 ? "source" : "reference",
							   format_type_be(answer->types[i])),
					 errhint("Name columns of numbers, or use aggregate count.")));
	out->n = (int64) ml_answer_number(answer, 2);
	ml_ratio_judge(check, ml_answer_number(answer, 0), ml_answer_number(answer, 1), out);
}

static const MlParam ml_aggregate_match_params[] = {
	{"reference", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the other relation's name"},
	{"reference_column", ML_PARAM_TEXT, NULL, 0, 0, NULL, "its column; the same name unless given"},
	{"aggregate", ML_PARAM_TEXT, "sum", 0, 0, "sum|avg|min|max|count", "the aggregate of both"},
	ML_RATIO_PARAMS
};

const MlCheckKind ml_check_aggregate_match = {
	.name = "aggregate_match",
	.summary = "an aggregate, divided by that of another relation, lies between min_ratio and max_ratio",
	.flags = ML_CHECK_QUERY,
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_aggregate_match_params,
	.nparams = lengthof(ml_aggregate_match_params),
	.validate = ml_ratio_validate,
	.expect = ml_ratio_expect,
	.query = ml_aggregate_match_query,
	.answer = ml_aggregate_match_answer
};
