/*
 * f1.c - the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/* Undefined when no row is positive and none was predicted to be. */
static bool
ml_f1_value(MlTally *tally, double *value)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;
	double		wrong = (double) t->false_positives + (double) t->false_negatives;

	if (t->true_positives == 0 && wrong == 0)
		return false;
	*value = (double) t->true_positives / ((double) t->true_positives + 0.5 * wrong);
	return true;
}

const MlMetric ml_metric_f1 = {
	.name = "f1",
	.summary = "harmonic mean of precision and recall",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_decisions,
	.add = ml_tally_add_decision,
	.value = ml_f1_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_weighted_decisions
};
