/*
 * load_columns.h - which columns of a source are loaded, and what part each has; for load.c.
 */
#ifndef ML_LOAD_COLUMNS_H
#define ML_LOAD_COLUMNS_H

#include "flow/load.h"

/* Chooses the columns of a source, once its result is described; raises what is wrong with those that are named. */
extern void ml_load_columns(MlLoad *load, TupleDesc desc);

#endif							/* ML_LOAD_COLUMNS_H */
