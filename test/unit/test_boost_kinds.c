/*
 * test_boost_kinds.c - sets of levels, many classes, shares of rows and columns, stopping early, hostile data.
 */
#include "boost_support.h"

/* Sums of a level: the missing ones are the level after the last. */
typedef struct MlLevel
{
	double		g;
	double		h;
	double		rows;
} MlLevel;

/* One column of levels, of which some do not occur. */
static MlCase *
ml_levels_case(int nbins, int occurring, double missing)
{
	MlCase	   *c = ml_case_new(40 + (int) (unit_random() % 100), 0, 1, ML_BOOST_SQUARED, 1);

	ml_case_column(c, 0, nbins, missing);
	for (int64_t i = 0; i < c->spec.rows; i++)
	{
		int			code = c->bins[i];

		/* three apart, so that those present lie among those absent */
		if (code < nbins)
			c->bins[i] = (uint8_t) (code = code % occurring * 3 % nbins);
		c->targets[i] = (double) (unit_random() % 9) + code * 7 % 5;
	}
	c->columns[0].category = true;
	c->spec.n_trees = 1;
	c->spec.max_leaves = 2;
	c->base[0] = 3;
	return c;
}

static double
ml_level_gain(const MlLevel *level, int codes, uint64_t left, double l2, double min_rows)
{
	double		g[2] = {0, 0};
	double		h[2] = {0, 0};
	double		rows[2] = {0, 0};

	for (int c = 0; c < codes; c++)
	{
		int			side = !((left >> c) & 1);

		g[side] += level[c].g;
		h[side] += level[c].h;
		rows[side] += level[c].rows;
	}
	if (rows[0] == 0 || rows[1] == 0 || rows[0] < min_rows || rows[1] < min_rows)
		return 0;
	return g[0] * g[0] / (h[0] + l2) + g[1] * g[1] / (h[1] + l2) -
		(g[0] + g[1]) * (g[0] + g[1]) / (h[0] + h[1] + l2);
}

static void
ml_level_sums(const MlCase *c, MlLevel *level, MlLevel *all)
{
	memset(level, 0, sizeof(MlLevel) * ML_BIN_CODES);
	memset(all, 0, sizeof *all);
	for (int64_t i = 0; i < c->spec.rows; i++)
	{
		MlLevel    *l = &level[c->bins[i]];

		l->g += c->base[0] - c->targets[i];
		l->h += 1;
		l->rows += 1;
		all->g += c->base[0] - c->targets[i];
		all->h += 1;
		all->rows += 1;
	}
}

/* The levels that a split sends to the left, with the missing ones, as far as they occur. */
static uint64_t
ml_level_left(const MlCase *c, const MlBoostNode *node, const MlLevel *level)
{
	uint64_t	left = 0;

	for (int code = 0; code <= c->columns[0].nbins; code++)
		if (level[code].rows > 0 && ml_node_left(node, c->columns, code))
			left |= UINT64_C(1) << code;
	return left;
}

/* Levels that do not occur go with the many, and so do missing values unless some occur; no set names the missing. */
static void
ml_check_absent(const MlCase *c, const MlBoostNode *nodes, const MlLevel *level)
{
	int			nbins = c->columns[0].nbins;
	bool		many_left = nodes[1].rows >= nodes[2].rows;

	for (int code = 0; code < nbins; code++)
		if (level[code].rows == 0)
			CHECK(((nodes[0].set[code / 64] >> (code % 64)) & 1) == many_left, "level %d of %d", code, nbins);
	if (level[nbins].rows == 0)
		ML_CHECK(nodes[0].missing_left == many_left);
	for (int code = nbins; code < 64 * ML_BOOST_SET_WORDS; code++)
		ML_CHECK(((nodes[0].set[code / 64] >> (code % 64)) & 1) == 0);
}

