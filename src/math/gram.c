/*
 * gram.c - exact, order-free accumulation of X'X: the state, its growth, and what it gives.
 *
 * The state is flat and the caller's; no allocation here. See gram.h for the
 * contract and gram_state.h for the layout; rows come in through gram_add.c.
 */
#include "math/gram_state.h"

#include <string.h>

/* Bits of room above the first values. */
#define ML_GRAM_HEADROOM	8
/* Words a fresh state has for the range of each column. */
#define ML_GRAM_FIRST_WORDS	2

/* Places the long sums by the columns' words; returns the words of all of them. */
static int64_t
ml_gram_place(MlGramColumn *column, int cols)
{
	int64_t		before = 0;
	int64_t		row = 0;
	int			j;

	for (j = 0; j < cols; j++)
	{
		column[j].before = before;
		before += column[j].words;
	}
	for (j = 0; j < cols; j++)
	{
		column[j].row = row;
		row += (int64_t) (cols - j) * (column[j].words + 1) + (before - column[j].before);
	}
	return row;
}

/* Gives every slot a place, and each place its slot. */
static void
ml_gram_assign(MlGram *g)
{
	MlGramColumn *column = ml_gram_columns(g);
	int32_t    *order = ml_gram_order(g);
	int			place = 0;
	int			j,
				part;

	for (j = 0; j < g->cols; j++)
		for (part = 0; part < column[j].parts; part++)
		{
			order[place] = j * ML_GRAM_PARTS + part;
			column[j].place[part] = place++;
		}
}

/* Returns the bytes of a state, 0 on overflow; words are those of all columns together. */
static size_t
ml_gram_bytes_for(int cols, int slots, int64_t words)
{
	double		tiles = slots / ML_GRAM_TILE + 1.0;
	double		estimate = (cols + 1.0) * (words + cols) * 8.0 +
		ML_GRAM_CHANNELS * tiles * (tiles + 1.0) * ML_GRAM_TILE2 * 4.0 + cols * 200.0;

	if (estimate > (double) (SIZE_MAX / 4) || estimate > 4e15 || slots > INT32_MAX / 4)
		return 0;
	/* each pair i <= j has words_i + words_j + 1 words */
	return sizeof(MlGram) + cols * sizeof(MlGramColumn) +
		ML_GRAM_CHANNELS * ml_gram_plane(slots) * sizeof(int64_t) +
		(size_t) ((cols + 1) * words + (int64_t) cols * (cols + 1) / 2) * sizeof(uint64_t) +
		((size_t) slots + slots % 2) * sizeof(int32_t);
}

size_t
ml_gram_size(int cols)
{
	if (cols < 1)
		return 0;
	return ml_gram_bytes_for(cols, cols, (int64_t) cols * ML_GRAM_FIRST_WORDS);
}

MlStatus
ml_gram_init(MlGram *g, size_t size, int cols)
{
	size_t		bytes = ml_gram_size(cols);
	MlGramColumn *column;
	int			j;

	if (bytes == 0)
		return ML_TOO_LARGE;
	if (size < bytes)
		return ML_NEED_SPACE;
	memset(g, 0, bytes);
	g->cols = g->slots = cols;
	g->bytes = (int64_t) bytes;
	column = ml_gram_columns(g);
	for (j = 0; j < cols; j++)
	{
		column[j].words = ML_GRAM_FIRST_WORDS;
		column[j].parts = 1;
	}
	g->words = ml_gram_place(column, cols);
	ml_gram_assign(g);
	return ML_OK;
}

/*
 * Makes sure that a column may hold values up to 2^top that are multiples of
 * 2^lowest; false when its sums need more words.
 */
bool
ml_gram_admit(MlGramColumn *column, int top, int lowest)
{
	int			hi;
	int			lo;

	if (!column->anchored)
	{
		column->anchored = true;
		column->hi = top + ML_GRAM_HEADROOM;
	}
	hi = column->hi;
	while (hi < top)
		hi += 64;
	lo = column->hi - 64 * column->words;
	while (lo > lowest)
		lo -= 64;
	column->need_hi = hi;
	column->need_words = (hi - lo) / 64;
	return column->need_words == column->words;
}

