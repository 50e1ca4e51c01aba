/*
 * distinct.c - about how many different numbers there were.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/distinct.h"

/* Puts a hash into the table; false when it is there. */
static bool
ml_distinct_put(MlDistinct *d, uint64 hash)
{
	uint32		at = (uint32) hash & (ML_DISTINCT_SLOTS - 1);

	for (; d->hashes[at] != 0; at = (at + 1) & (ML_DISTINCT_SLOTS - 1))
		if (d->hashes[at] == hash)
			return false;
	d->hashes[at] = hash;
	d->n++;
	return true;
}

void
ml_distinct_keep(MlDistinct *d, uint64 hash)
{
	uint64		kept[ML_DISTINCT_SLOTS];

	/* one number in 2^64 has hash 0, and counts as that of hash 1 */
	if (!ml_distinct_put(d, Max(hash, 1)))
		return;
	while (d->n > ML_DISTINCT_MAX)
	{
		memcpy(kept, d->hashes, sizeof kept);
		memset(d->hashes, 0, sizeof d->hashes);
		d->n = 0;
		d->level++;
		for (int i = 0; i < ML_DISTINCT_SLOTS; i++)
			if (kept[i] != 0 && kept[i] >> (64 - d->level) == 0)
				(void) ml_distinct_put(d, kept[i]);
	}
}
