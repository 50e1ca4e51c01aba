/*
 * test_parzen.c - densities add up to 1, draws follow them, widths are those of the definition.
 */
#include "unit.h"

#include "math/parzen.h"

#define ML_STEPS	20000
#define ML_DRAWS	200000
#define ML_PARTS	20

static void
ml_test_widths(void)
{
	const double center[] = {0.1, 0.2, 0.9};
	double		width[3];
	double		same[200];
	double		sharp[200];

	ml_parzen_widths(3, center, width);
	/* neighbours of 0.1 are 0 and 0.2, at 0.1 each: the least width is a quarter */
	ML_CHECK_NEAR(width[0], 0.25, 1e-15);
	ML_CHECK_NEAR(width[1], 0.7, 1e-15);
	ML_CHECK_NEAR(width[2], 0.7, 1e-15);
	for (int i = 0; i < 200; i++)
		same[i] = 0.5;
	ml_parzen_widths(200, same, sharp);
	ML_CHECK_NEAR(sharp[0], 0.5, 1e-15);
	ML_CHECK_NEAR(sharp[100], 0.01, 1e-15);
	ML_CHECK_NEAR(sharp[199], 0.5, 1e-15);
}

/* The integral over each part of the interval is the share of the draws there. */
static void
ml_test_density(int n, const double *center)
{
	double		width[50];
	double		part[ML_PARTS] = {0};
	int			drawn[ML_PARTS] = {0};
	double		total = 0;

	ml_parzen_widths(n, center, width);
	for (int i = 0; i < ML_STEPS; i++)
	{
		double		density = ml_parzen_density(n, center, width, (i + 0.5) / ML_STEPS) / ML_STEPS;

		part[i / (ML_STEPS / ML_PARTS)] += density;
		total += density;
	}
	ML_CHECK_NEAR(total, 1, 1e-6);
	for (int i = 0; i < ML_DRAWS; i++)
	{
		double		x = ml_parzen_draw(n, center, width, unit_uniform(), unit_uniform());

		CHECK(x >= 0 && x <= 1, "%g", x);
		drawn[x < 1 ? (int) (x * ML_PARTS) : ML_PARTS - 1]++;
	}
	for (int p = 0; p < ML_PARTS; p++)
	{
		double		expected = part[p] * ML_DRAWS;

		CHECK(fabs(drawn[p] - expected) < 5 * sqrt(expected), "%d of %g in part %d, n = %d", drawn[p], expected, p, n);
	}
}

static void
ml_test_by_hand(void)
{
	const double center[] = {0.5};
	double		width[1];
	double		inside = erf(1 / sqrt(2));	/* within a standard deviation */

	ml_parzen_widths(1, center, width);
	ML_CHECK_NEAR(width[0], 0.5, 1e-15);
	ML_CHECK_NEAR(ml_parzen_density(1, center, width, 0.5), (1 + 1 / (sqrt(2 * M_PI) * 0.5 * inside)) / 2, 1e-12);
	ML_CHECK_NEAR(ml_parzen_density(1, center, width, 1), (1 + exp(-0.5) / (sqrt(2 * M_PI) * 0.5 * inside)) / 2, 1e-12);
	ML_CHECK_NEAR(ml_parzen_density(0, NULL, NULL, 0.3), 1, 1e-15);
	ML_CHECK_NEAR(ml_parzen_draw(0, NULL, NULL, 0.7, 0.3), 0.3, 1e-15);
}

static void
ml_test_choices(void)
{
	const int64_t count[] = {0, 3, 1, 0};
	int			drawn[4] = {0};

	ML_CHECK_NEAR(ml_parzen_share(4, count, 0), 1.0 / 8, 1e-15);
	ML_CHECK_NEAR(ml_parzen_share(4, count, 1), 4.0 / 8, 1e-15);
	ML_CHECK_NEAR(ml_parzen_share(4, count, 2), 2.0 / 8, 1e-15);
	for (int i = 0; i < ML_DRAWS; i++)
		drawn[ml_parzen_choose(4, count, unit_uniform())]++;
	for (int k = 0; k < 4; k++)
	{
		double		expected = ml_parzen_share(4, count, k) * ML_DRAWS;

		CHECK(fabs(drawn[k] - expected) < 5 * sqrt(expected), "%d of %g for choice %d", drawn[k], expected, k);
	}
}

int
main(void)
{
	const double few[] = {0, 0.31, 0.32};
	double		many[50];

	ml_test_widths();
	ml_test_by_hand();
	ml_test_density(3, few);
	for (int i = 0; i < 50; i++)
		many[i] = 0.2 + 0.6 * i / 49;
	ml_test_density(50, many);
	ml_test_choices();
	return unit_result("parzen");
}
