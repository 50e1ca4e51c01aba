/*
 * split.h - reading the argument split of ml.train.
 */
#ifndef ML_SPLIT_H
#define ML_SPLIT_H

#include "flow/load.h"
#include "utils/jsonb.h"

/* Share of the rows that are held out where nothing else is asked for. */
#define ML_SPLIT_TEST	0.2

/* Sets how load divides the rows; raises ERRCODE_INVALID_PARAMETER_VALUE. */
extern void ml_split_parse(Jsonb *json, MlLoad *load);

#endif							/* ML_SPLIT_H */
