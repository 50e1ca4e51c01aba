/*
 * load_profile.h - what the training rows hold, seen as they are loaded.
 */
#ifndef ML_LOAD_PROFILE_H
#define ML_LOAD_PROFILE_H

#include "flow/load.h"
#include "transform/pipeline.h"

typedef struct MlLoadProfile MlLoadProfile;

/* Makes one for the cells of a load, once they are laid out; in the load's context. */
extern MlLoadProfile *ml_load_profile_create(const MlLoad *load);

/* Adds the cells of one training row, all of them. */
extern void ml_load_profile_row(MlLoadProfile *profile, const double *cells);

/* Adds rows of n cells each, from a cell of the load on. */
extern void ml_load_profile_block(MlLoadProfile *profile, int first_cell, int n, int rows, const double *x, Size stride);

/* What was added and not counted yet is. */
extern void ml_load_profile_finish(MlLoadProfile *profile);

/* The least and greatest number of a cell. */
extern void ml_load_profile_bounds(const MlLoadProfile *profile, int cell, double *min, double *max);

/* The checks (MlCheck *) that come of it, of the inputs of a pipeline and the target; palloc'd. */
extern List *ml_load_profile_checks(const MlLoad *load, const MlPipeline *pipeline);

#endif							/* ML_LOAD_PROFILE_H */
