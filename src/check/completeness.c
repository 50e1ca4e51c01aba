/*
 * completeness.c - checks that a share of the rows holds a value in every one of the columns.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/collect.h"
#include "check/kinds.h"
#include "check/share.h"

static void
ml_completeness_prepare(MlRowCheck *row)
{
	ml_check_not_null.prepare(row);
}

static void
ml_completeness_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	appendStringInfoString(out, "is NULL");
}

static void
ml_completeness_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	out->n = ml_collected_rows(scan);
	out->n_failed = ml_collected_failed(scan);
	ml_share_judge(check, out);
}

static const MlParam ml_completeness_params[] = {
	{"min", ML_PARAM_NUMBER, NULL, 0, 1, NULL, "the least share of rows in which no column is NULL"}
};

const MlCheckKind ml_check_completeness = {
	.name = "completeness",
	.summary = "a share of the rows holds a value in every column",
	.flags = ML_CHECK_NULLS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_completeness_params,
	.nparams = lengthof(ml_completeness_params),
	.validate = ml_share_validate,
	.prepare = ml_completeness_prepare,
	.explain = ml_completeness_explain,
	.judge = ml_completeness_judge
};
