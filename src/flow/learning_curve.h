/*
 * learning_curve.h - the figures that a learner tells of its iterations, for ml.run_metrics.
 *
 * A curve has a bounded number of points: when there are more, every second
 * one goes, so that those left lie evenly, and the last one stays.
 */
#ifndef ML_LEARNING_CURVE_H
#define ML_LEARNING_CURVE_H

#include "nodes/pg_list.h"
#include "store/catalog.h"

/* Points of a curve, at most, without the last one. */
#define ML_CURVE_POINTS_MAX	1000

/* Curves (MlLearningCurve *) by name. */
typedef struct MlLearningCurves
{
	MemoryContext context;
	List	   *curves;
} MlLearningCurves;

/* What learners call (MlLearnInput.measured); ctx is an MlLearningCurves. */
extern void ml_learning_curve_add(void *ctx, const char *name, int step, double value);

/* How many points there are, and the points as metrics named "fit.<name>", with their steps. */
extern int	ml_learning_curve_points(const MlLearningCurves *curves);
extern int	ml_learning_curve_metrics(const MlLearningCurves *curves, MlRunMetric *out);

#endif							/* ML_LEARNING_CURVE_H */
