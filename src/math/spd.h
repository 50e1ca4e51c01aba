/*
 * spd.h - symmetric positive (semi)definite systems: factor, solve, invert, in a fixed order of operations.
 *
 * Matrices are row-major; element (i, j) is a[i * stride + j]. LAPACK is not
 * used: its results change with the BLAS that happens to be installed, and
 * what comes out of here is stored in models that must be reproducible.
 * The tick is called every few ten million operations.
 */
#ifndef ML_SPD_H
#define ML_SPD_H

#include "math/math.h"

/* The stride that the workspace of ml_spd_inverse needs for n columns. */
#define ML_SPD_STRIDE(n) (((size_t) (n) + 7) / 8 * 8)

/*
 * Cholesky factor A = L L' in column order, n x n, in place of the lower
 * triangle; the strict upper triangle is neither read nor written.
 *
 * A column whose pivot is not above tolerance times its diagonal depends on
 * the columns before it: its flag is set, its row and column of L are zero and
 * the factorisation goes on without it. Columns whose flag is set on entry
 * are left out likewise. Returns the number of columns that were newly
 * flagged.
 */
extern int	ml_spd_factor(int n, double *a, size_t stride, double tolerance,
						  unsigned char *flags, const MlTick *tick);

/* Solves L L' x = b in place; the entries of flagged columns become 0. */
extern void ml_spd_solve(int n, const double *l, size_t stride,
						 const unsigned char *flags, double *b);

/*
 * Replaces the factor by the whole symmetric inverse; rows and columns of
 * flagged columns become 0. work has n * ML_SPD_STRIDE(n) doubles.
 */
extern void ml_spd_inverse(int n, double *a, size_t stride, const unsigned char *flags,
						   double *work, const MlTick *tick);

/* v' A v of the whole symmetric matrix A. */
extern double ml_spd_quadratic(int n, const double *a, size_t stride, const double *v);

#endif							/* ML_SPD_H */
