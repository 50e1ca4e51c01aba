/*
 * in_set.c - checks that values are, or are not, among given ones: kinds in_set, not_in_set and domain_mass.
 *
 * domain_mass judges data: the share of values in the set.
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "check/collect.h"
#include "check/kinds.h"
#include "check/number.h"
#include "check/set.h"
#include "check/values.h"

typedef struct MlInSet
{
	MlSet	  **set;			/* of each column */
	int			n;				/* different values given */
} MlInSet;

static inline bool
ml_in_set_holds(const MlRowCheck *row, int i, Datum value)
{
	return ml_set_find(((const MlInSet *) row->state)->set[i], &row->columns[i], value) >= 0;
}

static inline bool
ml_not_in_set_holds(const MlRowCheck *row, int i, Datum value)
{
	return !ml_in_set_holds(row, i, value);
}

ML_EACH_COLUMN(ml_in_set_passes, ml_in_set_holds)
ML_EACH_COLUMN(ml_not_in_set_passes, ml_not_in_set_holds)

static void
ml_in_set_bind(MlRowCheck *row)
{
	MlInSet    *state = palloc(sizeof(MlInSet));
	JsonbValue *values = ml_value_list(row->check, "values", &state->n);

	state->set = palloc(sizeof(MlSet *) * row->ncolumns);
	for (int i = 0; i < row->ncolumns; i++)
		state->set[i] = ml_set_create(row->check, &row->columns[i], state->n, values, NULL);
	row->state = state;
}

static void
ml_in_set_prepare(MlRowCheck *row)
{
	ml_in_set_bind(row);
	row->passes = ml_in_set_passes;
}

static void
ml_not_in_set_prepare(MlRowCheck *row)
{
	ml_in_set_bind(row);
	row->passes = ml_not_in_set_passes;
}

static void
ml_in_set_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlInSet *state = row->state;
	int			i = ml_in_set_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	if (state->n == 1)
		appendStringInfo(out, ", not the one allowed value");
	else
		appendStringInfo(out, ", not one of the %d allowed values", state->n);
}

static void
ml_not_in_set_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_not_in_set_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfoString(out, ", which is not allowed");
}

static void
ml_in_set_validate(const MlCheck *check)
{
	int			n;
	JsonbValue *values = ml_value_list(check, "values", &n);

	ml_set_check_scalars(check, "values", n, values);
}

static const MlParam ml_in_set_params[] = {
	{"values", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the values, a JSON array"}
};

/* ---- the share of values in a set ---- */

/* It observes no number for other kinds: rows are judged one by one, by this check alone. */
static void
ml_domain_mass_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlRowCounts counts = ml_collected_counts(scan, check->columns[0]);

	out->n = counts.rows - counts.nulls;
	out->n_failed = ml_collected_failed(scan);
	ml_check_judge_number(check, ml_check_ratio(out->n - out->n_failed, out->n), out);
}

static void
ml_domain_mass_validate(const MlCheck *check)
{
	ml_in_set_validate(check);
	ml_check_need_bounds(check);
}

static const MlParam ml_domain_mass_params[] = {
	{"values", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the values, a JSON array"},
	ML_CHECK_BOUNDS
};

const MlCheckKind ml_check_in_set = {
	.name = "in_set",
	.summary = "values are among given ones",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_in_set_params,
	.nparams = lengthof(ml_in_set_params),
	.validate = ml_in_set_validate,
	.prepare = ml_in_set_prepare,
	.explain = ml_in_set_explain
};

const MlCheckKind ml_check_not_in_set = {
	.name = "not_in_set",
	.summary = "values are not among given ones",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_in_set_params,
	.nparams = lengthof(ml_in_set_params),
	.validate = ml_in_set_validate,
	.prepare = ml_not_in_set_prepare,
	.explain = ml_not_in_set_explain
};

const MlCheckKind ml_check_domain_mass = {
	.name = "domain_mass",
	.summary = "the share of values among given ones, NULLs left out, lies between min and max",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_domain_mass_params,
	.nparams = lengthof(ml_domain_mass_params),
	.validate = ml_domain_mass_validate,
	.prepare = ml_in_set_prepare,
	.explain = ml_in_set_explain,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_rows,
	.judge = ml_domain_mass_judge
};
