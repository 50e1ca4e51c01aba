/*
 * boost_support.h - what the tests of boosting share: made-up data, a team of threads, trees walked by hand.
 */
#ifndef ML_BOOST_SUPPORT_H
#define ML_BOOST_SUPPORT_H

#include <pthread.h>

#include "unit.h"

#include "math/boost_internal.h"

/* A table of codes, what is to be learned from it, and what is asked for. */
typedef struct MlCase
{
	MlBoostSpec spec;
	MlBinColumn *columns;
	uint8_t    *bins;			/* row by row */
	double	   *targets;
	uint16_t   *classes;
	double	   *weights;
	double	   *base;
	bool		roomy;			/* rows are put in their places while columns may have any number of bins */
} MlCase;

/* What came out: tree t of group k has its nodes at node[t * groups + k]. */
typedef struct MlGrown
{
	int			rounds;
	int			groups;
	int			best_round;
	MlBoostNode **node;
	int		   *nodes;
	double	   *loss;			/* on the later rows after the best round so far, by round */
	double	   *later;			/* on them after each round, and on the rows to learn from; NaN without later rows */
	double	   *training;
} MlGrown;

/* Rows of which later only judge; one tree a round, everything allowed. */
static MlCase *
ml_case_new(int rows, int later, int cols, MlBoostLoss loss, int groups)
{
	MlCase	   *c = unit_alloc(sizeof(MlCase));
	MlBoostSpec *s = &c->spec;

	memset(c, 0, sizeof *c);
	s->rows = rows + later;
	s->rows_fit = rows;
	s->cols = cols;
	s->loss = loss;
	s->groups = groups;
	s->weight_max = 1;
	s->n_trees = 3;
	s->max_leaves = 8;
	s->min_rows = 1;
	s->learning_rate = 0.5;
	s->row_fraction = s->column_fraction = s->node_fraction = 1;
	s->seed = 42;
	s->members = 1;
	s->slots = 8;
	c->columns = calloc((size_t) cols, sizeof(MlBinColumn));
	c->bins = calloc((size_t) s->rows * cols + 1, 1);
	c->targets = calloc((size_t) s->rows, sizeof(double));
	c->classes = calloc((size_t) s->rows, sizeof(uint16_t));
	c->weights = calloc((size_t) s->rows, sizeof(double));
	c->base = calloc((size_t) groups, sizeof(double));
	for (int64_t i = 0; i < s->rows; i++)
		c->weights[i] = 1;
	return c;
}

static void
ml_case_free(MlCase *c)
{
	free(c->columns);
	free(c->bins);
	free(c->targets);
	free(c->classes);
	free(c->weights);
	free(c->base);
	free(c);
}

/* Fills a column with codes of nbins values, some of them missing. */
static void
ml_case_column(MlCase *c, int column, int nbins, double missing)
{
	c->columns[column].nbins = nbins;
	for (int64_t i = 0; i < c->spec.rows; i++)
	{
		bool		none = unit_uniform() < missing;

		c->bins[i * c->spec.cols + column] = (uint8_t) (none ? nbins : (int) (unit_random() % nbins));
		c->columns[column].missing |= none;
	}
}

static inline int
ml_case_code(const MlCase *c, int64_t row, int column)
{
	return c->bins[row * c->spec.cols + column];
}

/* Whether a node sends a code of its column to the left. */
static inline bool
ml_node_left(const MlBoostNode *node, const MlBinColumn *columns, int code)
{
	if (code >= columns[node->column].nbins)
		return node->missing_left;
	if (node->category)
		return (node->set[code / 64] >> (code % 64)) & 1;
	return code <= node->bin;
}

/* The leaf that a row of codes comes to. */
static inline int
ml_tree_leaf(const MlBoostNode *nodes, const MlBinColumn *columns, const uint8_t *codes)
{
	int			at = 0;

	while (nodes[at].column >= 0)
		at = nodes[at].left + !ml_node_left(&nodes[at], columns, codes[nodes[at].column]);
	return at;
}

