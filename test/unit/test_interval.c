/*
 * test_interval.c - intervals of shares, of paired shares and of areas under the curve, against R and scipy.
 */
#include "unit.h"

#include "math/dist.h"
#include "math/interval.h"

/* statsmodels 0.13.5, proportion_confint(part, whole, method='wilson'). */
static const double ml_wilson_reference[][4] = {
	/* part, whole, low, high */
	{0, 1, 0.0, 0.7934506856227627},
	{1, 1, 0.2065493143772374, 1.0},
	{0, 10, 0.0, 0.27753279986288926},
	{3, 10, 0.10779126740630104, 0.6032218525388546},
	{5, 10, 0.23659309051256394, 0.7634069094874361},
	{10, 10, 0.7224672001371106, 1.0},
	{1, 1000, 0.00017654637062607765, 0.005642558597957937},
	{500, 1000, 0.4690696003681042, 0.5309303996318958},
	{999, 1000, 0.9943574414020421, 0.9998234536293739},
	{12345, 100000, 0.12142561775452175, 0.12550331116056454}
};

/*
 * Tango's interval from its definition, in Python's decimal with 50 digits: the share of only_b that makes the counts
 * likeliest for a difference by bisection of the likelihood's slope, the limits by bisection of the score.
 */
static const double ml_paired_reference[][5] = {
	/* only_a, only_b, rows, low, high */
	{0, 0, 10, -0.2775327998628892, 0.2775327998628892},
	{1, 0, 10, -0.20528607984917813, 0.4041500267952385},
	{0, 1, 10, -0.4041500267952385, 0.20528607984917813},
	{5, 3, 20, -0.18789807195970085, 0.3723406547074398},
	{10, 0, 10, 0.4449344002742216, 1.0},
	{20, 5, 100, 0.05616855584820956, 0.248823925080891},
	{9, 8, 1000, -0.007825428260574065, 0.009998348893603858},
	{0, 0, 1000, -0.0038267584855551234, 0.0038267584855551234},
	{400, 300, 16000, 0.0030173010376153614, 0.009512342157733937},
	{7, 1, 8, 0.058223635574293005, 0.9551650170998867}
};

/* scipy 1.10.1, binomtest(min, only_a + only_b, 0.5).pvalue. */
static const double ml_mcnemar_reference[][3] = {
	/* only_a, only_b, p */
	{0, 0, 1.0},
	{1, 0, 1.0},
	{0, 5, 0.0625},
	{3, 1, 0.625},
	{10, 2, 0.03857421875},
	{7, 7, 1.0},
	{8, 7, 1.0},
	{59, 6, 4.964650327128616e-12},
	{520, 480, 0.2174482932041409},
	{100000, 101000, 0.025862392439732925}
};

/* pROC 1.18.0 in R 4.2.2: auc, var and cov with method = "delong" of these rows, with direction = "<". */
static const uint8_t ml_area_label[] = {1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1};
static const uint64_t ml_area_a[] = {9, 1, 7, 5, 5, 2, 8, 3, 5, 5, 4, 6, 2, 1, 9, 7, 3, 4, 4, 8};
static const uint64_t ml_area_b[] = {6, 2, 7, 4, 6, 1, 9, 3, 3, 5, 5, 8, 4, 2, 7, 6, 1, 2, 3, 9};

#define ML_AREA_ROWS	20

static void
ml_test_shares(void)
{
	const double z = ml_normal_quantile(0.975);
	double		low;
	double		high;

	for (int i = 0; i < ML_COUNT(ml_wilson_reference); i++)
	{
		const double *r = ml_wilson_reference[i];

		ml_wilson(r[0], r[1], z, &low, &high);
		ML_CHECK_NEAR(low, r[2], 1e-13);
		ML_CHECK_NEAR(high, r[3], 1e-13);
	}
	for (int i = 0; i < ML_COUNT(ml_paired_reference); i++)
	{
		const double *r = ml_paired_reference[i];

		ml_paired_shares(r[0], r[1], r[2], z, &low, &high);
		ML_CHECK_NEAR(low, r[3], 1e-11);
		ML_CHECK_NEAR(high, r[4], 1e-11);
	}
	for (int i = 0; i < ML_COUNT(ml_mcnemar_reference); i++)
	{
		const double *r = ml_mcnemar_reference[i];

		ML_CHECK_NEAR(ml_mcnemar_exact(r[0], r[1]), r[2], 1e-9);
		ML_CHECK(ml_mcnemar_exact(r[0], r[1]) == ml_mcnemar_exact(r[1], r[0]));
	}
}

