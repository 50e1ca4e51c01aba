/*
 * test_exact_sum.c - exact sums against 128-bit integers, against identities, and in any order.
 *
 * Prints one line for each failed check and a summary; the exit status is 1
 * when a check failed.
 */
#include "math/exact_sum.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	ml_checks = 0;
static int	ml_failures = 0;

#define ML_CHECK(condition) \
	do { \
		ml_checks++; \
		if (!(condition)) \
		{ \
			ml_failures++; \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

static uint64_t ml_random_state = 88172645463325252u;

/* A random word (xorshift64). */
static uint64_t
ml_random(void)
{
	ml_random_state ^= ml_random_state << 13;
	ml_random_state ^= ml_random_state >> 7;
	ml_random_state ^= ml_random_state << 17;
	return ml_random_state;
}

/* A random finite double of any sign and magnitude, subnormal ones included. */
static double
ml_random_double(void)
{
	double		x;

	do
	{
		uint64_t	bits = ml_random();

		memcpy(&x, &bits, sizeof(x));
	} while (!isfinite(x));
	return x;
}

static double
ml_sum_of(const double *x, int n)
{
	MlExactSum	sum;
	int			i;

	memset(&sum, 0, sizeof(sum));
	for (i = 0; i < n; i++)
		ml_exact_add(&sum, x[i]);
	return ml_exact_value(&sum);
}

static void
ml_test_single_values(void)
{
	double		edge[] = {0.0, -0.0, 1, -1, DBL_MAX, -DBL_MAX, DBL_MIN, -DBL_MIN, 4.9406564584124654e-324,
	-4.9406564584124654e-324, 2.2250738585072009e-308, 0.1, 1e300, 1e-300};
	int			i;

	for (i = 0; i < (int) (sizeof(edge) / sizeof(edge[0])); i++)
		ML_CHECK(ml_sum_of(&edge[i], 1) == edge[i]);
	for (i = 0; i < 100000; i++)
	{
		double		x = ml_random_double();

		ML_CHECK(ml_sum_of(&x, 1) == x);
	}
}

/* A sum of two is what the processor's own, correctly rounded addition gives. */
static void
ml_test_pairs(void)
{
	int			i;

	for (i = 0; i < 200000; i++)
	{
		double		x[2];

		x[0] = ml_random_double();
		x[1] = ml_random_double();
		if (i % 2 == 0)
		{
			/* close enough to meet, ties included */
			int			exponent;
			int			drop = (int) (ml_random() % 60);
			int			apart = (int) (ml_random() % 130);

			frexp(x[0], &exponent);
			x[1] = ldexp((double) (ml_random() >> drop), exponent - apart);
			if (ml_random() & 1)
				x[1] = -x[1];
		}
		if (isfinite(x[1]))
			ML_CHECK(ml_sum_of(x, 2) == x[0] + x[1]);
	}
}

/* Integers scaled by a power of two against 128-bit arithmetic. */
static void
ml_test_integers(void)
{
	int			round;

	for (round = 0; round < 200; round++)
	{
		MlExactSum	sum;
		MlExactProducts products;
		__int128	expected = 0;
		__int128	expected_products = 0;
		int			scale = (int) (ml_random() % 800) - 400;
		double		fraction;
		int			exponent;
		int			i;

		memset(&sum, 0, sizeof(sum));
		memset(&products, 0, sizeof(products));
		for (i = 0; i < 1000; i++)
		{
			int64_t		a = (int64_t) (ml_random() >> 11) - (INT64_C(1) << 52);
			int64_t		b = (int64_t) (ml_random() >> 11) - (INT64_C(1) << 52);

			expected += a;
			expected_products += (__int128) a * b;
			ml_exact_add(&sum, ldexp((double) a, scale));
			ml_exact_products_add(&products, ldexp((double) a, scale), ldexp((double) b, -scale));
		}
		ML_CHECK(ml_exact_value(&sum) == ldexp((double) expected, scale));
		ml_exact_products_parts(&products, &fraction, &exponent);
		ML_CHECK(ldexp(fraction, exponent) == (double) expected_products);
		ML_CHECK(fraction == 0 || (fabs(fraction) >= 0.5 && fabs(fraction) < 1));
		ML_CHECK(ml_exact_mean(&sum, 1000) == ldexp((double) expected / 1000, scale));
	}
}

/* Shuffled and divided, with everything cancelling in the end. */
static void
ml_test_order(void)
{
	enum
	{
		n = 4000
	};
	static double x[n];
	MlExactSum	whole;
	MlExactSum	part[3];
	MlExactProducts whole_products;
	MlExactProducts part_products[3];
	int			i;

	for (i = 0; i < n; i++)
		x[i] = ml_random_double();
	memset(&whole, 0, sizeof(whole));
	memset(part, 0, sizeof(part));
	memset(&whole_products, 0, sizeof(whole_products));
	memset(part_products, 0, sizeof(part_products));
	for (i = 0; i < n; i++)
	{
		ml_exact_add(&whole, x[i]);
		ml_exact_products_add(&whole_products, x[i], x[n - 1 - i] * 0.5);
	}
	for (i = n - 1; i >= 0; i--)
	{
		int			to = (int) (ml_random() % 3);

		ml_exact_add(&part[to], x[i]);
		ml_exact_products_add(&part_products[to], x[n - 1 - i] * 0.5, x[i]);
	}
	ml_exact_merge(&part[2], &part[0]);
	ml_exact_merge(&part[2], &part[1]);
	ML_CHECK(memcmp(&whole, &part[2], sizeof(whole)) == 0);
	ml_exact_products_merge(&part_products[2], &part_products[0]);
	ml_exact_products_merge(&part_products[2], &part_products[1]);
	ML_CHECK(memcmp(&whole_products, &part_products[2], sizeof(whole_products)) == 0);

	for (i = 0; i < n; i++)
	{
		ml_exact_add(&whole, -x[i]);
		ml_exact_products_add(&whole_products, -x[i], x[n - 1 - i] * 0.5);
	}
	memset(part, 0, sizeof(part[0]));
	ML_CHECK(memcmp(&whole, &part[0], sizeof(whole)) == 0);
	ML_CHECK(ml_exact_products_mean(&whole_products, 1) == 0);
}

static void
ml_test_range(void)
{
	double		x[] = {DBL_MAX, DBL_MAX, -DBL_MAX};
	double		cancel[] = {1e308, 1, -1e308, 1e-300, -1};
	double		half_way[] = {1, 1.1102230246251565e-16, 4.9406564584124654e-324};
	MlExactSum	sum;
	MlExactProducts squares;

	ML_CHECK(ml_sum_of(x, 2) == HUGE_VAL);
	ML_CHECK(ml_sum_of(x, 3) == DBL_MAX);
	ML_CHECK(ml_sum_of(cancel, 5) == 1e-300);
	ML_CHECK(ml_sum_of(half_way, 2) == 1);
	ML_CHECK(ml_sum_of(half_way, 3) == 1 + DBL_EPSILON);

	memset(&sum, 0, sizeof(sum));
	ml_exact_add(&sum, DBL_MAX);
	ml_exact_add(&sum, DBL_MAX);
	ML_CHECK(ml_exact_mean(&sum, 2) == DBL_MAX);

	memset(&squares, 0, sizeof(squares));
	ml_exact_products_add(&squares, DBL_MAX, -DBL_MAX);
	ml_exact_products_add(&squares, DBL_MAX, DBL_MAX);
	ml_exact_products_add(&squares, 4.9406564584124654e-324, 4.9406564584124654e-324);
	ML_CHECK(ml_exact_products_root_mean(&squares, 1) == 4.9406564584124654e-324);
	ml_exact_products_add(&squares, 1e200, 1e200);
	ml_exact_products_add(&squares, 1e200, 1e200);
	ML_CHECK(ml_exact_products_root_mean(&squares, 2) == 1e200);
	ML_CHECK(ml_exact_products_mean(&squares, 2) == HUGE_VAL);
}

static void
ml_test_not_finite(void)
{
	double		inf[] = {1, HUGE_VAL, HUGE_VAL};
	double		minus[] = {-HUGE_VAL, 1};
	double		both[] = {HUGE_VAL, 5, -HUGE_VAL};
	double		nan_too[] = {HUGE_VAL, NAN};
	MlExactProducts products;

	ML_CHECK(ml_sum_of(inf, 3) == HUGE_VAL);
	ML_CHECK(ml_sum_of(minus, 2) == -HUGE_VAL);
	ML_CHECK(isnan(ml_sum_of(both, 3)));
	ML_CHECK(isnan(ml_sum_of(nan_too, 2)));
	memset(&products, 0, sizeof(products));
	ml_exact_products_add(&products, HUGE_VAL, -2);
	ML_CHECK(ml_exact_products_mean(&products, 3) == -HUGE_VAL);
	ml_exact_products_add(&products, 0, HUGE_VAL);
	ML_CHECK(isnan(ml_exact_products_mean(&products, 3)));
}

/* n * (sum of squares) - (sum)^2 where doubles would cancel to nothing. */
static void
ml_test_variation(void)
{
	double		level[] = {0, 1e9, -1e15, 4503599627370496.0};
	double		fraction;
	int			exponent;
	int			k;

	for (k = 0; k < 4; k++)
	{
		MlExactSum	sum;
		MlExactProducts squares;
		int			i;

		memset(&sum, 0, sizeof(sum));
		memset(&squares, 0, sizeof(squares));
		for (i = 0; i < 1001; i++)
		{
			double		y = level[k] + i;

			ml_exact_add(&sum, y);
			ml_exact_products_add(&squares, y, y);
		}
		ml_exact_variation(&sum, &squares, 1001, &fraction, &exponent);
		/* n^2 (n^2 - 1) / 12 for consecutive integers */
		ML_CHECK(ldexp(fraction, exponent) == 1001.0 * 1001.0 * (1001.0 * 1001.0 - 1) / 12);

		memset(&sum, 0, sizeof(sum));
		memset(&squares, 0, sizeof(squares));
		for (i = 0; i < 77; i++)
		{
			ml_exact_add(&sum, level[k] + 0.1);
			ml_exact_products_add(&squares, level[k] + 0.1, level[k] + 0.1);
		}
		ml_exact_variation(&sum, &squares, 77, &fraction, &exponent);
		ML_CHECK(fraction == 0 && exponent == 0);
		ml_exact_add(&sum, NAN);
		ml_exact_variation(&sum, &squares, 78, &fraction, &exponent);
		ML_CHECK(isnan(fraction));
	}
}

/* Bytes from an unknown hand must do no harm; the sanitizers watch. */
static void
ml_test_garbage(void)
{
	int			round;

	for (round = 0; round < 2000; round++)
	{
		MlExactSum	sum;
		MlExactProducts products;
		double		fraction;
		int			exponent;
		int			i;

		for (i = 0; i < ML_EXACT_WORDS; i++)
			sum.word[i] = ml_random() & 1 ? ml_random() : (uint64_t) 0 - (ml_random() & 1);
		for (i = 0; i < ML_EXACT_PRODUCT_WORDS; i++)
			products.word[i] = ml_random() & 1 ? ml_random() : (uint64_t) 0 - (ml_random() & 1);
		sum.flags = 0;
		products.flags = 0;
		ml_exact_add(&sum, ml_random_double());
		ml_exact_products_add(&products, sum.word[0] & 1 ? -1 : 1, ml_random_double());
		ml_exact_merge(&sum, &sum);
		ml_exact_products_merge(&products, &products);
		ml_exact_variation(&sum, &products, INT64_MAX, &fraction, &exponent);
		ML_CHECK(!isnan(ml_exact_mean(&sum, INT64_MAX)));
		ML_CHECK(fraction == 0 || (fabs(fraction) >= 0.5 && fabs(fraction) < 1));
	}
}

int
main(void)
{
	ml_test_single_values();
	ml_test_pairs();
	ml_test_integers();
	ml_test_order();
	ml_test_range();
	ml_test_not_finite();
	ml_test_variation();
	ml_test_garbage();
	printf("exact_sum: %d passed, %d failed\n", ml_checks - ml_failures, ml_failures);
	return ml_failures > 0;
}
