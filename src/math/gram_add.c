/*
 * gram_add.c - exact, order-free accumulation of X'X: rows come in.
 *
 * Each column of a block is cut into digits relative to the column's layout,
 * the digits' products are summed into the hot sums, and the rows with values
 * that the digits do not hold wholly are completed one by one. State and
 * scratch are the caller's; see gram_state.h.
 */
#include "math/gram_state.h"

#include <limits.h>
#include <string.h>

/* Blocks the hot sums hold: 256 blocks x 256 rows x 2^46 is 2^62. */
#define ML_GRAM_HOT_BLOCKS	256
/* A column's top digit begins here at the lowest, so that scales stay in range. */
#define ML_GRAM_TOP_MIN		(-900)
/* A block with more spills than one row in this many changes the layout. */
#define ML_GRAM_SPILL_PART	16

/* Workspace of one call of ml_gram_add. */
typedef struct MlGramScratch
{
	double	   *stage;			/* ML_LANES columns */
	double	   *rest;			/* one column */
	double	   *zero;			/* one column */
	double	   *digits;			/* ML_GRAM_CHANNELS columns for each slot */
	MlGramFactor *factor;		/* one row: each value, what digits hold of it, and leave */
	const double **channel;		/* ML_GRAM_CHANNELS x slots */
	int		   *tile_digits;
	int		   *lowest;			/* exponent of the lowest bit in each column */
	unsigned char *spilled;		/* one flag a row */
} MlGramScratch;

/* Cuts a scratch into its parts and counts its bytes. */
static size_t
ml_gram_scratch_cut(void *scratch, int cols, MlGramScratch *s)
{
	uintptr_t	start = ((uintptr_t) scratch + 63) & ~(uintptr_t) 63;
	size_t		slots = (size_t) cols * ML_GRAM_PARTS;

	s->stage = (double *) start;
	s->rest = s->stage + ML_LANES * ML_GRAM_LD;
	s->zero = s->rest + ML_GRAM_LD;
	s->digits = s->zero + ML_GRAM_LD;
	s->factor = (MlGramFactor *) (s->digits + slots * ML_GRAM_CHANNELS * ML_GRAM_LD);
	s->channel = (const double **) (s->factor + 3 * (size_t) cols);
	s->tile_digits = (int *) (s->channel + slots * ML_GRAM_CHANNELS);
	s->lowest = s->tile_digits + ml_gram_tiles((int) slots);
	s->spilled = (unsigned char *) (s->lowest + cols);
	return 64 + (size_t) (s->spilled + ML_GRAM_BLOCK - (unsigned char *) start);
}

size_t
ml_gram_scratch_size(int cols)
{
	MlGramScratch s;
	double		estimate = 8.0 * cols * (ML_GRAM_PARTS * ML_GRAM_CHANNELS * (ML_GRAM_LD + 2) + 10);

	if (cols < 1 || estimate > (double) (SIZE_MAX / 4) || cols > INT_MAX / 8)
		return 0;
	/* any address will do to count from */
	return ml_gram_scratch_cut(&s, cols, &s);
}

/* Finds e with every |x| < 2^e; false when some x is not finite. *e is INT_MIN for zeros. */
static bool
ml_gram_extent(const double *x, int rows, int *e)
{
	double		most = 0.0;
	int			r;

	for (r = 0; r < rows; r++)
	{
		if (x[r] - x[r] != 0.0)
			return false;
		if (fabs(x[r]) > most)
			most = fabs(x[r]);
	}
	*e = INT_MIN;
	if (most > 0.0)
		frexp(most, e);
	return true;
}

/* Returns 2^e, a normal float8. */
static inline double
ml_gram_power(int e)
{
	int64_t		bits = (int64_t) (e + 1023) << 52;
	double		power;

	memcpy(&power, &bits, sizeof(power));
	return power;
}

