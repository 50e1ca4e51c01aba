/*
 * mcc.c - the Matthews correlation coefficient of truth and decision.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/* Undefined when the truth or the decision is the same for all rows, as a correlation with a constant is. */
static bool
ml_mcc_value(MlTally *tally, double *value)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;
	double		tp = (double) t->true_positives;
	double		fp = (double) t->false_positives;
	double		fn = (double) t->false_negatives;
	double		tn = (double) t->true_negatives;
	double		margins = sqrt((tp + fp) * (tp + fn)) * sqrt((tn + fp) * (tn + fn));
	MlExactProducts determinant = {0};

	if (margins == 0)
		return false;

	/* The two products cancel, and each may exceed what a double holds. */
	ml_exact_products_add(&determinant, tp, tn);
	ml_exact_products_add(&determinant, -fp, fn);
	*value = Max(Min(ml_exact_products_mean(&determinant, 1) / margins, 1.0), -1.0);
	return true;
}

const MlMetric ml_metric_mcc = {
	.name = "mcc",
	.summary = "Matthews correlation coefficient of truth and decision",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_decisions,
	.add = ml_tally_add_decision,
	.value = ml_mcc_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_decisions
};
