/*
 * cell.h - one value of one row as eight bytes, and the hash of a row of them.
 *
 * A number is itself, a category is its dictionary code as a number, NULL is
 * a NaN with a payload of its own, so that NULL and NaN stay apart.
 */
#ifndef ML_CELL_H
#define ML_CELL_H

#include <math.h>

#define ML_NULL_BITS	UINT64CONST(0x7FF80000000007A2)
#define ML_NAN_BITS		UINT64CONST(0x7FF8000000000000)

/* A category that training did not see: where rows are counted, and at the entrance of steps that tell it from NULL. */
#define ML_UNSEEN_BITS	UINT64CONST(0x7FF80000000007A3)

static inline uint64
ml_cell_bits(double x)
{
	uint64		bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline double
ml_cell_from_bits(uint64 bits)
{
	double		x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static inline double
ml_cell_null(void)
{
	return ml_cell_from_bits(ML_NULL_BITS);
}

static inline bool
ml_cell_is_null(double x)
{
	return ml_cell_bits(x) == ML_NULL_BITS;
}

/* NULL or NaN: either way there is no value. */
static inline bool
ml_cell_is_missing(double x)
{
	return isnan(x);
}

#define ML_CELL_SIGN	UINT64CONST(0x8000000000000000)

/* Bits that are ordered as numbers are; -0 has those of 0. */
static inline uint64
ml_cell_ordered(double x)
{
	/* adding zero turns -0 into 0 */
	uint64		bits = ml_cell_bits(x + 0.0);

	return (bits & ML_CELL_SIGN) != 0 ? ~bits : bits | ML_CELL_SIGN;
}

static inline double
ml_cell_from_ordered(uint64 ordered)
{
	return ml_cell_from_bits((ordered & ML_CELL_SIGN) != 0 ? ordered & ~ML_CELL_SIGN : ~ordered);
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014, section 5): a bijection that spreads every bit. */
static inline uint64
ml_mix64(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The key of one column in the row hash. */
static inline uint64
ml_cell_key(int column)
{
	return ml_mix64(UINT64CONST(0x9e3779b97f4a7c15) * (uint64) (column + 1));
}

/*
 * The contribution of one cell to its row's hash: the folded 128-bit product
 * of the keyed bits with an odd constant. Contributions are added, so the
 * multiplications of a row do not wait for each other.
 */
static inline uint64
ml_cell_hash(uint64 bits, uint64 key)
{
	unsigned __int128 p = (unsigned __int128) (bits ^ key) * UINT64CONST(0xd6e8feb86659fd93);

	return (uint64) p ^ (uint64) (p >> 64);
}

/* Content fingerprint of a multiset of rows: two independent sums of row hashes, free of order. */
typedef struct MlFingerprint
{
	uint64		a;
	uint64		b;
} MlFingerprint;

static inline void
ml_fingerprint_add(MlFingerprint *f, uint64 row_hash)
{
	f->a += row_hash;
	f->b += ml_mix64(row_hash ^ UINT64CONST(0xa0761d6478bd642f));
}

#endif							/* ML_CELL_H */
