/*
 * conflicting_labels.c - checks how many rows have the same features as another row, but another label.
 *
 * The label is the last column. Rows without a label do not count; NULL equals
 * NULL among the features. In SQL, over the rows with a label: the share of
 * those where count(*) OVER (PARTITION BY features) differs from count(*) OVER
 * (PARTITION BY features, label).
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "utils/builtins.h"

typedef struct MlConflicts
{
	int64		rows;
	int64		conflicting;
} MlConflicts;

static void
ml_conflicts_add(void *ctx, const MlPairCounts *pair)
{
	MlConflicts *conflicts = ctx;

	conflicts->rows += pair->count;
	if (pair->distinct > 1)
		conflicts->conflicting += pair->count;
}

static void
ml_conflicting_labels_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_equality(check, columns, check->ncolumns);
	ml_collect(scan, ML_COLLECT_PAIRS, check->ncolumns, columns);
}

static double
ml_conflicting_labels_number(const MlCheck *check, const MlCollected *scan)
{
	MlConflicts conflicts = {0};

	ml_collected_pairs(scan, check->ncolumns, check->columns, ml_conflicts_add, &conflicts);
	return ml_check_ratio(conflicts.conflicting, conflicts.rows);
}

static void
ml_conflicting_labels_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlConflicts conflicts = {0};

	ml_collected_pairs(scan, check->ncolumns, check->columns, ml_conflicts_add, &conflicts);
	ml_check_judge_most(check, ml_check_ratio(conflicts.conflicting, conflicts.rows), out);
	out->n_failed = conflicts.conflicting;
}

static void
ml_conflicting_labels_failing(const MlCheck *check, StringInfo out)
{
	const char *label = quote_identifier(check->columns[check->ncolumns - 1]);

	appendStringInfo(out, "pg_catalog.num_nulls(s.%s) OPERATOR(pg_catalog.=) 0 AND pg_catalog.count(s.%s) OVER (PARTITION BY ", label, label);
	ml_check_append_columns(check->columns, check->ncolumns - 1, out);
	appendStringInfo(out, ") > pg_catalog.count(s.%s) OVER (PARTITION BY ", label);
	ml_check_append_columns(check->columns, check->ncolumns, out);
	appendStringInfoChar(out, ')');
}

static const MlParam ml_conflicting_labels_params[] = {
	{"max", ML_PARAM_NUMBER, "0", 0, 1, NULL, "the greatest share of such rows that passes"}
};

const MlCheckKind ml_check_conflicting_labels = {
	.name = "conflicting_labels",
	.summary = "the share of rows with the features of another row but another label (the last column) is at most max",
	.min_columns = 2,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_conflicting_labels_params,
	.nparams = lengthof(ml_conflicting_labels_params),
	.expect = ml_check_expect_most,
	.plan = ml_conflicting_labels_plan,
	.judge = ml_conflicting_labels_judge,
	.failing = ml_conflicting_labels_failing,
	.number = ml_conflicting_labels_number
};
