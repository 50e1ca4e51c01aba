/*
 * frame.h - rows of cells, read back in canonical order as often as needed.
 *
 * Rows are kept row-major (a row is filled in one go by the receiver and read
 * in one go by the pipeline) in chunks of some megabytes. Beyond the budget
 * all rows go through the server's external sort and are read from its
 * temporary files. Canonical order is the order of the rows' keys, a hash of
 * their content: it does not depend on the order in which they came. Rows
 * with equal keys are equal, so their order does not matter.
 */
#ifndef ML_FRAME_H
#define ML_FRAME_H

#include "math/math.h"
#include "utils/resowner.h"

/* Memory shared by the frames of one training. */
typedef struct MlBudget
{
	Size		limit;			/* bytes */
	Size		used;
	ResourceOwner owner;		/* of the frames' temporary files; NULL: whoever is current when they are made */
} MlBudget;

typedef struct MlFrame MlFrame;

/* A frame of rows of ncells cells, in the current memory context. */
extern MlFrame *ml_frame_create(int ncells, MlBudget *budget);

/*
 * A frame whose rows are not kept in memory but in a temporary file, for
 * learners that read columns: rows are read in the order in which they came,
 * columns in canonical order. Nothing is counted against the budget.
 */
extern MlFrame *ml_frame_create_filed(int ncells, MlBudget *budget);

/* Room for the cells of one more row; it counts only once it is committed. */
extern double *ml_frame_row(MlFrame *frame);
extern void ml_frame_commit(MlFrame *frame, uint64 key);

/* Ends the writing and establishes canonical order. */
extern void ml_frame_finish(MlFrame *frame);

extern int64 ml_frame_count(const MlFrame *frame);

/* Whether the rows went to temporary files. */
extern bool ml_frame_spilled(const MlFrame *frame);

/*
 * Reading: rewind, then read up to ML_BLOCK_ROWS row pointers at a time; 0 at
 * the end. The rows stay valid until the next read or rewind.
 */
extern void ml_frame_rewind(MlFrame *frame);
extern int	ml_frame_read(MlFrame *frame, const double **rows);

/*
 * Rewrites every row in its place as one of ncells cells, which must not be
 * more than before; row and out do not overlap. Returns false, and leaves the rows alone, when they are
 * in temporary files.
 */
extern bool ml_frame_rewrite(MlFrame *frame, int ncells,
							 void (*rewrite) (void *ctx, const double *row, double *out), void *ctx);

/* Numbers from one row to the next where the rows of a block lie behind each other, else 0. */
extern Size ml_frame_stride(const MlFrame *frame);

/* All values of one cell in canonical order, of a frame made by ml_frame_create_filed. */
extern void ml_frame_column(MlFrame *frame, int cell, double *out);

extern void ml_frame_free(MlFrame *frame);

#endif							/* ML_FRAME_H */