/* The score of a row of codes in a group, after the first rounds rounds. */
static inline double
ml_grown_score(const MlGrown *f, const MlCase *c, const uint8_t *codes, int group, int rounds)
{
	double		score = c->base[group];

	for (int t = 0; t < rounds; t++)
	{
		const MlBoostNode *nodes = f->node[t * f->groups + group];

		score += nodes[ml_tree_leaf(nodes, c->columns, codes)].value;
	}
	return score;
}

static void
ml_grown_free(MlGrown *f)
{
	for (int t = 0; t < f->rounds * f->groups; t++)
		free(f->node[t]);
	free(f->node);
	free(f->nodes);
	free(f->loss);
	free(f->later);
	free(f->training);
	free(f);
}

/* The first node in which two trees differ, or -1. */
static inline int
ml_tree_differs(const MlBoostNode *a, int na, const MlBoostNode *b, int nb)
{
	for (int i = 0; i < na && i < nb; i++)
	{
		bool		same = a[i].column == b[i].column && a[i].value == b[i].value && a[i].rows == b[i].rows;

		if (same && a[i].column >= 0)
			same = a[i].left == b[i].left && a[i].bin == b[i].bin && a[i].missing_left == b[i].missing_left &&
				a[i].category == b[i].category && a[i].gain == b[i].gain &&
				memcmp(a[i].set, b[i].set, sizeof a[i].set) == 0;
		if (!same)
			return i;
	}
	return na == nb ? -1 : na < nb ? na : nb;
}

/* Equal to the bit: trees, losses, the best round. */
static inline bool
ml_grown_equal(const MlGrown *a, const MlGrown *b)
{
	if (a->rounds != b->rounds || a->groups != b->groups || a->best_round != b->best_round)
		return false;
	for (int t = 0; t < a->rounds * a->groups; t++)
		if (ml_tree_differs(a->node[t], a->nodes[t], b->node[t], b->nodes[t]) >= 0)
			return false;
	return memcmp(a->loss, b->loss, sizeof(double) * a->rounds) == 0 &&
		memcmp(a->later, b->later, sizeof(double) * a->rounds) == 0 &&
		memcmp(a->training, b->training, sizeof(double) * a->rounds) == 0;
}

/* One member at work. */
typedef struct MlMember
{
	MlBoostTeam team;
	void	   *shared;
	void	   *own;
	const MlCase *c;
	MlGrown    *forest;
} MlMember;

static void
ml_member_meet(void *ctx)
{
	pthread_barrier_wait(ctx);
}

static void
ml_case_fill(const MlCase *c, MlBoost *b)
{
	size_t		rows = (size_t) c->spec.rows;
	size_t		cols = (size_t) c->spec.cols;

	memcpy(ml_boost_bins(b), c->bins, rows * cols);
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < cols; k++)
			ml_boost_bins_by_column(b)[k * rows + i] = c->bins[i * cols + k];
	if (c->spec.loss == ML_BOOST_SQUARED)
		memcpy(ml_boost_targets(b), c->targets, rows * sizeof(double));
	else
		memcpy(ml_boost_classes(b), c->classes, rows * sizeof(uint16_t));
	if (ml_boost_weights(b))
		memcpy(ml_boost_weights(b), c->weights, rows * sizeof(double));
	memcpy(ml_boost_base(b), c->base, sizeof(double) * c->spec.groups);
}

