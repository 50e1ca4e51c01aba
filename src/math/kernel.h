/*
 * kernel.h - the innermost loops, compiled once per vector width and picked at run time.
 *
 * All widths give the same bits: what is summed is summed in an order that
 * the width does not change. The loops are written for a width each (rather
 * than compiled from one text by function multiversioning) because a compiler
 * keeps vectors wider than the processor's in memory.
 *
 * Panels. Design rows are repacked, at most ML_PANEL_ROWS at a time, into
 * panels of eight columns: element (row r, column c) sits at
 *
 *		x[(c / 8) * ML_PANEL_SIZE + r * 8 + c % 8]
 *
 * so that a row's eight values are one cache line and long rows do not fall
 * on each other in the cache. Columns past the last are zero.
 */
#ifndef ML_KERNEL_H
#define ML_KERNEL_H

#include <stddef.h>

#define ML_PANEL_ROWS	128
#define ML_PANEL_SIZE	(ML_PANEL_ROWS * 8)

typedef struct MlKernels
{
	const char *name;

	/* elementwise functions of elementary.h */
	void		(*exp) (int count, const double *x, double *out);
	void		(*log) (int count, const double *x, double *out);
	void		(*log1p_exp) (int count, const double *x, double *out);
	void		(*sigmoid) (int count, const double *x, double *out);

	/*
	 * Per row of a two-class model, with y of 0 or 1 and w a weight: residual
	 * = w (y - p), curvature = w p (1 - p), likelihood = w log P(y), where
	 * p = sigmoid(eta), each without cancellation. Arrays are padded to a
	 * multiple of eight.
	 */
	void		(*logit_rows) (int rows, const double *eta, const double *y, const double *w,
							   double *residual, double *curvature, double *likelihood);

	/* eta[r] = sum over columns of x(r, c) b[c], in eight lanes */
	void		(*dots) (int rows, int panels, const double *x, const double *b, double *eta);

	/* wx(r, c) = w[r] x(r, c) */
	void		(*scale) (int rows, int panels, const double *x, const double *w, double *wx);

	/* g[c] += sum over rows of t[r] x(r, c), row by row */
	void		(*accumulate) (int rows, int panels, const double *x, const double *t, double *g);

	/*
	 * g[i * stride + j] += sum over rows of wx(r, i) x(r, j), row by row, for
	 * the 8 x 8 tiles on or below the diagonal whose i is in panels first ..
	 * last - 1.
	 */
	void		(*gram) (int rows, int first, int last, const double *wx, const double *x,
						 double *g, size_t stride);

	/*
	 * c = {a0.b0, a0.b1, a1.b0, a1.b1} where a0, a1 (b0, b1) are rows of
	 * length (a multiple of eight); each dot in eight lanes.
	 */
	void		(*dots_2x2) (int length, const double *a0, const double *a1,
							 const double *b0, const double *b1, double *c);
} MlKernels;

/* The widest set that this processor can run. */
extern const MlKernels *ml_kernels(void);

/* The i-th set that this processor can run, narrowest first; NULL past the last. */
extern const MlKernels *ml_kernels_variant(int i);

#endif							/* ML_KERNEL_H */