/* Returns what three digits hold of x when digits have scale 2^shift. */
static double
ml_gram_three(double x, int shift)
{
	double		v = x * ml_gram_power(shift);
	double		d0 = (v + 0x1.8p52) - 0x1.8p52;
	double		d1 = ((v - d0) + 0x1.8p29) - 0x1.8p29;
	double		d2 = (((v - d0) - d1) + 0x1.8p6) - 0x1.8p6;

	return (d0 + d1 + d2) * ml_gram_power(-shift);
}

/* Returns what a column's digits hold of x. */
static double
ml_gram_held(const MlGramColumn *column, double x)
{
	int			shift = ML_GRAM_DIGIT - 1 - column->top;
	double		held;

	if (!column->laid)
		return 0.0;
	held = ml_gram_three(x, shift);
	if (column->parts > 1 && held != x)
		held += ml_gram_three(x - held, shift + ML_GRAM_PART_BITS);
	return held;
}

/*
 * Flags the rows of the values that a column's digits do not hold wholly,
 * lowers *lowest to their last places, and returns their number.
 */
static int
ml_gram_find_spills(const MlGramColumn *column, const double *x, int rows,
					unsigned char *spilled, int *lowest)
{
	int			n = 0;
	int			r;

	for (r = 0; r < rows; r++)
		if (ml_gram_held(column, x[r]) != x[r])
		{
			int			bit = ml_gram_factor(x[r]).bit;

			spilled[r] = 1;
			if (bit < *lowest)
				*lowest = bit;
			n++;
		}
	return n;
}

/* Chooses the digit layout of a column so that values below 2^e fit with a bit to spare. */
static void
ml_gram_lay(MlGram *g, MlGramColumn *column, int e)
{
	ml_gram_pour(g);
	column->top = e + 1 < ML_GRAM_TOP_MIN ? ML_GRAM_TOP_MIN : e + 1;
	column->laid = true;
}

/* Cuts one column of a block under its present layout; true when all of it fits below top. */
static bool
ml_gram_cut_column(MlGramColumn *column, MlGramScratch *s, const double *x, int rows,
				   double *out, bool *spill)
{
	int			shift = ML_GRAM_DIGIT - 1 - column->top;
	double		scale = ml_gram_power(shift);
	MlGramCut	cut = {ML_GRAM_CHANNELS, false, false};

	if (column->digits[0] == 1)
		cut = ml_gram_cut_one(x, rows, scale, out);
	if (cut.digits > 1)
		cut = ml_gram_cut(x, rows, scale, out);
	if (cut.over)
		return false;
	column->digits[0] = cut.digits;
	column->digits[1] = 0;
	if (cut.spill && column->parts > 1)
	{
		ml_gram_rest(x, rows, scale, s->rest);
		cut = ml_gram_cut(s->rest, rows, 1.0, out + ML_GRAM_CHANNELS * ML_GRAM_LD);
		column->digits[1] = cut.digits;
	}
	*spill = cut.spill ||
		(shift < 0 && ml_gram_lost(x, rows, scale, ml_gram_power(-shift)));
	return true;
}

/*
 * Chooses the remedy for a column with many spills in a block: a lower layout
 * when its values have shrunk, else a second slot. True when the layout
 * changed.
 */
static bool
ml_gram_widen(MlGram *g, MlGramColumn *column, const double *x, int rows)
{
	int			e;

	if (column->top > ML_GRAM_TOP_MIN && ml_gram_extent(x, rows, &e) && e + 1 < column->top - 2)
	{
		ml_gram_lay(g, column, e);
		return true;
	}
	column->need_parts = ML_GRAM_PARTS;
	return false;
}

/*
 * Cuts one column of a block, choosing a new layout where the present one
 * does not suit; finds the lowest bit and flags rows that spill.
 */
