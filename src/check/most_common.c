/*
 * most_common.c - checks that the commonest value is one of those expected.
 *
 * In SQL: mode() WITHIN GROUP (ORDER BY x), but of several values that are
 * equally common all must be expected, or with ties one of them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "check/tally.h"

/* So many of the commonest values are shown. */
#define ML_MODES_SHOWN	10

typedef struct MlModes
{
	const MlCheckColumn *column;
	MlTallySet	expected;
	int64		rows;
	int64		most;			/* rows of each of the commonest values */
	int64		n;				/* how many these are */
	int64		hits;			/* and how many of them are expected */
	StringInfoData shown;
} MlModes;

static void
ml_modes_count(void *ctx, const MlTallyValue *value, int64 count)
{
	MlModes    *modes = ctx;

	modes->rows += count;
	modes->most = Max(modes->most, count);
}

static void
ml_modes_look(void *ctx, const MlTallyValue *value, int64 count)
{
	MlModes    *modes = ctx;

	if (count < modes->most)
		return;
	if (ml_tally_find(&modes->expected, value) >= 0)
		modes->hits++;
	if (modes->n++ >= ML_MODES_SHOWN)
		return;
	appendStringInfoString(&modes->shown, modes->n > 1 ? ", " : "");
	ml_tally_json(modes->column, value, &modes->shown);
}

static void
ml_most_common_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	MlTallySet	expected;

	ml_tally_plan(check, columns, scan);
	/* what the type cannot read is an error now, not after the scan */
	ml_tally_set(check, columns, "values", &expected);
}

static void
ml_most_common_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlModes		modes = {0};
	bool		ties = ml_check_param(check, "ties")->number != 0;
	StringInfoData observed;

	modes.column = ml_collected_columns(scan);
	initStringInfo(&modes.shown);
	initStringInfo(&observed);
	ml_tally_set(check, modes.column, "values", &modes.expected);
	ml_tally_each(scan, modes.column, ml_modes_count, &modes);
	ml_tally_each(scan, modes.column, ml_modes_look, &modes);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, ml_check_ratio(modes.most, modes.rows));
	appendStringInfo(&observed, ", \"most_common\": [%s], \"ties\": " INT64_FORMAT "}", modes.shown.data,
					 Max(modes.n - 1, 0));
	out->observed = observed.data;
	out->status = modes.rows == 0 ? ML_CHECK_INSUFFICIENT :
		(ties ? modes.hits > 0 : modes.hits == modes.n) ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_most_common_validate(const MlCheck *check)
{
	ml_tally_validate(check, "values");
}

static const MlParam ml_most_common_params[] = {
	{"values", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the values expected, an array"},
	{"ties", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether one of several equally common values is enough"}
};

const MlCheckKind ml_check_most_common = {
	.name = "most_common",
	.summary = "the commonest value is one of those expected",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_most_common_params,
	.nparams = lengthof(ml_most_common_params),
	.validate = ml_most_common_validate,
	.plan = ml_most_common_plan,
	.judge = ml_most_common_judge
};