/* Counts the bytes for the columns' needs and returns ML_NEED_SPACE. */
MlStatus
ml_gram_ask(MlGram *g)
{
	const MlGramColumn *column = ml_gram_columns(g);
	int64_t		words = 0;
	int64_t		slots = 0;
	int			j;

	for (j = 0; j < g->cols; j++)
	{
		words += column[j].need_words;
		slots += column[j].need_parts;
	}
	g->need = 0;
	if (slots <= INT32_MAX / 4)
		g->need = (int64_t) ml_gram_bytes_for(g->cols, (int) slots, words);
	return g->need == 0 ? ML_TOO_LARGE : ML_NEED_SPACE;
}

/*
 * Adds the hot sums of two slots, parts a of column i and b of column j, to a
 * long sum. Karatsuba: each mixed channel less the pure ones is a mixed
 * product.
 */
static void
ml_gram_pour_slots(const MlGram *g, const MlGramColumn *ci, int a, const MlGramColumn *cj,
				   int b, uint64_t *sum, int words, int base)
{
	int			p = ci->place[a] < cj->place[b] ? ci->place[a] : cj->place[b];
	int			q = ci->place[a] < cj->place[b] ? cj->place[b] : ci->place[a];
	size_t		tiles = ml_gram_tiles(g->slots);
	size_t		plane = ml_gram_plane(g->slots);
	size_t		row = p / ML_GRAM_TILE;
	size_t		tile = row * (2 * tiles - row + 1) / 2 + (q / ML_GRAM_TILE - row);
	const int64_t *hot = ml_gram_hot(g) + tile * ML_GRAM_TILE2 +
		p % ML_GRAM_TILE * ML_GRAM_TILE + q % ML_GRAM_TILE;
	int			bit = ci->top + cj->top - 2 * (ML_GRAM_DIGIT - 1) -
		(a + b) * ML_GRAM_PART_BITS - base;
	int64_t		s[ML_GRAM_CHANNELS];
	int64_t		diagonal[5];
	int			k;

	for (k = 0; k < ML_GRAM_CHANNELS; k++)
		s[k] = hot[k * plane];
	diagonal[0] = s[ML_GRAM_0];
	diagonal[1] = s[ML_GRAM_01] - s[ML_GRAM_0] - s[ML_GRAM_1];
	diagonal[2] = s[ML_GRAM_02] - s[ML_GRAM_0] - s[ML_GRAM_2] + s[ML_GRAM_1];
	diagonal[3] = s[ML_GRAM_12] - s[ML_GRAM_1] - s[ML_GRAM_2];
	diagonal[4] = s[ML_GRAM_2];
	for (k = 0; k < 5; k++)
		if (diagonal[k] != 0)
			ml_gram_sum_add(sum, words, diagonal[k], bit - ML_GRAM_DIGIT * k);
}

/* Adds the hot sums of a pair of columns to a long sum. */
static void
ml_gram_pour_pair(const MlGram *g, int i, int j, uint64_t *sum, int words, int base)
{
	const MlGramColumn *ci = ml_gram_columns(g) + i;
	const MlGramColumn *cj = ml_gram_columns(g) + j;
	int			a,
				b;

	if (!ci->laid || !cj->laid)
		return;
	/* for i = j the sum over parts a, b of their product has (a, b) and (b, a) */
	for (a = 0; a < ci->parts; a++)
		for (b = 0; b < cj->parts; b++)
			ml_gram_pour_slots(g, ci, a, cj, b, sum, words, base);
}

/* Moves the hot sums into the long ones, so that the digit layout may change. */
void
ml_gram_pour(MlGram *g)
{
	int			i,
				j;

	if (g->hot_blocks == 0)
		return;
	for (i = 0; i < g->cols; i++)
		for (j = i; j < g->cols; j++)
		{
			int			words,
						base;
			uint64_t   *sum = ml_gram_sum(g, i, j, &words, &base);

			ml_gram_pour_pair(g, i, j, sum, words, base);
		}
	memset(ml_gram_hot(g), 0, ML_GRAM_CHANNELS * ml_gram_plane(g->slots) * sizeof(int64_t));
	g->hot_blocks = 0;
}

