/*
 * distinct_in_set.c - checks which different values a column has: some of a set, all of it, or just these.
 *
 * In SQL, with D for SELECT DISTINCT x ... WHERE x IS NOT NULL and S for the
 * set: subset: D EXCEPT S is empty; contain: S EXCEPT D is empty; equal: both.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/kinds.h"
#include "check/tally.h"

/* So many values are shown. */
#define ML_DISTINCT_SHOWN	20

typedef struct MlDistinct
{
	const MlCheckColumn *column;
	MlTallySet	set;
	bool	   *seen;			/* of the set's */
	int64		n;				/* different values */
	int64		unexpected;
	StringInfoData shown;
} MlDistinct;

static void
ml_distinct_add(void *ctx, const MlTallyValue *value, int64 count)
{
	MlDistinct *distinct = ctx;
	int			place = ml_tally_find(&distinct->set, value);

	distinct->n++;
	if (place >= 0)
		distinct->seen[place] = true;
	else if (distinct->unexpected++ < ML_DISTINCT_SHOWN)
	{
		appendStringInfoString(&distinct->shown, distinct->unexpected > 1 ? ", " : "");
		ml_tally_json(distinct->column, value, &distinct->shown);
	}
}

static void
ml_distinct_in_set_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	MlTallySet	set;

	ml_tally_plan(check, columns, scan);
	/* what the type cannot read is an error now, not after the scan */
	ml_tally_set(check, columns, "values", &set);
}

/* The set's values that do not occur. */
static int
ml_distinct_missing(const MlDistinct *distinct, StringInfo shown)
{
	int			missing = 0;

	for (int i = 0; i < distinct->set.n; i++)
		if (!distinct->seen[i] && missing++ < ML_DISTINCT_SHOWN)
		{
			appendStringInfoString(shown, missing > 1 ? ", " : "");
			ml_tally_json(distinct->column, &distinct->set.values[i], shown);
		}
	return missing;
}

static void
ml_distinct_in_set_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	const char *mode = ml_check_param(check, "mode")->text;
	MlDistinct	distinct = {0};
	int			missing;
	StringInfoData shown;

	distinct.column = ml_collected_columns(scan);
	initStringInfo(&distinct.shown);
	initStringInfo(&shown);
	ml_tally_set(check, distinct.column, "values", &distinct.set);
	distinct.seen = palloc0(distinct.set.n);
	ml_tally_each(scan, distinct.column, ml_distinct_add, &distinct);
	missing = ml_distinct_missing(&distinct, &shown);
	out->observed = psprintf("{\"value\": " INT64_FORMAT ", \"unexpected\": " INT64_FORMAT ", \"missing\": %d, "
							 "\"unexpected_values\": [%s], \"missing_values\": [%s]}",
							 distinct.n, distinct.unexpected, missing, distinct.shown.data, shown.data);
	if (distinct.n == 0)
		out->status = ML_CHECK_INSUFFICIENT;
	else
		out->status = (strcmp(mode, "contain") != 0 && distinct.unexpected > 0) ||
			(strcmp(mode, "subset") != 0 && missing > 0) ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static void
ml_distinct_in_set_validate(const MlCheck *check)
{
	ml_tally_validate(check, "values");
}

static const MlParam ml_distinct_in_set_params[] = {
	{"values", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the set, an array"},
	{"mode", ML_PARAM_TEXT, "subset", 0, 0, "subset|contain|equal",
	"subset: no others occur; contain: all of them occur; equal: both"}
};

const MlCheckKind ml_check_distinct_in_set = {
	.name = "distinct_in_set",
	.summary = "the different values of a column are some of a set, all of it, or just these",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_distinct_in_set_params,
	.nparams = lengthof(ml_distinct_in_set_params),
	.validate = ml_distinct_in_set_validate,
	.plan = ml_distinct_in_set_plan,
	.judge = ml_distinct_in_set_judge
};
