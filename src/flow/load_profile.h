/*
 * load_profile.h - what the training rows hold, seen as they are loaded.
 */
#ifndef ML_LOAD_PROFILE_H
#define ML_LOAD_PROFILE_H

#include "base/distinct.h"
#include "base/histogram.h"
#include "flow/load.h"
#include "transform/pipeline.h"

/* What is known of one cell of the rows. */
typedef struct MlCellProfile
{
	int64		nulls;
	MlHistogram *histogram;		/* of a column of numbers */
	MlDistinct *distinct;		/* of the same */
	double		center;			/* of the same: its first number, and the sums of (x - center) and their squares */
	double		sum;
	double		squares;
	bool		text;			/* the cell is a code */
	int64	   *codes;			/* rows of each */
	int			capacity;
	double		min;			/* of what is neither */
	double		max;
} MlCellProfile;

typedef struct MlLoadProfile MlLoadProfile;

/* Makes one for the cells of a load, once they are laid out; in the load's context. */
extern MlLoadProfile *ml_load_profile_create(const MlLoad *load);

/* Adds the cells of one training row, all of them. */
extern void ml_load_profile_row(MlLoadProfile *profile, const double *cells);

/* Adds rows of n cells each, from a cell of the load on. */
extern void ml_load_profile_block(MlLoadProfile *profile, int first_cell, int n, int rows, const double *x, Size stride);

/* What was added and not counted yet is. */
extern void ml_load_profile_finish(MlLoadProfile *profile);

/* What is known of a cell, and the number of rows. */
extern const MlCellProfile *ml_load_profile_cell(const MlLoadProfile *profile, int cell);
extern int64 ml_load_profile_rows(const MlLoadProfile *profile);

/* The least and greatest number of a cell. */
extern void ml_load_profile_bounds(const MlLoadProfile *profile, int cell, double *min, double *max);

/*
 * Mean and sample standard deviation of a cell of numbers, as texts to twelve
 * digits: those behind depend on the order of the rows. False where there are
 * no numbers, or the sum of their squares is beyond the range.
 */
extern bool ml_load_profile_moments(const MlLoadProfile *profile, int cell, char **mean, char **stddev);

/* The checks (MlCheck *) that come of it, of the inputs of a pipeline and the target; palloc'd. */
extern List *ml_load_profile_checks(const MlLoad *load, const MlPipeline *pipeline);

#endif							/* ML_LOAD_PROFILE_H */
