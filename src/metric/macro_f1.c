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
	.value = ml_macro_f1_value
};
