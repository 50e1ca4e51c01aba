/*
 * average_precision.c - the mean precision over the steps of recall.
 *
 * Rows are taken in descending order of score, rows of equal score together.
 * Each step adds the gain in recall times the precision reached; there is no
 * interpolation between the steps.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/ranking.h"

#include "miscadmin.h"

/* Moves *end down past the keys that equal key; returns how many there were. */
static int64
ml_average_precision_take(const MlKeyList *list, int64 *end, uint64 key)
{
	int64		before = *end;

	while (*end > 0 && list->key[*end - 1] == key)
		(*end)--;
	return before - *end;
}

/* Undefined when no row is positive. */
static bool
ml_average_precision_value(MlTally *tally, double *value)
{
	MlRanking  *ranking = (MlRanking *) tally;
	const MlKeyList *positives = &ranking->positives;
	const MlKeyList *negatives = &ranking->negatives;
	int64		positives_end = positives->count;
	int64		negatives_end = negatives->count;
	int64		taken = 0;
	int64		steps = 0;
	MlExactSum	sum = {0};

	if (positives->count == 0)
		return false;
	ml_ranking_sort(ranking);

	/* What scores below the last positive adds no recall. */
	while (positives_end > 0)
	{
		uint64		key = positives->key[positives_end - 1];
		int64		gained;

		if ((steps++ & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		while (negatives_end > 0 && negatives->key[negatives_end - 1] > key)
			negatives_end--;
		ml_average_precision_take(negatives, &negatives_end, key);
		gained = ml_average_precision_take(positives, &positives_end, key);
		taken += gained;
		ml_exact_add(&sum, (double) gained * taken / (double) (taken + negatives->count - negatives_end));
	}
	*value = ml_exact_mean(&sum, positives->count);
	return true;
}

const MlMetric ml_metric_average_precision = {
	.name = "average_precision",
	.summary = "mean precision over the steps of recall",
	.input = ML_METRIC_SCORE,
	.larger_is_better = true,
	.kind = &ml_tally_ranking,
	.add = ml_ranking_add,
	.value = ml_average_precision_value
};
