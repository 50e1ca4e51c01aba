/*
 * accuracy.c - the share of rows whose prediction is the truth.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"

static void
ml_accuracy_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_match(tally, row->label == row->predicted);
}

static void
ml_class_accuracy_add(MlTally *tally, const MlMetricRow *row)
{
	ml_tally_add_match(tally, row->actual == row->chosen);
}

static void
ml_accuracy_share(const MlTally *tally, int64 *part, int64 *whole)
{
	*part = ((const MlMatchTally *) tally)->matches;
	*whole = tally->rows;
}

const MlMetric ml_metric_accuracy = {
	.name = "accuracy",
	.summary = "share of the rows that were predicted correctly",
	.input = ML_METRIC_DECISION,
	.larger_is_better = true,
	.kind = &ml_tally_matches,
	.add = ml_accuracy_add,
	.value = ml_tally_match_value,
	.interval = ML_INTERVAL_WILSON,
	.difference = ML_INTERVAL_MCNEMAR,
	.share = ml_accuracy_share
};

const MlMetric ml_metric_class_accuracy = {
	.name = "accuracy",
	.summary = "share of the rows that were given their true class",
	.input = ML_METRIC_CLASSES,
	.larger_is_better = true,
	.kind = &ml_tally_matches,
	.add = ml_class_accuracy_add,
	.value = ml_tally_match_value,
	.interval = ML_INTERVAL_WILSON,
	.difference = ML_INTERVAL_MCNEMAR,
	.share = ml_accuracy_share
};
