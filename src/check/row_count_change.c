/*
 * row_count_change.c - checks the number of rows against what the same check counted the last time.
 *
 * The ratio is count(*) divided by the count before. Nothing can be said the
 * first time, or after no rows at all.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "utils/float.h"

static double
ml_row_count_change_number(const MlCheck *check, const MlCollected *scan)
{
	return ml_collected_rows(scan);
}

static void
ml_row_count_change_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	const MlCheckPast *past = ml_collected_past(scan);
	int64		rows = ml_collected_rows(scan);
	double		before = get_float8_nan();
	double		ratio;
	StringInfoData observed;

	for (int i = 0; i < past->n && isnan(before); i++)
		before = past->value[i];
	ratio = isnan(before) ? before : ml_check_ratio(rows, before);
	initStringInfo(&observed);
	appendStringInfo(&observed, "{\"value\": " INT64_FORMAT ", \"before\": ", rows);
	ml_check_json(&observed, before);
	appendStringInfoString(&observed, ", \"ratio\": ");
	ml_check_json(&observed, ratio);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = isnan(ratio) ? ML_CHECK_INSUFFICIENT :
		ratio < ml_check_number(check, "min_ratio") || ratio > ml_check_number(check, "max_ratio") ? ML_CHECK_FAIL :
		ML_CHECK_PASS;
}

static void
ml_row_count_change_expect(const MlCheck *check, StringInfo out)
{
	double		max = ml_check_number(check, "max_ratio");

	appendStringInfo(out, "{\"min_ratio\": %s", ml_text_number(ml_check_number(check, "min_ratio")));
	if (!isnan(max))
		appendStringInfo(out, ", \"max_ratio\": %s", ml_text_number(max));
	appendStringInfoChar(out, '}');
}

static void
ml_row_count_change_validate(const MlCheck *check)
{
	double		min = ml_check_number(check, "min_ratio");
	double		max = ml_check_number(check, "max_ratio");

	if (min == 0 && isnan(max))
		ml_check_refuse(check, "it needs min_ratio or max_ratio", NULL, "Pass params => '{\"min_ratio\": 0.5, \"max_ratio\": 2}'.");
	if (min > max)
		ml_check_refuse(check, "min_ratio is above max_ratio",
						psprintf("They are %s and %s.", ml_text_number(min), ml_text_number(max)), "Exchange them.");
}

static const MlParam ml_row_count_change_params[] = {
	{"min_ratio", ML_PARAM_NUMBER, "0", 0, DBL_MAX, NULL, "the least ratio to the rows of the last time that passes"},
	{"max_ratio", ML_PARAM_NUMBER, NULL, 0, DBL_MAX, NULL, "the greatest ratio that passes"}
};

const MlCheckKind ml_check_row_count_change = {
	.name = "row_count_change",
	.summary = "the number of rows, divided by that of the last time, lies between min_ratio and max_ratio",
	.min_columns = 0,
	.max_columns = 0,
	.params = ml_row_count_change_params,
	.nparams = lengthof(ml_row_count_change_params),
	.validate = ml_row_count_change_validate,
	.expect = ml_row_count_change_expect,
	.plan = ml_check_plan_rows,
	.judge = ml_row_count_change_judge,
	.number = ml_row_count_change_number
};
