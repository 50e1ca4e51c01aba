/*
 * row_count_match.c - checks the number of rows against that of another relation.
 *
 * In SQL: count(*) of the source divided by count(*) of the reference; 1 where
 * both have none.
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "check/reference.h"

static void
ml_row_count_match_query(const MlCheck *check, const char *source, StringInfo out)
{
	appendStringInfo(out, "SELECT (SELECT pg_catalog.count(*) FROM %s AS s), (SELECT pg_catalog.count(*) FROM %s AS r)",
					 source, ml_reference_name(check));
}

static void
ml_row_count_match_answer(const MlCheck *check, const MlCheckAnswer *answer, MlCheckOutcome *out)
{
	out->n = (int64) ml_answer_number(answer, 0);
	ml_ratio_judge(check, ml_answer_number(answer, 0), ml_answer_number(answer, 1), out);
}

static const MlParam ml_row_count_match_params[] = {
	{"reference", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the other relation's name"},
	ML_RATIO_PARAMS
};

const MlCheckKind ml_check_row_count_match = {
	.name = "row_count_match",
	.summary = "the number of rows, divided by that of another relation, lies between min_ratio and max_ratio",
	.flags = ML_CHECK_QUERY,
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_row_count_match_params,
	.nparams = lengthof(ml_row_count_match_params),
	.validate = ml_ratio_validate,
	.expect = ml_ratio_expect,
	.query = ml_row_count_match_query,
	.answer = ml_row_count_match_answer
};