static MlStatus
ml_gram_take_column(MlGram *g, MlGramScratch *s, int j, const double *x, int rows,
					double *out)
{
	MlGramColumn *column = ml_gram_columns(g) + j;
	int			padded = (rows + ML_LANES - 1) / ML_LANES * ML_LANES;
	int		   *lowest = s->lowest + j;
	bool		spill = false;
	int			e,
				part;

	*lowest = INT_MAX;
	column->digits[0] = column->laid ? column->digits[0] : 0;
	if (!column->laid || !ml_gram_cut_column(column, s, x, padded, out, &spill))
	{
		if (!ml_gram_extent(x, rows, &e))
			return ML_NOT_FINITE;
		if (e == INT_MIN)
			return ML_OK;
		ml_gram_lay(g, column, e);
		ml_gram_cut_column(column, s, x, padded, out, &spill);
	}
	if (spill && ml_gram_find_spills(column, x, rows, s->spilled, lowest) > rows / ML_GRAM_SPILL_PART &&
		ml_gram_widen(g, column, x, rows))
	{
		*lowest = INT_MAX;
		ml_gram_cut_column(column, s, x, padded, out, &spill);
		if (spill)
			ml_gram_find_spills(column, x, rows, s->spilled, lowest);
	}
	for (part = 0; part < column->parts; part++)
	{
		int			unit = column->top - (ML_GRAM_DIGIT - 1) - part * ML_GRAM_PART_BITS -
			ML_GRAM_DIGIT * (column->digits[part] - 1);

		if (column->digits[part] > 0 && unit < *lowest)
			*lowest = unit;
	}
	return ML_OK;
}

/* Orders the slots by falling number of digits, so that tiles are alike; hot sums are empty. */
static void
ml_gram_sort(MlGram *g)
{
	MlGramColumn *column = ml_gram_columns(g);
	int32_t    *order = ml_gram_order(g);
	int			place = 0;
	int			digits,
				j,
				part;

	for (digits = 3; digits >= 0; digits--)
		for (j = 0; j < g->cols; j++)
			for (part = 0; part < column[j].parts; part++)
				if (column[j].digits[part] == digits)
				{
					order[place] = j * ML_GRAM_PARTS + part;
					column[j].place[part] = place++;
				}
}

/* Points to the channels of every slot and sums the block. */
static void
ml_gram_sum_block(MlGram *g, MlGramScratch *s, int rows)
{
	const MlGramColumn *column = ml_gram_columns(g);
	const int32_t *order = ml_gram_order(g);
	MlGramJob	job;
	int			k,
				p;

	for (p = 0; p < g->slots; p++)
	{
		int			n = column[order[p] / ML_GRAM_PARTS].digits[order[p] % ML_GRAM_PARTS];
		const double *from = s->digits + (size_t) order[p] * ML_GRAM_CHANNELS * ML_GRAM_LD;
		const double *at[ML_GRAM_CHANNELS];
		int		   *most = s->tile_digits + p / ML_GRAM_TILE;

		at[ML_GRAM_0] = n >= 1 ? from : s->zero;
		at[ML_GRAM_1] = n >= 2 ? from + ML_GRAM_1 * ML_GRAM_LD : s->zero;
		at[ML_GRAM_2] = n >= 3 ? from + ML_GRAM_2 * ML_GRAM_LD : s->zero;
		at[ML_GRAM_01] = n >= 2 ? from + ML_GRAM_01 * ML_GRAM_LD : at[ML_GRAM_0];
		at[ML_GRAM_02] = n >= 3 ? from + ML_GRAM_02 * ML_GRAM_LD : at[ML_GRAM_0];
		at[ML_GRAM_12] = n >= 3 ? from + ML_GRAM_12 * ML_GRAM_LD : at[ML_GRAM_1];
		for (k = 0; k < ML_GRAM_CHANNELS; k++)
			s->channel[(size_t) k * g->slots + p] = at[k];
		if (p % ML_GRAM_TILE == 0 || n > *most)
			*most = n;
	}
	job.cols = g->slots;
	job.rows = (rows + ML_LANES - 1) / ML_LANES * ML_LANES;
	for (k = 0; k < ML_GRAM_CHANNELS; k++)
		job.channel[k] = s->channel + (size_t) k * g->slots;
	job.digits = s->tile_digits;
	job.sums = ml_gram_hot(g);
	ml_gram_sweep(&job);
}

