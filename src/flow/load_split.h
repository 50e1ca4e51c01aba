/*
 * load_split.h - which rows of a source are held out, and what folds are made by; for load.c.
 */
#ifndef ML_LOAD_SPLIT_H
#define ML_LOAD_SPLIT_H

#include "flow/load.h"

/* What the split column is called in messages, and the types it may have. */
extern const char *ml_load_split_word(const MlLoad *load);
extern const char *ml_load_split_wanted(const MlLoad *load);

/* Whether a column can be the split's; an integer one that gives the folds settles that it does. */
extern bool ml_load_split_fits(MlLoad *load, const MlConvert *convert);

/* Adds the cell that folds are made by, behind all others, where there is need of it. */
extern void ml_load_split_layout(MlLoad *load);

/* Whether all rows have to be looked at before any can be held out. */
extern bool ml_load_split_counts(const MlLoad *load);

/* Looks at a row before any is held out; then finds the cut. */
extern void ml_load_split_count(MlLoad *load, const TupleTableSlot *slot);
extern void ml_load_split_cut(MlLoad *load);

/* Takes in the split column's value of a row. */
extern void ml_load_split_value(MlLoad *load, MlLoadColumn *column, Datum value);

/* Whether the row, whose key comes of its content and the seed, is held out. */
extern bool ml_load_split_held_out(const MlLoad *load, uint64 key);

/* Notes where the cut is. */
extern void ml_load_split_note(const MlLoad *load);

/* ---- load.c ---- */

/* Raises the error of a row that misses the value of a column that must have one. */
extern void ml_load_missing(MlLoad *load, const MlLoadColumn *column);

#endif							/* ML_LOAD_SPLIT_H */
