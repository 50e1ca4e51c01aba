/*
 * r2.c - the coefficient of determination, 1 - (squared errors) / (squared deviations of y from its mean).
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

#include "miscadmin.h"

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

/* What the replicates add up, and the squares of: y from its mean, and the errors, as fractions. */
typedef struct MlWeightedR2
{
	double	   *y;
	double	   *errors;
	int			y_exponent;
	int			errors_exponent;
} MlWeightedR2;

static void *
ml_r2_prepare(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlWeightedR2 *r2 = palloc(sizeof(MlWeightedR2));
	MlExactSum	sum = {0};
	MlMetricRow row;
	double		mean;

	r2->y = ml_weighted_alloc(rows, sizeof(double));
	r2->errors = ml_weighted_alloc(rows, sizeof(double));
	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		r2->y[i] = row.y;
		r2->errors[i] = row.y - row.y_hat;
	}
	if (!ml_weighted_scale(r2->y, rows, &r2->y_exponent) ||
		!ml_weighted_scale(r2->errors, rows, &r2->errors_exponent))
		return NULL;
	for (int64 i = 0; i < rows; i++)
		ml_exact_add(&sum, r2->y[i]);
	mean = ml_exact_mean(&sum, rows);
	for (int64 i = 0; i < rows; i++)
		r2->y[i] -= mean;
	return r2;
}

/* Undefined where the replicate has one y only, as far as rounding can tell. */
static bool
ml_r2_weighted(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedR2 *r2 = prepared;
	double		sum = ml_weighted_sum(replicate, r2->y);
	double		squares = ml_weighted_squares(replicate, r2->y);
	double		variation = squares - sum * sum / (double) replicate->total;

	if (variation <= squares * 1e-12)
		return false;
	*value = 1 - ldexp(ml_weighted_squares(replicate, r2->errors) / variation,
					   2 * (r2->errors_exponent - r2->y_exponent));
	return true;
}

static const MlWeightedKind ml_r2_weights = {
	.prepare = ml_r2_prepare,
	.value = ml_r2_weighted
};

const MlMetric ml_metric_r2 = {
	.name = "r2",
	.summary = "share of the variance of y that the predictions explain",
	.input = ML_METRIC_REGRESSION,
	.larger_is_better = true,
	.kind = &ml_tally_r2,
	.add = ml_r2_add,
	.value = ml_r2_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_r2_weights
};

const MlTallyKind ml_tally_r2 = {
	.tag = ML_TALLY_TAG(5),
	.bytes = sizeof(MlR2Tally),
	.open = ml_tally_open,
	.merge = ml_r2_merge,
	.valid = ml_r2_valid
};
