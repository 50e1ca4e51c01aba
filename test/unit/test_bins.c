/*
 * test_bins.c - sorting, edges and codes of columns, against qsort and a linear search.
 */
#include "unit.h"

#include "math/bins.h"

static int
ml_compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* A number of one of several kinds; 0 and -0 do not both occur. */
static double
ml_any(int kind)
{
	double		x = unit_normal();

	switch (kind)
	{
		case 0:
			return x;
		case 1:
			return floor(3 * x) + 0.0;
		case 2:
			return ldexp(x, (int) (unit_random() % 2000) - 1000);
		case 3:
			return x < 0 ? -5e-324 * (double) (unit_random() % 50 + 1) : 5e-324 * (double) (unit_random() % 50);
		case 4:
			return x * 1e300;
		case 5:
			return x < 0 ? -7.5 : -7.5 - 0x1p-50;
		case 6:
			return 42;
		default:
			do
				x = ml_random_number();
			while (!isfinite(x) || x == 0);
			return x;
	}
}

static void
ml_test_sort(void)
{
	const int	sizes[] = {0, 1, 2, 3, 17, 1000, 5000};

	for (int s = 0; s < ML_COUNT(sizes); s++)
		for (int kind = 0; kind < 8; kind++)
		{
			size_t		n = (size_t) sizes[s];
			double	   *x = unit_alloc(sizeof(double) * n);
			double	   *spare = unit_alloc(sizeof(double) * n);
			double	   *want = unit_alloc(sizeof(double) * n);

			for (size_t i = 0; i < n; i++)
				want[i] = x[i] = ml_any(kind);
			ml_bins_sort(x, spare, n);
			qsort(want, n, sizeof(double), ml_compare);
			CHECK(memcmp(x, want, sizeof(double) * n) == 0, "%d numbers of kind %d", sizes[s], kind);
			free(x);
			free(spare);
			free(want);
		}
}

/* Sorts, and finds edges; the number of rows of each bin is left in rows. */
static int
ml_edges(double *x, size_t n, int bins_max, double *edge, int64_t *rows)
{
	double	   *copy = unit_alloc(sizeof(double) * n);
	double	   *room = unit_alloc(sizeof(double) * (bins_max - 1));
	uint32_t   *count = unit_alloc(sizeof(uint32_t) * n);
	int			bins;

	qsort(x, n, sizeof(double), ml_compare);
	memcpy(copy, x, sizeof(double) * n);
	bins = ml_bins_edges(copy, count, n, bins_max, room);
	CHECK(bins <= bins_max && bins >= (n > 0), "%d bins of %d", bins, bins_max);
	if (bins > 1)
		memcpy(edge, room, sizeof(double) * (bins - 1));
	memset(rows, 0, sizeof(int64_t) * ML_BINS_MAX);
	for (size_t i = 0; i < n; i++)
	{
		int			b = 0;

		while (b < bins - 1 && !(x[i] <= edge[b]))
			b++;
		rows[b]++;
	}
	/* every edge parts two values, and is where they are */
	for (int b = 0, at = 0; b < bins - 1; b++)
	{
		at += (int) rows[b];
		CHECK(rows[b] > 0 && at < (int) n && x[at - 1] <= edge[b] && edge[b] < x[at],
			  "edge %d of %d, %.17g", b, bins - 1, edge[b]);
	}
	free(copy);
	free(room);
	free(count);
	return bins;
}

/* Few values: a bin for each, halfway edges. */
static void
ml_test_few(void)
{
	double		edge[ML_BINS_MAX];
	int64_t		rows[ML_BINS_MAX];
	double		x[2000];

	for (int values = 1; values <= 255; values += values < 8 ? 1 : 31)
		for (int max = values < 2 ? 2 : values; max <= 255; max += 63)
		{
			for (int i = 0; i < 2000; i++)
				x[i] = (i < values ? i : (int) (unit_random() % values)) * 3 - 100;
			CHECK(ml_edges(x, 2000, max, edge, rows) == values, "%d values, %d bins", values, max);
			for (int b = 0; b < values - 1; b++)
				CHECK(edge[b] == b * 3 - 98.5, "edge %d is %g", b, edge[b]);
		}
	ML_CHECK(ml_edges(x, 0, 255, edge, rows) == 0);
	ML_CHECK(ml_edges(x, 1, 255, edge, rows) == 1 && rows[0] == 1);
}

