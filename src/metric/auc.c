/*
 * auc.c - the area under the receiver operating characteristic.
 *
 * The share of pairs of a positive and a negative row in which the positive
 * one has the greater score; equal scores count half (Hanley and McNeil,
 * "The Meaning and Use of the Area under a ROC Curve", Radiology 1982).
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/ranking.h"

#include "miscadmin.h"

/* Undefined unless both classes occur. */
static bool
ml_auc_value(MlTally *tally, double *value)
{
	MlRanking  *ranking = (MlRanking *) tally;
	const MlKeyList *positives = &ranking->positives;
	const MlKeyList *negatives = &ranking->negatives;
	uint64		half_wins = 0;
	int64		below = 0;		/* negatives with a smaller score */
	int64		not_above = 0;	/* ... with a smaller or an equal one */
	int64		i;

	if (positives->count == 0 || negatives->count == 0)
		return false;
	ml_ranking_sort(ranking);
	for (i = 0; i < positives->count; i++)
	{
		uint64		key = positives->key[i];

		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		while (below < negatives->count && negatives->key[below] < key)
			below++;
		not_above = Max(not_above, below);
		while (not_above < negatives->count && negatives->key[not_above] == key)
			not_above++;
		half_wins += below + not_above;
	}
	*value = (double) half_wins / (2.0 * positives->count * negatives->count);
	return true;
}

const MlMetric ml_metric_auc = {
	.name = "auc",
	.summary = "chance that a positive row scores above a negative one",
	.input = ML_METRIC_SCORE,
	.larger_is_better = true,
	.kind = &ml_tally_ranking,
	.add = ml_ranking_add,
	.value = ml_auc_value,
	.interval = ML_INTERVAL_DELONG,
	.difference = ML_INTERVAL_DELONG
};
