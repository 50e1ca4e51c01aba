/*
 * macro_f1.c - the mean of the classes' f1, for more than two classes.
 *
 * Every class that occurs as truth or as prediction counts the same. The
 * table of counts grows to the greatest class index seen; it is a tally of
 * the flows only, never the state of an aggregate.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"
#include "metric/weighted.h"

#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct MlClassCount
{
	int64		hits;			/* chosen and true */
	int64		actual;			/* true */
	int64		chosen;			/* predicted */
} MlClassCount;

typedef struct MlClassTally
{
	int			classes;
	MlClassCount *count;
} MlClassTally;

static MlTally *
ml_macro_f1_open(const MlTallyKind *kind, MemoryContext context)
{
	MlClassTally *t = MemoryContextAlloc(context, kind->bytes);

	t->classes = 8;
	t->count = MemoryContextAllocZero(context, t->classes * sizeof(MlClassCount));
	return (MlTally *) t;
}

/* Makes the table hold the class. */
static void
ml_macro_f1_reserve(MlClassTally *t, int class)
{
	int64		classes = Max((int64) t->classes * 2, (int64) class + 1);

	if (class < t->classes)
		return;
	if (classes * sizeof(MlClassCount) > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many classes for macro_f1"),
				 errdetail("The class index is %d and the limit is %d.",
						   class, (int) (MaxAllocSize / sizeof(MlClassCount) / 2))));
	t->count = repalloc(t->count, classes * sizeof(MlClassCount));
	memset(t->count + t->classes, 0, (classes - t->classes) * sizeof(MlClassCount));
	t->classes = (int) classes;
}

static void
ml_macro_f1_add(MlTally *tally, const MlMetricRow *row)
{
	MlClassTally *t = (MlClassTally *) tally;

	Assert(row->actual >= 0 && row->chosen >= 0);
	ml_macro_f1_reserve(t, Max(row->actual, row->chosen));
	t->count[row->actual].actual++;
	t->count[row->chosen].chosen++;
	t->count[row->actual].hits += row->actual == row->chosen;
}

static bool
ml_macro_f1_value(MlTally *tally, double *value)
{
	MlClassTally *t = (MlClassTally *) tally;
	double		sum = 0;
	int			classes = 0;
	int			i;

	for (i = 0; i < t->classes; i++)
	{
		double		margins = (double) t->count[i].actual + (double) t->count[i].chosen;

		if (margins == 0)
			continue;
		sum += 2 * (double) t->count[i].hits / margins;
		classes++;
	}
	if (classes == 0)
		return false;
	*value = sum / classes;
	return true;
}

/* Truth and choice of each row, and the table that every replicate fills anew. */
typedef struct MlWeightedClasses
{
	uint32	   *actual;
	uint32	   *chosen;
	MlClassTally table;
} MlWeightedClasses;

static void *
ml_macro_f1_prepare(const MlMetric *metric, const MlSample *sample, int predictor)
{
	int64		rows = ml_sample_rows(sample);
	MlWeightedClasses *c = palloc(sizeof(MlWeightedClasses));
	MlMetricRow row;

	c->actual = ml_weighted_alloc(rows, sizeof(uint32));
	c->chosen = ml_weighted_alloc(rows, sizeof(uint32));
	/* a truth that is not known comes after the known classes */
	c->table.classes = ml_sample_classes(sample) + 1;
	c->table.count = ml_weighted_alloc(c->table.classes, sizeof(MlClassCount));
	for (int64 i = 0; i < rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, predictor, &row);
		c->actual[i] = (uint32) row.actual;
		c->chosen[i] = (uint32) row.chosen;
	}
	return c;
}

static bool
ml_macro_f1_weighted(const MlMetric *metric, void *prepared, const MlReplicate *replicate, double *value)
{
	MlWeightedClasses *c = prepared;
	MlClassCount *count = c->table.count;

	memset(count, 0, sizeof(MlClassCount) * c->table.classes);
	for (int64 i = 0; i < replicate->rows; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		count[c->actual[i]].actual += replicate->w[i];
		count[c->chosen[i]].chosen += replicate->w[i];
		count[c->actual[i]].hits += c->actual[i] == c->chosen[i] ? replicate->w[i] : 0;
	}
	return ml_macro_f1_value((MlTally *) &c->table, value);
}

static const MlWeightedKind ml_macro_f1_weights = {
	.prepare = ml_macro_f1_prepare,
	.value = ml_macro_f1_weighted
};

static const MlTallyKind ml_tally_classes = {
	.tag = ML_TALLY_TAG(8),
	.bytes = sizeof(MlClassTally),
	.open = ml_macro_f1_open
};

const MlMetric ml_metric_macro_f1 = {
	.name = "macro_f1",
	.summary = "mean over the classes of the harmonic mean of precision and recall",
	.input = ML_METRIC_CLASSES,
	.larger_is_better = true,
	.kind = &ml_tally_classes,
	.add = ml_macro_f1_add,
	.value = ml_macro_f1_value,
	.interval = ML_INTERVAL_BOOTSTRAP,
	.difference = ML_INTERVAL_BOOTSTRAP,
	.weighted = &ml_macro_f1_weights
};
