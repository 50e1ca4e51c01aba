/*
 * boost_grow.c - growing one tree, the leaf with the greatest gain first.
 *
 * Histograms are kept in slots. A split leaf's histogram becomes that of its
 * larger child by taking off the smaller one's, which is added up from its
 * rows. When slots run out the leaf with the least gain gives its own up, and
 * both its children are added up if it is split after all.
 */
#include <math.h>
#include <string.h>

#include "math/boost_state.h"

/* Rows that are parted between two breaths. */
#define ML_BOOST_STRIDE		((size_t) 1 << 16)

static size_t
ml_boost_codes(const MlBoost *b)
{
	return b->offset[b->spec->cols];
}

static int64_t *
ml_boost_slot(const MlBoost *b, int slot)
{
	return b->histograms + 3 * ml_boost_codes(b) * slot;
}

/* Where this member adds its rows up: alone, that is the histogram itself. */
static int64_t *
ml_boost_mine(const MlBoost *b, int slot)
{
	if (b->team.members == 1)
		return ml_boost_slot(b, slot);
	return b->partial + 3 * ml_boost_codes(b) * (b->team.me + b->turn * b->team.members);
}

/* The columns, as places in active[], that this member has. */
static void
ml_boost_owned(const MlBoost *b, int *from, int *to)
{
	bool		apart = ml_boost_apart(b->spec);

	*from = apart ? 0 : (int) ((int64_t) b->nactive * b->team.me / b->team.members);
	*to = apart ? b->nactive : (int) ((int64_t) b->nactive * (b->team.me + 1) / b->team.members);
}

