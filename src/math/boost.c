/*
 * boost.c - the memory of boosting and its rounds.
 *
 * Shared memory is laid out behind a header of plain data; every member finds
 * the same places by the same sums. Members meet where boost_state.h says who
 * writes what.
 */
#include <math.h>
#include <string.h>

#include "math/boost_state.h"

#define ML_BOOST_ALIGN	64

/* Rows that are laid out at a time: their codes of one column fill a line of the cache. */
#define ML_BOOST_LAY_ROWS	64

/* What stands at the beginning of the shared memory. */
typedef struct MlBoostHeader
{
	MlBoostSpec spec;
} MlBoostHeader;

/* Places in memory, given out one behind the other. */
typedef struct MlBoostLayout
{
	char	   *base;			/* NULL while only sizes are asked for */
	size_t		at;
	bool		overflow;
} MlBoostLayout;

static void *
ml_boost_place(MlBoostLayout *l, size_t count, size_t size)
{
	size_t		bytes;
	size_t		at = l->at;

	if (__builtin_mul_overflow(count, size, &bytes) ||
		__builtin_add_overflow(l->at, bytes, &l->at) ||
		__builtin_add_overflow(l->at, (size_t) ML_BOOST_ALIGN, &l->at))
		l->overflow = true;
	l->at &= ~(size_t) (ML_BOOST_ALIGN - 1);
	return l->base ? l->base + at : NULL;
}

/* Numbers in one histogram, each kind; columns begin at multiples of eight. */
static size_t
ml_boost_offsets(const MlBinColumn *columns, int cols, size_t *offset)
{
	size_t		at = 0;

	for (int c = 0; c < cols; c++)
	{
		if (offset)
			offset[c] = at;
		at += (size_t) (columns[c].nbins + 1 + 7) & ~(size_t) 7;
	}
	if (offset)
		offset[cols] = at;
	return at;
}

/* The shared memory; members are all that may come. */
static void
ml_boost_lay_shared(MlBoostLayout *l, const MlBoostSpec *spec, size_t codes, MlBoost *b, MlBinColumn **columns,
					size_t **offset)
{
	size_t		rows = (size_t) spec->rows;
	size_t		groups = (size_t) spec->groups;
	size_t		members = (size_t) spec->members;
	bool		squared = spec->loss == ML_BOOST_SQUARED;
	bool		plain = squared && !spec->weighted;

	ml_boost_place(l, 1, sizeof(MlBoostHeader));
	*columns = ml_boost_place(l, spec->cols, sizeof(MlBinColumn));
	*offset = ml_boost_place(l, (size_t) spec->cols + 1, sizeof(size_t));
	b->base = ml_boost_place(l, groups, sizeof(double));
	b->edges = ml_boost_place(l, (size_t) spec->cols * ML_BINS_MAX, sizeof(double));
	b->best = ml_boost_place(l, members * 2, sizeof(MlBoostSplit));
	b->leaf_sums = ml_boost_place(l, members * spec->max_leaves, sizeof(MlBoostTotals));
	b->bound = ml_boost_place(l, members, sizeof(double));
	b->judgement = ml_boost_place(l, members, sizeof(MlBoostJudgement));
	/* a fetch of the last row's bins may touch what lies behind */
	b->bins = ml_boost_place(l, rows + 1, spec->cols);
	b->by_column = ml_boost_place(l, rows, spec->cols);
	b->targets = ml_boost_place(l, squared ? rows : 0, sizeof(double));
	b->classes = ml_boost_place(l, squared ? 0 : rows, sizeof(uint16_t));
	b->weights = ml_boost_place(l, spec->weighted ? rows : 0, sizeof(double));
	b->score = ml_boost_place(l, rows * groups, sizeof(double));
	b->probability = ml_boost_place(l, spec->loss == ML_BOOST_SOFTMAX ? rows * groups : 0, sizeof(float));
	b->g = ml_boost_place(l, plain ? 0 : rows, sizeof(int32_t));
	b->h = ml_boost_place(l, plain ? 0 : rows, sizeof(uint32_t));
	b->inc = ml_boost_place(l, rows, sizeof(uint64_t));
	b->index = ml_boost_place(l, rows, sizeof(uint32_t));
	b->spare = ml_boost_place(l, rows, sizeof(uint32_t));
	/* last, so that rows can be put in their places before the number of bins is known */
	if (!ml_boost_apart(spec))
		b->histograms = ml_boost_place(l, codes * spec->slots, 3 * sizeof(int64_t));
	b->partial = ml_boost_place(l, spec->members > 1 ? codes * members * 2 : 0, 3 * sizeof(int64_t));
}