/* Without smoothing the split is the best of all subsets (Fisher 1958). */
static void
ml_test_subsets(void)
{
	for (int repeat = 0; repeat < 300; repeat++)
	{
		int			nbins = 2 + (int) (unit_random() % 9);
		int			occurring = nbins < 8 ? nbins : 7;
		MlCase	   *c = ml_levels_case(nbins, occurring, repeat % 3 ? 0 : 0.1);
		MlGrown    *f;
		MlLevel		level[ML_BIN_CODES];
		MlLevel		all;
		double		best = 0;

		if (repeat % 5 == 1)
			c->columns[0].missing = true;
		ml_level_sums(c, level, &all);
		f = ml_case_run(c, 1 + repeat % 2);
		for (uint64_t left = 1; left < UINT64_C(1) << (nbins + 1); left += 2)
			best = fmax(best, ml_level_gain(level, nbins + 1, left, 0, 1));
		ML_CHECK((best > 1e-9) == (f->rounds == 1));
		if (f->rounds == 1)
		{
			uint64_t	left = ml_level_left(c, f->node[0], level);

			ML_CHECK(f->node[0]->category);
			ML_CHECK_NEAR(ml_level_gain(level, nbins + 1, left, 0, 1), best, 1e-12);
			ML_CHECK_NEAR(f->node[0]->gain, best, 1e-12);
			ml_check_absent(c, f->node[0], level);
		}
		ml_grown_free(f);
		ml_case_free(c);
	}
}

/* The best place to cut levels in the order of their drawn means: its gain, and what is on the left. */
static double
ml_cut_levels(const MlCase *c, const MlLevel *level, const MlLevel *all, bool *left)
{
	double		smoothing = c->spec.level_smoothing;
	bool		gone[ML_BIN_CODES] = {0};
	MlLevel		parts[2] = {{0, 0, 0}, *all};
	double		best = 0;
	double		l2 = c->spec.l2;
	int			n = 0;

	for (int code = 0; code < ML_BIN_CODES; code++)
		n += level[code].rows > 0;
	if (n > 4)
		l2 += c->spec.level_l2 + n * c->spec.level_l2_each;
	for (int k = 0; k < n - 1; k++)
	{
		int			next = -1;
		double		least = INFINITY;
		double		gain;

		for (int code = 0; code < ML_BIN_CODES; code++)
		{
			double		place = (level[code].g + smoothing * all->g / all->h) / (level[code].h + smoothing);

			if (level[code].rows > 0 && !gone[code] && place < least - 1e-12)
			{
				least = place;
				next = code;
			}
		}
		gone[next] = true;
		parts[0].g += level[next].g;
		parts[0].h += level[next].h;
		parts[0].rows += level[next].rows;
		parts[1].g = all->g - parts[0].g;
		parts[1].h = all->h - parts[0].h;
		parts[1].rows = all->rows - parts[0].rows;
		gain = ml_level_gain(parts, 2, 1, l2, fmax((double) c->spec.min_rows, n > 4 ? c->spec.level_rows : 0));
		if (gain > best * (1 + 1e-12))
		{
			best = gain;
			memcpy(left, gone, sizeof gone);
		}
	}
	return best;
}

/* With smoothing, and more l2 where there are more than four levels. */
static void
ml_test_smoothed(void)
{
	for (int repeat = 0; repeat < 200; repeat++)
	{
		int			nbins = repeat % 4 ? 2 + (int) (unit_random() % 20) : 255;
		MlCase	   *c = ml_levels_case(nbins, nbins < 60 ? nbins : 20, repeat % 3 ? 0 : 0.1);
		MlLevel		level[ML_BIN_CODES];
		MlLevel		all;
		MlGrown    *f;
		bool		left[ML_BIN_CODES] = {0};
		double		best;

		c->spec.level_smoothing = 5;
		c->spec.level_l2 = 4;
		c->spec.level_l2_each = repeat % 2 ? 0.5 : 0;
		c->spec.level_rows = repeat % 5 ? 0 : 25;
		c->spec.l2 = 1;
		c->spec.min_rows = 1 + repeat % 8;
		ml_level_sums(c, level, &all);
		best = ml_cut_levels(c, level, &all, left);
		f = ml_case_run(c, 1);
		CHECK((best > 1e-9) == (f->rounds == 1), "data set %d", repeat);
		for (int code = 0; code <= nbins && f->rounds; code++)
			if (level[code].rows > 0)
				CHECK(ml_node_left(f->node[0], c->columns, code) == left[code], "data set %d: level %d of %d",
					  repeat, code, nbins);
		if (f->rounds)
		{
			ML_CHECK_NEAR(f->node[0]->gain, best, 1e-12);
			ml_check_absent(c, f->node[0], level);
		}
		ml_grown_free(f);
		ml_case_free(c);
	}
}

