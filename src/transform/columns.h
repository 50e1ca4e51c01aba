/*
 * columns.h - what transforms that treat columns one by one share.
 */
#ifndef ML_COLUMNS_H
#define ML_COLUMNS_H

#include "transform/transform.h"

/* The columns as they came, which may be as many as extra more than those. */
extern void ml_columns_copy(const MlShape *in, int extra, MlShape *out);

/* A cell's unit after an affine change: what came in is center + scale * what comes out. */
extern void ml_columns_scaled(MlColumn *column, double center, double scale);

/* A column whose cells have no linear way back to the source: its unit is its own. */
extern void ml_columns_bent(MlColumn *column);

/* Payload: u32 columns, u8 treated per column. Reading raises for columns that do not fit, or are of another kind. */
extern void ml_columns_write(const bool *treated, int ncols, StringInfo out);
extern bool *ml_columns_read(MlReader *r, const MlShape *in, MlTakes takes);

/* A copy of what a step is asked to treat, and how many that are. */
extern bool *ml_columns_treated(const MlFitContext *ctx);
extern int	ml_columns_count(const bool *treated, int ncols);

/* A zeroed array of one number per column. */
extern double *ml_columns_numbers(int ncols);

/* Appends {"column": {...}, ...} of the columns treated; learned appends the members of one. */
extern void ml_columns_describe(const void *state, const MlShape *in, const bool *treated,
								void (*learned) (const void *state, int column, StringInfo out), StringInfo out);

/* Appends "name": number. */
extern void ml_columns_member(StringInfo out, const char *name, double value);

/* Appends an array of numbers. */
extern void ml_columns_array(StringInfo out, const double *values, int n);

/* Smallest and largest training values of the columns treated; 0 and 0 where there is none. */
extern void ml_columns_range(MlRowSource *rows, int ncols, const bool *treated, double *low, double *high);

/* Raises ERRCODE_INVALID_PARAMETER_VALUE for training values that a function is not defined for. */
extern ML_NORETURN void ml_columns_outside(const char *step, const char *column, double value, const char *domain);

#endif							/* ML_COLUMNS_H */
