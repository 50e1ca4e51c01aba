/*
 * test_cbpe.c - performance estimated from scores, against labels that are drawn by them.
 */
#include "unit.h"

#include "math/cbpe.h"

/* Rows whose chance of being positive is p(score); positives may be NULL. */
static void
ml_draw(int n, double distortion, MlCbpeRows *rows, int64_t *positives)
{
	memset(rows, 0, sizeof *rows);
	memset(positives, 0, sizeof(int64_t) * ML_CBPE_BINS);
	for (int i = 0; i < n; i++)
	{
		double		score = unit_uniform();
		int			b = (int) (score * ML_CBPE_BINS);

		rows->rows[b]++;
		rows->scores[b] += score;
		positives[b] += unit_uniform() < pow(score, distortion);
	}
}

/* Shares ascend, are means of blocks, and keep the number of positives. */
static void
ml_test_pool(void)
{
	MlCbpeRows	rows;
	int64_t		positives[ML_CBPE_BINS];
	MlCbpe		cbpe;
	double		sum = 0;
	double		want = 0;

	ml_draw(300, 1, &rows, positives);
	rows.rows[3] = rows.scores[3] = 0;
	positives[3] = 0;
	ML_CHECK(ml_cbpe_learn(&cbpe, &rows, positives));
	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		CHECK(b == 0 || cbpe.share[b] >= cbpe.share[b - 1], "bin %d", b);
		sum += cbpe.share[b] * rows.rows[b];
		want += positives[b];
	}
	ML_CHECK_NEAR(sum, want, 1e-12);
	memset(&rows, 0, sizeof rows);
	ML_CHECK(!ml_cbpe_learn(&cbpe, &rows, positives));
}

/* Scores that are distorted are calibrated, those that are right are mostly left alone. */
static void
ml_test_choice(void)
{
	MlCbpeRows	rows;
	int64_t		positives[ML_CBPE_BINS];
	MlCbpe		cbpe;
	int			left = 0;

	for (int i = 0; i < 100; i++)
	{
		ml_draw(2000, 2.5, &rows, positives);
		ML_CHECK(ml_cbpe_learn(&cbpe, &rows, positives) && cbpe.isotonic && cbpe.error_isotonic < cbpe.error_raw);
		ml_draw(2000, 1, &rows, positives);
		ML_CHECK(ml_cbpe_learn(&cbpe, &rows, positives));
		left += !cbpe.isotonic;
	}
	CHECK(left > 60, "%d of 100", left);
}

/* The interval holds the figure of the labels in 19 of 20 cases, more or less. */
static void
ml_test_coverage(double distortion, int rows_held_out)
{
	int			held[7] = {0};
	int			total = 0;

	for (int i = 0; i < 500; i++)
	{
		MlCbpeRows	held_out;
		MlCbpeRows	rows;
		int64_t		known[ML_CBPE_BINS];
		int64_t		positives[ML_CBPE_BINS];
		double		truth[ML_CBPE_BINS];
		MlCbpe		cbpe;

		ml_draw(rows_held_out, distortion, &held_out, known);
		ml_draw(1000, distortion, &rows, positives);
		for (int b = 0; b < ML_CBPE_BINS; b++)
			truth[b] = (double) positives[b];
		ML_CHECK(ml_cbpe_learn(&cbpe, &held_out, known));
		total++;
		for (int m = 0; m < 7; m++)
		{
			double		value;
			double		low;
			double		high;
			double		actual;

			ML_CHECK(ml_cbpe_estimate(&cbpe, &rows, (MlCbpeMetric) m, &value, &low, &high));
			ML_CHECK(ml_cbpe_known(rows.rows, truth, (MlCbpeMetric) m, &actual));
			ML_CHECK(low <= value && value <= high && low >= 0 && high <= 1);
			held[m] += low <= actual && actual <= high;
		}
	}
	for (int m = 0; m < 7; m++)
		CHECK(held[m] >= 0.9 * total, "metric %d at distortion %g of %d rows: %d of %d", m, distortion, rows_held_out, held[m], total);
}

/* By hand. */
static void
ml_test_known(void)
{
	double		rows[ML_CBPE_BINS] = {0};
	double		positives[ML_CBPE_BINS] = {0};
	double		v;

	ML_CHECK(!ml_cbpe_known(rows, positives, ML_CBPE_ACCURACY, &v) && !ml_cbpe_known(rows, positives, ML_CBPE_AUC, &v));
	rows[2] = 60;
	positives[2] = 10;
	rows[15] = 40;
	positives[15] = 30;
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_ACCURACY, &v) && v == 0.8);
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_PRECISION, &v) && v == 0.75);
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_RECALL, &v) && v == 0.75);
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_F1, &v) && v == 0.75);
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_SPECIFICITY, &v) && v == 50.0 / 60.0);
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_SHARE, &v) && v == 0.4);
	/* of 40 * 60 pairs: 30 * 50 right, 10 * 50 / 2 and 30 * 10 / 2 ties */
	ML_CHECK(ml_cbpe_known(rows, positives, ML_CBPE_AUC, &v));
	ML_CHECK_NEAR(v, (1500.0 + 250.0 + 150.0) / 2400.0, 1e-15);
}

int
main(void)
{
	ml_test_pool();
	ml_test_choice();
	ml_test_coverage(1, 3000);
	ml_test_coverage(2, 3000);
	/* what is little, and not seen in few rows */
	ml_test_coverage(1.3, 700);
	ml_test_known();
	return unit_result("cbpe");
}