/* A member's own memory. */
static MlBoost *
ml_boost_lay_own(MlBoostLayout *l, const MlBoostSpec *spec, size_t codes, MlBoost *b)
{
	MlBoost    *placed = ml_boost_place(l, 1, sizeof(MlBoost));

	if (ml_boost_apart(spec))
		b->histograms = ml_boost_place(l, codes * spec->slots, 3 * sizeof(int64_t));

	b->narrow = ml_boost_place(l, ML_BIN_CODES * ML_BOOST_TILE, sizeof(uint64_t));
	b->leaves = ml_boost_place(l, spec->max_leaves, sizeof(MlBoostLeaf));
	b->nodes = ml_boost_place(l, (size_t) spec->groups * ml_boost_nodes_max(spec), sizeof(MlBoostNode));
	b->nnodes = ml_boost_place(l, spec->groups, sizeof(int));
	b->active = ml_boost_place(l, spec->cols, sizeof(int));
	b->slot_leaf = ml_boost_place(l, spec->slots, sizeof(int));
	return placed;
}

MlStatus
ml_boost_sizes(const MlBoostSpec *spec, const MlBinColumn *columns, size_t *shared, size_t *own)
{
	MlBoostLayout layout = {NULL, 0, false};
	MlBoostLayout owned = {NULL, 0, false};
	MlBoost		b;
	MlBinColumn *c;
	size_t	   *offset;

	memset(&b, 0, sizeof b);
	if (spec->rows > UINT32_MAX || spec->max_leaves > ML_BOOST_LEAVES_MAX)
		return ML_TOO_LARGE;
	ml_boost_lay_shared(&layout, spec, ml_boost_offsets(columns, spec->cols, NULL), &b, &c, &offset);
	ml_boost_lay_own(&owned, spec, ml_boost_offsets(columns, spec->cols, NULL), &b);
	*shared = layout.at;
	*own = owned.at;
	return layout.overflow || owned.overflow ? ML_TOO_LARGE : ML_OK;
}

/* Where the columns and their offsets stand: before whatever depends on them. */
static void
ml_boost_find_columns(const void *shared, MlBinColumn **columns, size_t **offset)
{
	const MlBoostHeader *header = shared;
	MlBoostLayout layout = {(char *) shared, 0, false};
	MlBoost		b;

	ml_boost_lay_shared(&layout, &header->spec, 0, &b, columns, offset);
}

size_t
ml_boost_own_bytes(const void *shared)
{
	const MlBoostHeader *header = shared;
	MlBoostLayout owned = {NULL, 0, false};
	MlBinColumn *columns;
	size_t	   *offset;
	MlBoost		b;

	memset(&b, 0, sizeof b);
	ml_boost_find_columns(shared, &columns, &offset);
	ml_boost_lay_own(&owned, &header->spec, offset[header->spec.cols], &b);
	return owned.at;
}

void
ml_boost_init(void *shared, const MlBoostSpec *spec, const MlBinColumn *columns)
{
	MlBoostHeader *header = shared;
	MlBoostLayout layout = {shared, 0, false};
	MlBoost		b;
	MlBinColumn *c;
	size_t	   *offset;

	memset(&b, 0, sizeof b);
	memset(header, 0, sizeof *header);
	header->spec = *spec;
	ml_boost_lay_shared(&layout, spec, ml_boost_offsets(columns, spec->cols, NULL), &b, &c, &offset);
	memcpy(c, columns, sizeof(MlBinColumn) * spec->cols);
	ml_boost_offsets(columns, spec->cols, offset);
}

/* The part of n rows that is a member's, from first on. */
static void
ml_boost_share(int64_t first, int64_t n, const MlBoostTeam *team, int64_t *from, int64_t *to)
{
	*from = first + n / team->members * team->me + (n % team->members * team->me) / team->members;
	*to = first + n / team->members * (team->me + 1) + (n % team->members * (team->me + 1)) / team->members;
}

MlBoost *
ml_boost_attach(void *shared, void *own, const MlBoostTeam *team, const MlTick *tick)
{
	const MlBoostHeader *header = shared;
	const MlBoostSpec *spec = &header->spec;
	MlBoostLayout layout = {shared, 0, false};
	MlBoostLayout owned = {own, 0, false};
	MlBoost		b;
	MlBoost    *placed;
	MlBinColumn *columns;
	size_t	   *offset;

	memset(&b, 0, sizeof b);
	ml_boost_find_columns(shared, &columns, &offset);
	ml_boost_lay_shared(&layout, spec, offset[spec->cols], &b, &columns, &offset);
	placed = ml_boost_lay_own(&owned, spec, offset[spec->cols], &b);
	b.spec = spec;
	b.columns = columns;
	b.offset = offset;
	b.team = *team;
	b.tick = tick;
	b.plain = spec->loss == ML_BOOST_SQUARED && !spec->weighted;
	ml_boost_share(0, spec->rows_fit, team, &b.fit_from, &b.fit_to);
	ml_boost_share(spec->rows_fit, spec->rows - spec->rows_fit, team, &b.later_from, &b.later_to);
	b.part = (size_t) (b.fit_from + b.later_from - spec->rows_fit);
	b.loss = b.fit_loss = b.best_loss = NAN;
	memset(b.narrow, 0, sizeof(uint64_t) * ML_BIN_CODES * ML_BOOST_TILE);
	*placed = b;
	return placed;
}

