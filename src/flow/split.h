/*
 * split.h - reading the argument split of ml.train.
 */
#ifndef ML_SPLIT_H
#define ML_SPLIT_H

#include "flow/load.h"
#include "utils/jsonb.h"

/* Sets how load divides the rows; raises ERRCODE_INVALID_PARAMETER_VALUE. */
extern void ml_split_parse(Jsonb *json, MlLoad *load);

#endif							/* ML_SPLIT_H */