static uint64_t
ml_boost_mix64(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Chooses the columns of a tree: those with the smallest hashes. */
static void
ml_boost_choose_columns(MlBoost *b, int group)
{
	const MlBoostSpec *spec = b->spec;
	uint64_t	key = ml_boost_mix64(spec->seed * 3 + 1 + UINT64_C(0x9e3779b97f4a7c15) *
									 ((uint64_t) b->round * spec->groups + group));
	int			usable = 0;
	int			wanted;

	b->tree_key = key;
	for (int c = 0; c < spec->cols; c++)
		if (b->columns[c].nbins + b->columns[c].missing > 1)
			b->active[usable++] = c;
	wanted = (int) ceil(spec->column_fraction * usable);
	b->nactive = usable;
	if (wanted >= usable || wanted < 1)
		return;
	/* selection by hash, in place and still ascending */
	for (int i = 0, kept = 0; i < usable; i++)
	{
		uint64_t	hash = ml_boost_mix64(key ^ (uint64_t) b->active[i] << 20);

		/* of the columns left, so many are still wanted (Knuth, volume 2, algorithm S) */
		if ((double) (hash >> 11) * 0x1p-53 * (usable - i) < wanted - kept)
			b->active[kept++] = b->active[i];
		b->nactive = kept;
	}
}

/* Lists the member's rows: those to learn from, then those that go along. */
static void
ml_boost_list_rows(MlBoost *b, int group, MlBoostLeaf *root)
{
	const MlBoostSpec *spec = b->spec;
	uint32_t   *index = b->index + b->part;
	uint32_t   *others = b->spare + b->part;
	uint64_t	key = ml_boost_mix64(spec->seed * 3 + 2 + UINT64_C(0x9e3779b97f4a7c15) *
									 ((uint64_t) b->round * spec->groups + group));
	size_t		in = 0;
	size_t		out = 0;

	b->whole = spec->row_fraction >= 1;
	for (int64_t i = b->fit_from; i < b->fit_to; i++)
	{
		bool		drawn = b->whole || (double) (ml_boost_mix64(key ^ (uint64_t) i) >> 11) * 0x1p-53 < spec->row_fraction;

		index[in] = (uint32_t) i;
		others[out] = (uint32_t) i;
		in += drawn;
		out += !drawn;
	}
	for (int64_t i = b->later_from; i < b->later_to; i++)
		others[out++] = (uint32_t) i;
	memcpy(index + in, others, sizeof(uint32_t) * out);
	root->begin[0] = 0;
	root->count[0] = in;
	root->begin[1] = in;
	root->count[1] = out;
}

/* Empties the narrow histograms of a tile of columns into this member's wide one. */
static void
ml_boost_empty_tile(MlBoost *b, int64_t *wide, int tile)
{
	size_t		codes = ml_boost_codes(b);
	int			last = tile + ML_BOOST_TILE < b->nactive ? tile + ML_BOOST_TILE : b->nactive;

	for (int a = tile; a < last; a++)
	{
		int			c = b->active[a];
		size_t		at = b->offset[c];

		ml_boost_empty(b->narrow + (size_t) (a - tile) * ML_BIN_CODES, b->columns[c].nbins + b->columns[c].missing,
					   b->plain, wide + at, wide + codes + at, wide + 2 * codes + at);
	}
}

/* Adds a run of rows of a list to the narrow histograms of a tile. */
static void
ml_boost_add_tile(MlBoost *b, const uint32_t *index, size_t from, int n, int tile)
{
	int			last = tile + ML_BOOST_TILE < b->nactive ? tile + ML_BOOST_TILE : b->nactive;
	int			stride = b->spec->cols;

	if (b->nactive < b->spec->cols)
		ml_boost_add_listed(b->narrow, b->bins, stride, b->inc, index, n, b->active + tile, last - tile);
	else if (index == NULL)
		ml_boost_add_run(b->narrow, b->bins, stride, b->inc, from, n, tile, last);
	else
		ml_boost_add(b->narrow, b->bins, stride, b->inc, index, n, tile, last);
}

/* Adds listed rows, or n rows from a first one, up into this member's wide histogram. */
static void
ml_boost_accumulate(MlBoost *b, const uint32_t *index, size_t from, size_t n, int64_t *wide)
{
	for (int tile = 0; tile < b->nactive; tile += ML_BOOST_TILE)
	{
		for (size_t done = 0; done < n;)
		{
			int			some = (int) (n - done < ML_BOOST_NARROW_ROWS ? n - done : ML_BOOST_NARROW_ROWS);

			ml_breathe(b->tick);
			ml_boost_add_tile(b, index ? index + done : NULL, from + done, some, tile);
			ml_boost_empty_tile(b, wide, tile);
			done += some;
		}
	}
}

/* Parts a run of rows: those for the left stay in index, the others go to spare. */
static void
ml_boost_part_run(const MlBoost *b, const uint8_t *goes_left, int column, const uint32_t *from, size_t n,
				  uint32_t *left, size_t *nleft, uint32_t *right, size_t *nright)
{
	const uint8_t *bins = b->by_column + (size_t) column * b->spec->rows;
	size_t		l = *nleft;
	size_t		r = *nright;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	row = from[i];
		uint8_t		yes = goes_left[bins[row]];

		left[l] = row;
		right[r] = row;
		l += yes;
		r += 1 - yes;
	}
	*nleft = l;
	*nright = r;
}

/* Which codes of its column a split sends to the left. */
static void
ml_boost_sides(const MlBoost *b, const MlBoostSplit *split, uint8_t *goes_left)
{
	int			nbins = b->columns[split->column].nbins;

	for (int c = 0; c < ML_BIN_CODES; c++)
	{
		if (c >= nbins)
			goes_left[c] = split->missing_left;
		else if (split->category)
			goes_left[c] = (split->set[c >> 6] >> (c & 63)) & 1;
		else
			goes_left[c] = c <= split->bin;
	}
}

/* Parts the rows of a leaf in place, in order. */
static void
ml_boost_part(MlBoost *b, MlBoostLeaf *leaf, MlBoostLeaf *right, int list, const uint8_t *goes_left)
{
	uint32_t   *index = b->index + b->part + leaf->begin[list];
	uint32_t   *spare = b->spare + b->part;
	size_t		n = leaf->count[list];
	size_t		nl = 0;
	size_t		nr = 0;

	for (size_t done = 0; done < n; done += ML_BOOST_STRIDE)
	{
		ml_breathe(b->tick);
		ml_boost_part_run(b, goes_left, leaf->split.column, index + done,
						  n - done < ML_BOOST_STRIDE ? n - done : ML_BOOST_STRIDE, index, &nl, spare, &nr);
	}
	memcpy(index + nl, spare, sizeof(uint32_t) * nr);
	right->begin[list] = leaf->begin[list] + nl;
	right->count[list] = nr;
	leaf->count[list] = nl;
}

