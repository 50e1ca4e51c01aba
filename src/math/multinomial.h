/*
 * multinomial.h - the parts of the many-class fit, for multinomial.c and multinomial_cg.c.
 *
 * Not for callers: they include logistic.h.
 */
#ifndef ML_MULTINOMIAL_H
#define ML_MULTINOMIAL_H

#include "math/logit.h"

typedef struct MlMultinomial
{
	MlLogit		logit;
	int			classes;
	int			first;			/* class of vector 0: 1 with a reference class, else 0 */
	bool		dense;
	double		prior;			/* mean of share (1 - share) over the classes */

	/* classes x ML_PANEL_ROWS */
	double	   *eta;			/* linear predictors; class 0 is all zero with a reference class */
	double	   *p;				/* probabilities */
	double	   *q;				/* 1 - p, without cancellation */
	/* ML_PANEL_ROWS */
	double	   *row;			/* scratch */
	double	   *best;			/* the largest eta, then its class */
	double	   *share;			/* each class's weight share, classes */

	/* conjugate gradients only */
	double	   *metric;			/* terms x terms: factor of the preconditioner */
	double	   *residual;		/* n each */
	double	   *scaled;
	double	   *along;
	double	   *curved;
} MlMultinomial;

/* Fills eta of the slice for the coefficients (or direction) in logit.padded. */
extern void ml_multinomial_predict(MlMultinomial *m);

/* Turns eta of the slice into p and q; returns the slice's weighted log-likelihood. */
extern double ml_multinomial_softmax(MlMultinomial *m);

/* Prepares the preconditioner from X'WX (width x width, lower). */
extern void ml_multinomial_metric(MlMultinomial *m, const double *gram);

/* direction solves H direction = gradient at the last evaluated point, nearly. */
extern void ml_multinomial_cg(MlMultinomial *m, const double *beta, double weight,
							  const double *gradient, double *direction);

#endif							/* ML_MULTINOMIAL_H */