/* Continuous values: counts about equal, most bins used. */
static void
ml_test_continuous(void)
{
	const int	sizes[] = {300, 511, 1000, 20000};
	const int	maxima[] = {2, 3, 16, 100, 255};
	double		edge[ML_BINS_MAX];
	int64_t		rows[ML_BINS_MAX];

	for (int s = 0; s < ML_COUNT(sizes); s++)
		for (int m = 0; m < ML_COUNT(maxima); m++)
		{
			int			n = sizes[s];
			int			max = maxima[m];
			double	   *x = unit_alloc(sizeof(double) * n);
			int			bins;

			for (int i = 0; i < n; i++)
				x[i] = exp(3 * unit_normal());
			bins = ml_edges(x, (size_t) n, max, edge, rows);
			CHECK(bins > max / 2, "%d bins of %d for %d rows", bins, max, n);
			/* a bin has less than two shares, and whole rows */
			for (int b = 0; b < bins; b++)
				CHECK(rows[b] < 2 * (double) n / max + 1 &&
					  (b == bins - 1 || n / max < 3 || rows[b] > 0.5 * n / max - 1),
					  "bin %d of %d has %d of %d rows", b, bins, (int) rows[b], n);
			free(x);
		}
}

/*
 * One value with nearly all the rows has a bin alone, the others are divided
 * as if it were not there: so one of them that has a bin's share of the rest,
 * though few of all rows, is alone as well.
 */
static void
ml_test_heavy(double heavy)
{
	enum
	{
		n = 400000, others = 400
	};
	double		edge[ML_BINS_MAX];
	int64_t		rows[ML_BINS_MAX];
	double	   *x = unit_alloc(sizeof(double) * n);
	int			bins;

	for (int max = 3; max <= 255; max += 84)
	{
		int			alone = 0;
		int			second = others / (max - 1) + 1;

		for (int i = 0; i < n; i++)
			x[i] = i < second ? 0.5 : i < others ? unit_normal() : heavy;
		bins = ml_edges(x, n, max, edge, rows);
		ML_CHECK(bins > max / 2);
		for (int b = 0; b < bins; b++)
		{
			alone += rows[b] == n - others;
			if (max > 80 && (b == 0 || edge[b - 1] < 0.5) && (b == bins - 1 || edge[b] >= 0.5))
				CHECK(rows[b] == second, "%d rows where %d should be alone", (int) rows[b], second);
			CHECK(rows[b] == n - others || rows[b] < 2 * (double) others / (max - 1) + 2,
				  "bin %d of %d has %d rows", b, max, (int) rows[b]);
		}
		ML_CHECK(alone == 1);
	}
	/* with two bins the heavy value shares one */
	for (int i = 0; i < n; i++)
		x[i] = i < others ? unit_normal() : heavy;
	ML_CHECK(ml_edges(x, n, 2, edge, rows) <= 2);
	free(x);
}

