/*
 * bins.h - a column of numbers as one byte a value: where bins end, and which one a value is in.
 *
 * Bin b holds the values x with edge[b-1] < x <= edge[b]; the last bin has no
 * edge of its own. What is missing (NaN) has the code nbins, one more than the
 * last bin, so that 255 bins and the missing ones make 256 codes.
 */
#ifndef ML_BINS_H
#define ML_BINS_H

#include "math/math.h"

#define ML_BINS_MAX		255
#define ML_BIN_CODES	256

/* One column of a binned matrix. */
typedef struct MlBinColumn
{
	int			nbins;			/* of values; a category has one a level */
	bool		category;
	bool		missing;		/* some row has no value */
	int			monotone;		/* 1: the prediction must not fall as the value rises; -1: nor rise; 0: free */
} MlBinColumn;

/* Sorts n finite numbers ascending; spare has room for n more. 0 and -0 must not both occur. */
extern void ml_bins_sort(double *x, double *spare, size_t n);

/*
 * Edges of at most bins_max bins for n ascending finite numbers: a bin for
 * every different value where there are few, else bins of about equal counts
 * in which a value that alone fills one has it for itself. An edge is halfway
 * between the values it parts. Uses up x. edge has room for bins_max - 1
 * numbers, count for n. Returns the number of bins, 0 for n = 0.
 */
extern int	ml_bins_edges(double *x, uint32_t *count, size_t n, int bins_max, double *edge);

/* The codes of n values; NaN has the code nbins. */
extern void ml_bins_encode(const double *x, size_t n, const double *edge, int nbins, uint8_t *out);

#endif							/* ML_BINS_H */
