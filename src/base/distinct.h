/*
 * distinct.h - about how many different numbers there were.
 *
 * Adaptive sampling (Wegman; analysed by Flajolet, "On adaptive sampling",
 * Computing 43, 1990): kept are the hashes that begin with so many zero bits
 * that they fit; each stands for two to the power of these. Exact up to
 * ML_DISTINCT_MAX different numbers, then with a standard error of some 6 %.
 * The order of the numbers makes no difference.
 */
#ifndef ML_DISTINCT_H
#define ML_DISTINCT_H

#include "base/cell.h"

#define ML_DISTINCT_MAX		512
#define ML_DISTINCT_SLOTS	1024

typedef struct MlDistinct
{
	int			level;			/* zero bits */
	int			n;
	uint64		hashes[ML_DISTINCT_SLOTS];	/* an open table; 0: free */
} MlDistinct;

/* Keeps a hash that is not 0 and not there, and makes room if it must. */
extern void ml_distinct_keep(MlDistinct *distinct, uint64 hash);

/* Adds a number. */
static inline void
ml_distinct_add(MlDistinct *d, double x)
{
	uint64		hash = ml_mix64(ml_cell_bits(x + 0.0) ^ UINT64CONST(0x5851f42d4c957f2d));

	/* level + 1 shifts in two steps: a shift by 64 is not defined */
	if (unlikely((hash >> 1) >> (63 - d->level) == 0))
		ml_distinct_keep(d, hash);
}

static inline double
ml_distinct_estimate(const MlDistinct *d)
{
	return ldexp(d->n, d->level);
}

#endif							/* ML_DISTINCT_H */
