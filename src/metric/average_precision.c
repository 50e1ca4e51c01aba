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
#include "metric/weighted.h"

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

/* Rows in descending order of score, and where groups of equal scores with a positive row end. */
typedef struct MlWeightedPrecision
{
	uint32	   *at;
	uint8	   *label;
	uint32	   *steps;
	int64		nsteps;
	int64		ranks;			/* up to the last step */
	uint64_t   *room;
} MlWeightedPrecision;

static void *
ml_average_precision_prepare(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlWeightedPrecision *walk = palloc(sizeof(MlWeightedPrecision));
	bool		gained = false;
	MlMetricRow row;
	double		score = 0;

	walk->at = ml_weighted_order(sample, predictor);
	for (int64 i = 0, j = rows - 1; i < j; i++, j--)
	{
		uint32		place = walk->at[i];

		walk->at[i] = walk->at[j];
		walk->at[j] = place;
	}
	walk->label = ml_weighted_alloc(rows, sizeof(uint8));
	walk->steps = ml_weighted_alloc(rows, sizeof(uint32));
	walk->room = palloc(sizeof(uint64_t) * ML_RESAMPLE_BLOCK);
	walk->nsteps = 0;
	for (int64 rank = 0; rank < rows; rank++)
	{
		if (rank % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, walk->at[rank], predictor, &row);
		if (rank > 0 && row.score != score)
		{
			if (gained)
				walk->steps[walk->nsteps++] = (uint32) (rank - 1);
			gained = false;
		}
		score = row.score;
		gained |= row.label;
		walk->label[rank] = row.label;
	}
	if (gained)
		walk->steps[walk->nsteps++] = (uint32) (rows - 1);
	walk->ranks = walk->nsteps > 0 ? (int64) walk->steps[walk->nsteps - 1] + 1 : 0;
	return walk;
}

/* Undefined when no positive row was drawn. */
static bool
ml_average_precision_weighted(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedPrecision *walk = prepared;
	MlResamplePrecision state = {0};

	for (int64 from = 0; from < walk->ranks; from += ML_RESAMPLE_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		ml_resample_precision(&state, replicate->w, walk->at + from, walk->label + from, from,
							  Min(walk->ranks - from, ML_RESAMPLE_BLOCK), walk->steps, walk->nsteps, walk->room);
	}
	if (state.taken == 0)
		return false;
	*value = state.sum / (double) state.taken;
	return true;
}

static const MlWeightedKind ml_average_precision_weights = {
	.prepare = ml_average_precision_prepare,
	.value = ml_average_precision_weighted
};

const MlMetric ml_metric_average_precision = {
	.name = "average_precision",
	.summary = "mean precision over the steps of recall",
	.input = ML_METRIC_SCORE,
	.larger_is_better = true,
	.kind = &ml_tally_ranking,
	.add = ml_ranking_add,
	.value = ml_average_precision_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_average_precision_weights
};
