/*
 * logit.h - what the two-class and the many-class fit share inside the maths room.
 *
 * Not for callers: they include logistic.h.
 */
#ifndef ML_LOGIT_H
#define ML_LOGIT_H

#include "math/design.h"
#include "math/logistic.h"
#include "math/newton.h"

/* A column is dependent when no more than this share of its squared length is its own. */
#define ML_ALIAS_TOLERANCE 1e-12

/*
 * While the classes separate, a Newton step moves the predictors of the rows
 * that still matter by about 1. Losses are measured on this scale, not by the
 * largest gain, which an outlier can make arbitrarily large. A direction may
 * lose this much before it is made exact, and that much after.
 */
#define ML_LOSS_MAX 1e-3
#define ML_LOSS_ROUNDING 1e-8

/* Room, on the same scale, by which every row must be right before all count as fitted. */
#define ML_MARGIN_ROOM 1e-10

/* The scale of gains whose largest is most. */
static inline double
ml_gain_scale(double most)
{
	return most < 1.0 ? most : 1.0;
}

/* The parts of a fit that do not depend on the number of classes. */
typedef struct MlLogit
{
	MlDesign	design;
	MlLogitOptions options;
	int			vectors;
	int			n;				/* vectors * terms */
	size_t		gram_width;		/* vectors * design.width */
	double	   *gram;			/* gram_width squared */
	double	   *hessian;		/* n x n: lower triangle, factored by solve */
	double	   *diagonal;		/* n: the Hessian's, while the lower triangle is factored */
	double	   *gradient;		/* n */
	double	   *padded;			/* gram_width: coefficients or a direction, padded to panels */
	double	   *sums;			/* gram_width: one slice's sums */
	double	   *total;			/* gram_width: running sums, and their carry */
	double	   *carry;
	double	   *steps;			/* 2 n: the Newton loop's */
	double	   *rhs;			/* n: for the separation test */
	double	   *exact;			/* n */
	unsigned char *flags;		/* n: coefficients that the factor leaves out */
	unsigned char *aliased;		/* terms: those that depend on others */
	bool		regular;		/* the last factorisation needed no help */
} MlLogit;

/* Workspace of the above but design, or 0 when too large; with_hessian: gram and hessian are needed. */
extern size_t ml_logit_size(int cols, bool intercept, int vectors, bool with_hessian);

/* Carves the workspace and sets up the fit; returns the first double after it. */
extern double *ml_logit_carve(MlLogit *l, const MlBlocks *blocks, const MlLogitOptions *options,
							  int vectors, bool with_hessian, double *work,
							  MlLogitFit *fit, const MlTick *tick);

/* Spreads n coefficients over padded. */
extern void ml_logit_pad(MlLogit *l, const double *beta);

/* Flags dependent terms in fit->aliased from X'WX (width x width, lower), and counts fit->rank. */
extern void ml_logit_alias(MlLogit *l, const double *gram, double *scratch, MlLogitFit *fit);

/* The penalty's part of a point: value, gradient (n). */
extern void ml_logit_penalise(const MlLogit *l, const double *beta, MlPoint *point);

/* gradient = total + carry without the padding; aliased entries 0. */
extern void ml_logit_gather(MlLogit *l);

/* direction = H^-1 gradient; keeps the factor. */
extern void ml_logit_solve(MlLogit *l, const double *gradient, double *direction);

/*
 * Given in hessian (lower triangle) the Gram matrix of rows that direction
 * should leave alone, replaces direction by one near it that does. The
 * Hessian's place is used up.
 */
extern void ml_logit_leave_alone(MlLogit *l, double *direction);

/* Fills the fit after the Newton loop; the covariance from the last factor when wanted. */
extern void ml_logit_finish(MlLogit *l, const MlPoint *point, const MlNewtonResult *result,
							bool covariance, MlLogitFit *fit);

/*
 * Weight, null log-likelihood and empty class from the classes' weights.
 * Anything but ML_OK ends the fit.
 */
extern MlStatus ml_logit_null(const MlLogit *l, int classes, const double *weight, MlLogitFit *fit);

#endif							/* ML_LOGIT_H */