/* Adds all sums of src to those of dst, whose words suffice. */
static void
ml_gram_transfer(MlGram *dst, const MlGram *src)
{
	int			i,
				j;

	for (i = 0; i < dst->cols; i++)
		for (j = i; j < dst->cols; j++)
		{
			int			words,
						base,
						src_words,
						src_base;
			uint64_t   *sum = ml_gram_sum(dst, i, j, &words, &base);
			const uint64_t *add = ml_gram_sum(src, i, j, &src_words, &src_base);

			if (!ml_gram_columns(src)[i].anchored || !ml_gram_columns(src)[j].anchored)
				continue;
			ml_gram_sum_add_sum(sum, words, add, src_words, src_base - base);
			if (src->hot_blocks > 0)
				ml_gram_pour_pair(src, i, j, sum, words, base);
		}
}

MlStatus
ml_gram_merge(MlGram *dst, const MlGram *src)
{
	MlGramColumn *into = ml_gram_columns(dst);
	const MlGramColumn *from = ml_gram_columns(src);
	bool		enough = true;
	int			j;

	if (dst->cols != src->cols)
		return ML_TOO_LARGE;
	for (j = 0; j < dst->cols; j++)
	{
		into[j].need_hi = into[j].hi;
		into[j].need_words = into[j].words;
		into[j].need_parts = into[j].parts;
		if (from[j].anchored &&
			!ml_gram_admit(into + j, from[j].hi, from[j].hi - 64 * from[j].words))
			enough = false;
	}
	if (!enough)
		return ml_gram_ask(dst);
	ml_gram_transfer(dst, src);
	dst->rows += src->rows;
	return ML_OK;
}

size_t
ml_gram_need(const MlGram *g)
{
	return (size_t) g->need;
}

size_t
ml_gram_bytes(const MlGram *g)
{
	return (size_t) g->bytes;
}

MlStatus
ml_gram_move(MlGram *dst, size_t size, const MlGram *src)
{
	MlGramColumn *into = ml_gram_columns(dst);
	int			j;

	if (src->need == 0 || size < ml_gram_need(src))
		return ML_NEED_SPACE;
	memset(dst, 0, ml_gram_need(src));
	dst->cols = src->cols;
	dst->rows = src->rows;
	dst->bytes = src->need;
	memcpy(into, ml_gram_columns(src), src->cols * sizeof(MlGramColumn));
	for (j = 0; j < dst->cols; j++)
	{
		into[j].hi = into[j].need_hi;
		into[j].words = into[j].need_words;
		into[j].parts = into[j].need_parts;
		dst->slots += into[j].parts;
	}
	dst->words = ml_gram_place(into, dst->cols);
	ml_gram_assign(dst);
	ml_gram_transfer(dst, src);
	return ML_OK;
}

int
ml_gram_cols(const MlGram *g)
{
	return g->cols;
}

int64_t
ml_gram_rows(const MlGram *g)
{
	return g->rows;
}

/* Copies the exact sum of a pair, hot part included; returns its words. */
static int
ml_gram_collect(const MlGram *g, int i, int j, uint64_t *out, int *base)
{
	int			a = i < j ? i : j;
	int			b = i < j ? j : i;
	int			words;
	const uint64_t *sum = ml_gram_sum(g, a, b, &words, base);

	memcpy(out, sum, words * sizeof(uint64_t));
	if (g->hot_blocks > 0)
		ml_gram_pour_pair(g, a, b, out, words, *base);
	return words;
}

MlDd
ml_gram_entry(const MlGram *g, int i, int j, int shift)
{
	uint64_t	sum[ML_GRAM_SUM_MAX];
	int			base;
	int			words = ml_gram_collect(g, i, j, sum, &base);

	return ml_gram_sum_round(sum, words, base + shift);
}

int
ml_gram_exponent(const MlGram *g, int j)
{
	uint64_t	sum[ML_GRAM_SUM_MAX];
	int			base;
	int			words = ml_gram_collect(g, j, j, sum, &base);
	int			length = ml_gram_sum_length(sum, words);
	int			e = length + base;

	if (length == 0)
		return 0;
	/* half of it, rounded up */
	return e > 0 ? (e + 1) / 2 : -(-e / 2);
}
