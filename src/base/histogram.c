/*
 * histogram.c - how numbers are spread: exact while few are different, then in bins that widen as they must.
 *
 * Memory is the context's that the histogram was created in.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/histogram.h"
#include "utils/memutils.h"

#define ML_HISTOGRAM_CAPACITY_MIN	32
#define ML_HISTOGRAM_CAPACITY_MAX	(2 * ML_HISTOGRAM_BINS_MAX)

MlHistogram *
ml_histogram_create(MemoryContext context)
{
	MlHistogram *h = MemoryContextAllocZero(context, sizeof(MlHistogram));

	h->context = context;
	h->capacity = ML_HISTOGRAM_CAPACITY_MIN;
	h->bins = MemoryContextAllocZero(context, sizeof(MlBin) * h->capacity);
	h->whole = true;
	h->min = INFINITY;
	h->max = -INFINITY;
	return h;
}

/* Puts all bins into an empty table, leaving out more bits of their keys. */
static void
ml_histogram_rehash(MlHistogram *h, uint32 capacity, int widen)
{
	MlBin	   *old = h->bins;
	uint32		n = h->capacity;

	h->bins = MemoryContextAllocZero(h->context, sizeof(MlBin) * capacity);
	h->capacity = capacity;
	h->used = 0;
	h->shift += widen;
	/* there is room for as many bins as there were */
	for (uint32 i = 0; i < n; i++)
		if (old[i].n != 0)
			ml_histogram_count(h, old[i].key >> widen, old[i].n);
	pfree(old);
}

void
ml_histogram_grow(MlHistogram *h)
{
	if (h->capacity < ML_HISTOGRAM_CAPACITY_MAX)
		ml_histogram_rehash(h, h->capacity * 2, 0);
	else
		ml_histogram_rehash(h, h->capacity, 1);
}

void
ml_histogram_add_finite(MlHistogram *h, int n, const double *x, Size stride)
{
	const double *at = x;
	double		min = h->min;
	double		max = h->max;

	for (int i = 0; i < n; i++, at += stride)
	{
		min = *at < min ? *at : min;
		max = *at > max ? *at : max;
	}
	h->min = min;
	h->max = max;
	h->n += n;
	at = x;
	for (int i = 0; i < n && h->whole; i++, at += stride)
		h->whole = *at > -9e15 && *at < 9e15 && (double) (int64) *at == *at;
	at = x;
	for (int i = 0; i < n;)
	{
		MlBin	   *bins = h->bins;
		uint32		mask = h->capacity - 1;
		int			shift = h->shift;
		uint64		key = 0;

		/* while the first bin that is looked at is the right one, nothing of the histogram changes but its count */
		for (; i < n; i++, at += stride)
		{
			MlBin	   *bin;

			key = ml_cell_ordered(*at) >> shift;
			bin = &bins[ml_histogram_slot(key, mask)];
			if (unlikely(bin->key != key || bin->n == 0))
				break;
			bin->n++;
		}
		if (i == n)
			break;
		ml_histogram_count(h, key, 1);
		i++;
		at += stride;
	}
}

void
ml_histogram_merge(MlHistogram *into, const MlHistogram *from)
{
	if (from->shift > into->shift)
		ml_histogram_rehash(into, into->capacity, from->shift - into->shift);
	for (uint32 i = 0; i < from->capacity; i++)
		if (from->bins[i].n != 0)
			ml_histogram_count(into, from->bins[i].key >> (into->shift - from->shift), from->bins[i].n);
	into->n += from->n;
	into->nans += from->nans;
	into->infinities += from->infinities;
	into->min = Min(into->min, from->min);
	into->max = Max(into->max, from->max);
	into->whole &= from->whole;
}

static int
ml_histogram_compare(const void *a, const void *b)
{
	uint64		x = ((const MlBin *) a)->key;
	uint64		y = ((const MlBin *) b)->key;

	return x < y ? -1 : x > y;
}

MlHistogramBin *
ml_histogram_sorted(const MlHistogram *h)
{
	MlBin	   *bins = palloc(sizeof(MlBin) * Max(h->used, 1));
	MlHistogramBin *sorted = palloc(sizeof(MlHistogramBin) * Max(h->used, 1));
	uint32		n = 0;

	for (uint32 i = 0; i < h->capacity; i++)
		if (h->bins[i].n != 0)
			bins[n++] = h->bins[i];
	qsort(bins, n, sizeof(MlBin), ml_histogram_compare);
	for (uint32 i = 0; i < n; i++)
	{
		uint64		key = bins[i].key << h->shift;

		sorted[i].low = ml_cell_from_ordered(key);
		sorted[i].n = bins[i].n;
	}
	/* the bits that were left out may name a number below the least */
	if (n > 0)
		sorted[0].low = h->min;
	pfree(bins);
	return sorted;
}
