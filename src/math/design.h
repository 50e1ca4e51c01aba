/*
 * design.h - walks the rows of a source of blocks in slices that the kernels can work on.
 *
 * A design has one term a column, preceded by a column of ones when there is
 * an intercept. The walk repacks at most ML_PANEL_ROWS rows at a time into the
 * panels of kernel.h. Workspace is the caller's; the blocks' callbacks and the
 * tick may jump out.
 */
#ifndef ML_DESIGN_H
#define ML_DESIGN_H

#include "math/math.h"
#include "math/kernel.h"

typedef struct MlDesign
{
	const MlBlocks *blocks;
	const MlTick *tick;
	const MlKernels *kernels;
	bool		intercept;
	int			terms;			/* columns and intercept */
	int			panels;
	int			width;			/* 8 * panels: terms, padded */

	/* the slice */
	int			rows;
	double	   *x;				/* panels */
	double	   *wx;				/* panels, for the kernels' use */
	double	   *y;				/* ML_PANEL_ROWS each, as all arrays over rows */
	double	   *w;				/* 1 when the source has no weights */

	/* where the walk stands */
	MlBlock		block;
	int			at;
} MlDesign;

/* Doubles of workspace, or 0 when the dimensions cannot be addressed. */
extern size_t ml_design_size(int cols, bool intercept);

extern void ml_design_init(MlDesign *d, const MlBlocks *blocks, bool intercept,
						   double *work, const MlTick *tick);

/* Starts over; next packs the following slice and returns false after the last. */
extern void ml_design_rewind(MlDesign *d);
extern bool ml_design_next(MlDesign *d);

/*
 * g += sum over the slice's rows of w[r] x_r x_r', in the lower 8 x 8 tiles;
 * w is one number a row, g is width x width with the given stride.
 */
extern void ml_design_gram(MlDesign *d, const double *w, double *g, size_t stride);

/*
 * One pass that gives what the null model needs: gram = X'WX (width x width,
 * lower tiles), xty = X'W[y = k] for each class k (classes x width), weight =
 * the total weight of each class. carry has classes * width doubles. Returns
 * ML_NOT_FINITE when y is not a class index or the matrix is not finite.
 */
extern MlStatus ml_design_moments(MlDesign *d, int classes, double *gram, double *xty,
								  double *weight, double *carry);

/* sum += x, with what rounding drops collected in carry. */
static inline void
ml_add_carried(int count, const double *x, double *sum, double *carry)
{
	for (int i = 0; i < count; i++)
	{
		double		total = sum[i] + x[i],
					part = total - sum[i];

		carry[i] += (sum[i] - (total - part)) + (x[i] - part);
		sum[i] = total;
	}
}

#endif							/* ML_DESIGN_H */
