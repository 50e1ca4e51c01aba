/*
 * boost_internal.h - what the files of boosting share: memory of the team, of a member, splits.
 */
#ifndef ML_BOOST_INTERNAL_H
#define ML_BOOST_INTERNAL_H

#include "math/boost.h"

/* Widths of the fields of an increment; see boost.h. */
#define ML_BOOST_ROWS_BITS		13
#define ML_BOOST_H_BITS			24
#define ML_BOOST_G_SHIFT		(ML_BOOST_ROWS_BITS + ML_BOOST_H_BITS)
#define ML_BOOST_G_STEP_BITS	13	/* a gradient is at most 2^13 steps */
#define ML_BOOST_H_STEP_BITS	11
#define ML_BOOST_FRACTION_BITS	30	/* of g; h has one more, since it has no sign */

/* A narrow histogram takes this many rows before it is emptied into a wide one. */
#define ML_BOOST_NARROW_ROWS	((1 << ML_BOOST_ROWS_BITS) - 1)

/* Columns whose narrow histograms are added up in one go: they should stay in the nearest caches. */
#define ML_BOOST_TILE			64

typedef struct MlBoostTotals
{
	int64_t		g;
	int64_t		h;
	int64_t		rows;
} MlBoostTotals;

typedef struct MlBoostSplit
{
	double		gain;			/* 0: none */
	int			column;
	int			bin;
	bool		missing_left;
	bool		category;
	uint64_t	set[ML_BOOST_SET_WORDS];
	MlBoostTotals left;
	MlBoostTotals all;
} MlBoostSplit;

/* What the search for a split of one leaf needs to know. */
typedef struct MlBoostSearch
{
	const MlBoostSpec *spec;
	double		g_unit;			/* one step of g and of h */
	double		h_unit;
	MlBoostTotals all;
	double		low;			/* bounds of the leaf's value, before shrinkage */
	double		high;
} MlBoostSearch;

/* Looks for a better split of a leaf in one column. */
extern void ml_boost_search_numbers(const MlBoostSearch *s, const MlBinColumn *column, int index,
									const int64_t *g, const int64_t *h, const int64_t *rows,
									MlBoostSplit *best);
extern void ml_boost_search_levels(const MlBoostSearch *s, const MlBinColumn *column, int index,
								   const int64_t *g, const int64_t *h, const int64_t *rows,
								   MlBoostSplit *best);

/* The value of a leaf with these sums, before shrinkage, within bounds. */
static inline double
ml_boost_value(double g, double h, double l2, double low, double high)
{
	double		value = -g / (h + l2);

	return value < low ? low : value > high ? high : value;
}

/* Adds rows to narrow histograms: of the columns first to last, or of those listed. */
extern void ml_boost_add(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc,
						 const uint32_t *index, int n, int first, int last);
extern void ml_boost_add_run(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc,
							 size_t from, int n, int first, int last);
extern void ml_boost_add_listed(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc,
								const uint32_t *index, int n, const int *columns, int ncolumns);

/* Empties a narrow histogram of codes codes into a wide one. */
extern void ml_boost_empty(uint64_t *narrow, int codes, bool plain, int64_t *g, int64_t *h, int64_t *rows);

/* into -= what, and into += what. */
extern void ml_boost_subtract(int64_t *into, const int64_t *what, size_t n);
extern void ml_boost_sum(int64_t *into, const int64_t *what, size_t n);

/*
 * Increments of a run of rows from fractions of g and h: rounded by the
 * chance that hashes of row and tree give.
 */
extern void ml_boost_increments(const int32_t *g, const uint32_t *h, size_t first_row, int n, uint32_t tree_key,
								uint64_t *inc);

#endif							/* ML_BOOST_INTERNAL_H */