uint8_t *
ml_boost_bins(MlBoost *b)
{
	return b->bins;
}

uint8_t *
ml_boost_bins_by_column(MlBoost *b)
{
	return b->by_column;
}

const MlBoostSpec *
ml_boost_spec(const MlBoost *b)
{
	return b->spec;
}

MlBinColumn *
ml_boost_columns(MlBoost *b)
{
	return b->columns;
}

double *
ml_boost_edges(MlBoost *b, int column)
{
	return b->edges + (size_t) column * ML_BINS_MAX;
}

void
ml_boost_bin_column(MlBoost *b, int column, const double *x, double *values, double *spare, uint32_t *count)
{
	MlBinColumn *c = &b->columns[column];
	size_t		rows = (size_t) b->spec->rows;
	size_t		n = 0;

	for (size_t i = 0; i < rows; i++)
	{
		values[n] = x[i];
		n += x[i] == x[i];
	}
	c->missing = n < rows;
	ml_breathe(b->tick);
	ml_bins_sort(values, spare, n);
	ml_breathe(b->tick);
	c->nbins = ml_bins_edges(values, count, n, b->spec->bins_max, ml_boost_edges(b, column));
	ml_breathe(b->tick);
	ml_bins_encode(x, rows, ml_boost_edges(b, column), c->nbins, b->by_column + rows * column);
}

void
ml_boost_lay_rows(MlBoost *b)
{
	size_t		rows = (size_t) b->spec->rows;
	int			cols = b->spec->cols;
	int64_t		from;
	int64_t		to;

	ml_boost_share(0, b->spec->rows, &b->team, &from, &to);
	for (int64_t first = from; first < to; first += ML_BOOST_LAY_ROWS)
	{
		int64_t		last = first + ML_BOOST_LAY_ROWS < to ? first + ML_BOOST_LAY_ROWS : to;

		if ((first - from) % (1024 * ML_BOOST_LAY_ROWS) == 0)
			ml_breathe(b->tick);
		for (int c = 0; c < cols; c++)
			for (int64_t i = first; i < last; i++)
				b->bins[(size_t) i * cols + c] = b->by_column[rows * c + i];
	}
}

double *
ml_boost_targets(MlBoost *b)
{
	return b->targets;
}

uint16_t *
ml_boost_classes(MlBoost *b)
{
	return b->classes;
}

double *
ml_boost_weights(MlBoost *b)
{
	return b->spec->weighted ? b->weights : NULL;
}

double *
ml_boost_base(MlBoost *b)
{
	return b->base;
}

double *
ml_boost_scratch(MlBoost *b)
{
	/* [targets,] scores, [fractions,] increments and lists of rows lie behind each other, 32 bytes a row or more */
	return b->plain ? b->targets : b->score;
}

/* Remembers the best round; false when enough rounds have passed since. */
static bool
ml_boost_go_on(MlBoost *b)
{
	const MlBoostSpec *spec = b->spec;

	if (spec->rows == spec->rows_fit)
	{
		b->best_round = b->round;
		return true;
	}
	b->loss = ml_boost_mean_loss(b, b->later_from, b->later_to);
	b->fit_loss = ml_boost_mean_loss(b, b->fit_from, b->fit_to);
	if (!(b->loss >= b->best_loss))
	{
		b->best_loss = b->loss;
		b->best_round = b->round;
	}
	return spec->early_stopping == 0 || b->round - b->best_round < spec->early_stopping;
}

bool
ml_boost_round(MlBoost *b)
{
	const MlBoostSpec *spec = b->spec;
	bool		sampled = spec->row_fraction < 1 || spec->column_fraction < 1 || spec->node_fraction < 1;
	bool		grown = false;

	if (b->round >= spec->n_trees)
		return false;
	if (b->round == 0)
		ml_boost_start_scores(b);
	if (spec->loss == ML_BOOST_SOFTMAX)
		ml_boost_probabilities(b);
	for (int k = 0; k < spec->groups; k++)
		grown |= ml_boost_grow(b, k);
	if (!grown && !sampled)
		return false;
	b->round++;
	if (!ml_boost_go_on(b))
		b->round = spec->n_trees;
	return true;
}

const MlBoostNode *
ml_boost_tree(const MlBoost *b, int group, int *nodes)
{
	*nodes = b->nnodes[group];
	return b->nodes + (size_t) group * ml_boost_nodes_max(b->spec);
}

double
ml_boost_best_loss(const MlBoost *b)
{
	return b->best_loss;
}

bool
ml_boost_round_loss(const MlBoost *b, double *training, double *later)
{
	*training = b->fit_loss;
	*later = b->loss;
	return b->spec->rows > b->spec->rows_fit && b->round > 0;
}

int
ml_boost_best_round(const MlBoost *b)
{
	return b->best_round;
}
