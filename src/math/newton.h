/*
 * newton.h - maximises a concave function by Newton steps with step control.
 *
 * Knows nothing of its objective but what the callbacks tell. Workspace is
 * the caller's; callbacks may jump out.
 */
#ifndef ML_NEWTON_H
#define ML_NEWTON_H

#include "math/math.h"

/* The objective at a point. */
typedef struct MlPoint
{
	double		value;			/* what is maximised: log-likelihood less penalty */
	double		likelihood;
	double	   *gradient;
	bool		fits_all;		/* every row's class is predicted with room to spare */
} MlPoint;

typedef struct MlNewtonTask
{
	int			n;
	double		weight;			/* total weight of the rows: the scale of value */
	bool		may_separate;	/* no penalty: the maximum may lie at infinity */
	bool		stretch;		/* lengthen the first step as discriminant analysis would */
	int			max_iterations;
	double		tolerance;

	void	   *ctx;
	/* fills point at beta, and whatever solve needs */
	void		(*evaluate) (void *ctx, const double *beta, MlPoint *point);
	/* direction = H^-1 gradient for the last evaluated point */
	void		(*solve) (void *ctx, const double *gradient, double *direction);
	/* does every row gain or stay along direction, and some row gain? */
	bool		(*separates) (void *ctx, const double *direction);
} MlNewtonTask;

typedef struct MlNewtonResult
{
	int			iterations;		/* steps */
	int			evaluations;
	bool		converged;
	bool		separated;
} MlNewtonResult;

/*
 * From beta, where point has been evaluated, climbs to the maximum. Converged
 * means that the last step, which is still taken, changes the linear
 * predictors by less than sqrt(tolerance) in the root mean square: gradient
 * H^-1 gradient <= tolerance * weight. work has 2 n doubles.
 */
extern MlStatus ml_newton(const MlNewtonTask *task, double *beta, MlPoint *point,
						  double *work, MlNewtonResult *result);

#endif							/* ML_NEWTON_H */
