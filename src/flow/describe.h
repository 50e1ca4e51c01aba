/*
 * describe.h - what a version tells about itself.
 */
#ifndef ML_DESCRIBE_H
#define ML_DESCRIBE_H

#include "learn/learner.h"
#include "utils/jsonb.h"

typedef struct MlTerm
{
	const char *term;			/* intercept, column, column=level; of many classes behind "class:" */
	MlCoefficient coefficient;
} MlTerm;

/* The terms of a linear model; needs the privilege read. Raises an error for a learner without. */
extern int	ml_describe_terms(const char *ref, MlTerm **terms);

/* The steps of a version's pipeline as ml.versions keeps them; needs the privilege read. */
extern Jsonb *ml_describe_pipeline(const char *ref);

/* The learner's figures; needs the privilege read. */
extern int	ml_describe_figures(const char *ref, MlFigure **figures);

#endif							/* ML_DESCRIBE_H */
