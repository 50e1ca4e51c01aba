/*
 * precision.c - the share of positive predictions that are right, TP / (TP + FP).
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"

/* Undefined when nothing was predicted to be positive. */
static bool
ml_precision_value(MlTally *tally, double *value)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;

	return ml_tally_ratio(t->true_positives, t->true_positives + t->false_positives, value);
}

const MlMetric ml_metric_precision = {
	.name = "precision",
	.summary = "share of the positive predictions that are right",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_decisions,
	.add = ml_tally_add_decision,
	.value = ml_precision_value
};