/* Adds the members' parts of the columns this member has up into a slot. */
static void
ml_boost_merge(MlBoost *b, int slot)
{
	size_t		codes = ml_boost_codes(b);
	int64_t    *into = ml_boost_slot(b, slot);
	const int64_t *parts = b->partial + 3 * codes * b->turn * b->team.members;
	int			from;
	int			to;

	if (b->team.members == 1)
		return;
	ml_boost_owned(b, &from, &to);
	for (int a = from; a < to; a++)
	{
		int			c = b->active[a];
		size_t		at = b->offset[c];
		size_t		n = b->offset[c + 1] - at;

		for (int kind = 0; kind < 3; kind++, at += codes)
		{
			memcpy(into + at, parts + at, sizeof(int64_t) * n);
			for (int m = 1; m < b->team.members; m++)
				ml_boost_sum(into + at, parts + 3 * codes * m + at, n);
		}
	}
	b->turn = 1 - b->turn;
}

/* Takes the histogram of the smaller child off that of its parent, in this member's columns. */
static void
ml_boost_take_off(MlBoost *b, int from_slot, int slot)
{
	size_t		codes = ml_boost_codes(b);
	int			from;
	int			to;

	ml_boost_owned(b, &from, &to);
	for (int a = from; a < to; a++)
	{
		int			c = b->active[a];
		size_t		at = b->offset[c];

		for (int kind = 0; kind < 3; kind++, at += codes)
			ml_boost_subtract(ml_boost_slot(b, from_slot) + at, ml_boost_slot(b, slot) + at,
							  b->offset[c + 1] - b->offset[c]);
	}
}

/* Sums over a leaf's histogram: every column has the same. */
static MlBoostTotals
ml_boost_totals(const MlBoost *b, const int64_t *wide, int column)
{
	size_t		codes = ml_boost_codes(b);
	MlBoostTotals all = {0, 0, 0};

	for (size_t at = b->offset[column]; at < b->offset[column + 1]; at++)
	{
		all.g += wide[at];
		all.h += wide[codes + at];
		all.rows += wide[2 * codes + at];
	}
	return all;
}

/* The best split of a leaf among the columns this member has. */
static void
ml_boost_find(MlBoost *b, const MlBoostLeaf *leaf, MlBoostSplit *best)
{
	size_t		codes = ml_boost_codes(b);
	const int64_t *wide;
	MlBoostSearch search;
	uint64_t	key = ml_boost_mix64(b->tree_key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t) leaf->node + 1));
	int			wanted = (int) ceil(b->spec->node_fraction * b->nactive);
	int			kept = 0;
	int			from;
	int			to;

	memset(best, 0, sizeof *best);
	ml_boost_owned(b, &from, &to);
	if (leaf->closed || from == to)
		return;
	wide = ml_boost_slot(b, leaf->slot);
	search.spec = b->spec;
	search.g_unit = b->g_unit;
	search.h_unit = b->h_unit;
	search.low = leaf->low;
	search.high = leaf->high;
	search.all = ml_boost_totals(b, wide, b->active[from]);
	for (int a = 0; a < to; a++)
	{
		int			c = b->active[a];
		size_t		at = b->offset[c];
		uint64_t	hash = ml_boost_mix64(key ^ (uint64_t) c << 20);

		/* as the columns of a tree are drawn, by all members alike */
		if ((double) (hash >> 11) * 0x1p-53 * (b->nactive - a) >= wanted - kept)
			continue;
		kept++;
		if (a < from)
			continue;
		if (b->columns[c].category)
			ml_boost_search_levels(&search, &b->columns[c], c, wide + at, wide + codes + at, wide + 2 * codes + at,
								   best);
		else
			ml_boost_search_numbers(&search, &b->columns[c], c, wide + at, wide + codes + at,
									wide + 2 * codes + at, best);
	}
}

