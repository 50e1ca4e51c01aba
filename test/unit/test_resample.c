/*
 * test_resample.c - the bootstrap's weights, and sums under them against rows written out as often as they count.
 */
#include "unit.h"

#include "math/resample.h"

#define ML_ROWS	5000

static uint8_t ml_w[ML_ROWS];
static double ml_x[ML_ROWS];

/* Weights are a function of their place: any block of a replicate has the same ones. */
static void
ml_test_places(void)
{
	uint8_t		part[1000];
	uint8_t		other[ML_ROWS];

	ml_resample_weights(7, 3, 0, ML_ROWS, ml_w);
	for (size_t first = 0; first + sizeof part <= ML_ROWS; first += 338)
	{
		for (size_t n = 1; n <= sizeof part; n += 333)
		{
			ml_resample_weights(7, 3, first, n, part);
			CHECK(memcmp(part, ml_w + first, n) == 0, "%d rows from %d on", (int) n, (int) first);
		}
	}
	ml_resample_weights(7, 4, 0, ML_ROWS, other);
	ML_CHECK(memcmp(other, ml_w, ML_ROWS) != 0);
	ml_resample_weights(8, 3, 0, ML_ROWS, other);
	ML_CHECK(memcmp(other, ml_w, ML_ROWS) != 0);
}

/* Frequencies are those of Poisson numbers, and neighbours do not depend on each other, in rows or replicates. */
static void
ml_test_frequencies(void)
{
	enum
	{
		REPLICATES = 400
	};
	static uint8_t before[ML_ROWS];
	double		count[ML_RESAMPLE_WEIGHT_MAX + 1] = {0};
	double		expected = exp(-1.0) * ML_ROWS * REPLICATES;
	double		beside = 0;
	double		behind = 0;
	double		rows = (double) ML_ROWS * REPLICATES;

	for (int r = 0; r < REPLICATES; r++)
	{
		memcpy(before, ml_w, ML_ROWS);
		ml_resample_weights(20, (uint64_t) r, 0, ML_ROWS, ml_w);
		for (int i = 0; i < ML_ROWS; i++)
		{
			count[ml_w[i]]++;
			beside += (ml_w[i] - 1.0) * (ml_w[i ^ 1] - 1.0);
			behind += r > 0 ? (ml_w[i] - 1.0) * (before[i] - 1.0) : 0;
		}
	}
	for (int k = 0; k <= 6; k++)
	{
		CHECK(fabs(count[k] - expected) < 5 * sqrt(expected), "%g rows weigh %d, not %g", count[k], k, expected);
		expected /= k + 1;
	}
	/* pairs beside each other are counted twice */
	CHECK(fabs(beside) < 5 * sqrt(2 * rows), "covariance of neighbours: %g", beside / rows);
	CHECK(fabs(behind) < 5 * sqrt(rows), "covariance of replicates: %g", behind / rows);
}

static void
ml_test_sums(void)
{
	static uint32_t at[ML_ROWS];
	static uint8_t cell[ML_ROWS];

	for (size_t n = 0; n < 600; n = n < 20 ? n + 1 : n * 3)
	{
		double		want = 0;
		double		want_at = 0;
		double		want_squares = 0;
		uint64_t	total = 0;
		uint64_t	count[4] = {1, 2, 3, 4};
		uint64_t	cells[4] = {1, 2, 3, 4};

		ml_resample_weights(n, 0, 0, ML_ROWS, ml_w);
		for (size_t i = 0; i < n; i++)
		{
			/* few bits: sums are exact in any order */
			ml_x[i] = (double) (int64_t) (unit_random() % 2001) - 1000;
			at[i] = (uint32_t) (unit_random() % ML_ROWS);
			cell[i] = unit_random() % 4;
			want += ml_w[i] * ml_x[i];
			want_at += ml_w[at[i]] * ml_x[i];
			want_squares += ml_w[i] * ml_x[i] * ml_x[i];
			total += ml_w[i];
			count[cell[i]] += ml_w[i];
		}
		ml_resample_cells(ml_w, cell, n, cells);
		ML_CHECK(ml_resample_sum(ml_w, ml_x, n) == want);
		ML_CHECK(ml_resample_squares(ml_w, ml_x, n) == want_squares);
		ML_CHECK(ml_resample_sum_at(ml_w, at, ml_x, n) == want_at);
		ML_CHECK(ml_resample_total(ml_w, n) == total);
		ML_CHECK(memcmp(cells, count, sizeof count) == 0);
	}
}

/* The greatest weights there are do not overflow the narrow counts. */
static void
ml_test_cells(void)
{
	static uint8_t w[ML_RESAMPLE_BLOCK];
	static uint8_t cell[ML_RESAMPLE_BLOCK];
	uint64_t	count[4] = {0};

	memset(w, ML_RESAMPLE_WEIGHT_MAX, sizeof w);
	memset(cell, 1, sizeof cell);
	ml_resample_cells(w, cell, ML_RESAMPLE_BLOCK, count);
	ML_CHECK(count[0] == 0 && count[1] == ML_RESAMPLE_BLOCK * ML_RESAMPLE_WEIGHT_MAX && count[2] == 0);
}

