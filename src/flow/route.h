/*
 * route.h - which rows a canary scores: a number in [0, 1) that depends on the features alone.
 */
#ifndef ML_ROUTE_H
#define ML_ROUTE_H

#include "transform/pipeline.h"

/* The hashes of a pipeline's inputs and levels. */
typedef struct MlRoute
{
	int			ncells;
	uint64	   *keys;			/* by cell */
	uint64	  **levels;			/* by cell: the hashes of a category's levels by code; NULL for a number */
} MlRoute;

/* What the numbers of a pipeline's rows are made with, in the current context. */
extern MlRoute *ml_route_create(const MlPipeline *pipeline);

/* The number of a row, from the cells at the pipeline's entrance. A canary scores the rows below its traffic. */
extern double ml_route_share(const MlRoute *route, const double *cells);

#endif							/* ML_ROUTE_H */
