/*
 * z_score.c - checks that numbers are at most so many standard deviations from a mean that is given.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/floats.h"
#include "check/kinds.h"
#include "check/values.h"

typedef struct MlZScore
{
	double		mean;
	double		stddev;
	double		max;
} MlZScore;

/* NaN is at no distance. */
static inline bool
ml_z_score_near(const MlRowCheck *row, double x)
{
	const MlZScore *state = row->state;

	return fabs(x - state->mean) / state->stddev <= state->max;
}

static inline bool
ml_z_score_float8(const MlRowCheck *row, int i, Datum value)
{
	return ml_z_score_near(row, DatumGetFloat8(value));
}

static bool
ml_z_score_any(const MlRowCheck *row, int i, Datum value)
{
	return ml_z_score_near(row, ml_convert_number(&row->columns[i].convert, value));
}

ML_EACH_COLUMN(ml_z_score_passes_float8, ml_z_score_float8)
ML_EACH_COLUMN(ml_z_score_passes, ml_z_score_any)

static void
ml_z_score_prepare(MlRowCheck *row)
{
	MlZScore   *state = palloc(sizeof(MlZScore));

	ml_value_need_numbers(row);
	state->mean = ml_check_number(row->check, "mean");
	state->stddev = ml_check_number(row->check, "stddev");
	state->max = ml_check_number(row->check, "max");
	row->state = state;
	row->passes = ml_floats_only_float8(row) ? ml_z_score_passes_float8 : ml_z_score_passes;
}

static void
ml_z_score_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlZScore *state = row->state;
	int			i = ml_z_score_passes_failing(row, values);
	double		x;

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	x = ml_convert_number(&row->columns[i].convert, values[row->columns[i].index].value);
	if (!isnan(x))
		appendStringInfo(out, ", %.2f standard deviations from %s, more than %s",
						 fabs(x - state->mean) / state->stddev, ml_text_number(state->mean), ml_text_number(state->max));
}

static void
ml_z_score_validate(const MlCheck *check)
{
	if (ml_check_param(check, "mean")->isnull || ml_check_param(check, "stddev")->isnull)
		ml_check_refuse(check, "it needs mean and stddev", NULL,
						"Pass params => '{\"mean\": 100, \"stddev\": 15, \"max\": 3}'.");
	if (!(ml_check_number(check, "stddev") > 0))
		ml_check_refuse(check, "stddev must be above 0",
						psprintf("It is %s.", ml_text_number(ml_check_number(check, "stddev"))),
						"For a constant use kind in_set.");
}

static const MlParam ml_z_score_params[] = {
	{"mean", ML_PARAM_NUMBER, NULL, -1e300, 1e300, NULL, "the mean"},
	{"stddev", ML_PARAM_NUMBER, NULL, 0, 1e300, NULL, "the standard deviation, above 0"},
	{"max", ML_PARAM_NUMBER, "3", 0, 1e300, NULL, "so many standard deviations a value may be away"}
};

const MlCheckKind ml_check_z_score = {
	.name = "z_score",
	.summary = "numbers are near a mean, in standard deviations",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_z_score_params,
	.nparams = lengthof(ml_z_score_params),
	.validate = ml_z_score_validate,
	.prepare = ml_z_score_prepare,
	.explain = ml_z_score_explain
};
