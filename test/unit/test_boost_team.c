/*
 * test_boost_team.c - the same trees whoever grows them; directions that hold; weights that count as rows.
 */
#include "boost_support.h"

/* Data of every kind: many values, levels, missing ones, a constant column, one that is missing throughout. */
static MlCase *
ml_mixed_case(MlBoostLoss loss, int groups, bool weighted, double fraction, int cols)
{
	MlCase	   *c = ml_case_new(900, 100, cols, loss, groups);

	for (int k = 0; k < 9; k++)
		ml_case_column(c, k, k == 7 ? 1 : k == 8 ? 1 : 3 + 31 * k, k == 8 ? 1 : k % 3 == 1 && k < 7 ? 0.1 : 0);
	/* with so many that members divide the columns instead of each searching all of them */
	for (int k = 9; k < cols; k++)
		ml_case_column(c, k, 4, 0);
	c->columns[2].category = c->columns[4].category = true;
	for (int64_t i = 0; i < c->spec.rows; i++)
	{
		double		y = 0.05 * ml_case_code(c, i, 0) * ml_case_code(c, i, 1) + ml_case_code(c, i, 2) % 7 +
			unit_normal();

		c->targets[i] = y;
		c->classes[i] = (uint16_t) ((int) fabs(y) % (groups == 1 ? 2 : groups));
		c->weights[i] = 0.5 + unit_uniform();
	}
	c->spec.weighted = weighted;
	c->spec.weight_max = weighted ? 1.5 : 1;
	c->spec.n_trees = 4;
	c->spec.max_leaves = 40;
	c->spec.l2 = 1;
	c->spec.min_rows = 5;
	c->spec.level_l2 = 2;
	c->spec.level_smoothing = 3;
	c->spec.level_l2_each = 0.1;
	c->spec.level_rows = 10;
	c->spec.path_smoothing = fraction < 1 ? 3 : 0;
	c->spec.row_fraction = c->spec.column_fraction = c->spec.node_fraction = fraction;
	return c;
}

static void
ml_test_members(MlBoostLoss loss, int groups, bool weighted, double fraction, int cols)
{
	const int	members[] = {2, 3, 5, 12};
	const int	slots[] = {2, 3, 5, 40};
	MlCase	   *c = ml_mixed_case(loss, groups, weighted, fraction, cols);
	MlGrown    *f = ml_case_run(c, 1);
	int			nodes = 0;

	for (int t = 0; t < f->rounds * groups; t++)
		nodes += f->nodes[t];
	CHECK(f->rounds == 4 && nodes > 4 * 20, "%d rounds, %d nodes", f->rounds, nodes);
	for (int i = 0; i < 4; i++)
	{
		MlGrown    *other = ml_case_run(c, members[i]);

		CHECK(ml_grown_equal(f, other), "%d members", members[i]);
		ml_grown_free(other);
		c->spec.slots = slots[i];
		for (int m = 1; m < 4; m += 2)
		{
			other = ml_case_run(c, m);
			CHECK(ml_grown_equal(f, other), "%d slots, %d members", slots[i], m);
			ml_grown_free(other);
		}
		c->spec.slots = 8;
	}
	/* memory for more members than come, and then for more bins than there are */
	c->spec.members = 6;
	for (int roomy = 0; roomy < 2; roomy++)
	{
		MlGrown    *other;

		c->roomy = roomy;
		other = ml_case_run(c, 3);
		CHECK(ml_grown_equal(f, other), "roomy %d", roomy);
		ml_grown_free(other);
	}
	ml_grown_free(f);
	ml_case_free(c);
}

/* More members than rows. */
static void
ml_test_few_rows(void)
{
	MlCase	   *c = ml_case_new(4, 1, 2, ML_BOOST_SQUARED, 1);
	MlGrown    *f;
	MlGrown    *other;

	ml_case_column(c, 0, 3, 0);
	ml_case_column(c, 1, 3, 0.3);
	for (int i = 0; i < 5; i++)
	{
		c->bins[2 * i] = (uint8_t) (i % 3);
		c->targets[i] = i * i;
	}
	f = ml_case_run(c, 1);
	other = ml_case_run(c, 7);
	ML_CHECK(f->rounds > 0 && ml_grown_equal(f, other));
	ml_grown_free(f);
	ml_grown_free(other);
	ml_case_free(c);
}