/* Average precision by its definition, of rows in descending order of score that count w times. */
static double
ml_precision_by_hand(const double *score, const uint8_t *label, const uint8_t *w, const uint32_t *at, int n)
{
	double		all = 0;
	double		positives = 0;
	double		sum = 0;
	double		total = 0;

	for (int from = 0, to; from < n; from = to)
	{
		double		gained = 0;

		for (to = from; to < n && score[to] == score[from]; to++)
		{
			gained += label[to] * w[at[to]];
			all += w[at[to]];
		}
		positives += gained;
		total += gained;
		if (gained > 0)
			sum += gained * positives / all;
	}
	return total > 0 ? sum / total : -1;
}

static void
ml_test_precision(int n, int levels, size_t block)
{
	static double score[ML_ROWS];
	static uint8_t label[ML_ROWS];
	static uint32_t at[ML_ROWS];
	static uint32_t steps[ML_ROWS];
	static uint64_t room[ML_ROWS];
	MlResamplePrecision state;
	size_t		nsteps = 0;
	double		level = levels;

	for (int i = 0; i < n; i++)
	{
		at[i] = (uint32_t) (((uint64_t) i * 7919 + 13) % (uint64_t) n);
		level -= unit_uniform() < (double) levels / n;
		score[i] = level;
		label[i] = unit_uniform() < 0.3;
	}
	for (int from = 0, to; from < n; from = to)
	{
		bool		gained = false;

		for (to = from; to < n && score[to] == score[from]; to++)
			gained |= label[to];
		if (gained)
			steps[nsteps++] = (uint32_t) (to - 1);
	}
	for (uint64_t r = 0; r < 20; r++)
	{
		double		want;

		ml_resample_weights(5, r, 0, (size_t) n, ml_w);
		memset(&state, 0, sizeof state);
		for (size_t from = 0; from < (size_t) n; from += block)
			ml_resample_precision(&state, ml_w, at + from, label + from, from,
								  (size_t) n - from < block ? (size_t) n - from : block, steps, nsteps, room);
		want = ml_precision_by_hand(score, label, ml_w, at, n);
		if (want < 0)
			ML_CHECK(state.taken == 0);
		else
			ML_CHECK_NEAR(state.sum / (double) state.taken, want, 1e-13);
	}
}

/* Poisson numbers of any mean have its mean and variance; the tails of large ones have the chance they should. */
static void
ml_test_poisson(void)
{
	const double means[] = {0, 0.3, 5, 100, 255.9, 256, 1000, 1e6};

	for (int m = 0; m < ML_COUNT(means); m++)
	{
		double		mean = means[m];
		double		sum = 0;
		double		squares = 0;
		int			draws = 100000;

		for (int i = 0; i < draws; i++)
		{
			double		k = ml_resample_poisson(mean, ml_resample_uniform(1, (uint64_t) m, (uint64_t) i));

			ML_CHECK(k >= 0 && k == floor(k));
			sum += k - mean;
			squares += (k - mean) * (k - mean);
		}
		CHECK(fabs(sum / draws) <= 5 * sqrt(mean / draws), "mean of %g: off by %g", mean, sum / draws);
		CHECK(fabs(squares / draws - mean) <= 0.03 * mean, "variance of %g: %g", mean, squares / draws);
	}
	/* R: qpois(c(0.0001, 0.025, 0.5, 0.975, 0.9999), 400) */
	ML_CHECK(ml_resample_poisson(400, 0.0001) == 328);
	ML_CHECK(ml_resample_poisson(400, 0.025) == 361);
	ML_CHECK(ml_resample_poisson(400, 0.5) == 400);
	ML_CHECK(ml_resample_poisson(400, 0.975) == 440);
	ML_CHECK(ml_resample_poisson(400, 0.9999) == 476);
	/* qpois(c(0.0001, 0.025, 0.5, 0.975, 0.9999), 20) */
	ML_CHECK(ml_resample_poisson(20, 0.0001) == 6);
	ML_CHECK(ml_resample_poisson(20, 0.025) == 12);
	ML_CHECK(ml_resample_poisson(20, 0.5) == 20);
	ML_CHECK(ml_resample_poisson(20, 0.975) == 29);
	ML_CHECK(ml_resample_poisson(20, 0.9999) == 39);
}

/* numpy 1.24.2, quantile(). */
static void
ml_test_quantile(void)
{
	const double x[] = {1, 2, 4, 8, 16, 32, 64};

	ML_CHECK(ml_sorted_quantile(x, 7, 0) == 1);
	ML_CHECK_NEAR(ml_sorted_quantile(x, 7, 0.025), 1.15, 1e-14);
	ML_CHECK_NEAR(ml_sorted_quantile(x, 7, 0.1), 1.6, 1e-14);
	ML_CHECK_NEAR(ml_sorted_quantile(x, 7, 0.5), 8, 1e-14);
	ML_CHECK_NEAR(ml_sorted_quantile(x, 7, 0.975), 59.2, 1e-14);
	ML_CHECK(ml_sorted_quantile(x, 7, 1) == 64);
	ML_CHECK(ml_sorted_quantile(x, 1, 0.975) == 1);
}

int
main(void)
{
	ml_test_places();
	ml_test_frequencies();
	ml_test_sums();
	ml_test_cells();
	ml_test_precision(1, 1, 100);
	ml_test_precision(2, 2, 100);
	ml_test_precision(1000, 30, 64);
	ml_test_precision(1000, 1000, 4096);
	ml_test_precision(ML_ROWS, 300, 333);
	ml_test_poisson();
	ml_test_quantile();
	return unit_result("resample");
}
