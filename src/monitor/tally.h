/*
 * tally.h - counting rows that are read, not scored in service, in the bins of a baseline.
 *
 * Sums are exact until the end, so neither the order of the rows shows nor how
 * often they were read. Lives in the memory context that was current at the
 * beginning.
 */
#ifndef ML_TALLY_BINS_H
#define ML_TALLY_BINS_H

#include "drift/profile.h"
#include "math/exact_sum.h"

typedef struct MlTallySum
{
	MlExactSum	sum;			/* of x - center */
	MlExactProducts squares;
} MlTallySum;

typedef struct MlTally
{
	const MlBaseline *baseline;
	int			nslices;
	const int  *slices;
	MlCounts	counts;
	MlTallySum *sums;			/* per set and column */
	int		   *sets;			/* of the row */
} MlTally;

/* Begins to count rows against a baseline, cut by columns of it. */
extern void ml_tally_begin(MlTally *tally, const MlBaseline *baseline, int nslices, const int *slices);

/*
 * Counts a row by its entrance cells: its features if asked for, and its
 * prediction unless that is NULL (as the prediction's bins take it).
 */
extern void ml_tally_row(MlTally *tally, const double *cells, bool features, const double *prediction);

/* Ends the counting: the counts are complete then. */
extern void ml_tally_end(MlTally *tally);

#endif							/* ML_TALLY_BINS_H */