/* Three classes that a column parts are learned; scores of the classes cancel. */
static void
ml_test_classes(void)
{
	MlCase	   *c = ml_case_new(600, 0, 3, ML_BOOST_SOFTMAX, 3);
	MlGrown    *f;
	int			wrong = 0;

	for (int k = 0; k < 3; k++)
		ml_case_column(c, k, 9, 0);
	for (int i = 0; i < 600; i++)
		c->classes[i] = (uint16_t) (ml_case_code(c, i, 1) / 3);
	c->spec.n_trees = 20;
	f = ml_case_run(c, 2);
	ML_CHECK(f->rounds == 20);
	for (int i = 0; i < 600; i++)
	{
		double		score[3];
		double		own;

		for (int k = 0; k < 3; k++)
			score[k] = ml_grown_score(f, c, c->bins + 3 * i, k, f->rounds);
		own = score[c->classes[i]];
		wrong += own < score[0] || own < score[1] || own < score[2];
		for (int k = 0; k < 3; k++)
			CHECK(k == c->classes[i] || own > score[k] + 4, "class %d: %g, class %d: %g", c->classes[i], own, k,
				  score[k]);
	}
	CHECK(wrong == 0, "%d rows of 600 are wrong", wrong);
	ml_grown_free(f);
	ml_case_free(c);
}

/* First values of softmax: the mean gradient over (p (1 - p) K / (K - 1)); over classes the gradients vanish. */
static void
ml_test_gradients_vanish(void)
{
	MlCase	   *c = ml_case_new(240, 0, 1, ML_BOOST_SOFTMAX, 4);
	const double h = 0.25 * 0.75 * 4 / 3;
	MlGrown    *f;

	ml_case_column(c, 0, 2, 0);
	for (int i = 0; i < 240; i++)
	{
		c->bins[i] = i >= 100;
		c->classes[i] = (uint16_t) (i < 100 ? i % 5 % 4 : 3 - i % 7 % 4);
	}
	c->spec.n_trees = 1;
	c->spec.learning_rate = 1;
	f = ml_case_run(c, 1);
	ML_CHECK(f->rounds == 1);
	for (int side = 0; side < 2; side++)
	{
		double		sum = 0;

		for (int k = 0; k < 4; k++)
		{
			uint8_t		code = (uint8_t) side;
			double		n = side ? 140 : 100;
			double		members = 0;
			double		value = ml_grown_score(f, c, &code, k, 1);

			for (int i = 0; i < 240; i++)
				members += c->bins[i] == side && c->classes[i] == k;
			CHECK(fabs(value - (members - 0.25 * n) / (h * n)) < 1e-8, "class %d, side %d: %.17g", k, side, value);
			sum += value * h * n;
		}
		CHECK(fabs(sum) < 1e-6, "gradients add up to %g", sum);
	}
	ml_grown_free(f);
	ml_case_free(c);
}

/* A thousand classes of a row each. */
static void
ml_test_many_classes(void)
{
	MlCase	   *c = ml_case_new(1000, 50, 2, ML_BOOST_SOFTMAX, 1000);
	MlGrown    *f;

	ml_case_column(c, 0, 255, 0.01);
	ml_case_column(c, 1, 7, 0);
	for (int i = 0; i < 1050; i++)
		c->classes[i] = (uint16_t) (i % 1000);
	c->spec.n_trees = 2;
	c->spec.max_leaves = 4;
	c->spec.l2 = 1;
	f = ml_case_run(c, 2);
	ML_CHECK(f->rounds == 2);
	for (int t = 0; t < f->rounds; t++)
		ML_CHECK(isfinite(f->loss[t]));
	for (int t = 0; t < f->rounds * 1000; t++)
		for (int i = 0; i < f->nodes[t]; i++)
			CHECK(isfinite(f->node[t][i].value), "tree %d", t);
	ml_grown_free(f);
	ml_case_free(c);
}

