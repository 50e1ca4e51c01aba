/*
 * boosting_model.c - a model of boosted trees: scoring, bytes, importance.
 *
 * Payload: u8 loss; u32 classes; u32 columns, per column u32 levels (0: a
 * number); u32 outputs, per output f64 base; u32 trees; u32 nodes; u32 nodes
 * that split a category; per tree u32 nodes, then the nodes, parents before children and
 * the children of a node side by side in the order of their parents:
 *
 *   u8 kind: 0 leaf, 1 number, 2 category; + 4 where what is missing goes left
 *   u32 training rows
 *   leaf: f64 value
 *   number: u32 column, f64 threshold (infinity: every value), f64 gain
 *   category: u32 column, f64 gain, u64 for every 64 levels, lowest first
 *
 * then u32 figures, per figure f64.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "learn/boosting.h"
#include "math/elementary.h"
#include "utils/memutils.h"

#define ML_BOOSTING_LEAF		0
#define ML_BOOSTING_NUMBER		1
#define ML_BOOSTING_CATEGORY	2
#define ML_BOOSTING_LEFT		4

/* Most steps that trees go down abreast. */
#define ML_BOOSTING_STEPS_MAX	64

static const char *const ml_boosting_figures[ML_BOOSTING_FIGURES] = {
	"rounds", "trees", "leaves", "depth", "held_back_rows", "held_back_loss"
};

