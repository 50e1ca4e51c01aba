/*
 * route.h - numbers of rows that depend on the features alone: which ones a canary scores, which ones are logged.
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

/* The keys alone, without the levels: for rows whose texts are given. */
extern MlRoute *ml_route_create_keys(const MlPipeline *pipeline);

/* The number of a row, from the cells at the pipeline's entrance. A canary scores the rows below its traffic. */
extern double ml_route_share(const MlRoute *route, const double *cells);

/* Another number of the row in [0, 1), which says nothing about the one above. The log has the rows below its fraction. */
extern double ml_route_log_share(const MlRoute *route, const double *cells);

/*
 * The key of a row is made of the values themselves, whatever levels training
 * saw: versions with the same inputs give a row the same key. These are the
 * parts of its sum, of cells that are no texts or missing and of texts.
 */
extern uint64 ml_route_cell(const MlRoute *route, int cell, double x);
extern uint64 ml_route_text_cell(const MlRoute *route, int cell, const char *text, int length);
extern uint64 ml_route_row_key(uint64 sum);

#endif							/* ML_ROUTE_H */