static void *
ml_member_run(void *ctx)
{
	MlMember   *m = ctx;
	const MlBoostSpec *s = &m->c->spec;
	MlGrown    *f = unit_alloc(sizeof(MlGrown));
	MlBoost    *b = ml_boost_attach(m->shared, m->own, &m->team, NULL);

	memset(f, 0, sizeof *f);
	f->groups = s->groups;
	f->node = unit_alloc(sizeof(MlBoostNode *) * s->n_trees * s->groups);
	f->nodes = unit_alloc(sizeof(int) * s->n_trees * s->groups);
	f->loss = unit_alloc(sizeof(double) * s->n_trees);
	f->later = unit_alloc(sizeof(double) * s->n_trees);
	f->training = unit_alloc(sizeof(double) * s->n_trees);
	if (m->team.me == 0 && !m->c->roomy)
		ml_case_fill(m->c, b);
	if (m->team.members > 1)
		ml_member_meet(m->team.ctx);
	while (ml_boost_round(b))
	{
		for (int k = 0; k < s->groups; k++)
		{
			int			t = f->rounds * s->groups + k;
			const MlBoostNode *nodes = ml_boost_tree(b, k, &f->nodes[t]);

			f->node[t] = unit_alloc(sizeof(MlBoostNode) * f->nodes[t]);
			memcpy(f->node[t], nodes, sizeof(MlBoostNode) * f->nodes[t]);
		}
		if (!ml_boost_round_loss(b, &f->training[f->rounds], &f->later[f->rounds]))
			f->training[f->rounds] = f->later[f->rounds] = NAN;
		f->loss[f->rounds++] = ml_boost_best_loss(b);
	}
	f->best_round = ml_boost_best_round(b);
	m->forest = f;
	return NULL;
}

/* Memory of a size, aligned, full of what a careless reader would trip over. */
static void *
ml_aligned(size_t size)
{
	void	   *p;

	if (posix_memalign(&p, 64, size) != 0)
		exit(2);
	memset(p, 0xA5, size);
	return p;
}

/* Lays shared memory out; rows of a roomy case come before it is laid out for good. */
static void *
ml_case_lay(const MlCase *c, const MlBoostSpec *spec, size_t *own_size)
{
	MlBinColumn *wide = calloc((size_t) spec->cols, sizeof(MlBinColumn));
	size_t		size;
	void	   *shared;

	for (int k = 0; k < spec->cols; k++)
		wide[k].nbins = ML_BINS_MAX;
	ML_CHECK(ml_boost_sizes(spec, c->roomy ? wide : c->columns, &size, own_size) == ML_OK);
	shared = ml_aligned(size);
	if (c->roomy)
	{
		MlBoostTeam alone = {1, 0, NULL, NULL};
		void	   *own = ml_aligned(*own_size);

		ml_boost_init(shared, spec, wide);
		ml_case_fill(c, ml_boost_attach(shared, own, &alone, NULL));
		free(own);
	}
	ml_boost_init(shared, spec, c->columns);
	/* with fewer bins than at first a member needs no more */
	ML_CHECK(c->roomy ? ml_boost_own_bytes(shared) <= *own_size : ml_boost_own_bytes(shared) == *own_size);
	free(wide);
	return shared;
}

/* Grows the forest of a case by a team of threads; all members must come to the same one. */
static MlGrown *
ml_case_run(const MlCase *c, int members)
{
	MlBoostSpec spec = c->spec;
	MlMember   *member = calloc((size_t) members, sizeof(MlMember));
	pthread_t  *thread = calloc((size_t) members, sizeof(pthread_t));
	pthread_barrier_t barrier;
	MlGrown    *forest;
	size_t		own_size;
	void	   *shared;

	spec.members = members > spec.members ? members : spec.members;
	shared = ml_case_lay(c, &spec, &own_size);
	pthread_barrier_init(&barrier, NULL, (unsigned) members);
	for (int m = 0; m < members; m++)
	{
		member[m].team.members = members;
		member[m].team.me = m;
		member[m].team.meet = ml_member_meet;
		member[m].team.ctx = &barrier;
		member[m].shared = shared;
		member[m].own = ml_aligned(own_size);
		member[m].c = c;
		if (m > 0 && pthread_create(&thread[m], NULL, ml_member_run, &member[m]) != 0)
			exit(2);
	}
	ml_member_run(&member[0]);
	forest = member[0].forest;
	for (int m = 1; m < members; m++)
	{
		pthread_join(thread[m], NULL);
		CHECK(ml_grown_equal(forest, member[m].forest), "member %d of %d", m, members);
		ml_grown_free(member[m].forest);
	}
	for (int m = 0; m < members; m++)
		free(member[m].own);
	pthread_barrier_destroy(&barrier);
	free(shared);
	free(member);
	free(thread);
	return forest;
}

#endif							/* ML_BOOST_SUPPORT_H */
