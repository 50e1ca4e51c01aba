/*
 * histogram.h - how numbers are spread: exact while few are different, then in bins that widen as they must.
 *
 * The key of a bin are the leading bits of a number's own, ordered as numbers
 * are; how many bits are left out is the least number for which all rows make
 * at most ML_HISTOGRAM_BINS_MAX bins. That depends on the set of values alone,
 * so the order of rows, and how they were divided among processes, make no
 * difference.
 */
#ifndef ML_HISTOGRAM_H
#define ML_HISTOGRAM_H

#include "base/cell.h"

#define ML_HISTOGRAM_BINS_MAX	2048

typedef struct MlBin
{
	uint64		key;
	int64		n;				/* 0: free */
} MlBin;

typedef struct MlHistogram
{
	MemoryContext context;
	MlBin	   *bins;			/* an open table */
	uint32		capacity;		/* a power of two */
	uint32		used;
	int			shift;			/* bits left out; 0: every value has a bin of its own */
	bool		whole;			/* all are whole numbers that a double holds exactly */
	int64		n;				/* finite values */
	int64		nans;
	int64		infinities;
	double		min;			/* of the finite ones */
	double		max;
} MlHistogram;

/* A bin as it is read: values from low up to the low of the next. */
typedef struct MlHistogramBin
{
	double		low;
	int64		n;
} MlHistogramBin;

extern MlHistogram *ml_histogram_create(MemoryContext context);

/* Makes room for another bin, by a larger table or wider bins. */
extern void ml_histogram_grow(MlHistogram *histogram);

/* Adds n finite values, each so far from the one before: the same as one by one, but quicker. */
extern void ml_histogram_add_finite(MlHistogram *histogram, int n, const double *x, Size stride);

/* Adds the values of one to another. */
extern void ml_histogram_merge(MlHistogram *into, const MlHistogram *from);

/* The bins in order, palloc'd; their number is used. */
extern MlHistogramBin *ml_histogram_sorted(const MlHistogram *histogram);

/* Where the search for a key begins. */
static inline uint32
ml_histogram_slot(uint64 key, uint32 mask)
{
	return (uint32) ((key * UINT64CONST(0x9e3779b97f4a7c15)) >> 40) & mask;
}

/* Counts n values at a key of the histogram's own width. */
static inline void
ml_histogram_count(MlHistogram *h, uint64 key, int64 n)
{
	for (;;)
	{
		uint32		mask = h->capacity - 1;
		uint32		at = ml_histogram_slot(key, mask);
		int			shift = h->shift;

		for (; h->bins[at].n != 0; at = (at + 1) & mask)
			if (h->bins[at].key == key)
			{
				h->bins[at].n += n;
				return;
			}
		if (likely(h->used < h->capacity / 2))
		{
			h->bins[at].key = key;
			h->bins[at].n = n;
			h->used++;
			return;
		}
		ml_histogram_grow(h);
		key >>= h->shift - shift;
	}
}

static inline void
ml_histogram_add(MlHistogram *h, double x)
{
	/* false of NaN too */
	if (unlikely(!(x - x == 0)))
	{
		if (x != x)
			h->nans++;
		else
			h->infinities++;
		return;
	}
	h->n++;
	h->min = x < h->min ? x : h->min;
	h->max = x > h->max ? x : h->max;
	if (h->whole && !(x > -9e15 && x < 9e15 && (double) (int64) x == x))
		h->whole = false;
	ml_histogram_count(h, ml_cell_ordered(x) >> h->shift, 1);
}

#endif							/* ML_HISTOGRAM_H */
