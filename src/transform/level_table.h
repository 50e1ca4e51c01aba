/*
 * level_table.h - what steps share that put numbers in the place of categories: a table of numbers by level.
 *
 * A cell of a category is the code of a level, a missing value, or a text that
 * training did not see (ML_UNSEEN_BITS). The table has a row of numbers for
 * each level, then one for each of the other two.
 */
#ifndef ML_LEVEL_TABLE_H
#define ML_LEVEL_TABLE_H

#include <math.h>

#include "base/cell.h"
#include "transform/transform.h"

typedef struct MlLevelTable
{
	int			ncols;
	int			width;			/* numbers in the place of a category */
	bool	   *treated;
	int		   *nlevels;
	double	  **values;			/* per treated column: (nlevels + 2) x width */
} MlLevelTable;

/* The row of the table that a cell has. */
static inline int
ml_level_row(double cell, int nlevels)
{
	if (unlikely(isnan(cell)))
		return ml_cell_bits(cell) == ML_UNSEEN_BITS ? nlevels + 1 : nlevels;
	return (int) cell;
}

/* Training rows by level, then those that miss the value: one array per treated column, palloc'd. */
extern int64 **ml_level_counts(const MlFitContext *ctx, const bool *treated);

/* A table of zeros. */
extern void ml_level_table_init(MlLevelTable *table, const MlShape *in, const bool *treated, int width);

/* The shape that comes out: a column of the same name, or with classes one called "column=class" for each. */
extern void ml_level_table_shape(const MlLevelTable *table, const MlShape *in, char **classes, MlShape *out);

/* One row, by the values given in place of the table's: one array per treated column. */
extern void ml_level_table_apply(const MlLevelTable *table, double *const *values, const double *in, double *out);

/* Payload: u32 columns, u32 width; per column u8 treated, then (levels + 2) x width numbers as f64, NULL's bits for none. */
extern void ml_level_table_write(const MlLevelTable *table, StringInfo out);
extern void ml_level_table_read(MlLevelTable *table, MlReader *r, const MlShape *in, int width);

/* Appends how many levels a column has. */
extern void ml_level_table_words(const MlLevelTable *table, int column, StringInfo out);

/* Appends "column": {"level": number or [numbers], ...} for each treated column, as a JSON object. */
extern void ml_level_table_describe(const MlLevelTable *table, const MlShape *in, StringInfo out);

#endif							/* ML_LEVEL_TABLE_H */
