/*
 * test_count_bins.c - counting numbers between edges, against a plain loop.
 */
#include "unit.h"

#include "math/count_bins.h"

/* What stands for NULL, as base/cell.h has it. */
#define ML_TEST_NULL	INT64_C(0x7FF80000000007A2)

static double
ml_from_bits(uint64_t bits)
{
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static int64_t
ml_bits(double x)
{
	int64_t		bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* A number of one of several kinds, which is no NULL. */
static double
ml_any(int kind, const double *edges, int nedges)
{
	double		x = unit_normal();

	switch (kind)
	{
		case 0:
			return x;
		case 1:
			return floor(4 * x);
		case 2:
			return x < 0 ? -0.0 : 0.0;
		case 3:
			/* denormals */
			return ldexp(x, -1060);
		case 4:
			return x < 0 ? -INFINITY : INFINITY;
		case 5:
			/* any NaN, quiet or not, of either sign; the payload is not 0 */
			return ml_from_bits((x < 0 ? UINT64_C(1) << 63 : 0) | UINT64_C(0x7FF0000000000000) |
								(unit_random() >> 12 | 1));
		case 6:
			/* a number beside NULL's bits */
			return ml_from_bits((uint64_t) ML_TEST_NULL + (x < 0 ? -1 : 1));
		case 7:
			return nedges > 0 ? edges[unit_random() % nedges] : x;
		case 8:
			return nedges > 0 ? nextafter(edges[unit_random() % nedges], x < 0 ? -INFINITY : INFINITY) : x;
		case 9:
			return x < 0 ? -1.7976931348623157e308 : 1.7976931348623157e308;
		default:
			return ml_random_number();
	}
}

#define ML_KINDS	11

/* Compares the counts of a block with those of a loop; at is what the numbers are, for messages. */
static void
ml_check_block(const double *x, int nedges, const double *edges, double center, int at)
{
	MlBinCounts got;
	MlBinCounts want = {{0}};
	long double sum = 0;
	long double squares = 0;
	long double size = 0;

	memset(&got, 0xA5, sizeof got);
	want.min = INFINITY;
	want.max = -INFINITY;
	for (int i = 0; i < ML_COUNT_BLOCK; i++)
	{
		long double d;

		want.nulls += ml_bits(x[i]) == ML_TEST_NULL;
		if (x[i] != x[i])
			continue;
		want.numbers++;
		for (int e = 0; e < nedges; e++)
			want.reached[e] += x[i] >= edges[e];
		if (isinf(x[i]))
			continue;
		want.finite++;
		d = x[i] - center;
		sum += d;
		squares += d * d;
		size += fabsl(d);
		if (x[i] < want.min)
			want.min = x[i];
		if (x[i] > want.max)
			want.max = x[i];
	}
	ml_count_bins(x, nedges, edges, center, ML_TEST_NULL, &got);
	for (int e = 0; e < nedges; e++)
		CHECK(got.reached[e] == want.reached[e], "kind %d, edge %d of %d: %lld, not %lld", at, e, nedges,
			  (long long) got.reached[e], (long long) want.reached[e]);
	CHECK(got.nulls == want.nulls, "kind %d: %lld, not %lld", at, (long long) got.nulls, (long long) want.nulls);
	CHECK(got.numbers == want.numbers, "kind %d: %lld, not %lld", at, (long long) got.numbers, (long long) want.numbers);
	CHECK(got.finite == want.finite, "kind %d: %lld, not %lld", at, (long long) got.finite, (long long) want.finite);
	CHECK(got.min == want.min, "kind %d: %g, not %g", at, got.min, want.min);
	CHECK(got.max == want.max, "kind %d: %g, not %g", at, got.max, want.max);
	/* what overflows on the way is no number at the end, or infinite */
	if (size < 1e307L)
		CHECK(fabsl(got.sum - sum) <= 64 * 0x1p-53L * size, "kind %d: %g, not %Lg", at, got.sum, sum);
	if (squares < 1e307L)
		CHECK(fabsl(got.squares - squares) <= 64 * 0x1p-53L * squares + 0x1p-1060L, "kind %d: %g, not %Lg", at, got.squares,
			  squares);
}

/* All numbers of edges, all fillings of a block, all kinds of numbers. */
static void
ml_test_blocks(void)
{
	double		edges[ML_COUNT_EDGES_MAX];
	double		x[ML_COUNT_BLOCK];

	for (int nedges = 0; nedges <= ML_COUNT_EDGES_MAX; nedges++)
		for (int n = 0; n <= ML_COUNT_BLOCK; n++)
			for (int kind = 0; kind <= ML_KINDS; kind++)
			{
				double		center = kind % 3 == 0 ? 0 : unit_normal();

				for (int e = 0; e < nedges; e++)
					edges[e] = e - nedges / 2 + (e > 0 && kind % 2 ? 0.25 : 0);
				/* the number above the greatest may be infinity, and edges may lie next to each other */
				if (nedges > 2 && kind % 4 == 3)
				{
					edges[nedges - 1] = INFINITY;
					edges[0] = nextafter(edges[1], -INFINITY);
				}
				for (int i = 0; i < ML_COUNT_BLOCK; i++)
					if (i >= n)
						x[i] = NAN;
					else if (unit_random() % 8 == 0)
						x[i] = ml_from_bits((uint64_t) ML_TEST_NULL);
					else
						x[i] = ml_any(kind == ML_KINDS ? (int) (unit_random() % ML_KINDS) : kind, edges, nedges);
				ml_check_block(x, nedges, edges, center, kind);
			}
}

/* Where one number alone is in the block, whatever its place, it is counted. */
static void
ml_test_places(void)
{
	const double edges[] = {-1, 0, 1, 2};
	const double numbers[] = {-INFINITY, -2, -1, -0.0, 0.0, 5e-324, -5e-324, 1, 1.5, 2, 3, INFINITY};
	MlBinCounts got;
	double		x[ML_COUNT_BLOCK];

	for (int i = 0; i < ML_COUNT_BLOCK; i++)
		for (int k = 0; k < ML_COUNT(numbers); k++)
		{
			for (int j = 0; j < ML_COUNT_BLOCK; j++)
				x[j] = ml_from_bits((uint64_t) ML_TEST_NULL);
			x[i] = numbers[k];
			ml_check_block(x, ML_COUNT(edges), edges, 0.5, k);
			ml_count_bins(x, ML_COUNT(edges), edges, 0.5, ML_TEST_NULL, &got);
			CHECK(got.nulls == ML_COUNT_BLOCK - 1 && got.numbers == 1, "number %d in place %d", k, i);
			CHECK(got.finite == 0 ? got.sum == 0 && got.squares == 0 : got.sum == numbers[k] - 0.5, "number %d in place %d", k, i);
		}
}

/* Sums of whole numbers are exact in any order, so the same on every processor. */
static void
ml_test_whole(void)
{
	double		x[ML_COUNT_BLOCK];

	for (int n = 0; n < 200; n++)
	{
		MlBinCounts got;
		double		sum = 0;
		double		squares = 0;

		for (int i = 0; i < ML_COUNT_BLOCK; i++)
		{
			x[i] = (double) (unit_random() % 2000) - 1000;
			sum += x[i] - 3;
			squares += (x[i] - 3) * (x[i] - 3);
		}
		ml_count_bins(x, 0, NULL, 3, ML_TEST_NULL, &got);
		CHECK(got.sum == sum && got.squares == squares, "block %d", n);
	}
}

int
main(void)
{
	ml_test_blocks();
	ml_test_places();
	ml_test_whole();
	return unit_result("count_bins");
}
