/*
 * test_boost.c - boosted trees against a plain grower that goes through all rows for every split.
 */
#include "boost_support.h"

#define ML_ROWS_MAX		80

/* A split as the plain grower finds it. */
typedef struct MlPlainSplit
{
	double		gain;
	int			column;
	int			bin;			/* the first of the edges that part the rows so */
	bool		missing_left;
} MlPlainSplit;

/* What the plain grower knows of a tree: which node every row is in, and the leaves by number. */
typedef struct MlPlain
{
	const MlCase *c;
	double		g[ML_ROWS_MAX];
	double		h[ML_ROWS_MAX];
	int			node[ML_ROWS_MAX];
	int			leaf_node[ML_ROWS_MAX];
	int			leaf_depth[ML_ROWS_MAX];
	int			leaves;
	MlBoostNode nodes[2 * ML_ROWS_MAX];
	int			nnodes;
} MlPlain;

/* Whether a split of a column sends a code to the left. */
static bool
ml_plain_left(const MlPlain *p, const MlPlainSplit *s, int row)
{
	int			code = ml_case_code(p->c, row, s->column);

	return code >= p->c->columns[s->column].nbins ? s->missing_left : code <= s->bin;
}

/* The gain of a split of a node, or 0 where there is none. */
static double
ml_plain_gain(const MlPlain *p, int node, const MlPlainSplit *s)
{
	double		g[2] = {0, 0};
	double		h[2] = {0, 0};
	int			rows[2] = {0, 0};
	double		l2 = p->c->spec.l2;
	double		children;
	double		gain;

	for (int i = 0; i < p->c->spec.rows_fit; i++)
	{
		int			side;

		if (p->node[i] != node)
			continue;
		side = !ml_plain_left(p, s, i);
		g[side] += p->g[i];
		h[side] += p->h[i];
		rows[side]++;
	}
	if (rows[0] < p->c->spec.min_rows || rows[1] < p->c->spec.min_rows || rows[0] == 0 || rows[1] == 0)
		return 0;
	children = g[0] * g[0] / (h[0] + l2) + g[1] * g[1] / (h[1] + l2);
	gain = children - (g[0] + g[1]) * (g[0] + g[1]) / (h[0] + h[1] + l2);
	return gain > 1e-12 * children ? gain : 0;
}

/* Rows of a node, with those missing in a column. */
static int
ml_plain_count(const MlPlain *p, int node, int column, int *missing)
{
	int			rows = 0;

	*missing = 0;
	for (int i = 0; i < p->c->spec.rows_fit; i++)
		if (p->node[i] == node)
		{
			rows++;
			*missing += ml_case_code(p->c, i, column) >= p->c->columns[column].nbins;
		}
	return rows;
}

/* The first of the best splits: by column, missing to the right before left, then by bin. */
static MlPlainSplit
ml_plain_best(const MlPlain *p, int node)
{
	MlPlainSplit best = {0, -1, 0, false};

	for (int column = 0; column < p->c->spec.cols; column++)
	{
		int			missing;
		int			nbins = p->c->columns[column].nbins;

		ml_plain_count(p, node, column, &missing);
		for (int left = 0; left <= (missing > 0); left++)
			for (int bin = 0; bin < nbins - (missing == 0 || left); bin++)
			{
				MlPlainSplit s = {0, column, bin, left};

				s.gain = ml_plain_gain(p, node, &s);
				if (s.gain > best.gain)
					best = s;
			}
	}
	return best;
}

/* Writes a split of a leaf down, in the words of boost.h. */
static void
ml_plain_split(MlPlain *p, int leaf, MlPlainSplit s)
{
	int			at = p->leaf_node[leaf];
	MlBoostNode *node = &p->nodes[at];
	int			nbins = p->c->columns[s.column].nbins;
	int			beyond = nbins;
	int			missing;
	int			rows = ml_plain_count(p, at, s.column, &missing);

	node->column = s.column;
	node->left = p->nnodes;
	node->gain = s.gain;
	node->missing_left = s.missing_left;
	for (int i = 0; i < p->c->spec.rows_fit; i++)
		if (p->node[i] == at)
		{
			int			code = ml_case_code(p->c, i, s.column);
			bool		left = ml_plain_left(p, &s, i);

			if (code > s.bin && code < beyond)
				beyond = code;
			p->node[i] = node->left + !left;
			p->nodes[p->node[i]].rows++;
		}
	node->bin = beyond == nbins ? nbins - 1 : s.bin + (beyond - 1 - s.bin) / 2;
	if (missing == 0)
		node->missing_left = p->nodes[node->left].rows >= rows - p->nodes[node->left].rows;
	p->nodes[node->left].column = p->nodes[node->left + 1].column = -1;
	p->leaf_node[leaf] = node->left;
	p->leaf_node[p->leaves] = node->left + 1;
	p->leaf_depth[leaf]++;
	p->leaf_depth[p->leaves++] = p->leaf_depth[leaf];
	p->nnodes += 2;
}