/* Finds the splits of one or two leaves, all members together. */
static void
ml_boost_find_all(MlBoost *b, MlBoostLeaf *first, MlBoostLeaf *second)
{
	MlBoostLeaf *leaves[2] = {first, second};
	bool		divided = b->team.members > 1 && !ml_boost_apart(b->spec);

	for (int i = 0; i < 2 && leaves[i]; i++)
		ml_boost_find(b, leaves[i], &b->best[2 * b->team.me + i]);
	if (divided)
		ml_boost_meet(b);
	for (int i = 0; i < 2 && leaves[i]; i++)
	{
		leaves[i]->split = b->best[2 * (divided ? 0 : b->team.me) + i];
		/* members have ascending columns: of equal gains the first column wins, as with one member */
		for (int m = 1; m < b->team.members && divided; m++)
			if (b->best[2 * m + i].gain > leaves[i]->split.gain)
				leaves[i]->split = b->best[2 * m + i];
		if (!(leaves[i]->split.gain > 0))
			leaves[i]->closed = true;
	}
}

/* Lets a leaf's slot go. */
static void
ml_boost_release(MlBoost *b, MlBoostLeaf *leaf)
{
	if (leaf->slot >= 0)
		b->slot_leaf[leaf->slot] = -1;
	leaf->slot = -1;
}

/* A slot for a leaf; when there is none, the leaf with the least gain but for two gives its own. */
static void
ml_boost_claim(MlBoost *b, int leaf, int keep)
{
	int			least = -1;

	if (b->leaves[leaf].slot >= 0)
		return;
	for (int s = 0; s < b->spec->slots; s++)
	{
		int			holder = b->slot_leaf[s];

		if (holder < 0)
		{
			b->slot_leaf[s] = leaf;
			b->leaves[leaf].slot = s;
			return;
		}
		if (holder != keep && holder != leaf &&
			(least < 0 || b->leaves[holder].split.gain < b->leaves[b->slot_leaf[least]].split.gain))
			least = s;
	}
	b->leaves[b->slot_leaf[least]].slot = -1;
	b->slot_leaf[least] = leaf;
	b->leaves[leaf].slot = least;
}

/* The leaf to be split next, or -1. */
static int
ml_boost_next_leaf(const MlBoost *b)
{
	int			next = -1;

	for (int i = 0; i < b->nleaves; i++)
		if (!b->leaves[i].closed && (next < 0 || b->leaves[i].split.gain > b->leaves[next].split.gain))
			next = i;
	return next;
}

/* Bounds of the children's values, where the column has a direction: halfway between them. */
static void
ml_boost_bind(const MlBoost *b, MlBoostLeaf *left, MlBoostLeaf *right, const MlBoostSplit *split)
{
	int			direction = b->columns[split->column].monotone;
	double		l2 = b->spec->l2;
	double		gl = (double) split->left.g * b->g_unit;
	double		hl = (double) split->left.h * b->h_unit;
	double		gr = (double) (split->all.g - split->left.g) * b->g_unit;
	double		hr = (double) (split->all.h - split->left.h) * b->h_unit;
	double		middle;

	if (direction == 0 || split->category)
		return;
	middle = 0.5 * ml_boost_value(gl, hl, l2, left->low, left->high) +
		0.5 * ml_boost_value(gr, hr, l2, left->low, left->high);
	if (direction > 0)
		left->high = right->low = middle;
	else
		left->low = right->high = middle;
}

/* A value of so many rows, drawn to that of the parent. */
static double
ml_boost_smooth(const MlBoost *b, const MlBoostLeaf *leaf, double value, int64_t rows)
{
	double		share = (double) rows / ((double) rows + b->spec->path_smoothing);

	/* the root has none above it, and without smoothing no bit is to be lost by a detour */
	if (leaf->depth == 0 || !(b->spec->path_smoothing > 0))
		return value;
	value = leaf->above + share * (value - leaf->above);
	/* within bounds, since the parent's value may be beyond them */
	return value < leaf->low ? leaf->low : value > leaf->high ? leaf->high : value;
}

/* Writes a split into its node and makes the two children. */
static void
ml_boost_branch(MlBoost *b, MlBoostNode *nodes, int *nnodes, MlBoostLeaf *left, MlBoostLeaf *right)
{
	const MlBoostSplit *split = &left->split;
	MlBoostNode *node = &nodes[left->node];

	node->column = split->column;
	node->left = *nnodes;
	node->bin = split->bin;
	node->missing_left = split->missing_left;
	node->category = split->category;
	memcpy(node->set, split->set, sizeof node->set);
	node->gain = split->gain;
	memset(&nodes[*nnodes], 0, 2 * sizeof(MlBoostNode));
	nodes[*nnodes].column = nodes[*nnodes + 1].column = -1;
	nodes[*nnodes].rows = split->left.rows;
	nodes[*nnodes + 1].rows = split->all.rows - split->left.rows;
	left->above = ml_boost_smooth(b, left, ml_boost_value((double) split->all.g * b->g_unit,
														  (double) split->all.h * b->h_unit, b->spec->l2, left->low,
														  left->high), split->all.rows);
	*right = *left;
	left->node = (*nnodes)++;
	right->node = (*nnodes)++;
	left->rows = split->left.rows;
	right->rows = split->all.rows - split->left.rows;
	left->depth = ++right->depth;
	right->slot = -1;
	ml_boost_bind(b, left, right, split);
}

