/*
 * group_missingness.c - checks that a value is missing no oftener in one group than in another.
 *
 * Columns: the group, the value. In SQL, over SELECT avg((x IS NULL)::int) AS m
 * ... WHERE g IS NOT NULL GROUP BY g HAVING count(*) >= min_rows: max(m) -
 * min(m), and max(m).
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"

typedef struct MlMissing
{
	double		min_rows;
	int			groups;
	double		least;
	double		most;
	char	   *least_group;
	char	   *most_group;
} MlMissing;

static void
ml_missing_add(void *ctx, const char *text, int64 count, int64 nulls)
{
	MlMissing  *missing = ctx;
	double		share = (double) nulls / count;

	if (count < missing->min_rows)
		return;
	if (missing->groups == 0 || share < missing->least)
	{
		missing->least = share;
		missing->least_group = pstrdup(text);
	}
	if (missing->groups == 0 || share > missing->most)
	{
		missing->most = share;
		missing->most_group = pstrdup(text);
	}
	missing->groups++;
}

static void
ml_group_missingness_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	if (columns[0].convert.class == ML_TYPE_UNSUPPORTED || columns[0].convert.class == ML_TYPE_ARRAY)
		ml_check_refuse_type(check, &columns[0], "a number, a text, a date or a time");
	ml_collect(scan, ML_COLLECT_LEVELS, 2, columns);
}

static void
ml_group_missingness_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlMissing	missing = {0};
	StringInfoData observed;

	missing.min_rows = ml_check_number(check, "min_rows");
	ml_collected_levels(scan, 2, check->columns, ml_missing_add, &missing);
	if (missing.groups == 0)
	{
		out->observed = pstrdup("{\"value\": null}");
		out->status = ML_CHECK_INSUFFICIENT;
		return;
	}
	initStringInfo(&observed);
	appendStringInfo(&observed, "{\"value\": %s, \"least\": {", ml_text_number(missing.most - missing.least));
	ml_json_text(&observed, missing.least_group);
	appendStringInfo(&observed, ": %s}, \"most\": {", ml_text_number(missing.least));
	ml_json_text(&observed, missing.most_group);
	appendStringInfo(&observed, ": %s}}", ml_text_number(missing.most));
	out->observed = observed.data;
	out->status = missing.most - missing.least > ml_check_number(check, "max_difference") ||
		missing.most > ml_check_number(check, "max") ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static void
ml_group_missingness_validate(const MlCheck *check)
{
	if (isnan(ml_check_number(check, "max")) && isnan(ml_check_number(check, "max_difference")))
		ml_check_refuse(check, "it needs max_difference or max", NULL, "Pass params => '{\"max_difference\": 0.1}'.");
}

static const MlParam ml_group_missingness_params[] = {
	{"max_difference", ML_PARAM_NUMBER, NULL, 0, 1, NULL, "how far the shares of NULL in two groups may be apart"},
	{"max", ML_PARAM_NUMBER, NULL, 0, 1, NULL, "the greatest share of NULL in any group"},
	{"min_rows", ML_PARAM_INTEGER, "1", 1, DBL_MAX, NULL, "groups with fewer rows are not looked at"}
};

const MlCheckKind ml_check_group_missingness = {
	.name = "group_missingness",
	.summary = "a value (the second column) is missing no oftener in one group (the first) than in another",
	.min_columns = 2,
	.max_columns = 2,
	.params = ml_group_missingness_params,
	.nparams = lengthof(ml_group_missingness_params),
	.validate = ml_group_missingness_validate,
	.plan = ml_group_missingness_plan,
	.judge = ml_group_missingness_judge
};
