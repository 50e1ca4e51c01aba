/*
 * learning_curve.c - the figures that a learner tells of its iterations.
 *
 * Which points are kept depends on their number alone: all up to a limit, then
 * every second, fourth, eighth step.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/learning_curve.h"
#include "utils/memutils.h"

typedef struct MlCurvePoint
{
	int			step;
	double		value;
} MlCurvePoint;

typedef struct MlLearningCurve
{
	const char *name;
	int			stride;			/* steps that are multiples of it are kept */
	int			n;
	MlCurvePoint points[ML_CURVE_POINTS_MAX];
	MlCurvePoint last;
} MlLearningCurve;

static MlLearningCurve *
ml_learning_curve_find(MlLearningCurves *curves, const char *name)
{
	MlLearningCurve *curve;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, curves->curves)
	{
		curve = lfirst(lc);
		if (strcmp(curve->name, name) == 0)
			return curve;
	}
	old = MemoryContextSwitchTo(curves->context);
	curve = palloc0(sizeof(MlLearningCurve));
	curve->name = name;
	curve->stride = 1;
	curves->curves = lappend(curves->curves, curve);
	MemoryContextSwitchTo(old);
	return curve;
}

/* Leaves the points whose steps are multiples of twice the stride. */
static void
ml_learning_curve_thin(MlLearningCurve *curve)
{
	int			n = 0;

	curve->stride *= 2;
	for (int i = 0; i < curve->n; i++)
		if (curve->points[i].step % curve->stride == 0)
			curve->points[n++] = curve->points[i];
	curve->n = n;
}

void
ml_learning_curve_add(void *ctx, const char *name, int step, double value)
{
	MlLearningCurve *curve = ml_learning_curve_find(ctx, name);

	curve->last.step = step;
	curve->last.value = value;
	if (step % curve->stride != 0)
		return;
	if (curve->n == ML_CURVE_POINTS_MAX)
		ml_learning_curve_thin(curve);
	if (step % curve->stride == 0)
		curve->points[curve->n++] = curve->last;
}

/* Whether the last point is not among those that were kept. */
static bool
ml_learning_curve_open(const MlLearningCurve *curve)
{
	return curve->n == 0 || curve->points[curve->n - 1].step != curve->last.step;
}

int
ml_learning_curve_points(const MlLearningCurves *curves)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, curves->curves)
	{
		const MlLearningCurve *curve = lfirst(lc);

		n += curve->n + (ml_learning_curve_open(curve) ? 1 : 0);
	}
	return n;
}

int
ml_learning_curve_metrics(const MlLearningCurves *curves, MlRunMetric *out)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, curves->curves)
	{
		const MlLearningCurve *curve = lfirst(lc);
		char	   *name = psprintf("fit.%s", curve->name);
		int			points = curve->n + (ml_learning_curve_open(curve) ? 1 : 0);

		for (int i = 0; i < points; i++)
		{
			const MlCurvePoint *point = i < curve->n ? &curve->points[i] : &curve->last;

			out[n].name = name;
			out[n].step = point->step;
			out[n++].value = point->value;
		}
	}
	return n;
}