/* Shares of rows and columns: about so many, other ones in every tree, the same again with the same seed. */
static void
ml_test_fractions(void)
{
	enum
	{
		n = 4000, cols = 40
	};
	MlCase	   *c = ml_case_new(n, 0, cols, ML_BOOST_SQUARED, 1);
	uint64_t	sets[12];
	MlGrown    *f;
	MlGrown    *again;
	int			other_rows = 0;
	int			other_columns = 0;
	uint64_t	any = 0;

	for (int k = 0; k < cols; k++)
		ml_case_column(c, k, 20, 0);
	for (int i = 0; i < n; i++)
		c->targets[i] = unit_normal();
	c->spec.n_trees = 12;
	c->spec.max_leaves = 300;
	c->spec.row_fraction = 0.3;
	c->spec.column_fraction = 0.25;
	f = ml_case_run(c, 1);
	again = ml_case_run(c, 1);
	ML_CHECK(f->rounds == 12 && ml_grown_equal(f, again));
	ml_grown_free(again);
	for (int t = 0; t < f->rounds; t++)
	{
		/* five standard deviations of the number drawn */
		CHECK(fabs((double) f->node[t][0].rows - 0.3 * n) < 5 * sqrt(0.21 * n), "%d rows", (int) f->node[t][0].rows);
		sets[t] = 0;
		for (int i = 0; i < f->nodes[t]; i++)
			if (f->node[t][i].column >= 0)
				sets[t] |= UINT64_C(1) << f->node[t][i].column;
		any |= sets[t];
		CHECK(__builtin_popcountll(sets[t]) == 10, "%d columns", __builtin_popcountll(sets[t]));
		other_rows += t > 0 && f->node[t][0].rows != f->node[t - 1][0].rows;
		other_columns += t > 0 && sets[t] != sets[t - 1];
	}
	CHECK(other_rows >= 9 && other_columns == 11, "%d, %d", other_rows, other_columns);
	CHECK(__builtin_popcountll(any) > 30, "%d columns of all", __builtin_popcountll(any));
	c->spec.seed++;
	again = ml_case_run(c, 1);
	ML_CHECK(!ml_grown_equal(f, again));
	ml_grown_free(again);
	ml_grown_free(f);
	ml_case_free(c);
}

/* A node looks at its share of columns: the roots of many trees are split by many columns, though one is the best. */
static void
ml_test_node_fraction(void)
{
	MlCase	   *c = ml_case_new(1000, 0, 8, ML_BOOST_SQUARED, 1);
	MlGrown    *f;
	int			best = 0;

	for (int k = 0; k < 8; k++)
		ml_case_column(c, k, 20, 0);
	for (int i = 0; i < 1000; i++)
		c->targets[i] = 10 * ml_case_code(c, i, 5) + unit_normal();
	c->spec.n_trees = 400;
	c->spec.max_leaves = 2;
	c->spec.learning_rate = 1e-4;
	c->spec.node_fraction = 0.25;
	f = ml_case_run(c, 1);
	ML_CHECK(f->rounds == 400);
	for (int t = 0; t < f->rounds; t++)
		best += f->node[t][0].column == 5;
	/* two columns of eight, so a quarter of the trees; five standard deviations */
	CHECK(abs(best - 100) < 5 * sqrt(75), "%d of 400", best);
	ml_grown_free(f);
	ml_case_free(c);
}