/*
 * Adds what the digits leave of one row: with x = h + r for each value, what
 * they hold and the rest, x_i x_j - h_i h_j = x_i r_j + r_i h_j.
 */
static void
ml_gram_add_rest(MlGram *g, MlGramScratch *s, const double *x)
{
	const MlGramColumn *column = ml_gram_columns(g);
	MlGramFactor *all = s->factor;
	MlGramFactor *held = all + g->cols;
	MlGramFactor *rest = held + g->cols;
	int			i,
				j;

	for (j = 0; j < g->cols; j++)
	{
		double		h = ml_gram_held(column + j, x[j]);

		all[j] = ml_gram_factor(x[j]);
		held[j] = ml_gram_factor(h);
		rest[j] = ml_gram_factor(x[j] - h);
	}
	for (i = 0; i < g->cols; i++)
		for (j = i; j < g->cols; j++)
			if (rest[i].value != 0 || rest[j].value != 0)
			{
				int			words,
							base;
				uint64_t   *sum = ml_gram_sum(g, i, j, &words, &base);

				ml_gram_sum_add_product(sum, words, all[i], rest[j], base);
				ml_gram_sum_add_product(sum, words, rest[i], held[j], base);
			}
}

/* Makes sure that the state has room for what the columns of a block need. */
static MlStatus
ml_gram_room(MlGram *g, const int *lowest)
{
	MlGramColumn *column = ml_gram_columns(g);
	bool		enough = true;
	int			j;

	for (j = 0; j < g->cols; j++)
	{
		column[j].need_hi = column[j].hi;
		column[j].need_words = column[j].words;
		if (lowest[j] != INT_MAX && !ml_gram_admit(column + j, column[j].top, lowest[j]))
			enough = false;
		if (column[j].need_parts != column[j].parts)
			enough = false;
	}
	return enough ? ML_OK : ml_gram_ask(g);
}

MlStatus
ml_gram_add(MlGram *g, void *scratch, const double *x, size_t stride, int rows)
{
	MlGramColumn *column = ml_gram_columns(g);
	MlGramScratch s;
	MlStatus	status;
	int			first = 0;
	int			j,
				r;

	if (rows > ML_GRAM_BLOCK)
		return ML_TOO_LARGE;
	ml_gram_scratch_cut(scratch, g->cols, &s);
	memset(s.zero, 0, ML_GRAM_LD * sizeof(double));
	memset(s.spilled, 0, ML_GRAM_BLOCK);
	for (j = 0; j < g->cols; j++)
	{
		if (j % ML_LANES == 0)
		{
			/* the last columns come with some before them: eight at a time are quicker */
			first = j + ML_LANES > g->cols && j > 0 ? g->cols - ML_LANES : j;
			ml_gram_transpose(x + first, stride, rows,
							  g->cols - first < ML_LANES ? g->cols - first : ML_LANES, s.stage);
		}
		column[j].need_parts = column[j].parts;
		status = ml_gram_take_column(g, &s, j, s.stage + (j - first) * ML_GRAM_LD, rows,
									 s.digits + (size_t) j * ML_GRAM_PARTS * ML_GRAM_CHANNELS * ML_GRAM_LD);
		if (status != ML_OK)
			return status;
	}
	status = ml_gram_room(g, s.lowest);
	if (status != ML_OK)
		return status;
	if (g->hot_blocks == 0)
		ml_gram_sort(g);
	ml_gram_sum_block(g, &s, rows);
	for (r = 0; r < rows; r++)
		if (s.spilled[r])
			ml_gram_add_rest(g, &s, x + r * stride);
	g->rows += rows;
	if (++g->hot_blocks == ML_GRAM_HOT_BLOCKS)
		ml_gram_pour(g);
	return ML_OK;
}
