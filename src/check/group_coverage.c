/*
 * group_coverage.c - checks that every group of rows is large enough.
 *
 * Groups are the values of a column, or those listed, of which one that does
 * not occur has no rows. In SQL: min(c), over SELECT x, count(*) AS c ... WHERE
 * x IS NOT NULL GROUP BY x, and min(c) / sum(c).
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "check/tally.h"

/* So many of the groups that are too small are shown. */
#define ML_GROUPS_SHOWN	20

typedef struct MlCoverage
{
	const MlCheckColumn *column;
	MlTallySet	listed;
	int64	   *counts;			/* of those listed */
	double		min_rows;
	double		min_share;
	int64		rows;
	int64		least;			/* rows of the smallest group */
	int64		small;
	StringInfoData shown;
} MlCoverage;

static void
ml_coverage_count(void *ctx, const MlTallyValue *value, int64 count)
{
	MlCoverage *coverage = ctx;
	int			place = ml_tally_find(&coverage->listed, value);

	coverage->rows += count;
	if (place >= 0)
		coverage->counts[place] = count;
}

static void
ml_coverage_look(void *ctx, const MlTallyValue *value, int64 count)
{
	MlCoverage *coverage = ctx;

	coverage->least = Min(coverage->least, count);
	if (count >= coverage->min_rows && (double) count / coverage->rows >= coverage->min_share)
		return;
	if (coverage->small++ >= ML_GROUPS_SHOWN)
		return;
	appendStringInfoString(&coverage->shown, coverage->small > 1 ? ", " : "");
	ml_tally_json(coverage->column, value, &coverage->shown);
}

static void
ml_group_coverage_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	MlTallySet	listed;

	ml_tally_plan(check, columns, scan);
	/* what the type cannot read is an error now, not after the scan */
	ml_tally_set(check, columns, "groups", &listed);
}

static void
ml_group_coverage_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlCoverage	coverage = {0};

	coverage.column = ml_collected_columns(scan);
	coverage.min_rows = ml_check_number(check, "min_rows");
	coverage.min_share = ml_check_number(check, "min_share");
	coverage.least = PG_INT64_MAX;
	initStringInfo(&coverage.shown);
	ml_tally_set(check, coverage.column, "groups", &coverage.listed);
	coverage.counts = palloc0(sizeof(int64) * Max(coverage.listed.n, 1));
	ml_tally_each(scan, coverage.column, ml_coverage_count, &coverage);
	if (coverage.rows == 0)
	{
		out->observed = pstrdup("{\"value\": null}");
		out->status = ML_CHECK_INSUFFICIENT;
		return;
	}
	if (coverage.listed.n == 0)
		ml_tally_each(scan, coverage.column, ml_coverage_look, &coverage);
	for (int i = 0; i < coverage.listed.n; i++)
		ml_coverage_look(&coverage, &coverage.listed.values[i], coverage.counts[i]);
	out->observed = psprintf("{\"value\": %s, \"least_rows\": " INT64_FORMAT ", \"small\": " INT64_FORMAT
							 ", \"small_groups\": [%s]}",
							 ml_text_number((double) coverage.least / coverage.rows), coverage.least, coverage.small,
							 coverage.shown.data);
	out->status = coverage.small == 0 ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_group_coverage_validate(const MlCheck *check)
{
	if (!ml_check_param(check, "groups")->isnull)
		ml_tally_validate(check, "groups");
	else if (ml_check_number(check, "min_rows") <= 1 && ml_check_number(check, "min_share") == 0)
		ml_check_refuse(check, "it needs min_rows, min_share or groups", "Every group that occurs has a row.",
						"Pass params => '{\"min_share\": 0.05}'.");
}

static const MlParam ml_group_coverage_params[] = {
	{"min_rows", ML_PARAM_INTEGER, "1", 0, DBL_MAX, NULL, "the least number of rows of a group"},
	{"min_share", ML_PARAM_NUMBER, "0", 0, 1, NULL, "the least share of the rows that have a group"},
	{"groups", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the groups that are looked at, an array; all that occur unless given"}
};

const MlCheckKind ml_check_group_coverage = {
	.name = "group_coverage",
	.summary = "every group of rows has at least so many rows, or such a share",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_group_coverage_params,
	.nparams = lengthof(ml_group_coverage_params),
	.validate = ml_group_coverage_validate,
	.plan = ml_group_coverage_plan,
	.judge = ml_group_coverage_judge
};
