/*
 * gram_kernel.c - the inner loops of the exact Gram accumulator: digits and sums of their products.
 *
 * Pure arithmetic on the caller's arrays, all of it exact, so every
 * instruction set gives the same sums. Columns are aligned to 64 bytes.
 */
#include "math/gram_kernel.h"

#include <string.h>

#if defined(__x86_64__) && !defined(ML_NO_CLONES)
#include <immintrin.h>
#define ML_GRAM_X86
#endif

#ifdef __clang__
#define ML_SHUFFLE(mask, a, b, ...)	__builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ML_SHUFFLE(mask, a, b, ...)	__builtin_shuffle(a, b, (mask) {__VA_ARGS__})
#endif

/* unsigned, because the bits of float8 that are added up wrap around */
typedef uint64_t MlGramInt8 __attribute__((vector_size(64)));
typedef double MlGramVec2 __attribute__((vector_size(16)));
typedef uint64_t MlGramInt2 __attribute__((vector_size(16)));
typedef double MlGramVec4 __attribute__((vector_size(32)));
typedef uint64_t MlGramInt4 __attribute__((vector_size(32)));

/* The lanes of two vectors for a step of an 8 x 8 transposition. */
#define ML_GRAM_LOWER1	0, 8, 2, 10, 4, 12, 6, 14
#define ML_GRAM_UPPER1	1, 9, 3, 11, 5, 13, 7, 15
#define ML_GRAM_LOWER2	0, 1, 8, 9, 4, 5, 12, 13
#define ML_GRAM_UPPER2	2, 3, 10, 11, 6, 7, 14, 15
#define ML_GRAM_LOWER4	0, 1, 2, 3, 8, 9, 10, 11
#define ML_GRAM_UPPER4	4, 5, 6, 7, 12, 13, 14, 15

/*
 * The bits of 1.5 * 2^52 + d, |d| < 2^22, exceed the first number by less than
 * 2^23; those of anything larger, and of NaN, do not.
 */
#define ML_GRAM_LEAST	(UINT64_C(0x4338000000000000) - (1 << 22))
#define ML_GRAM_BELOW	(UINT64_C(1) << 23)

/* 1.5 * 2^52 units of the channel's products. */
static const double ml_gram_magic[ML_GRAM_CHANNELS] = {
	0x1.8p52, 0x1.8p6, 0x1.8p-40, 0x1.8p52, 0x1.8p52, 0x1.8p6
};

