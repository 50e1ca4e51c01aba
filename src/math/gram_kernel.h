/*
 * gram_kernel.h - the inner loops of gram.c: cutting columns into digits, sums of digit products.
 *
 * Private to gram.c and its unit test. A value x of a column with scale
 * 2^(22 - top), |x| < 2^top, is cut as x * scale = d0 + d1 + d2 + rest with
 * d0 an integer, d1 a multiple of 2^-23, d2 of 2^-46 and each of them at most
 * 2^22 of its own units. (What is left may be cut the same way again.) Products of two columns follow from six channels:
 *
 *   d0, d1, d2, d0 + d1 * 2^23, d0 + d2 * 2^46, d1 + d2 * 2^23
 *
 * every channel value being at most 2^23 units, every product at most 2^46
 * units, so the sum of 32 of them is an integer of at most 2^51 units. It is
 * added up on top of 1.5 * 2^52 units: then all of it is exact and the bits of
 * the float8, read as an integer, are the sum plus a constant.
 */
#ifndef ML_GRAM_KERNEL_H
#define ML_GRAM_KERNEL_H

#include "math/gram.h"

#define ML_GRAM_DIGIT	23
#define ML_GRAM_TILE	4
#define ML_GRAM_TILE2	(ML_GRAM_TILE * ML_GRAM_TILE)
/* Terms a lane may add up before its sum leaves 51 bits. */
#define ML_GRAM_LANE_ROWS	32
/* Distance of columns in the scratch; off a power of two for the cache's sake. */
#define ML_GRAM_LD		(ML_GRAM_BLOCK + 8)

typedef enum MlGramChannel
{
	ML_GRAM_0,
	ML_GRAM_1,
	ML_GRAM_2,
	ML_GRAM_01,
	ML_GRAM_02,
	ML_GRAM_12,
	ML_GRAM_CHANNELS
} MlGramChannel;

typedef struct MlGramCut
{
	int			digits;			/* digits up to the last one that is not all zero */
	bool		over;			/* some |x| >= 2^top, or not finite */
	bool		spill;			/* some rest is not zero */
} MlGramCut;

/*
 * Sums of one block. Positions are columns in an order of the caller's;
 * channel[k][p] points to rows values; digits[t] is the most digits in use among
 * the columns of tile t. sums has ML_GRAM_CHANNELS planes of tiles * (tiles + 1) / 2 tiles of 4 x 4,
 * the upper triangle of tiles row by row.
 */
typedef struct MlGramJob
{
	int			cols;
	int			rows;			/* multiple of ML_LANES, padded with zeros */
	const double *const *channel[ML_GRAM_CHANNELS];
	const int  *digits;
	int64_t    *sums;
} MlGramJob;

static inline size_t
ml_gram_tiles(int cols)
{
	return ((size_t) cols + ML_GRAM_TILE - 1) / ML_GRAM_TILE;
}

extern void ml_gram_transpose(const double *x, size_t stride, int rows, int cols,
							  double *out);
extern MlGramCut ml_gram_cut(const double *x, int rows, double scale, double *out);
extern MlGramCut ml_gram_cut_one(const double *x, int rows, double scale, double *out);
extern void ml_gram_rest(const double *x, int rows, double scale, double *out);
extern bool ml_gram_lost(const double *x, int rows, double scale, double unscale);
extern void ml_gram_sweep(const MlGramJob *job);
extern void ml_gram_sweep_plain(const MlGramJob *job);
extern bool ml_gram_sweep_fma(const MlGramJob *job);
extern bool ml_gram_sweep_wide(const MlGramJob *job);

#endif							/* ML_GRAM_KERNEL_H */
