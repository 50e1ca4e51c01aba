/*
 * test_boost_histogram.c - sums of gradients by bin against brute force, at the ends of their fields too.
 */
#include "boost_support.h"

#define ML_G_MOST	(INT32_C(1) << ML_BOOST_FRACTION_BITS)
#define ML_H_MOST	(UINT32_C(1) << (ML_BOOST_FRACTION_BITS + 1))

enum
{
	ml_cols = 70, ml_rows = 3000
};

typedef struct MlSums
{
	int64_t		g[ml_cols * ML_BIN_CODES];
	int64_t		h[ml_cols * ML_BIN_CODES];
	int64_t		rows[ml_cols * ML_BIN_CODES];
} MlSums;

/* The word of a row in either layout, from whole steps. */
static uint64_t
ml_word(bool plain, int64_t g, int64_t h)
{
	if (plain)
		return (uint64_t) (g * (1 << ML_BOOST_ROWS_BITS)) + 1;
	return (uint64_t) (g * (INT64_C(1) << ML_BOOST_G_SHIFT)) + (uint64_t) (h << ML_BOOST_ROWS_BITS) + 1;
}

/* All three ways of adding rows, any number of columns, both layouts. */
static void
ml_test_add(bool plain, int way, int first, int last)
{
	uint8_t    *bins = unit_alloc((ml_rows + 1) * ml_cols);
	uint64_t   *inc = unit_alloc(sizeof(uint64_t) * ml_rows);
	uint64_t   *narrow = calloc(ml_cols * ML_BIN_CODES, sizeof(uint64_t));
	MlSums	   *want = calloc(1, sizeof(MlSums));
	MlSums	   *got = calloc(1, sizeof(MlSums));
	uint32_t	index[ml_rows];
	int			columns[ml_cols];
	int			n = 0;
	int			width = 0;

	for (int i = 0; i < ml_rows * ml_cols; i++)
		bins[i] = (uint8_t) (unit_random() % (i % ml_cols < 9 ? 2 + i % ml_cols : ML_BIN_CODES));
	for (int c = first; c < last; c++)
		if (way != 2 || unit_random() % 3)
			columns[width++] = c;
	for (int i = 0; i < ml_rows; i++)
	{
		int64_t		g = (int64_t) (unit_random() % (plain ? 2u << 30 : 2u << 13)) - (plain ? 1 << 30 : 1 << 13);
		int64_t		h = plain ? 1 : (int64_t) (unit_random() % 2049);

		inc[i] = ml_word(plain, g, h);
		if (way == 1 ? i < 100 : unit_random() % 4 == 0)
			continue;
		index[n++] = (uint32_t) i;
		for (int k = 0; k < width; k++)
		{
			int			at = k * ML_BIN_CODES + bins[i * ml_cols + columns[k]];

			want->g[at] += g;
			want->h[at] += h;
			want->rows[at]++;
		}
	}
	if (way == 0)
		ml_boost_add(narrow, bins, ml_cols, inc, index, n, first, last);
	else if (way == 1)
		ml_boost_add_run(narrow, bins, ml_cols, inc, 100, n, first, last);
	else
		ml_boost_add_listed(narrow, bins, ml_cols, inc, index, n, columns, width);
	ml_boost_empty(narrow, width * ML_BIN_CODES, plain, got->g, got->h, got->rows);
	CHECK(memcmp(got, want, sizeof *got) == 0, "way %d, columns %d to %d, %s", way, first, last,
		  plain ? "plain" : "both");
	/* it is empty now */
	ml_boost_empty(narrow, ml_cols * ML_BIN_CODES, plain, got->g, got->h, got->rows);
	ML_CHECK(memcmp(got, want, sizeof *got) == 0);
	free(bins);
	free(inc);
	free(narrow);
	free(want);
	free(got);
}