/* The loss on rows from first to last - 1 after so many rounds, by hand. */
static double
ml_loss_by_hand(const MlGrown *f, const MlCase *c, int rounds, int64_t first, int64_t last)
{
	double		sum = 0;
	double		weight = 0;

	for (int64_t i = first; i < last; i++)
	{
		const uint8_t *codes = c->bins + i * c->spec.cols;
		double		w = c->spec.weighted ? c->weights[i] : 1;
		double		score = ml_grown_score(f, c, codes, 0, rounds);
		double		loss;

		if (c->spec.loss == ML_BOOST_SQUARED)
			loss = (score - c->targets[i]) * (score - c->targets[i]);
		else if (c->spec.loss == ML_BOOST_LOGISTIC)
			loss = log1p(exp(c->classes[i] ? -score : score));
		else
		{
			double		total = 0;

			for (int k = 0; k < c->spec.groups; k++)
				total += exp(ml_grown_score(f, c, codes, k, rounds));
			loss = log(total) - ml_grown_score(f, c, codes, c->classes[i], rounds);
		}
		sum += w * loss;
		weight += w;
	}
	return sum / weight;
}

/* Stops after so many rounds without gain, names the best, and tells of the losses on both kinds of rows. */
static void
ml_test_stopping(MlBoostLoss loss, int groups, bool weighted, int patience, double rate)
{
	MlCase	   *c = ml_case_new(150, 300, 4, loss, groups);
	MlGrown    *f;
	double		least = INFINITY;
	int			best = 0;

	for (int k = 0; k < 4; k++)
		ml_case_column(c, k, 30, k == 2 ? 0.1 : 0);
	for (int i = 0; i < 450; i++)
	{
		double		y = 0.1 * ml_case_code(c, i, 0) + unit_normal();

		c->targets[i] = y;
		c->classes[i] = (uint16_t) (groups == 1 ? y > 1.5 : y < 1 ? 0 : y < 2 ? 1 : 2);
		c->weights[i] = 0.1 + unit_uniform();
	}
	c->spec.weighted = weighted;
	c->spec.weight_max = weighted ? 1.1 : 1;
	c->spec.n_trees = 150;
	c->spec.l2 = 1;
	c->spec.learning_rate = rate;
	c->spec.early_stopping = patience;
	f = ml_case_run(c, 2);
	for (int t = 1; t <= f->rounds; t++)
	{
		double		want = ml_loss_by_hand(f, c, t, c->spec.rows_fit, c->spec.rows);

		ML_CHECK_NEAR(f->later[t - 1], want, 1e-12);
		ML_CHECK_NEAR(f->training[t - 1], ml_loss_by_hand(f, c, t, 0, c->spec.rows_fit), 1e-12);
		if (want < least)
		{
			least = want;
			best = t;
		}
		ML_CHECK_NEAR(f->loss[t - 1], least, 1e-12);
	}
	CHECK(f->best_round == best && best > 1 && best < 140, "round %d, not %d", f->best_round, best);
	CHECK(f->rounds == (patience ? best + patience : 150), "%d rounds, the best is %d", f->rounds, best);
	ml_grown_free(f);
	ml_case_free(c);
}

/* Grows and looks at every number that comes out; gives the number of rounds. */
static int
ml_check_finite(const MlCase *c, const char *what)
{
	MlGrown    *f = ml_case_run(c, 1);
	int			rounds = f->rounds;

	for (int t = 0; t < f->rounds * f->groups; t++)
		for (int i = 0; i < f->nodes[t]; i++)
		{
			CHECK(isfinite(f->node[t][i].value) && isfinite(f->node[t][i].gain), "%s: tree %d, node %d is %g", what,
				  t, i, f->node[t][i].value);
			CHECK(f->node[t][i].rows > 0, "%s: tree %d, node %d has no rows", what, t, i);
		}
	for (int i = 0; i < c->spec.rows; i++)
		for (int k = 0; k < c->spec.groups; k++)
			CHECK(isfinite(ml_grown_score(f, c, c->bins + i * c->spec.cols, k, f->rounds)), "%s: row %d", what, i);
	ml_grown_free(f);
	return rounds;
}

