/*
 * gram_state.h - the layout of the exact Gram accumulator's state.
 *
 * Private to gram.c and gram_add.c. Three layers: hot sums (one int64 for
 * each pair of slots and channel, relative to the digit layout of the
 * columns), long sums (words for each pair of columns at a fixed place), and
 * values that do not fit the digits, which go to the long sums one by one.
 * A column has one slot of three digits, or two once its values turn out to
 * span many binades.
 *
 *   MlGram
 *   MlGramColumn x cols
 *   hot sums: ML_GRAM_CHANNELS planes of tiles of slots, see gram_kernel.h
 *   long sums: upper triangle of columns, row by row
 *   order: int32 x slots, the column and part at each place of the hot sums
 */
#ifndef ML_GRAM_STATE_H
#define ML_GRAM_STATE_H

#include "math/gram.h"
#include "math/gram_kernel.h"
#include "math/gram_sum.h"

/* Slots a column has at most. */
#define ML_GRAM_PARTS	2
/* Binades of one slot. */
#define ML_GRAM_PART_BITS	(3 * ML_GRAM_DIGIT)

typedef struct MlGramColumn
{
	int32_t		hi;				/* |x| <= 2^hi */
	int32_t		words;			/* x is a multiple of 2^(hi - 64 words) */
	int32_t		need_hi;
	int32_t		need_words;
	int32_t		parts;			/* slots */
	int32_t		need_parts;
	int32_t		top;			/* digit layout: |x| < 2^top */
	int32_t		digits[ML_GRAM_PARTS];	/* in the latest block */
	int32_t		place[ML_GRAM_PARTS];	/* of the slots in the hot sums */
	bool		anchored;		/* hi is set: a value that is not zero was seen */
	bool		laid;			/* top is set */
	int64_t		before;			/* words of the columns before this one */
	int64_t		row;			/* first long sum of this row, in words */
} MlGramColumn;

struct MlGram
{
	int32_t		cols;
	int32_t		slots;
	int32_t		hot_blocks;
	int32_t		unused;
	int64_t		rows;
	int64_t		words;			/* of all long sums */
	int64_t		bytes;
	int64_t		need;
};

static inline MlGramColumn *
ml_gram_columns(const MlGram *g)
{
	return (MlGramColumn *) (g + 1);
}

/* Returns the int64 in one plane of the hot sums. */
static inline size_t
ml_gram_plane(int slots)
{
	size_t		tiles = ml_gram_tiles(slots);

	return tiles * (tiles + 1) / 2 * ML_GRAM_TILE2;
}

static inline int64_t *
ml_gram_hot(const MlGram *g)
{
	return (int64_t *) (ml_gram_columns(g) + g->cols);
}

static inline uint64_t *
ml_gram_words(const MlGram *g)
{
	return (uint64_t *) (ml_gram_hot(g) + ML_GRAM_CHANNELS * ml_gram_plane(g->slots));
}

static inline int32_t *
ml_gram_order(const MlGram *g)
{
	return (int32_t *) (ml_gram_words(g) + g->words);
}

/* Finds the long sum of columns i <= j, its words, and the weight 2^base of its lowest bit. */
static inline uint64_t *
ml_gram_sum(const MlGram *g, int i, int j, int *words, int *base)
{
	const MlGramColumn *a = ml_gram_columns(g) + i;
	const MlGramColumn *b = ml_gram_columns(g) + j;

	*words = a->words + b->words + 1;
	*base = a->hi - 64 * a->words + b->hi - 64 * b->words;
	return ml_gram_words(g) + a->row + (int64_t) (j - i) * (a->words + 1) +
		(b->before - a->before);
}

extern void ml_gram_pour(MlGram *g);
extern bool ml_gram_admit(MlGramColumn *column, int top, int lowest);
extern MlStatus ml_gram_ask(MlGram *g);

#endif							/* ML_GRAM_STATE_H */