static const int ml_direction[5] = {1, -1, 0, 1, 0};

/* Noisy data against the directions asked for, with missing values. */
static MlCase *
ml_monotone_case(MlBoostLoss loss)
{
	MlCase	   *c = ml_case_new(400, 0, 5, loss, 1);

	for (int k = 0; k < 5; k++)
	{
		ml_case_column(c, k, 12, k == 1 || k == 2 ? 0.2 : 0);
		c->columns[k].monotone = ml_direction[k];
	}
	c->columns[4].category = true;
	for (int i = 0; i < 400; i++)
	{
		double		x[5];
		double		y;

		for (int k = 0; k < 5; k++)
			x[k] = ml_case_code(c, i, k);
		/* in the direction at first, then against it, and never together */
		y = (x[0] < 6 ? x[0] : 12 - x[0]) + 2 * sin(x[1]) - 0.2 * x[1] + (x[2] > 6 ? 1 : -1) * (x[3] - 4) +
			(x[4] > 5 ? x[0] : -x[0]) + 2 * unit_normal();
		c->targets[i] = y;
		c->classes[i] = y > 1;
		c->weights[i] = unit_uniform();
	}
	return c;
}

/* A split that would go the wrong way is not taken, rather than both sides bound to the same value. */
static void
ml_check_useful(const MlGrown *f)
{
	for (int t = 0; t < f->rounds; t++)
		for (int i = 0; i < f->nodes[t]; i++)
		{
			const MlBoostNode *node = &f->node[t][i];

			if (node->column < 0)
				continue;
			node = &f->node[t][node->left];
			CHECK(node[0].column >= 0 || node[1].column >= 0 || node[0].value != node[1].value,
				  "tree %d, node %d: %g on both sides", t, i, node->value);
		}
}

/* Scores on a grid keep to the directions, whatever the data say. */
static void
ml_test_monotone(MlBoostLoss loss, bool weighted, double l2, double min_hessian, double path_smoothing)
{
	MlCase	   *c = ml_monotone_case(loss);
	MlGrown    *f;
	int			used[5] = {0};

	c->spec.monotone = true;
	c->spec.weighted = weighted;
	c->spec.max_leaves = 30;
	c->spec.n_trees = 12;
	c->spec.l2 = l2;
	c->spec.min_hessian = min_hessian;
	c->spec.path_smoothing = path_smoothing;
	f = ml_case_run(c, 2);
	CHECK(f->rounds == 12, "%d rounds", f->rounds);
	for (int t = 0; t < f->rounds; t++)
		for (int i = 0; i < f->nodes[t]; i++)
			if (f->node[t][i].column >= 0)
				used[f->node[t][i].column]++;
	if (loss == ML_BOOST_SQUARED && !weighted)
		ml_check_useful(f);
	for (int k = 0; k < 5; k++)
		CHECK(used[k] > 2, "column %d was not used", k);
	for (int i = 0; i < 400; i++)
		for (int k = 0; k < 5; k++)
		{
			uint8_t		codes[5];
			double		last = 0;

			if (ml_direction[k] == 0)
				continue;
			memcpy(codes, c->bins + 5 * i, 5);
			for (int code = 0; code < 12; code++)
			{
				double		score;

				codes[k] = (uint8_t) code;
				score = ml_grown_score(f, c, codes, 0, f->rounds);
				CHECK(code == 0 || ml_direction[k] * (score - last) >= 0, "row %d, column %d: %.17g after %.17g",
					  i, k, score, last);
				last = score;
			}
		}
	ml_grown_free(f);
	ml_case_free(c);
}

/*
 * A leaf whose hessians are all next to nothing still keeps to the bounds that
 * its place gives: column 0 has a direction, and of its middle value those
 * rows with 1 in column 1 weigh almost nothing but are far away.
 */