/* Grows a tree on the gradients: the leaf of the greatest gain first, of equal ones that with the lowest number. */
static void
ml_plain_grow(MlPlain *p)
{
	const MlBoostSpec *spec = &p->c->spec;

	memset(p->nodes, 0, sizeof p->nodes);
	memset(p->node, 0, sizeof p->node);
	p->nodes[0].column = -1;
	p->nodes[0].rows = spec->rows_fit;
	p->nnodes = p->leaves = 1;
	p->leaf_node[0] = p->leaf_depth[0] = 0;
	while (p->leaves < spec->max_leaves)
	{
		MlPlainSplit best = {0, -1, 0, false};
		int			which = -1;

		for (int leaf = 0; leaf < p->leaves; leaf++)
		{
			MlPlainSplit s;

			if (spec->max_depth > 0 && p->leaf_depth[leaf] >= spec->max_depth)
				continue;
			s = ml_plain_best(p, p->leaf_node[leaf]);
			if (s.gain > best.gain)
			{
				best = s;
				which = leaf;
			}
		}
		if (which < 0)
			break;
		ml_plain_split(p, which, best);
	}
}

/* Values of the leaves: every node's is drawn to that of its parent, before shrinkage. */
static void
ml_plain_values(MlPlain *p)
{
	const MlBoostSpec *spec = &p->c->spec;
	double		g[2 * ML_ROWS_MAX] = {0};
	double		h[2 * ML_ROWS_MAX] = {0};
	double		rows[2 * ML_ROWS_MAX] = {0};
	double		value[2 * ML_ROWS_MAX];

	for (int i = 0; i < spec->rows_fit; i++)
	{
		g[p->node[i]] += p->g[i];
		h[p->node[i]] += p->h[i];
		rows[p->node[i]]++;
	}
	for (int i = p->nnodes - 1; i >= 0; i--)
		if (p->nodes[i].column >= 0)
		{
			int			left = p->nodes[i].left;

			g[i] = g[left] + g[left + 1];
			h[i] = h[left] + h[left + 1];
			rows[i] = rows[left] + rows[left + 1];
		}
	value[0] = -g[0] / (h[0] + spec->l2);
	for (int i = 0; i < p->nnodes; i++)
		for (int child = p->nodes[i].left; p->nodes[i].column >= 0 && child < p->nodes[i].left + 2; child++)
		{
			double		own = -g[child] / (h[child] + spec->l2);
			double		share = rows[child] / (rows[child] + spec->path_smoothing);

			value[child] = spec->path_smoothing > 0 ? value[i] + share * (own - value[i]) : own;
		}
	for (int i = 0; i < p->nnodes; i++)
		p->nodes[i].value = p->nodes[i].column < 0 ? spec->learning_rate * value[i] : 0;
}

/* Small random data: few values, some missing, whole targets. */
static MlCase *
ml_random_case(MlBoostLoss loss)
{
	int			rows = 1 + (int) (unit_random() % (ML_ROWS_MAX - 1));
	int			cols = 1 + (int) (unit_random() % 5);
	MlCase	   *c = ml_case_new(rows, 0, cols, loss, 1);
	int			span = 1 + (int) (unit_random() % 12);

	for (int k = 0; k < cols; k++)
		ml_case_column(c, k, 1 + (int) (unit_random() % 12), unit_random() % 2 ? 0 : 0.4 * unit_uniform());
	for (int i = 0; i < rows; i++)
	{
		int			code = ml_case_code(c, i, 0);

		c->targets[i] = (double) (unit_random() % span) + (code > 2 ? 3 : code == 0 ? -2 : 0);
		c->classes[i] = unit_uniform() < (code > 3 ? 0.8 : 0.3);
	}
	c->base[0] = loss == ML_BOOST_SQUARED ? (double) (unit_random() % 4) : 0.25 * (double) (unit_random() % 4);
	c->spec.l2 = 0.5 * (double) (unit_random() % 4);
	c->spec.min_rows = 1 + (int64_t) (unit_random() % 4);
	c->spec.max_depth = (int) (unit_random() % 5);
	c->spec.max_leaves = 2 + (int) (unit_random() % 30);
	c->spec.learning_rate = unit_random() % 2 ? 1 : 0.3;
	c->spec.slots = 2 + (int) (unit_random() % 6);
	c->spec.path_smoothing = loss == ML_BOOST_SQUARED && unit_random() % 2 ? 2 : 0;
	c->spec.n_trees = 4;
	return c;
}

