/*
 * recall.c - the share of positive rows that were found, TP / (TP + FN).
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

/* Undefined when no row is positive. */
static bool
ml_recall_value(MlTally *tally, double *value)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;

	return ml_tally_ratio(t->true_positives, t->true_positives + t->false_negatives, value);
}

static void
ml_recall_share(const MlTally *tally, int64 *part, int64 *whole)
{
	const MlDecisionTally *t = (const MlDecisionTally *) tally;

	*part = t->true_positives;
	*whole = t->true_positives + t->false_negatives;
}

const MlMetric ml_metric_recall = {
	.name = "recall",
	.summary = "share of the positive rows that were found",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_decisions,
	.add = ml_tally_add_decision,
	.value = ml_recall_value,
	.interval = ML_INTERVAL_WILSON,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.share = ml_recall_share,
	.weighted = &ml_weighted_decisions
};
