/*
 * matches_dataset.c - checks that a source has the same rows as another relation, in any order.
 *
 * By the columns named, or by all, in the order of both. Rows that one side has
 * oftener count as often. In SQL: count(*) of (source EXCEPT ALL reference) and
 * of (reference EXCEPT ALL source).
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "check/reference.h"

static void
ml_matches_dataset_query(const MlCheck *check, const char *source, StringInfo out)
{
	StringInfoData columns;

	initStringInfo(&columns);
	ml_check_append_columns(check->columns, check->ncolumns, &columns);
	if (check->ncolumns == 0)
		appendStringInfoString(&columns, "*");
	appendStringInfo(out, "WITH a AS (SELECT %s FROM %s AS s), b AS (SELECT %s FROM %s AS s) "
					 "SELECT (SELECT pg_catalog.count(*) FROM (TABLE a EXCEPT ALL TABLE b) AS x), "
					 "(SELECT pg_catalog.count(*) FROM (TABLE b EXCEPT ALL TABLE a) AS y), "
					 "(SELECT pg_catalog.count(*) FROM a), (SELECT pg_catalog.count(*) FROM b)",
					 columns.data, source, columns.data, ml_reference_name(check));
}

static void
ml_matches_dataset_answer(const MlCheck *check, const MlCheckAnswer *answer, MlCheckOutcome *out)
{
	double		extra = ml_answer_number(answer, 0);
	double		missing = ml_answer_number(answer, 1);
	double		rows = ml_answer_number(answer, 2);
	double		reference = ml_answer_number(answer, 3);
	double		differing = extra + missing;

	out->n = (int64) rows;
	out->n_failed = (int64) extra;
	out->observed = psprintf("{\"value\": %s, \"extra\": %s, \"missing\": %s}", ml_text_number(differing),
							 ml_text_number(extra), ml_text_number(missing));
	out->status = rows == 0 && reference == 0 ? ML_CHECK_INSUFFICIENT :
		differing <= ml_check_number(check, "max") ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static const MlParam ml_matches_dataset_params[] = {
	{"reference", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the other relation's name"},
	{"max", ML_PARAM_INTEGER, "0", 0, DBL_MAX, NULL, "how many rows may be on one side only"}
};

const MlCheckKind ml_check_matches_dataset = {
	.name = "matches_dataset",
	.summary = "the source has the same rows as another relation, by the columns named or by all",
	.flags = ML_CHECK_QUERY,
	.min_columns = 0,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_matches_dataset_params,
	.nparams = lengthof(ml_matches_dataset_params),
	.validate = ml_reference_validate,
	.expect = ml_check_expect_most,
	.query = ml_matches_dataset_query,
	.answer = ml_matches_dataset_answer
};