/* Squared error: gradients as whole multiples of 2^-30 of their bound's power of two, so that every sum is exact. */
static bool
ml_plain_gradients(MlPlain *p, const double *score)
{
	double		bound = 0;
	double		unit = 0x1p-30;
	bool		any = false;

	for (int i = 0; i < p->c->spec.rows_fit; i++)
		bound = fmax(bound, fabs(score[i] - p->c->targets[i]));
	while (bound > 0 && unit * 0x1p30 < bound)
		unit *= 2;
	while (bound > 0 && unit * 0x1p29 >= bound)
		unit /= 2;
	for (int i = 0; i < p->c->spec.rows_fit; i++)
	{
		p->g[i] = rint((score[i] - p->c->targets[i]) / unit) * unit;
		p->h[i] = 1;
		any |= bound > 0;
	}
	return any;
}

/* The same trees as the plain grower's, to the bit, in every round. */
static void
ml_test_squared(void)
{
	MlPlain    *p = unit_alloc(sizeof(MlPlain));
	double		score[ML_ROWS_MAX];
	int			splits = 0;

	for (int repeat = 0; repeat < 600; repeat++)
	{
		MlCase	   *c = ml_random_case(ML_BOOST_SQUARED);
		MlGrown    *f = ml_case_run(c, 1);
		int			t = 0;

		p->c = c;
		for (int i = 0; i < c->spec.rows_fit; i++)
			score[i] = c->base[0];
		for (; t < c->spec.n_trees; t++)
		{
			int			differs;

			p->leaves = 1;
			if (ml_plain_gradients(p, score))
				ml_plain_grow(p);
			if (p->leaves == 1)
				break;
			ml_plain_values(p);
			if (t >= f->rounds)
				break;
			differs = ml_tree_differs(f->node[t], f->nodes[t], p->nodes, p->nnodes);
			CHECK(differs < 0, "data set %d, round %d: node %d differs", repeat, t, differs);
			for (int i = 0; i < c->spec.rows_fit; i++)
				score[i] += p->nodes[p->node[i]].value;
			splits += p->leaves - 1;
		}
		CHECK(t == f->rounds, "data set %d: %d rounds, not %d", repeat, f->rounds, t);
		ml_grown_free(f);
		ml_case_free(c);
	}
	CHECK(splits > 5000, "only %d splits", splits);
	free(p);
}

/*
 * Logistic loss: the histograms' steps are coarse, so a split need only be as
 * good as the best but for a little; but where the best is well ahead it must
 * be that one, which the same bound says.
 */
