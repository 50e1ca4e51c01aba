/*
 * pipeline_internal.h - what the files of the pipeline share.
 */
#ifndef ML_PIPELINE_INTERNAL_H
#define ML_PIPELINE_INTERNAL_H

#include "transform/pipeline.h"

#define ML_STEPS_MAX	100

/*
 * Marks the columns that a step treats: those it names, or all of its kind.
 * Raises ERRCODE_UNDEFINED_COLUMN for a name that does not reach it, and
 * ERRCODE_WRONG_OBJECT_TYPE for a column of another kind.
 */
extern bool *ml_pipeline_select(const MlPipeline *p, const MlStepSpec *spec);

#endif							/* ML_PIPELINE_INTERNAL_H */
