/*
 * ldl.h - factorisation of a symmetric positive semidefinite matrix in double-double.
 *
 * G = U' D U with U unit upper triangular, columns eliminated in their order;
 * a column that depends on those before it is dropped. All storage is the
 * caller's: hi and lo are ld rows of ld = ml_ldl_ld(n) values, aligned to 64
 * bytes; the upper triangle and zeros around it go in, and row k of D U comes
 * out in row k, its part right of the diagonal included. Source: Golub and Van Loan, Matrix Computations,
 * 4th ed., section 4.1; panels as in section 4.2.
 */
#ifndef ML_LDL_H
#define ML_LDL_H

#include "math/dd.h"
#include "math/math.h"

typedef struct MlLdl
{
	int			n;
	int			pivots;			/* columns to eliminate; the others are only reduced */
	size_t		ld;
	double	   *hi;
	double	   *lo;
	const double *norm;			/* pivots: root of each diagonal element as it went in */
	bool	   *dropped;		/* pivots: out */
	double	   *work;			/* 2 * ML_LANES * ld, aligned to 64 bytes */
} MlLdl;

/* Multiples of the unit roundoff of float8 that count as rounding of the data. */
#define ML_LDL_NOISE	16.0

static inline size_t
ml_ldl_ld(int n)
{
	return ((size_t) n + ML_LANES - 1) / ML_LANES * ML_LANES;
}

static inline MlDd
ml_ldl_get(const MlLdl *f, int i, int j)
{
	MlDd		r = {f->hi[i * f->ld + j], f->lo[i * f->ld + j]};

	return r;
}

/* Factorises in place. */
extern void ml_ldl_factor(MlLdl *f, const MlTick *tick);

/* Gives |w| . norm for the combination w of kept columns before j nearest to column j. */
extern double ml_ldl_reach(const MlLdl *f, int j);

/* Solves for the coefficients of column j >= pivots on the kept columns; 0 for dropped ones. */
extern void ml_ldl_solve(const MlLdl *f, int j, MlDd *b, const MlTick *tick);

/* Writes the diagonal of the inverse of the kept part; 0 for dropped columns. */
extern void ml_ldl_inverse_diagonal(const MlLdl *f, double *diagonal, const MlTick *tick);

/*
 * Estimates the ratio of the largest to the smallest eigenvalue of the kept
 * part scaled to a diagonal of ones; 1 when nothing is kept. v has 2 * pivots.
 */
extern double ml_ldl_condition(const MlLdl *f, double *v, const MlTick *tick);

#endif							/* ML_LDL_H */
