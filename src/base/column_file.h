/*
 * column_file.h - rows of cells that are kept column by column, mostly in a temporary file.
 *
 * What reads a column at a time, in canonical order, needs a row's eight
 * bytes only once: they do not have to stay in memory. Rows are written one
 * at a time and gathered into blocks that are stored column by column; the
 * first blocks stay in memory, so small tables need no file.
 */
#ifndef ML_COLUMN_FILE_H
#define ML_COLUMN_FILE_H

#include "utils/resowner.h"

typedef struct MlColumnFile MlColumnFile;

/*
 * An empty file of rows of ncells cells; block_bytes bounds the rows that are
 * gathered. A temporary file will belong to the owner, or to the one that is
 * current when it is made (NULL).
 */
extern MlColumnFile *ml_column_file_create(int ncells, Size block_bytes, ResourceOwner owner);

/* Room for the cells of one more row; it counts only once it is committed. */
extern double *ml_column_file_row(MlColumnFile *file);
extern void ml_column_file_commit(MlColumnFile *file, uint64 key);

/* Ends the writing and finds every row's place in canonical order. */
extern void ml_column_file_finish(MlColumnFile *file);

/*
 * Row pointers of rows from first on, in the order in which they came, up to
 * max of them; valid until the next call. Raises on a file that is short.
 */
extern int	ml_column_file_read(MlColumnFile *file, int64 first, int max, const double **rows);

/* All values of one cell, in canonical order. */
extern void ml_column_file_column(MlColumnFile *file, int cell, double *out);

extern void ml_column_file_free(MlColumnFile *file);

#endif							/* ML_COLUMN_FILE_H */