/* As many rows as a narrow histogram takes, all in one bin and all extreme: no field runs over into another. */
static void
ml_test_extremes(bool plain)
{
	const int64_t g_most = plain ? ML_G_MOST : 1 << ML_BOOST_G_STEP_BITS;
	const int64_t h_most = plain ? 1 : 1 << ML_BOOST_H_STEP_BITS;
	uint64_t	inc[ML_BOOST_NARROW_ROWS];
	uint8_t		bins[ML_BOOST_NARROW_ROWS];

	for (int sign = -1; sign <= 1; sign++)
		for (int h = 0; h < 2; h++)
		{
			uint64_t	narrow[ML_BIN_CODES] = {0};
			int64_t		sums[3][ML_BIN_CODES] = {{0}};

			for (int i = 0; i < ML_BOOST_NARROW_ROWS; i++)
			{
				inc[i] = ml_word(plain, sign * g_most, h * h_most);
				bins[i] = 7;
			}
			ml_boost_add_run(narrow, bins, 1, inc, 0, ML_BOOST_NARROW_ROWS, 0, 1);
			ml_boost_empty(narrow, ML_BIN_CODES, plain, sums[0], sums[1], sums[2]);
			ML_CHECK(sums[0][7] == sign * g_most * ML_BOOST_NARROW_ROWS);
			ML_CHECK(sums[1][7] == (plain ? 1 : h * h_most) * ML_BOOST_NARROW_ROWS);
			ML_CHECK(sums[2][7] == ML_BOOST_NARROW_ROWS);
			for (int b = 0; b < ML_BIN_CODES; b++)
				ML_CHECK(b == 7 || (sums[0][b] == 0 && sums[1][b] == 0 && sums[2][b] == 0));
		}
}

/* Steps are the fraction's neighbours, whole fractions stay, the mean has no bias, a key changes the chance. */
static void
ml_test_increments(void)
{
	enum
	{
		n = 8000
	};
	const int	g_drop = ML_BOOST_FRACTION_BITS - ML_BOOST_G_STEP_BITS;
	const int	h_drop = ML_BOOST_FRACTION_BITS + 1 - ML_BOOST_H_STEP_BITS;
	const double parts[] = {-1, -0.99999, -0.7, -1e-5, 0, 1e-9, 1e-5, 0.123, 0.5, 0.99999, 1};
	int32_t		g[n];
	uint32_t	h[n];
	uint64_t	inc[2][n];

	for (int k = 0; k < ML_COUNT(parts); k++)
	{
		double		bias[2] = {0, 0};
		int64_t		same = 0;

		for (int i = 0; i < n; i++)
		{
			g[i] = (int32_t) rint(parts[k] * ML_G_MOST);
			h[i] = (uint32_t) rint(fabs(parts[k]) * ML_H_MOST);
		}
		ml_boost_increments(g, h, 12345, n, 1, inc[0]);
		ml_boost_increments(g, h, 12345, n, 2, inc[1]);
		for (int i = 0; i < n; i++)
		{
			int64_t		v = (int64_t) inc[0][i];
			double		g_off = (double) (v >> ML_BOOST_G_SHIFT) - ldexp(g[i], -g_drop);
			double		h_off = (double) ((v >> ML_BOOST_ROWS_BITS) & ((1 << ML_BOOST_H_BITS) - 1)) -
				ldexp(h[i], -h_drop);

			CHECK((v & ML_BOOST_NARROW_ROWS) == 1 && fabs(g_off) < 1 && fabs(h_off) < 1, "%g: off by %g, %g",
				  parts[k], g_off, h_off);
			bias[0] += g_off / n;
			bias[1] += h_off / n;
			same += inc[0][i] == inc[1][i];
		}
		/* four standard deviations, at most, of a mean of that many */
		CHECK(fabs(bias[0]) < 2 / sqrt(n) && fabs(bias[1]) < 2 / sqrt(n), "%g: bias %g, %g", parts[k], bias[0],
			  bias[1]);
		if (g[0] % (1 << g_drop) == 0 && h[0] % (1u << h_drop) == 0)
			CHECK(same == n, "%g: a whole number of steps was rounded", parts[k]);
		else if (fabs(parts[k]) > 0.1 && fabs(parts[k]) < 0.8)
			CHECK(same < 0.9 * n, "%g: the key makes no difference", parts[k]);
	}
	ML_CHECK((int64_t) inc[0][0] >> ML_BOOST_G_SHIFT == 1 << ML_BOOST_G_STEP_BITS);
}