/* Many heavy values break the others into runs: still no more than the bins there are, nor far fewer. */
static void
ml_test_fragments(void)
{
	double		edge[ML_BINS_MAX];
	int64_t		rows[ML_BINS_MAX];
	double	   *x = unit_alloc(sizeof(double) * 200000);

	for (int max = 2; max <= 255; max += 1 + max / 3)
		for (int heavies = 1; heavies <= 400; heavies += 1 + heavies / 2)
		{
			size_t		n = 0;
			int			bins;

			/* heavy whole numbers, and a few values in each gap between them */
			for (int v = 0; v < heavies; v++)
			{
				int			weight = 50 + (int) (unit_random() % 300);

				for (int i = 0; i < weight; i++)
					x[n++] = v;
				for (int i = (int) (unit_random() % 20); i > 0; i--)
					x[n++] = v + 0.25 + 0.5 * unit_uniform();
			}
			bins = ml_edges(x, n, max, edge, rows);
			CHECK(bins == max || bins > max / 3 || bins >= heavies, "%d bins of %d, %d heavy values", bins, max,
				  heavies);
			for (int b = 0; b < bins; b++)
				CHECK(rows[b] <= 3 * (double) n / max + 350, "bin %d of %d has %d of %d rows", b, bins,
					  (int) rows[b], (int) n);
		}
	free(x);
}

/* Values at both ends of the doubles, and neighbours. */
static void
ml_test_extremes(void)
{
	double		edge[ML_BINS_MAX];
	int64_t		rows[ML_BINS_MAX];
	double		wide[] = {-1.7976931348623157e308, 1.7976931348623157e308};
	double		large[] = {1.7e308, 1.75e308, 1.79e308};
	double		tiny[] = {-1e-323, -5e-324, 0, 5e-324, 1e-323, 1.5e-323};
	double		close[3] = {1, 1 + 0x1p-52, 1 + 0x1p-51};
	double		x[1000];

	ML_CHECK(ml_edges(wide, 2, 255, edge, rows) == 2 && edge[0] == 0);
	ML_CHECK(ml_edges(large, 3, 255, edge, rows) == 3);
	ML_CHECK_NEAR(edge[0], 1.725e308, 1e-15);
	ML_CHECK_NEAR(edge[1], 1.77e308, 1e-15);
	ML_CHECK(ml_edges(tiny, 6, 255, edge, rows) == 6);
	ML_CHECK(ml_edges(close, 3, 255, edge, rows) == 3);
	for (int max = 2; max <= 255; max += 23)
	{
		for (int i = 0; i < 1000; i++)
			x[i] = ml_any(7);
		ML_CHECK(ml_edges(x, 1000, max, edge, rows) > max / 2);
		for (int i = 0; i < 1000; i++)
			x[i] = 5e-324 * (double) (unit_random() % 800) - 5e-322;
		ML_CHECK(ml_edges(x, 1000, max, edge, rows) > max / 2);
	}
}

/* Codes against a linear search: edges and their neighbours, numbers outside, infinities, what is missing. */
static void
ml_test_encode(void)
{
	double		edge[ML_BINS_MAX];
	double		x[4 * ML_BINS_MAX + 5];
	uint8_t		code[4 * ML_BINS_MAX + 5];

	for (int nbins = 0; nbins <= ML_BINS_MAX; nbins++)
	{
		int			n = 0;
		double		at = -1e3;

		for (int b = 0; b < nbins - 1; b++)
		{
			edge[b] = at += unit_uniform() + 1e-3;
			x[n++] = at;
			x[n++] = nextafter(at, -INFINITY);
			x[n++] = nextafter(at, INFINITY);
			x[n++] = at + 0.5;
		}
		x[n++] = NAN;
		x[n++] = -INFINITY;
		x[n++] = INFINITY;
		x[n++] = -1e308;
		x[n++] = 1e308;
		ml_bins_encode(x, (size_t) n, edge, nbins, code);
		for (int i = 0; i < n; i++)
		{
			int			want = 0;

			while (want < nbins - 1 && x[i] > edge[want])
				want++;
			if (isnan(x[i]))
				want = nbins;
			CHECK(code[i] == want, "%.17g has code %d, not %d of %d", x[i], code[i], want, nbins);
		}
	}
}

int
main(void)
{
	ml_test_sort();
	ml_test_few();
	ml_test_continuous();
	ml_test_heavy(0);
	ml_test_heavy(-100);
	ml_test_heavy(100);
	ml_test_fragments();
	ml_test_extremes();
	ml_test_encode();
	return unit_result("bins");
}
