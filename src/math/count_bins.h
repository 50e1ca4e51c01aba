/*
 * count_bins.h - how many of some numbers lie between edges.
 */
#ifndef ML_COUNT_BINS_H
#define ML_COUNT_BINS_H

#include "math/math.h"

#define ML_COUNT_BLOCK	64		/* numbers at most */
#define ML_COUNT_EDGES_MAX	32

typedef struct MlBinCounts
{
	int64_t		reached[ML_COUNT_EDGES_MAX];	/* numbers at or above each edge */
	int64_t		nulls;			/* whose bits are the ones given */
	int64_t		numbers;		/* neither these nor any other NaN; infinities are among them */
	int64_t		finite;
	double		sum;			/* of (x - center) of the finite ones */
	double		squares;		/* of their squares */
	double		min;			/* of the finite ones; infinity and its opposite without any */
	double		max;
} MlBinCounts;

/*
 * Counts x[0 .. ML_COUNT_BLOCK - 1], a full block: who has fewer fills it up
 * with NaN. At most ML_COUNT_EDGES_MAX edges, ascending. Every number is
 * compared with every edge, since that takes no branch.
 */
extern void ml_count_bins(const double *x, int nedges, const double *edges, double center, int64_t null_bits,
						  MlBinCounts *out);

#endif							/* ML_COUNT_BINS_H */
