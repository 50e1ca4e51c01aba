/*
 * newton.c - the Newton loop: step, step control, the test for convergence and the one for separation.
 *
 * No state outside the caller's structures.
 */
#include <string.h>

#include "math/newton.h"

/* Steps in the quadratic phase shrink the decrement far faster than this. */
#define ML_LINEAR_RATE 0.05

/* Below this many steps a slow rate means nothing yet. */
#define ML_SETTLE_STEPS 5

/* A decrement (relative to weight) this small that no longer shrinks is rounding. */
#define ML_ROUNDING_FLOOR 1e-14

#define ML_HALVINGS_MAX 60

/* Brings point, and what solve leaves behind for the caller, back to beta. */
static void
ml_newton_restore(const MlNewtonTask *task, const double *beta, MlPoint *point,
				  double *direction, MlNewtonResult *result)
{
	task->evaluate(task->ctx, beta, point);
	task->solve(task->ctx, point->gradient, direction);
	result->evaluations++;
}

/*
 * Moves beta along direction by the first of step, step/2, step/4 ... that
 * gives the objective its due (Armijo); leaves beta and point as they were,
 * and returns false, when none does.
 */
static bool
ml_newton_advance(const MlNewtonTask *task, double *beta, const double *direction,
				  double step, double decrement, double *trial, MlPoint *point,
				  MlNewtonResult *result)
{
	double		before = point->value,
				slack = 1e-14 * (before < 0.0 ? -before : before);

	for (int i = 0; i < ML_HALVINGS_MAX; i++)
	{
		for (int j = 0; j < task->n; j++)
			trial[j] = beta[j] + step * direction[j];
		task->evaluate(task->ctx, trial, point);
		result->evaluations++;
		if (point->value >= before + 1e-4 * step * decrement - slack &&
			point->value < (double) __builtin_inf())
		{
			memcpy(beta, trial, (size_t) task->n * sizeof(double));
			return true;
		}
		step *= 0.5;
	}
	ml_newton_restore(task, beta, point, trial, result);
	return false;
}

/*
 * The first step from the null model is least squares on the labels with the
 * given R squared; discriminant analysis, often nearer the maximum, is the
 * same direction taken 1 / (1 - R squared) times as far.
 */
static double
ml_newton_stretch(double explained)
{
	return explained < 0.75 ? 1.0 / (1.0 - explained) : 4.0;
}

MlStatus
ml_newton(const MlNewtonTask *task, double *beta, MlPoint *point,
		  double *work, MlNewtonResult *result)
{
	double	   *direction = work,
			   *trial = work + task->n,
				previous = 0.0;

	memset(result, 0, sizeof(*result));
	if (!(point->value - point->value == 0.0))
		return ML_NOT_FINITE;

	for (;;)
	{
		double		decrement = 0.0,
					step = 1.0;
		bool		slow,
					small,
					rounding;

		task->solve(task->ctx, point->gradient, direction);
		for (int j = 0; j < task->n; j++)
			decrement += point->gradient[j] * direction[j];
		if (!(decrement - decrement == 0.0))
			return ML_NOT_FINITE;

		small = decrement <= task->tolerance * task->weight;
		slow = result->iterations >= ML_SETTLE_STEPS && decrement > ML_LINEAR_RATE * previous;
		rounding = slow && decrement <= ML_ROUNDING_FLOOR * task->weight && decrement > 0.25 * previous;

		/* where the maximum is at infinity, steps keep their length while the gain dies away */
		if (slow && task->may_separate && task->separates(task->ctx, direction))
		{
			result->separated = true;
			return ML_NOT_CONVERGED;
		}
		if (small || rounding)
		{
			/* the test may have used the space of what solve left behind */
			if (slow && task->may_separate)
				ml_newton_restore(task, beta, point, direction, result);
			for (int j = 0; j < task->n; j++)
				beta[j] += direction[j];
			result->converged = true;
			return ML_OK;
		}
		if (result->iterations >= task->max_iterations)
		{
			if (slow && task->may_separate)
				ml_newton_restore(task, beta, point, direction, result);
			return ML_NOT_CONVERGED;
		}

		if (task->stretch && result->iterations == 0)
			step = ml_newton_stretch(decrement / task->weight);
		if (!ml_newton_advance(task, beta, direction, step, decrement, trial, point, result))
		{
			/* no step helps: either at the top already, or rounding hides the way */
			result->converged = decrement <= ML_ROUNDING_FLOOR * task->weight;
			return result->converged ? ML_OK : ML_NOT_CONVERGED;
		}
		result->iterations++;
		previous = decrement;

		if (task->may_separate && point->fits_all)
		{
			result->separated = true;
			return ML_NOT_CONVERGED;
		}
	}
}
