/*
 * r2.c - the coefficient of determination, 1 - (squared errors) / (squared deviations of y from its mean).
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"

typedef struct MlR2Tally
{
	MlTally		head;
	MlExactSum	y;
	MlExactProducts y_squared;
	MlExactProducts errors;
} MlR2Tally;

static void
ml_r2_add(MlTally *tally, const MlMetricRow *row)
{
	MlR2Tally  *t = (MlR2Tally *) tally;
	double		error = row->y - row->y_hat;

	tally->rows++;
	ml_exact_add(&t->y, row->y);
	ml_exact_products_add(&t->y_squared, row->y, row->y);
	ml_exact_products_add(&t->errors, error, error);
}

static void
ml_r2_merge(MlTally *into, const MlTally *from)
{
	MlR2Tally  *t = (MlR2Tally *) into;
	const MlR2Tally *f = (const MlR2Tally *) from;

	ml_exact_merge(&t->y, &f->y);
	ml_exact_products_merge(&t->y_squared, &f->y_squared);
	ml_exact_products_merge(&t->errors, &f->errors);
}

/* Every pattern of bits is an exact sum. */
static bool
ml_r2_valid(const MlTally *tally)
{
	return true;
}

/* Undefined when y is constant, as for a single row. */
static bool
ml_r2_value(MlTally *tally, double *value)
{
	MlR2Tally  *t = (MlR2Tally *) tally;
	double		variation;
	double		errors;
	int			variation_exponent;
	int			errors_exponent;

	ml_exact_variation(&t->y, &t->y_squared, tally->rows, &variation, &variation_exponent);
	ml_exact_products_parts(&t->errors, &errors, &errors_exponent);
	if (variation == 0)
		return false;
	*value = 1 - ldexp(errors / variation * (double) tally->rows, errors_exponent - variation_exponent);
	return true;
}

const MlMetric ml_metric_r2 = {
	.name = "r2",
	.summary = "share of the variance of y that the predictions explain",
	.input = ML_METRIC_REGRESSION,
	.larger_is_better = true,
	.kind = &ml_tally_r2,
	.add = ml_r2_add,
	.value = ml_r2_value
};

const MlTallyKind ml_tally_r2 = {
	.tag = ML_TALLY_TAG(5),
	.bytes = sizeof(MlR2Tally),
	.open = ml_tally_open,
	.merge = ml_r2_merge,
	.valid = ml_r2_valid
};
