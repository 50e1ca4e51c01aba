/*
 * gram.h - exact, order-free accumulation of X'X.
 *
 * A state holds the sums over rows of x_i * x_j for every pair of columns as
 * exact integers, so the result is the same bits whatever the order of the
 * rows and however they were divided among states that are merged later.
 * Any finite float8 is taken exactly, denormals and 1e308 included.
 *
 * The state is one flat piece of memory without pointers, aligned to 8 bytes
 * and owned by the caller; it may be copied bytewise by ml_gram_move only or,
 * at the same size, by memcpy. Its size depends on the range of exponents
 * seen: when the room does not suffice, a routine adds nothing and returns
 * ML_NEED_SPACE; the caller gets ml_gram_need() bytes, calls ml_gram_move()
 * and repeats the call. The scratch is workspace only; nothing in it outlives
 * a call. The caller writes a column of ones where it wants an intercept, and
 * multiplies rows by the root of their weight.
 *
 * Method: error-free slicing of matrices into short digits (Ozaki, Ogita,
 * Oishi, Rump 2012, "Error-free transformations of matrix multiplication by
 * using fast routines of matrix multiplication and its applications"), here
 * with 23-bit digits, Karatsuba's trick on three digits (six products instead
 * of nine) and long integers for the sums.
 */
#ifndef ML_GRAM_H
#define ML_GRAM_H

#include "math/dd.h"
#include "math/math.h"

/* Rows a call of ml_gram_add takes at most; full blocks are fastest. */
#define ML_GRAM_BLOCK	256

typedef struct MlGram MlGram;

/* Bytes of a fresh state of cols columns; 0 when that is not addressable. */
extern size_t ml_gram_size(int cols);

/* Bytes of the scratch for cols columns; 0 when that is not addressable. */
extern size_t ml_gram_scratch_size(int cols);

/* Starts an empty state in size >= ml_gram_size(cols) bytes. */
extern MlStatus ml_gram_init(MlGram *g, size_t size, int cols);

/*
 * Adds rows <= ML_GRAM_BLOCK rows: x is row-major, row r begins at
 * x + r * stride. ML_NOT_FINITE on NaN or infinity, ML_NEED_SPACE when the
 * state must grow first (see above), ML_TOO_LARGE for too many rows; in all
 * three cases nothing was added.
 */
extern MlStatus ml_gram_add(MlGram *g, void *scratch, const double *x,
							size_t stride, int rows);

/* Adds the sums of src, of equally many columns, to dst; ML_NEED_SPACE as above. */
extern MlStatus ml_gram_merge(MlGram *dst, const MlGram *src);

/* Bytes the last call that returned ML_NEED_SPACE asks for; 0 when not addressable. */
extern size_t ml_gram_need(const MlGram *g);

/* Bytes in use. */
extern size_t ml_gram_bytes(const MlGram *g);

/* Moves src into size >= ml_gram_need(src) fresh bytes at dst, with the room asked for. */
extern MlStatus ml_gram_move(MlGram *dst, size_t size, const MlGram *src);

extern int	ml_gram_cols(const MlGram *g);
extern int64_t ml_gram_rows(const MlGram *g);

/*
 * Gives the exact sum of x_i * x_j times 2^shift, rounded to the nearest
 * float8 (hi), and what is left of it rounded again (lo). A function of the
 * exact sum only. Infinite when the scaled sum exceeds float8.
 */
extern MlDd ml_gram_entry(const MlGram *g, int i, int j, int shift);

/*
 * Gives e with sum x_j^2 in [4^(e-1), 4^e), 0 for a column of zeros: columns
 * divided by 2^e have entries of moderate size whatever the data.
 */
extern int	ml_gram_exponent(const MlGram *g, int j);

#endif							/* ML_GRAM_H */