static bool
ml_boost_hopeless(const MlBoost *b, const MlBoostLeaf *leaf)
{
	const MlBoostSpec *spec = b->spec;

	return (spec->max_depth > 0 && leaf->depth >= spec->max_depth) || leaf->rows < 2 * spec->min_rows ||
		leaf->rows < 2;
}

/* Adds up the histogram of a child that has its rows listed. */
static void
ml_boost_build(MlBoost *b, MlBoostLeaf *leaf)
{
	int64_t    *wide = ml_boost_mine(b, leaf->slot);

	memset(wide, 0, sizeof(int64_t) * 3 * ml_boost_codes(b));
	ml_boost_accumulate(b, b->index + b->part + leaf->begin[0], 0, leaf->count[0], wide);
	ml_boost_meet(b);
	ml_boost_merge(b, leaf->slot);
}

/* Splits a leaf: parts its rows, and finds the splits of its children unless the tree is full. */
static void
ml_boost_split_leaf(MlBoost *b, int which, MlBoostNode *nodes, int *nnodes)
{
	MlBoostLeaf *left = &b->leaves[which];
	MlBoostLeaf *right = &b->leaves[b->nleaves];
	MlBoostLeaf *small;
	MlBoostLeaf *large;
	MlBoostSplit split = left->split;
	uint8_t		goes_left[ML_BIN_CODES];
	bool		full = b->nleaves + 1 >= b->spec->max_leaves;
	bool		kept = left->slot >= 0;

	ml_boost_sides(b, &split, goes_left);
	ml_boost_branch(b, nodes, nnodes, left, right);
	left->split = split;
	left->closed = full || ml_boost_hopeless(b, left);
	right->closed = full || ml_boost_hopeless(b, right);
	small = left->rows <= right->rows ? left : right;
	large = small == left ? right : left;
	b->nleaves++;
	if (!left->closed || !right->closed)
	{
		/* the parent's histogram is to become the larger child's */
		if (kept && large == right)
		{
			right->slot = left->slot;
			left->slot = -1;
			b->slot_leaf[right->slot] = b->nleaves - 1;
		}
		if (!kept)
			ml_boost_claim(b, (int) (large - b->leaves), -1);
		ml_boost_claim(b, (int) (small - b->leaves), (int) (large - b->leaves));
	}
	for (int list = 0; list < 2; list++)
		ml_boost_part(b, left, right, list, goes_left);
	if (left->closed && right->closed)
	{
		ml_boost_release(b, left);
		return;
	}
	ml_boost_build(b, small);
	if (kept)
		ml_boost_take_off(b, large->slot, small->slot);
	else
	{
		ml_boost_build(b, large);
	}
	left->split.gain = right->split.gain = 0;
	ml_boost_find_all(b, left, right);
	if (left->closed)
		ml_boost_release(b, left);
	if (right->closed)
		ml_boost_release(b, right);
}

/* Sums of a leaf's rows of this member. */
static MlBoostTotals
ml_boost_leaf_sum(const MlBoost *b, const MlBoostLeaf *leaf)
{
	const uint32_t *index = b->index + b->part + leaf->begin[0];
	MlBoostTotals sum = {0, 0, 0};

	if (b->plain)
		for (size_t i = 0; i < leaf->count[0]; i++)
			sum.g += (int64_t) b->inc[index[i]] >> ML_BOOST_ROWS_BITS;
	else
		for (size_t i = 0; i < leaf->count[0]; i++)
		{
			sum.g += b->g[index[i]];
			sum.h += b->h[index[i]];
		}
	sum.rows = (int64_t) leaf->count[0];
	return sum;
}

