/*
 * precision.c - the share of positive predictions that are right, TP / (TP + FP).
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/* Undefined when nothing was predicted to be positive. */
static bool
ml_precision_value(MlTally *tally, double *value)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;

	return ml_tally_ratio(t->true_positives, t->true_positives + t->false_positives, value);
}

static void
ml_precision_share(const MlTally *tally, int64 *part, int64 *whole)
{
	const MlDecisionTally *t = (const MlDecisionTally *) tally;

	*part = t->true_positives;
	*whole = t->true_positives + t->false_positives;
}

const MlMetric ml_metric_precision = {
	.name = "precision",
	.summary = "share of the positive predictions that are right",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_decisions,
	.add = ml_tally_add_decision,
	.value = ml_precision_value,
	.interval = ML_INTERVAL_WILSON,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.share = ml_precision_share,
	.weighted = &ml_weighted_decisions
};
