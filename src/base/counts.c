/*
 * counts.c - how often each key occurs: a hash table of 16 bytes an entry, within a budget.
 *
 * Linear probing at a load of at most three quarters. Memory is allocated in
 * the context given, and freed with it or when the budget does not suffice.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/counts.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define ML_COUNTS_CAPACITY_MIN	64

void
ml_counts_init(MlCounts *counts, MemoryContext context, MlCountsBudget *budget)
{
	memset(counts, 0, sizeof *counts);
	counts->context = context;
	counts->budget = budget;
}

void
ml_counts_lose(MlCounts *counts)
{
	if (counts->entries)
	{
		pfree(counts->entries);
		counts->budget->bytes -= counts->capacity * sizeof(MlCount);
	}
	counts->entries = NULL;
	counts->capacity = counts->used = 0;
	counts->lost = true;
}

/* Moves the entries into a table of so many places; false where the budget does not allow it. */
static bool
ml_counts_resize(MlCounts *counts, uint64 capacity)
{
	MlCount    *old = counts->entries;
	uint64		old_capacity = counts->capacity;
	Size		bytes = capacity * sizeof(MlCount);

	/* for a moment both are there */
	if (counts->budget->bytes + bytes > counts->budget->bytes_max)
		return false;
	CHECK_FOR_INTERRUPTS();
	counts->entries = MemoryContextAllocExtended(counts->context, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	counts->capacity = capacity;
	counts->used = 0;
	counts->budget->bytes += bytes;
	for (uint64 i = 0; i < old_capacity; i++)
		if (old[i].n > 0)
			ml_counts_add(counts, old[i].a, old[i].b, old[i].n);
	if (old)
	{
		pfree(old);
		counts->budget->bytes -= old_capacity * sizeof(MlCount);
	}
	return true;
}

void
ml_counts_grow(MlCounts *counts)
{
	if (!ml_counts_resize(counts, Max(counts->capacity * 2, ML_COUNTS_CAPACITY_MIN)))
		ml_counts_lose(counts);
}

void
ml_counts_reserve(MlCounts *counts, uint64 more)
{
	uint64		capacity = Max(counts->capacity, ML_COUNTS_CAPACITY_MIN);

	while (capacity - (capacity >> 2) <= counts->used + more)
		capacity *= 2;
	if (capacity > counts->capacity)
		(void) ml_counts_resize(counts, capacity);
}

static int
ml_counts_compare(const void *x, const void *y)
{
	const MlCount *a = x;
	const MlCount *b = y;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return a->b < b->b ? -1 : a->b > b->b;
}

MlCount *
ml_counts_sorted(MlCounts *counts)
{
	uint64		n = 0;

	for (uint64 i = 0; i < counts->capacity; i++)
		if (counts->entries[i].n > 0)
			counts->entries[n++] = counts->entries[i];
	Assert(n == counts->used);
	/* what was moved is not there twice, so they may be asked for again */
	if (n < counts->capacity)
		memset(counts->entries + n, 0, sizeof(MlCount) * (counts->capacity - n));
	if (n > 1)
		qsort(counts->entries, n, sizeof(MlCount), ml_counts_compare);
	return counts->entries;
}
