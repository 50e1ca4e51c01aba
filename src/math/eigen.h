/*
 * eigen.h - eigenvalues and eigenvectors of a symmetric matrix, in a fixed order of operations.
 *
 * Method: Householder tridiagonalisation and the implicit QL iteration (Bowdler,
 * Martin, Reinsch, Wilkinson 1968, Handbook for Automatic Computation II/3 and
 * II/4), about 9 n^3 operations. LAPACK is not used, for the reason that spd.h
 * gives. Storage is the caller's.
 */
#ifndef ML_EIGEN_H
#define ML_EIGEN_H

#include "math/math.h"

/*
 * a is n x n, row-major, whole; its entries are of moderate size. On return
 * row k of a is the eigenvector, of length 1, of values[k]; values descend.
 * work has n numbers. Returns ML_NOT_FINITE for a matrix with NaN or infinity,
 * and ML_NOT_CONVERGED if an eigenvalue does not settle.
 */
extern MlStatus ml_eigen_symmetric(int n, double *a, double *values, double *work, const MlTick *tick);

#endif							/* ML_EIGEN_H */
