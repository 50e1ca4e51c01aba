/*
 * logistic.h - logistic regression by maximum likelihood, two classes and many.
 *
 * Workspace is the caller's (ask for its size first); the blocks' callbacks
 * and the tick may jump out. The source is read once an iteration, always from
 * the start. The same blocks give the same bits on every processor.
 *
 * The caller standardises the columns where they are on different scales: the
 * penalty is in the scale of the columns as given, and dependent columns are
 * told by a relative tolerance that large offsets use up.
 */
#ifndef ML_LOGISTIC_H
#define ML_LOGISTIC_H

#include "math/math.h"

#define ML_LOGIT_ITERATIONS_DEFAULT 100
#define ML_LOGIT_TOLERANCE_DEFAULT 1e-20
#define ML_LOGIT_DENSE_DEFAULT 2000

typedef struct MlLogitOptions
{
	bool		intercept;
	double		l2;				/* penalty l2/2 * sum of squares, the intercept left out; >= 0 */
	int			max_iterations;
	/*
	 * Mean squared change of the linear predictor, in units of its own
	 * standard deviation, below which a step is the last one.
	 */
	double		tolerance;
	/*
	 * Many classes only: up to this many coefficients the whole Hessian is
	 * factored, beyond it Newton's equation is solved by conjugate gradients
	 * and there is no covariance.
	 */
	int			dense_max;
} MlLogitOptions;

/*
 * A fitted model. Term 0 is the intercept when there is one; the others are
 * the columns in order. Two classes: one vector, for class 1 against class 0.
 * Many classes without penalty: vectors = classes - 1, vector v for class v + 1
 * against class 0. With penalty: one vector a class, which sum to zero for
 * every term (softmax over all classes, as unique as the penalty makes it).
 * All pointers are into the caller's workspace.
 */
typedef struct MlLogitFit
{
	int			vectors;
	int			terms;
	bool		intercept;
	double	   *coef;			/* vectors x terms; 0 where aliased */
	unsigned char *aliased;		/* terms: depends on the terms before it (l2 = 0 only) */
	int			rank;			/* terms that are not aliased */

	/*
	 * The inverse Hessian, (vectors * terms) squared, index vector * terms +
	 * term, zero where aliased; with a penalty the penalty is in the Hessian.
	 * NULL when there is none: separated, many classes with penalty (the
	 * coefficients of a class alone are then not identified by the data), or
	 * more than dense_max coefficients.
	 */
	double	   *covariance;

	double		weight;			/* total weight of the rows */
	double		log_likelihood;
	double		null_log_likelihood;	/* intercept only, or all zero without one */
	int			iterations;		/* Newton steps taken */
	int			evaluations;	/* passes over the rows, the separation test left out */
	bool		converged;

	/*
	 * The maximum does not exist: some direction improves some rows and
	 * worsens none (Albert and Anderson, Biometrika 71, 1984). Refit with a
	 * penalty. The coefficients are those where the climb was given up.
	 */
	bool		separated;

	/* first class without any weight while there is an intercept (no penalty helps), or -1 */
	int			empty_class;
} MlLogitFit;

/*
 * Workspace in doubles for two classes. ML_TOO_LARGE when it can't be
 * addressed.
 */
extern MlStatus ml_logistic_size(int cols, bool intercept, size_t *doubles);

/*
 * Fits P(y = 1) = sigmoid(b0 + x b), y of 0 and 1, by Newton's method, which
 * is iteratively reweighted least squares (McCullagh and Nelder 1989, 2.5).
 * ML_OK: converged. ML_NOT_CONVERGED: fit->separated, fit->empty_class and
 * fit->converged say why. ML_SINGULAR: no weight, or no term that varies
 * without an intercept. ML_NOT_FINITE: a label that is no class or a number
 * that is none.
 */
extern MlStatus ml_logistic_fit(const MlBlocks *blocks, const MlLogitOptions *options,
								double *work, size_t work_doubles,
								MlLogitFit *fit, const MlTick *tick);

/* The same for classes >= 2, y being the class index 0 .. classes - 1. */
extern MlStatus ml_multinomial_size(int cols, int classes, const MlLogitOptions *options,
									size_t *doubles);
extern MlStatus ml_multinomial_fit(const MlBlocks *blocks, int classes, const MlLogitOptions *options,
								   double *work, size_t work_doubles,
								   MlLogitFit *fit, const MlTick *tick);

/* Standard error of one coefficient; NaN when aliased or without covariance. */
extern double ml_logit_std_error(const MlLogitFit *fit, int vector, int term);

/* Standard error of sum_t a[t] coef[vector][t], a having one entry a term; NaN without covariance. */
extern double ml_logit_combination_error(const MlLogitFit *fit, int vector, const double *a);

/*
 * Coefficients and standard errors of one vector in raw units, where column j
 * was given as (raw - center[j]) / scale[j]. coef and std_error have one entry
 * a term; scratch too. Aliased terms get 0 and NaN; without an intercept,
 * center must be all zero.
 */
extern void ml_logit_raw(const MlLogitFit *fit, int vector, const double *center, const double *scale,
						 double *coef, double *std_error, double *scratch);

#endif							/* ML_LOGISTIC_H */