/* Targets and columns at their worst. */
static void
ml_test_hostile(void)
{
	const char *const names[] = {"constant", "last bit", "1e300", "both ends", "denormal", "tiny", "one huge",
	"nearly all equal"};

	for (int kind = 0; kind < ML_COUNT(names); kind++)
		for (int rows = 1; rows <= 201; rows += rows < 3 ? 1 : 198)
			for (int weighted = 0; weighted < 2; weighted++)
			{
				MlCase	   *c = ml_case_new(rows, 0, 3, ML_BOOST_SQUARED, 1);
				int			grown;

				ml_case_column(c, 0, 2, 0);
				ml_case_column(c, 1, 1, 0);
				ml_case_column(c, 2, 1, 1);
				for (int i = 0; i < rows; i++)
				{
					const double value[] = {7, 1 + (i % 2) * 0x1p-52, i % 2 ? 1e300 : -3e299,
						i % 2 ? 1.7e308 : -1.7e308, 5e-324 * (i % 5), 1e-295 * (i % 2), i ? i % 2 : 1e306, i == 1};

					c->bins[3 * i] = (uint8_t) (i % 2);
					c->targets[i] = value[kind];
				}
				c->base[0] = kind == 0 ? 7 : kind == 1 ? 1 : kind == 3 ? 1e308 : 0;
				c->spec.weighted = weighted;
				grown = ml_check_finite(c, names[kind]);
				if (rows < 2 || kind == 0)
					CHECK(grown == 0, "%s, %d rows: %d rounds", names[kind], rows, grown);
				if (rows > 2 && kind == 1)
					CHECK(grown > 0, "%s, %d rows: %d rounds", names[kind], rows, grown);
				ml_case_free(c);
			}
}

/* Classes that are all the same or in agreement with the start already, scores that saturate. */
static void
ml_test_hostile_classes(void)
{
	const double starts[] = {-800, -40, 0, 40, 800};

	for (int s = 0; s < ML_COUNT(starts); s++)
		for (int groups = 1; groups <= 3; groups++)
			for (int kind = 0; kind < 4; kind++)
			{
				MlBoostLoss loss = groups == 1 ? ML_BOOST_LOGISTIC : ML_BOOST_SOFTMAX;
				MlCase	   *c = ml_case_new(100, 0, 3, loss, groups);

				for (int k = 0; k < 3; k++)
					ml_case_column(c, k, k == 2 ? 8 : 3, k == 1 ? 0.5 : 0);
				c->columns[2].category = true;
				for (int i = 0; i < 100; i++)
					c->classes[i] = (uint16_t) (kind == 0 ? 0 : kind == 1 ? ml_case_code(c, i, 0) % 2 :
												kind == 2 ? i == 50 : i % 2);
				c->base[0] = starts[s];
				c->spec.learning_rate = 1;
				c->spec.n_trees = 40;
				c->spec.level_smoothing = 10;
				c->spec.l2 = kind % 2;
				ml_check_finite(c, "classes");
				ml_case_free(c);
			}
}

int
main(void)
{
	ml_test_subsets();
	ml_test_smoothed();
	ml_test_classes();
	ml_test_gradients_vanish();
	ml_test_many_classes();
	ml_test_fractions();
	ml_test_node_fraction();
	ml_test_stopping(ML_BOOST_SQUARED, 1, false, 5, 0.2);
	ml_test_stopping(ML_BOOST_SQUARED, 1, true, 3, 0.2);
	ml_test_stopping(ML_BOOST_LOGISTIC, 1, false, 6, 0.2);
	ml_test_stopping(ML_BOOST_LOGISTIC, 1, true, 0, 0.2);
	ml_test_stopping(ML_BOOST_SOFTMAX, 3, false, 5, 0.2);
	for (int patience = 2; patience < 10; patience++)
		ml_test_stopping(ML_BOOST_SQUARED, 1, false, patience, 0.05);
	ml_test_hostile();
	ml_test_hostile_classes();
	return unit_result("boost_kinds");
}