static void
ml_follow_tree(MlPlain *p, const MlBoostNode *nodes, int nnodes, int repeat)
{
	const double slack = 0.02;
	int			made = 1;

	memset(p->nodes, 0, sizeof p->nodes);
	memset(p->node, 0, sizeof p->node);
	p->nodes[0].column = -1;
	p->leaves = p->nnodes = 1;
	p->leaf_node[0] = p->leaf_depth[0] = 0;
	for (; made < nnodes; made += 2)
	{
		MlPlainSplit taken;
		double		most = 0;
		int			which = -1;

		/* the leaf that was split here is the parent of the next nodes */
		for (int leaf = 0; leaf < p->leaves; leaf++)
		{
			const MlBoostNode *node = &nodes[p->leaf_node[leaf]];

			if (node->column >= 0 && node->left == made)
				which = leaf;
			if (p->c->spec.max_depth == 0 || p->leaf_depth[leaf] < p->c->spec.max_depth)
				most = fmax(most, ml_plain_best(p, p->leaf_node[leaf]).gain);
		}
		CHECK(which >= 0, "data set %d: no parent of node %d", repeat, made);
		if (which < 0)
			return;
		taken.column = nodes[p->leaf_node[which]].column;
		taken.bin = nodes[p->leaf_node[which]].bin;
		taken.missing_left = nodes[p->leaf_node[which]].missing_left;
		taken.gain = ml_plain_gain(p, p->leaf_node[which], &taken);
		CHECK(taken.gain >= most * (1 - slack) - 1e-3, "data set %d: gain %g, best %g", repeat, taken.gain, most);
		CHECK(fabs(taken.gain - nodes[p->leaf_node[which]].gain) <= slack * taken.gain + 1e-3,
			  "data set %d: gain %g is told as %g", repeat, taken.gain, nodes[p->leaf_node[which]].gain);
		ml_plain_split(p, which, taken);
	}
	if (p->leaves < p->c->spec.max_leaves)
		for (int leaf = 0; leaf < p->leaves; leaf++)
			if (p->c->spec.max_depth == 0 || p->leaf_depth[leaf] < p->c->spec.max_depth)
				CHECK(ml_plain_best(p, p->leaf_node[leaf]).gain < 2e-3, "data set %d: a gain of %g was left", repeat,
					  ml_plain_best(p, p->leaf_node[leaf]).gain);
}

static void
ml_test_logistic(void)
{
	MlPlain    *p = unit_alloc(sizeof(MlPlain));
	double		score[ML_ROWS_MAX];
	int			splits = 0;

	for (int repeat = 0; repeat < 300; repeat++)
	{
		MlCase	   *c = ml_random_case(ML_BOOST_LOGISTIC);
		MlGrown    *f;

		c->spec.l2 += 0.5;
		f = ml_case_run(c, 1);
		p->c = c;
		for (int i = 0; i < c->spec.rows_fit; i++)
			score[i] = c->base[0];
		for (int t = 0; t < f->rounds; t++)
		{
			for (int i = 0; i < c->spec.rows_fit; i++)
			{
				double		probability = 1 / (1 + exp(-score[i]));

				p->g[i] = probability - c->classes[i];
				p->h[i] = probability * (1 - probability);
			}
			ml_follow_tree(p, f->node[t], f->nodes[t], repeat);
			ml_plain_values(p);
			for (int leaf = 0; leaf < p->leaves; leaf++)
				CHECK(fabs(p->nodes[p->leaf_node[leaf]].value - f->node[t][p->leaf_node[leaf]].value) < 1e-6,
					  "data set %d: %.17g, not %.17g", repeat, f->node[t][p->leaf_node[leaf]].value,
					  p->nodes[p->leaf_node[leaf]].value);
			for (int i = 0; i < c->spec.rows_fit; i++)
				score[i] += f->node[t][p->node[i]].value;
			splits += p->leaves - 1;
		}
		ml_grown_free(f);
		ml_case_free(c);
	}
	CHECK(splits > 1000, "only %d splits", splits);
	free(p);
}

/* Squared error without weights: the order of rows does not matter. */
static void
ml_test_order(void)
{
	for (int repeat = 0; repeat < 20; repeat++)
	{
		MlCase	   *c = ml_random_case(ML_BOOST_SQUARED);
		MlGrown    *f = ml_case_run(c, 1);
		MlGrown    *other;

		for (int64_t i = c->spec.rows - 1; i > 0; i--)
		{
			int64_t		j = (int64_t) (unit_random() % (uint64_t) (i + 1));
			double		target = c->targets[i];

			c->targets[i] = c->targets[j];
			c->targets[j] = target;
			for (int k = 0; k < c->spec.cols; k++)
			{
				uint8_t		code = c->bins[i * c->spec.cols + k];

				c->bins[i * c->spec.cols + k] = c->bins[j * c->spec.cols + k];
				c->bins[j * c->spec.cols + k] = code;
			}
		}
		other = ml_case_run(c, 1);
		ML_CHECK(ml_grown_equal(f, other));
		ml_grown_free(f);
		ml_grown_free(other);
		ml_case_free(c);
	}
}

int
main(void)
{
	ml_test_squared();
	ml_test_logistic();
	ml_test_order();
	return unit_result("boost");
}