static void
ml_test_monotone_weightless(void)
{
	enum
	{
		n = 1500
	};
	MlCase	   *c = ml_case_new(n, 0, 2, ML_BOOST_SQUARED, 1);
	MlGrown    *f;
	double		last = -INFINITY;
	bool		apart = false;

	c->columns[0].nbins = 3;
	c->columns[1].nbins = 2;
	c->columns[0].monotone = 1;
	for (int i = 0; i < n; i++)
	{
		bool		light = i >= 900;

		c->bins[2 * i] = light ? 1 : (uint8_t) (i / 300);
		c->bins[2 * i + 1] = light;
		c->targets[i] = light ? 1e6 : i < 300 ? 0.4 : i < 600 ? 1 : 3;
		c->weights[i] = light ? 1e-11 : 1;
	}
	c->spec.weighted = c->spec.monotone = true;
	c->spec.learning_rate = 1;
	c->spec.n_trees = 1;
	f = ml_case_run(c, 1);
	ML_CHECK(f->rounds == 1);
	for (int i = 0; i < f->nodes[0]; i++)
		apart |= f->node[0][i].column == 1;
	ML_CHECK(apart);
	for (int code = 0; code < 3; code++)
	{
		uint8_t		codes[2] = {(uint8_t) code, 1};
		double		score = ml_grown_score(f, c, codes, 0, 1);

		CHECK(score >= last, "%g after %g", score, last);
		last = score;
	}
	ml_grown_free(f);
	ml_case_free(c);
}

/* Rows of weight 2 are worth two rows each; targets are whole, so the first round's sums are exact. */
static void
ml_test_doubled(MlBoostLoss loss, bool all)
{
	enum
	{
		n = 60, cols = 3
	};
	for (int repeat = 0; repeat < 30; repeat++)
	{
		MlCase	   *c = ml_case_new(n, 0, cols, loss, 1);
		MlCase	   *d = ml_case_new(2 * n, 0, cols, loss, 1);
		MlGrown    *f;
		MlGrown    *g;
		int			extra = n;

		for (int k = 0; k < cols; k++)
		{
			ml_case_column(c, k, 5, k == 1 ? 0.2 : 0);
			d->columns[k] = c->columns[k];
		}
		for (int i = 0; i < n; i++)
		{
			/* an effect of each column, far from the others' */
			c->targets[i] = 64 * (ml_case_code(c, i, 0) > 2) + 16 * (ml_case_code(c, i, 1) > 1) +
				(double) (unit_random() % 3);
			c->classes[i] = ml_case_code(c, i, 0) > 2 ? unit_random() % 8 > 0 : unit_random() % 4 == 0;
			c->weights[i] = all || unit_random() % 2 ? 2 : 1;
			for (int copy = 0; copy < c->weights[i]; copy++)
			{
				int			at = copy ? extra++ : i;

				memcpy(d->bins + at * cols, c->bins + i * cols, cols);
				d->targets[at] = c->targets[i];
				d->classes[at] = c->classes[i];
			}
		}
		d->spec.rows = d->spec.rows_fit = extra;
		c->spec.weighted = true;
		c->spec.weight_max = 2;
		c->spec.n_trees = d->spec.n_trees = 3;
		c->spec.max_leaves = d->spec.max_leaves = loss == ML_BOOST_SQUARED ? 3 : 2;
		c->spec.l2 = d->spec.l2 = 1;
		f = ml_case_run(c, 1);
		g = ml_case_run(d, 1);
		ML_CHECK(f->rounds == 3 && g->rounds == 3);
		for (int i = 0; i < n; i++)
		{
			double		want = ml_grown_score(g, d, c->bins + i * cols, 0, 1);
			double		got = ml_grown_score(f, c, c->bins + i * cols, 0, 1);

			CHECK(got == want, "data set %d: %.17g, not %.17g", repeat, got, want);
			if (loss != ML_BOOST_SQUARED)
				continue;
			/* later gradients are rounded to 2^-30 of 80, by another unit */
			want = ml_grown_score(g, d, c->bins + i * cols, 0, 3);
			got = ml_grown_score(f, c, c->bins + i * cols, 0, 3);
			CHECK(fabs(got - want) < 1e-6, "data set %d: %.17g, not %.17g", repeat, got, want);
		}
		ml_grown_free(f);
		ml_grown_free(g);
		ml_case_free(c);
		ml_case_free(d);
	}
}

