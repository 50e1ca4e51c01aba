/*
 * counts.h - how often each key occurs: a hash table of 16 bytes an entry, within a budget.
 *
 * A key is 96 bits: an exact value of up to 64 bits with 0 behind it, or a
 * hash. Of hashed keys two of a million are taken for one another with a
 * probability of 1e-17. The server's own tables keep a status with each entry,
 * which would double it; a count of 0 says that an entry is free.
 */
#ifndef ML_COUNTS_H
#define ML_COUNTS_H

typedef struct MlCount
{
	uint64		a;
	uint32		b;
	uint32		n;				/* 0: free */
} MlCount;

/* What several tables may take together. */
typedef struct MlCountsBudget
{
	Size		bytes_max;
	Size		bytes;
} MlCountsBudget;

typedef struct MlCounts
{
	MemoryContext context;
	MlCountsBudget *budget;
	MlCount    *entries;
	uint64		capacity;		/* a power of two, or 0 */
	uint64		used;
	bool		lost;			/* the budget did not suffice: nothing is kept, and nothing is added any more */
} MlCounts;

extern void ml_counts_init(MlCounts *counts, MemoryContext context, MlCountsBudget *budget);

/* Makes room for more, or gives up. */
extern void ml_counts_grow(MlCounts *counts);

/* Makes room for so many more at once, if they fit into the budget. */
extern void ml_counts_reserve(MlCounts *counts, uint64 more);

extern void ml_counts_lose(MlCounts *counts);

/* Sorts the entries to the front, by key, and returns them; nothing can be added then, but they can be asked for again. */
extern MlCount *ml_counts_sorted(MlCounts *counts);

static inline void
ml_counts_add(MlCounts *counts, uint64 a, uint32 b, uint32 n)
{
	uint64		mask;
	uint64		at;

	/* full at three quarters */
	if (unlikely(counts->used >= counts->capacity - (counts->capacity >> 2)))
	{
		if (counts->lost)
			return;
		ml_counts_grow(counts);
		if (counts->lost)
			return;
	}
	mask = counts->capacity - 1;
	at = a ^ ((uint64) b << 32);
	at *= UINT64CONST(0x9e3779b97f4a7c15);
	at = (at ^ (at >> 32)) & mask;
	for (;;)
	{
		MlCount    *entry = &counts->entries[at];

		if (entry->n == 0)
		{
			entry->a = a;
			entry->b = b;
			entry->n = n;
			counts->used++;
			return;
		}
		if (entry->a == a && entry->b == b)
		{
			if (unlikely(entry->n > PG_UINT32_MAX - n))
				ml_counts_lose(counts);
			else
				entry->n += n;
			return;
		}
		at = (at + 1) & mask;
	}
}

#endif							/* ML_COUNTS_H */