/* Swaps lanes of two vectors: one step of an 8 x 8 transposition. */
#define ML_GRAM_SWAP(a, b, step) \
	do { \
		MlVec		a_ = (a), \
					b_ = (b); \
		(a) = ML_SHUFFLE(MlVecInt, a_, b_, ML_GRAM_LOWER ## step); \
		(b) = ML_SHUFFLE(MlVecInt, a_, b_, ML_GRAM_UPPER ## step); \
	} while (0)

/*
 * Copies rows x cols (at most ML_LANES) values into columns of ML_GRAM_LD,
 * padding rows with zeros to a multiple of ML_LANES.
 */
static ML_CLONES void
ml_gram_transpose_lanes(const double *x, size_t stride, int rows, int cols, double *out)
{
	int			padded = (rows + ML_LANES - 1) / ML_LANES * ML_LANES;
	int			r = 0;
	int			c;

	if (cols == ML_LANES)
		for (; r + ML_LANES <= rows; r += ML_LANES)
		{
			MlVec		v[ML_LANES];
			int			i;

#pragma GCC unroll 8
			for (i = 0; i < ML_LANES; i++)
				memcpy(&v[i], x + (r + i) * stride, sizeof(v[i]));
#pragma GCC unroll 8
			for (i = 0; i < ML_LANES; i += 2)
				ML_GRAM_SWAP(v[i], v[i + 1], 1);
#pragma GCC unroll 8
			for (i = 0; i < ML_LANES / 2; i++)
				ML_GRAM_SWAP(v[i + i / 2 * 2], v[i + i / 2 * 2 + 2], 2);
#pragma GCC unroll 8
			for (i = 0; i < ML_LANES / 2; i++)
				ML_GRAM_SWAP(v[i], v[i + 4], 4);
#pragma GCC unroll 8
			for (i = 0; i < ML_LANES; i++)
				*(MlVec *) (out + i * ML_GRAM_LD + r) = v[i];
		}
	for (; r < rows; r++)
		for (c = 0; c < cols; c++)
			out[c * ML_GRAM_LD + r] = x[r * stride + c];
	for (; r < padded; r++)
		for (c = 0; c < cols; c++)
			out[c * ML_GRAM_LD + r] = 0.0;
}

/* Tells whether any bit of a mask is set. */
static inline bool
ml_gram_any(const MlVecInt *mask)
{
	int64_t		any = 0;
	int			l;

	for (l = 0; l < ML_LANES; l++)
		any |= (*mask)[l];
	return any != 0;
}

/*
 * Cuts a column into the six channels, written to out at distances of
 * ML_GRAM_LD.
 */
static ML_CLONES MlGramCut
ml_gram_cut_lanes(const double *x, int rows, double scale, double *out)
{
	MlGramInt8	over = {0};
	MlVecInt	first = {0},
				second = {0},
				third = {0},
				spill = {0};
	MlGramCut	cut;
	int			r;

	for (r = 0; r < rows; r += ML_LANES)
	{
		MlVec		v = *(const MlVec *) (x + r) * scale;
		MlVec		t0 = v + 0x1.8p52;
		MlVec		d0 = t0 - 0x1.8p52;
		MlVec		r1 = v - d0;
		MlVec		d1 = (r1 + 0x1.8p29) - 0x1.8p29;
		MlVec		r2 = r1 - d1;
		MlVec		d2 = (r2 + 0x1.8p6) - 0x1.8p6;

		*(MlVec *) (out + ML_GRAM_0 * ML_GRAM_LD + r) = d0;
		*(MlVec *) (out + ML_GRAM_1 * ML_GRAM_LD + r) = d1;
		*(MlVec *) (out + ML_GRAM_2 * ML_GRAM_LD + r) = d2;
		*(MlVec *) (out + ML_GRAM_01 * ML_GRAM_LD + r) = d0 + d1 * 0x1p23;
		*(MlVec *) (out + ML_GRAM_02 * ML_GRAM_LD + r) = d0 + d2 * 0x1p46;
		*(MlVec *) (out + ML_GRAM_12 * ML_GRAM_LD + r) = d1 + d2 * 0x1p23;
		/* digits and rests are never -0, so their bits are zero with them */
		first |= (MlVecInt) d0;
		second |= (MlVecInt) d1;
		third |= (MlVecInt) d2;
		spill |= (MlVecInt) (r2 - d2);
		over |= (MlGramInt8) t0 - ML_GRAM_LEAST;
	}
	cut.digits = ml_gram_any(&third) ? 3 : ml_gram_any(&second) ? 2 : ml_gram_any(&first) ? 1 : 0;
	over /= ML_GRAM_BELOW;
	cut.over = ml_gram_any((const MlVecInt *) &over);
	cut.spill = ml_gram_any(&spill);
	return cut;
}

/*
 * Cuts a column that had one digit before: the same as ml_gram_cut, but the
 * other channels are not written and digits are 0, 1, or 3 for "more".
 */
static ML_CLONES MlGramCut
ml_gram_cut_one_lanes(const double *x, int rows, double scale, double *out)
{
	MlGramInt8	over = {0};
	MlVecInt	first = {0},
				more = {0};
	MlGramCut	cut;
	int			r;

	for (r = 0; r < rows; r += ML_LANES)
	{
		MlVec		v = *(const MlVec *) (x + r) * scale;
		MlVec		t0 = v + 0x1.8p52;
		MlVec		d0 = t0 - 0x1.8p52;

		*(MlVec *) (out + r) = d0;
		first |= (MlVecInt) d0;
		more |= (MlVecInt) (v - d0);
		over |= (MlGramInt8) t0 - ML_GRAM_LEAST;
	}
	cut.digits = ml_gram_any(&more) ? 3 : ml_gram_any(&first) ? 1 : 0;
	over /= ML_GRAM_BELOW;
	cut.over = ml_gram_any((const MlVecInt *) &over);
	cut.spill = false;
	return cut;
}

/* Writes what three digits leave of each value, times 2^69 * scale. */
static ML_CLONES void
ml_gram_rest_lanes(const double *x, int rows, double scale, double *out)
{
	int			r;

	for (r = 0; r < rows; r += ML_LANES)
	{
		MlVec		v = *(const MlVec *) (x + r) * scale;
		MlVec		r1 = v - ((v + 0x1.8p52) - 0x1.8p52);
		MlVec		r2 = r1 - ((r1 + 0x1.8p29) - 0x1.8p29);
		MlVec		r3 = r2 - ((r2 + 0x1.8p6) - 0x1.8p6);

		*(MlVec *) (out + r) = r3 * 0x1p69;
	}
}

/*
 * Tells whether scaling lost bits of any value to underflow; can only be so
 * when scale < 1.
 */
static ML_CLONES bool
ml_gram_lost_lanes(const double *x, int rows, double scale, double unscale)
{
	MlVecInt	lost = {0};
	int			r;

	for (r = 0; r < rows; r += ML_LANES)
	{
		MlVec		v = *(const MlVec *) (x + r);

		lost |= (MlVecInt) ((v * scale) * unscale != v);
	}
	return ml_gram_any(&lost);
}

/* The entry points: clones of an external function would be exported from the library. */
void
ml_gram_transpose(const double *x, size_t stride, int rows, int cols, double *out)
{
	ml_gram_transpose_lanes(x, stride, rows, cols, out);
}

MlGramCut
ml_gram_cut(const double *x, int rows, double scale, double *out)
{
	return ml_gram_cut_lanes(x, rows, scale, out);
}

MlGramCut
ml_gram_cut_one(const double *x, int rows, double scale, double *out)
{
	return ml_gram_cut_one_lanes(x, rows, scale, out);
}

void
ml_gram_rest(const double *x, int rows, double scale, double *out)
{
	ml_gram_rest_lanes(x, rows, scale, out);
}

bool
ml_gram_lost(const double *x, int rows, double scale, double unscale)
{
	return ml_gram_lost_lanes(x, rows, scale, unscale);
}

/*
 * Says which sums a channel of a tile feeds; false when the channel is zero or
 * equal to one that is computed. Where digits are missing, the mixed channels
 * equal a pure one, so the pure one is added there too.
 */
static inline bool
ml_gram_targets(const MlGramJob *job, int channel, int p, int q, size_t tile,
				int64_t **to)
{
	size_t		tiles = ml_gram_tiles(job->cols);
	size_t		plane = tiles * (tiles + 1) / 2 * ML_GRAM_TILE2;
	int			a = job->digits[p / ML_GRAM_TILE];
	int			b = job->digits[q / ML_GRAM_TILE];
	int			most = a > b ? a : b;
	int			least = a < b ? a : b;
	int64_t    *sums = job->sums + tile * ML_GRAM_TILE2;
	int			n = 0;

	to[0] = to[1] = to[2] = NULL;
	to[n++] = sums + channel * plane;
	switch (channel)
	{
		case ML_GRAM_0:
			if (most < 2)
				to[n++] = sums + ML_GRAM_01 * plane;
			if (most < 3)
				to[n++] = sums + ML_GRAM_02 * plane;
			return least >= 1;
		case ML_GRAM_1:
			if (most < 3)
				to[n++] = sums + ML_GRAM_12 * plane;
			return least >= 2;
		case ML_GRAM_2:
			return least >= 3;
		case ML_GRAM_01:
			return least >= 1 && most >= 2;
		case ML_GRAM_02:
			return least >= 1 && most >= 3;
		default:
			return least >= 2 && most >= 3;
	}
}

#define ML_TILE_NAME(x)		ml_gram_plain_ ## x
#define ML_TILE_TARGET
#define ML_TILE_LANES		2
#define ML_TILE_STRIP		2
#define ML_TILE_VEC			MlGramVec2
#define ML_TILE_INT			MlGramInt2
#define ML_TILE_MULADD(c, a, b)	((c) + (a) * (b))
#include "math/gram_tile.h"

#ifdef ML_GRAM_X86
#define ML_TILE_NAME(x)		ml_gram_fma_ ## x
#define ML_TILE_TARGET		__attribute__((target("avx2,fma")))
#define ML_TILE_LANES		4
#define ML_TILE_STRIP		2
#define ML_TILE_VEC			MlGramVec4
#define ML_TILE_INT			MlGramInt4
#define ML_TILE_MULADD(c, a, b)	((MlGramVec4) _mm256_fmadd_pd((__m256d) (a), (__m256d) (b), (__m256d) (c)))
#include "math/gram_tile.h"

#define ML_TILE_NAME(x)		ml_gram_wide_ ## x
#define ML_TILE_TARGET		__attribute__((target("avx512f")))
#define ML_TILE_LANES		8
#define ML_TILE_STRIP		4
#define ML_TILE_VEC			MlVec
#define ML_TILE_INT			MlGramInt8
#define ML_TILE_MULADD(c, a, b)	((MlVec) _mm512_fmadd_pd((__m512d) (a), (__m512d) (b), (__m512d) (c)))
#include "math/gram_tile.h"
#endif

/* Sums a block with what every processor has. */
void
ml_gram_sweep_plain(const MlGramJob *job)
{
	ml_gram_plain_sweep(job);
}

/* Sums a block with four lanes and fused multiply-add; false when there is none. */
bool
ml_gram_sweep_fma(const MlGramJob *job)
{
#ifdef ML_GRAM_X86
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
	{
		ml_gram_fma_sweep(job);
		return true;
	}
#endif
	return false;
}

/* Sums a block with eight lanes and fused multiply-add; false when there is none. */
bool
ml_gram_sweep_wide(const MlGramJob *job)
{
#ifdef ML_GRAM_X86
	if (__builtin_cpu_supports("avx512f"))
	{
		ml_gram_wide_sweep(job);
		return true;
	}
#endif
	return false;
}

/* Sums a block by the best way the processor has. */
void
ml_gram_sweep(const MlGramJob *job)
{
	if (!ml_gram_sweep_wide(job) && !ml_gram_sweep_fma(job))
		ml_gram_sweep_plain(job);
}