static void
ml_test_sums(void)
{
	for (size_t n = 0; n < 40; n++)
	{
		int64_t		a[40];
		int64_t		b[40];
		int64_t		c[40];

		for (int i = 0; i < 40; i++)
		{
			c[i] = a[i] = (int64_t) unit_random() >> 2;
			b[i] = (int64_t) unit_random() >> 2;
		}
		ml_boost_sum(c, b, n);
		for (size_t i = 0; i < 40; i++)
			ML_CHECK(c[i] == a[i] + (i < n ? b[i] : 0));
		ml_boost_subtract(c, b, n);
		ML_CHECK(memcmp(a, c, sizeof a) == 0);
	}
}

/*
 * Through the front door: more rows than a narrow histogram takes, all in one
 * bin and all with the greatest gradient and hessian, beside a bin with the
 * least. The values are what the gradients say.
 */
static void
ml_test_many_rows(MlBoostLoss loss, bool weighted, int members)
{
	enum
	{
		n = 30000
	};
	MlCase	   *c = ml_case_new(n, 0, 2, loss, 1);
	MlGrown    *f;

	ml_case_column(c, 0, 2, 0);
	ml_case_column(c, 1, 1, 0);
	for (int i = 0; i < n; i++)
	{
		c->bins[2 * i] = i >= n / 10;
		c->targets[i] = i >= n / 10 ? 64 : -64;
		c->classes[i] = i >= n / 10;
		c->weights[i] = 4;
	}
	c->spec.weighted = weighted;
	c->spec.weight_max = weighted ? 4 : 1;
	c->spec.n_trees = 1;
	f = ml_case_run(c, members);
	CHECK(f->rounds == 1 && f->nodes[0] == 3, "%d rounds", f->rounds);
	if (f->rounds == 1 && f->nodes[0] == 3)
	{
		double		want = loss == ML_BOOST_SQUARED ? 32 : 1;
		double		w = weighted ? 4 : 1;
		double		g = (loss == ML_BOOST_SQUARED ? 64 : 0.5) * w;
		double		h = (loss == ML_BOOST_SQUARED ? 1 : 0.25) * w;
		double		all = g * (0.8 * n);

		ML_CHECK(f->node[0][1].value == -want && f->node[0][2].value == want);
		ML_CHECK(f->node[0][0].rows == n && f->node[0][1].rows == n / 10);
		ML_CHECK_NEAR(f->node[0][0].gain, g * g * n / h - all * all / (h * n), 1e-3);
	}
	ml_grown_free(f);
	ml_case_free(c);
}

int
main(void)
{
	for (int way = 0; way < 3; way++)
		for (int plain = 0; plain < 2; plain++)
		{
			for (int width = 1; width < 10; width++)
				ml_test_add(plain, way, width % 5, width % 5 + width);
			ml_test_add(plain, way, 0, ml_cols);
		}
	ml_test_extremes(false);
	ml_test_extremes(true);
	ml_test_increments();
	ml_test_sums();
	for (int members = 1; members <= 2; members++)
	{
		ml_test_many_rows(ML_BOOST_SQUARED, false, members);
		ml_test_many_rows(ML_BOOST_SQUARED, true, members);
		ml_test_many_rows(ML_BOOST_LOGISTIC, false, members);
		ml_test_many_rows(ML_BOOST_LOGISTIC, true, members);
	}
	return unit_result("boost_histogram");
}