MlBoosting *
ml_boosting_create(int ncols, int groups, int trees, int64 nodes, int64 sets)
{
	MlBoosting *m = palloc0(sizeof(MlBoosting));
	Size		n = Max(nodes, 1);

	m->ncols = m->forest.cols = ncols;
	m->forest.groups = groups;
	m->forest.trees = trees;
	m->nlevels = palloc0(sizeof(int) * Max(ncols, 1));
	m->tree_nodes = palloc0(sizeof(uint32) * Max(trees, 1));
	m->forest.root = palloc0(sizeof(uint32) * Max(trees, 1));
	m->forest.steps = palloc0(sizeof(uint32) * (trees / ML_FOREST_ABREAST + 1));
	m->forest.nodes = palloc_extended(sizeof(MlForestNode) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	m->forest.category = palloc0(sizeof(uint32) * Max(ncols, 1));
	m->forest.codes = palloc0(Max(ncols, 1));
	m->forest.values = palloc_extended(sizeof(double) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	m->forest.sets = palloc_extended(sizeof(uint64) * ML_FOREST_SET_WORDS * Max(sets, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	m->forest.base = palloc0(sizeof(double) * groups);
	m->gain = palloc_extended(sizeof(double) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	m->rows = palloc_extended(sizeof(uint32) * n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return m;
}

static inline bool
ml_boosting_is_leaf(const MlForest *f, uint32 node)
{
	return f->nodes[node].child == node;
}

/*
 * Adds up, for every number of steps, the share of training rows that are
 * still on their way in a tree; returns the tree's depth.
 */
static uint32
ml_boosting_walkers(const MlBoosting *m, int tree, double *walking, uint32 *levels)
{
	const MlForest *f = &m->forest;
	uint32		root = f->root[tree];
	double		rows = Max(m->rows[root], 1);
	uint32		depth = 0;

	levels[0] = 0;
	/* parents come before their children */
	for (uint32 i = 0; i < m->tree_nodes[tree]; i++)
	{
		const MlForestNode *node = &f->nodes[root + i];

		if (ml_boosting_is_leaf(f, root + i))
			continue;
		if (levels[i] < ML_BOOSTING_STEPS_MAX)
			walking[levels[i]] += m->rows[root + i] / rows;
		levels[node->child - root] = levels[node->child - root + 1] = levels[i] + 1;
		depth = Max(depth, levels[i] + 1);
	}
	return depth;
}

/* Lists the columns that some node splits as a category. */
static void
ml_boosting_list_categories(MlBoosting *m)
{
	MlForest   *f = &m->forest;
	bool	   *seen = palloc0(sizeof(bool) * Max(m->ncols, 1));

	for (int t = 0; t < f->trees; t++)
		for (uint32 i = f->root[t]; i < f->root[t] + m->tree_nodes[t]; i++)
			if (f->nodes[i].flags & ML_FOREST_CATEGORY)
				seen[f->nodes[i].column] = true;
	for (int j = 0; j < m->ncols; j++)
		if (seen[j])
			f->category[f->categories++] = j;
	pfree(seen);
}

/* Trees go down abreast until on average one of them is still on its way. */
void
ml_boosting_complete(MlBoosting *m)
{
	MlForest   *f = &m->forest;
	uint32		most = 1;
	uint32	   *levels;

	for (int t = 0; t < f->trees; t++)
		most = Max(most, m->tree_nodes[t]);
	levels = palloc_extended(sizeof(uint32) * most, MCXT_ALLOC_HUGE);
	for (int first = 0; first < f->trees; first += ML_FOREST_ABREAST)
	{
		double		walking[ML_BOOSTING_STEPS_MAX + 1] = {0};
		uint32		steps = 0;

		for (int t = first; t < Min(first + ML_FOREST_ABREAST, f->trees); t++)
			m->depth = Max(m->depth, ml_boosting_walkers(m, t, walking, levels));
		while (walking[steps] > 1)
			steps++;
		f->steps[first / ML_FOREST_ABREAST] = steps;
	}
	pfree(levels);
	ml_boosting_list_categories(m);
}

void
ml_boosting_predict(const void *model, const double *row, double *out)
{
	const MlBoosting *m = model;
	double		highest;
	double		sum = 0;

	ml_forest_score(&m->forest, row, out);
	if (m->loss == ML_BOOST_SQUARED)
		return;
	if (m->loss == ML_BOOST_LOGISTIC)
	{
		double		score = out[0];

		out[0] = ml_sigmoid(-score);
		out[1] = ml_sigmoid(score);
		return;
	}
	highest = out[0];
	for (int k = 1; k < m->nclasses; k++)
		highest = out[k] > highest ? out[k] : highest;
	for (int k = 0; k < m->nclasses; k++)
	{
		out[k] = ml_exp(out[k] - highest);
		sum += out[k];
	}
	for (int k = 0; k < m->nclasses; k++)
		out[k] /= sum;
}

/* A step down a tree takes as long as some eight operations, with categories more; and then each value is added. */
double
ml_boosting_cost(const void *model)
{
	const MlBoosting *m = model;
	double		steps = 0;

	for (int t = 0; t < m->forest.trees; t += ML_FOREST_ABREAST)
		steps += (double) (m->forest.steps[t / ML_FOREST_ABREAST] + 1) * Min(ML_FOREST_ABREAST, m->forest.trees - t);
	return steps * (m->forest.categories ? 24 : 8) + m->forest.trees;
}

/* Words that a category's set takes in the payload. */
static int
ml_boosting_words(int nlevels)
{
	return (nlevels + 63) / 64;
}

/* The bits of a word that are levels. */
static uint64
ml_boosting_mask(int nlevels, int word)
{
	int			bits = nlevels - 64 * word;

	return bits >= 64 ? ~UINT64CONST(0) : (UINT64CONST(1) << bits) - 1;
}

/*
 * Puts a node's set of levels in its place. What is no level, as what is
 * missing, goes where the node sends what is missing.
 */
void
ml_boosting_set(MlBoosting *m, uint32 node, int set, const uint64 *levels)
{
	MlForestNode *n = &m->forest.nodes[node];
	int			nlevels = m->nlevels[n->column];
	uint64	   *to = m->forest.sets + ML_FOREST_SET_WORDS * (Size) set;

	n->flags |= ML_FOREST_CATEGORY;
	n->at.set = ML_FOREST_SET_WORDS * (uint64) set;
	for (int w = 0; w < ML_FOREST_SET_WORDS; w++)
	{
		uint64		mask = nlevels > 64 * w ? ml_boosting_mask(nlevels, w) : 0;

		to[w] = (mask ? levels[w] & mask : 0) | (n->flags & ML_FOREST_MISSING_LEFT ? ~mask : 0);
	}
}

static void
ml_boosting_write_node(const MlBoosting *m, uint32 i, StringInfo out)
{
	const MlForestNode *node = &m->forest.nodes[i];
	uint8		left = node->flags & ML_FOREST_MISSING_LEFT ? ML_BOOSTING_LEFT : 0;

	if (ml_boosting_is_leaf(&m->forest, i))
	{
		ml_write_u8(out, ML_BOOSTING_LEAF);
		ml_write_u32(out, m->rows[i]);
		ml_write_f64(out, m->forest.values[i]);
	}
	else if (node->flags & ML_FOREST_CATEGORY)
	{
		ml_write_u8(out, ML_BOOSTING_CATEGORY | left);
		ml_write_u32(out, m->rows[i]);
		ml_write_u32(out, node->column);
		ml_write_f64(out, m->gain[i]);
		for (int w = 0; w < ml_boosting_words(m->nlevels[node->column]); w++)
			pq_sendint64(out, m->forest.sets[node->at.set + w] & ml_boosting_mask(m->nlevels[node->column], w));
	}
	else
	{
		ml_write_u8(out, ML_BOOSTING_NUMBER | left);
		ml_write_u32(out, m->rows[i]);
		ml_write_u32(out, node->column);
		ml_write_f64(out, node->at.threshold);
		ml_write_f64(out, m->gain[i]);
	}
}

void
ml_boosting_write(const void *model, StringInfo out)
{
	const MlBoosting *m = model;
	const MlForest *f = &m->forest;
	int64		nodes = 0;
	int64		sets = 0;

	ml_write_u8(out, m->loss);
	ml_write_u32(out, m->nclasses);
	ml_write_u32(out, m->ncols);
	for (int j = 0; j < m->ncols; j++)
		ml_write_u32(out, m->nlevels[j]);
	ml_write_u32(out, f->groups);
	for (int k = 0; k < f->groups; k++)
		ml_write_f64(out, f->base[k]);
	for (int t = 0; t < f->trees; t++)
		nodes += m->tree_nodes[t];
	for (int64 i = 0; i < nodes; i++)
		if (!ml_boosting_is_leaf(f, i) && (f->nodes[i].flags & ML_FOREST_CATEGORY))
			sets++;
	ml_write_u32(out, f->trees);
	ml_write_u32(out, nodes);
	ml_write_u32(out, sets);
	for (int t = 0; t < f->trees; t++)
	{
		ml_write_u32(out, m->tree_nodes[t]);
		for (uint32 i = 0; i < m->tree_nodes[t]; i++)
			ml_boosting_write_node(m, f->root[t] + i, out);
	}
	ml_write_u32(out, ML_BOOSTING_FIGURES);
	for (int i = 0; i < ML_BOOSTING_FIGURES; i++)
		ml_write_f64(out, m->figures[i]);
}

static uint64
ml_boosting_read_u64(MlReader *in)
{
	uint64		high = ml_read_u32(in);

	return high << 32 | ml_read_u32(in);
}

/* Reads a node; next is where children of the tree go next, sets the number of sets so far. */
static void
ml_boosting_read_node(MlReader *in, MlBoosting *m, uint32 i, uint32 *next, uint32 end, uint32 *sets, uint32 sets_end)
{
	MlForestNode *node = &m->forest.nodes[i];
	uint8		kind = ml_read_u8(in);
	bool		left = (kind & ML_BOOSTING_LEFT) != 0;

	m->rows[i] = ml_read_u32(in);
	if (kind == ML_BOOSTING_LEAF)
	{
		node->at.threshold = INFINITY;
		node->flags = ML_FOREST_MISSING_LEFT;
		node->child = i;
		m->forest.values[i] = ml_read_finite(in);
		return;
	}
	node->column = ml_read_index(in, m->ncols);
	node->flags = left ? ML_FOREST_MISSING_LEFT : 0;
	if (*next <= i || *next + 2 > end)
		ml_read_corrupted("a tree has more branches than nodes");
	node->child = *next;
	*next += 2;
	if ((kind & ~ML_BOOSTING_LEFT) == ML_BOOSTING_NUMBER && m->nlevels[node->column] == 0)
	{
		node->at.threshold = ml_read_f64(in);
		if (isnan(node->at.threshold))
			ml_read_corrupted("a threshold is no number");
		m->gain[i] = ml_read_finite(in);
	}
	else if ((kind & ~ML_BOOSTING_LEFT) == ML_BOOSTING_CATEGORY && m->nlevels[node->column] > 0)
	{
		uint64		levels[ML_FOREST_SET_WORDS] = {0};

		m->gain[i] = ml_read_finite(in);
		if (*sets >= sets_end)
			ml_read_corrupted("it has more sets of levels than it says");
		for (int w = 0; w < ml_boosting_words(m->nlevels[node->column]); w++)
		{
			levels[w] = ml_boosting_read_u64(in);
			if (levels[w] & ~ml_boosting_mask(m->nlevels[node->column], w))
				ml_read_corrupted("a set has levels that its column has not");
		}
		ml_boosting_set(m, i, (*sets)++, levels);
	}
	else
		ml_read_corrupted("a node makes no sense");
}

static void
ml_boosting_read_tree(MlReader *in, MlBoosting *m, int tree, uint32 *at, uint32 nodes_end, uint32 *sets,
					  uint32 sets_end)
{
	uint32		nodes = ml_read_u32(in);
	uint32		root = *at;
	uint32		next = root + 1;

	if (nodes < 1 || nodes % 2 == 0 || nodes > nodes_end - root)
		ml_read_corrupted("a tree has an impossible number of nodes");
	m->forest.root[tree] = root;
	m->tree_nodes[tree] = nodes;
	for (uint32 i = root; i < root + nodes; i++)
		ml_boosting_read_node(in, m, i, &next, root + nodes, sets, sets_end);
	if (next != root + nodes)
		ml_read_corrupted("a tree has fewer branches than nodes");
	*at = root + nodes;
}

/* Reads the columns and checks that they are those of the pipeline. */
static int *
ml_boosting_read_levels(MlReader *in, int ncols)
{
	int		   *nlevels;

	if (ml_read_count(in, 4) != ncols || ncols > PG_UINT16_MAX + 1)
		ml_read_corrupted("the trees do not fit their pipeline");
	nlevels = palloc(sizeof(int) * Max(ncols, 1));
	for (int j = 0; j < ncols; j++)
		nlevels[j] = ml_read_index(in, ML_LEARNER_LEVELS_MAX + 2);
	return nlevels;
}

void *
ml_boosting_read(MlReader *in, MlTask task, int ncols, int nclasses)
{
	MlBoostLoss loss = ml_read_u8(in);
	MlBoosting *m;
	double	   *base;
	int		   *nlevels;
	int			groups;
	int			trees;
	uint32		nodes;
	uint32		sets;
	uint32		at = 0;
	uint32		set = 0;

	if ((int) ml_read_u32(in) != nclasses)
		ml_read_corrupted("the trees do not fit their classes");
	nlevels = ml_boosting_read_levels(in, ncols);
	groups = ml_read_count(in, 8);
	if (!(task == ML_TASK_REGRESSION ? loss == ML_BOOST_SQUARED && groups == 1 :
		  loss == ML_BOOST_LOGISTIC ? nclasses == 2 && groups == 1 : loss == ML_BOOST_SOFTMAX && groups == nclasses))
		ml_read_corrupted("the loss of the trees does not fit their task");
	base = palloc(sizeof(double) * groups);
	for (int k = 0; k < groups; k++)
		base[k] = ml_read_finite(in);
	trees = ml_read_count(in, 4);
	nodes = ml_read_count(in, 5);
	sets = ml_read_count(in, 8);
	if (trees % groups != 0)
		ml_read_corrupted("a round of trees is not complete");
	m = ml_boosting_create(ncols, groups, trees, nodes, sets);
	m->loss = loss;
	m->nclasses = nclasses;
	m->nlevels = nlevels;
	m->forest.base = base;
	for (int t = 0; t < trees; t++)
		ml_boosting_read_tree(in, m, t, &at, nodes, &set, sets);
	if (at != nodes || set != sets)
		ml_read_corrupted("the trees have fewer nodes than they say");
	if (ml_read_count(in, 8) != ML_BOOSTING_FIGURES)
		ml_read_corrupted("the trees have figures that are not known");
	for (int i = 0; i < ML_BOOSTING_FIGURES; i++)
		m->figures[i] = ml_read_f64(in);
	ml_boosting_complete(m);
	return m;
}

int
ml_boosting_tell(const void *model, MlFigure **out)
{
	const MlBoosting *m = model;

	*out = palloc(sizeof(MlFigure) * ML_BOOSTING_FIGURES);
	for (int i = 0; i < ML_BOOSTING_FIGURES; i++)
	{
		(*out)[i].name = ml_boosting_figures[i];
		(*out)[i].value = m->figures[i];
	}
	return ML_BOOSTING_FIGURES;
}

void
ml_boosting_importance(const void *model, bool splits, double *out)
{
	const MlBoosting *m = model;

	for (int j = 0; j < m->ncols; j++)
		out[j] = 0;
	for (int t = 0; t < m->forest.trees; t++)
		for (uint32 i = m->forest.root[t]; i < m->forest.root[t] + m->tree_nodes[t]; i++)
			if (!ml_boosting_is_leaf(&m->forest, i))
				out[m->forest.nodes[i].column] += splits ? 1 : m->gain[i];
}