/* The values of the leaves, from the fractions of the rows of all members. */
static void
ml_boost_settle(MlBoost *b, MlBoostNode *nodes)
{
	const MlBoostSpec *spec = b->spec;

	for (int i = 0; i < b->nleaves; i++)
		b->leaf_sums[(size_t) b->team.me * spec->max_leaves + i] = ml_boost_leaf_sum(b, &b->leaves[i]);
	ml_boost_meet(b);
	for (int i = 0; i < b->nleaves; i++)
	{
		const MlBoostLeaf *leaf = &b->leaves[i];
		MlBoostTotals sum = {0, 0, 0};
		double		h;
		double		value;

		for (int m = 0; m < b->team.members; m++)
		{
			const MlBoostTotals *part = &b->leaf_sums[(size_t) m * spec->max_leaves + i];

			sum.g += part->g;
			sum.h += part->h;
			sum.rows += part->rows;
		}
		h = b->plain ? (double) sum.rows : (double) sum.h * b->h_scale;
		/* with nothing to divide by, the value is the one next to 0 that its bounds allow */
		if (h + spec->l2 > 0)
			value = ml_boost_value((double) sum.g * b->g_scale, h, spec->l2, leaf->low, leaf->high);
		else
			value = fmax(leaf->low, fmin(leaf->high, 0));
		nodes[leaf->node].value = spec->learning_rate * ml_boost_smooth(b, leaf, value, sum.rows);
	}
	ml_boost_meet(b);
}

/* Adds the tree to the scores of this member's rows. */
static void
ml_boost_add_scores(MlBoost *b, int group, const MlBoostNode *nodes)
{
	double	   *score = b->score + (size_t) group * b->spec->rows;

	for (int i = 0; i < b->nleaves; i++)
	{
		const MlBoostLeaf *leaf = &b->leaves[i];
		double		value = nodes[leaf->node].value;

		for (int list = 0; list < 2; list++)
		{
			const uint32_t *index = b->index + b->part + leaf->begin[list];

			for (size_t r = 0; r < leaf->count[list]; r++)
				score[index[r]] += value;
		}
	}
}

/* Makes the root a leaf with a histogram and its best split. */
static void
ml_boost_plant(MlBoost *b, int group, MlBoostNode *nodes)
{
	MlBoostLeaf *root = &b->leaves[0];
	int64_t    *wide = ml_boost_mine(b, 0);

	memset(root, 0, sizeof *root);
	root->low = -INFINITY;
	root->high = INFINITY;
	ml_boost_list_rows(b, group, root);
	for (int s = 0; s < b->spec->slots; s++)
		b->slot_leaf[s] = -1;
	b->slot_leaf[0] = 0;
	b->nleaves = 1;
	memset(wide, 0, sizeof(int64_t) * 3 * ml_boost_codes(b));
	/* all columns of all rows need no list */
	ml_boost_accumulate(b, b->whole && b->nactive == b->spec->cols ? NULL : b->index + b->part, b->fit_from,
						root->count[0], wide);
	ml_boost_meet(b);
	ml_boost_merge(b, 0);
	ml_boost_find_all(b, root, NULL);
	root->rows = nodes[0].rows = ml_boost_totals(b, ml_boost_slot(b, 0), b->active[0]).rows;
}

bool
ml_boost_grow(MlBoost *b, int group)
{
	MlBoostNode *nodes = b->nodes + (size_t) group * ml_boost_nodes_max(b->spec);
	int		   *nnodes = &b->nnodes[group];
	int			next;

	memset(nodes, 0, sizeof(MlBoostNode));
	nodes[0].column = -1;
	nodes[0].rows = b->spec->rows_fit;
	*nnodes = 1;
	ml_boost_choose_columns(b, group);
	if (b->nactive == 0 || b->spec->max_leaves < 2 || !ml_boost_gradients(b, group))
		return false;
	ml_boost_plant(b, group, nodes);
	while (b->nleaves < b->spec->max_leaves && (next = ml_boost_next_leaf(b)) >= 0)
	{
		ml_breathe(b->tick);
		ml_boost_split_leaf(b, next, nodes, nnodes);
	}
	if (b->nleaves == 1)
		return false;
	ml_boost_settle(b, nodes);
	ml_boost_add_scores(b, group, nodes);
	return true;
}