/* The limits leave out 0 where McNemar's statistic exceeds z^2, and change sides with the predictors. */
static void
ml_test_pairs(void)
{
	const double z = ml_normal_quantile(0.975);

	for (int i = 0; i < 2000; i++)
	{
		double		rows = 1 + (double) (unit_random() % 500);
		double		a = (double) (unit_random() % (uint64_t) (rows + 1));
		double		b = (double) (unit_random() % (uint64_t) (rows - a + 1));
		double		low;
		double		high;
		double		other_low;
		double		other_high;

		ml_paired_shares(a, b, rows, z, &low, &high);
		ml_paired_shares(b, a, rows, z, &other_low, &other_high);
		CHECK(low >= -1 && low <= (a - b) / rows && (a - b) / rows <= high && high <= 1,
			  "%g %g of %g: %g to %g", a, b, rows, low, high);
		CHECK(fabs(low + other_high) < 1e-12 && fabs(high + other_low) < 1e-12, "%g %g of %g", a, b, rows);
		CHECK((low > 0 || high < 0) == (a + b > 0 && (a - b) * (a - b) / (a + b) > z * z),
			  "%g %g of %g: %g to %g", a, b, rows, low, high);
	}
}

/* The rows in ascending order of their keys. */
static void
ml_sort_rows(const uint64_t *key, size_t n, uint64_t *sorted, uint32_t *at)
{
	for (size_t i = 0; i < n; i++)
	{
		size_t		j = i;

		for (; j > 0 && sorted[j - 1] > key[i]; j--)
		{
			sorted[j] = sorted[j - 1];
			at[j] = at[j - 1];
		}
		sorted[j] = key[i];
		at[j] = (uint32_t) i;
	}
}

static void
ml_test_area(void)
{
	uint64_t	sorted[ML_AREA_ROWS];
	uint32_t	at[ML_AREA_ROWS];
	int64_t		a[ML_AREA_ROWS];
	int64_t		b[ML_AREA_ROWS];
	MlArea		area;

	ml_sort_rows(ml_area_a, ML_AREA_ROWS, sorted, at);
	ml_delong_wins(sorted, at, ml_area_label, ML_AREA_ROWS, a, NULL);
	area = ml_delong_area(a, ml_area_label, ML_AREA_ROWS, NULL);
	ML_CHECK_NEAR(area.value, 0.83000000000000007, 1e-14);
	ML_CHECK_NEAR(area.variance, 0.0087444444444444453, 1e-13);
	ml_sort_rows(ml_area_b, ML_AREA_ROWS, sorted, at);
	ml_delong_wins(sorted, at, ml_area_label, ML_AREA_ROWS, b, NULL);
	area = ml_delong_area(b, ml_area_label, ML_AREA_ROWS, NULL);
	ML_CHECK_NEAR(area.value, 0.79000000000000004, 1e-14);
	ML_CHECK_NEAR(area.variance, 0.010699999999999999, 1e-13);
	for (int i = 0; i < ML_AREA_ROWS; i++)
		a[i] -= b[i];
	area = ml_delong_area(a, ml_area_label, ML_AREA_ROWS, NULL);
	ML_CHECK_NEAR(area.value, 0.04, 1e-13);
	ML_CHECK_NEAR(area.variance, 0.0087444444444444453 + 0.010699999999999999 - 2 * 0.0071777777777777777, 1e-13);
}

/* Wins are what counting every pair gives. */
static void
ml_test_wins(void)
{
	enum
	{
		ROWS = 300
	};
	uint64_t	key[ROWS];
	uint64_t	sorted[ROWS];
	uint32_t	at[ROWS];
	uint8_t		label[ROWS];
	int64_t		wins[ROWS];

	for (int i = 0; i < ROWS; i++)
	{
		label[i] = unit_random() % 3 == 0;
		key[i] = unit_random() % 40 + label[i] * 7;
	}
	ml_sort_rows(key, ROWS, sorted, at);
	ml_delong_wins(sorted, at, label, ROWS, wins, NULL);
	for (int i = 0; i < ROWS; i++)
	{
		int64_t		want = 0;

		for (int j = 0; j < ROWS; j++)
		{
			if (label[i] != label[j])
				want += key[i] == key[j] ? 1 : (key[i] > key[j]) == label[i] ? 2 : 0;
		}
		CHECK(wins[i] == want, "row %d: %d, not %d", i, (int) wins[i], (int) want);
	}
}

/* One row of a class has no variance; a perfect order has none either, but 0. */
static void
ml_test_edges(void)
{
	const uint8_t label[] = {0, 0, 1, 1};
	const int64_t perfect[] = {4, 4, 4, 4};
	const uint8_t single[] = {0, 0, 1};
	const int64_t three[] = {2, 0, 2};
	MlArea		area = ml_delong_area(perfect, label, 4, NULL);

	ML_CHECK(area.value == 1 && area.variance == 0);
	area = ml_delong_area(three, single, 3, NULL);
	ML_CHECK(area.value == 0.5 && isnan(area.variance));
}

int
main(void)
{
	ml_test_shares();
	ml_test_pairs();
	ml_test_area();
	ml_test_wins();
	ml_test_edges();
	return unit_result("interval");
}