/* Rows without weight at the end change no value of the others. */
static void
ml_test_weightless(MlBoostLoss loss)
{
	for (int repeat = 0; repeat < 20; repeat++)
	{
		MlCase	   *c = ml_case_new(300, 0, 4, loss, 1);
		MlGrown    *f;
		MlGrown    *g;

		for (int k = 0; k < 4; k++)
			ml_case_column(c, k, 9, k == 1 ? 0.2 : 0);
		for (int i = 0; i < 300; i++)
		{
			c->weights[i] = i < 200 ? 0.25 + unit_uniform() : 0;
			c->targets[i] = i < 200 ? ml_case_code(c, i, 0) + unit_normal() : 1e6 * unit_normal();
			c->classes[i] = i < 200 ? ml_case_code(c, i, 0) + unit_normal() > 4 : 1;
		}
		c->spec.weighted = true;
		c->spec.weight_max = 1.25;
		c->spec.l2 = repeat % 2;
		c->spec.min_hessian = 1;
		f = ml_case_run(c, 1);
		c->spec.rows = c->spec.rows_fit = 200;
		g = ml_case_run(c, 1);
		ML_CHECK(f->rounds == 3 && g->rounds == 3);
		for (int i = 0; i < 200; i++)
		{
			double		got = ml_grown_score(f, c, c->bins + 4 * i, 0, f->rounds);
			double		want = ml_grown_score(g, c, c->bins + 4 * i, 0, g->rounds);

			CHECK(got == want, "row %d: %.17g, not %.17g", i, got, want);
		}
		ml_grown_free(f);
		ml_grown_free(g);
		ml_case_free(c);
	}
}

int
main(void)
{
	ml_test_members(ML_BOOST_SQUARED, 1, false, 1, 9);
	ml_test_members(ML_BOOST_SQUARED, 1, true, 1, 9);
	ml_test_members(ML_BOOST_SQUARED, 1, false, 0.6, 9);
	ml_test_members(ML_BOOST_LOGISTIC, 1, false, 0.7, 9);
	ml_test_members(ML_BOOST_LOGISTIC, 1, true, 1, 9);
	ml_test_members(ML_BOOST_SOFTMAX, 3, true, 0.8, 9);
	ml_test_members(ML_BOOST_SOFTMAX, 4, false, 1, 9);
	ml_test_members(ML_BOOST_SQUARED, 1, false, 1, 80);
	ml_test_members(ML_BOOST_LOGISTIC, 1, true, 0.7, 80);
	ml_test_members(ML_BOOST_SOFTMAX, 3, false, 1, 80);
	ml_test_few_rows();
	ml_test_monotone(ML_BOOST_SQUARED, false, 0, 0, 0);
	ml_test_monotone(ML_BOOST_SQUARED, true, 1, 0, 0);
	ml_test_monotone(ML_BOOST_LOGISTIC, false, 0, 0, 0);
	ml_test_monotone(ML_BOOST_LOGISTIC, true, 0, 0, 0);
	ml_test_monotone(ML_BOOST_LOGISTIC, false, 1, 1, 0);
	ml_test_monotone(ML_BOOST_SQUARED, false, 0, 0, 5);
	ml_test_monotone(ML_BOOST_LOGISTIC, true, 1, 0, 20);
	ml_test_monotone_weightless();
	ml_test_doubled(ML_BOOST_SQUARED, true);
	ml_test_doubled(ML_BOOST_SQUARED, false);
	ml_test_doubled(ML_BOOST_LOGISTIC, true);
	ml_test_doubled(ML_BOOST_LOGISTIC, false);
	ml_test_weightless(ML_BOOST_SQUARED);
	ml_test_weightless(ML_BOOST_LOGISTIC);
	return unit_result("boost_team");
}
