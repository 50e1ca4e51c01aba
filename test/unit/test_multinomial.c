/*
 * test_multinomial.c - many-class fits against statsmodels and scikit-learn, and what may go wrong with them.
 */
#include "logistic_support.h"
#include "logistic_reference.h"

static MlRows *
ml_plants(void)
{
	MlRows	   *d = ml_rows_new(ML_COUNT(ml_plants_y), 3);

	memcpy(d->x, ml_plants_x, sizeof(ml_plants_x));
	memcpy(d->y, ml_plants_y, sizeof(ml_plants_y));
	return d;
}

static void
ml_test_plants(void)
{
	MlRows	   *d = ml_plants();
	MlLogitOptions o = ml_options(0.0);
	MlFitted	f = ml_fit(d, 4, o),
				g;
	uint64_t	hash;

	ML_CHECK(f.status == ML_OK && f.fit.converged && f.fit.vectors == 3 && f.fit.terms == 4 && f.fit.rank == 4);
	for (int v = 0; v < 3; v++)
		for (int i = 0; i < 4; i++)
		{
			ML_CHECK_NEAR(f.fit.coef[v * 4 + i], ml_plants_coef[v * 4 + i], 1e-10);
			ML_CHECK_NEAR(ml_logit_std_error(&f.fit, v, i), ml_plants_error[v * 4 + i], 1e-9);
		}
	ML_CHECK_NEAR(f.fit.log_likelihood, ml_plants_likelihood, 1e-13);
	ML_CHECK_NEAR(f.fit.null_log_likelihood, ml_plants_null, 1e-9);
	hash = ml_fingerprint(ML_FINGERPRINT_START, 12, f.fit.coef);
	hash = ml_fingerprint(hash, 144, f.fit.covariance);
	printf("fingerprint %016llx\n", (unsigned long long) hash);
	ML_CHECK(hash == UINT64_C(0x58af51a6c9073972));

	/* conjugate gradients climb to the same top, without covariance */
	o.dense_max = 1;
	g = ml_fit(d, 4, o);
	ML_CHECK(g.status == ML_OK && g.fit.converged && g.fit.covariance == NULL);
	ML_CHECK(isnan(ml_logit_std_error(&g.fit, 0, 1)));
	for (int i = 0; i < 12; i++)
		ML_CHECK_NEAR(g.fit.coef[i], f.fit.coef[i], 1e-11);
	ML_CHECK_NEAR(g.fit.log_likelihood, f.fit.log_likelihood, 1e-13);
	free(f.work);
	free(g.work);

	for (int dense = 0; dense < 2; dense++)
	{
		o = ml_options(1.0);
		o.dense_max = dense ? 2000 : 1;
		f = ml_fit(d, 4, o);
		ML_CHECK(f.status == ML_OK && f.fit.converged && f.fit.vectors == 4 && f.fit.covariance == NULL);
		for (int i = 0; i < 16; i++)
			ML_CHECK(fabs(f.fit.coef[i] - ml_plants_ridge[i]) < 1e-12);
		free(f.work);
	}
	ml_rows_free(d);
}

/* Two classes through either door are the same model. */
static void
ml_test_two_classes(void)
{
	MlRows	   *d = ml_rows_random(300, 5, 0.8);
	MlFitted	f = ml_fit(d, 0, ml_options(0.0)),
				g = ml_fit(d, 2, ml_options(0.0));

	for (int i = 0; i < 6; i++)
	{
		ML_CHECK_NEAR(g.fit.coef[i], f.fit.coef[i], 1e-12);
		ML_CHECK_NEAR(ml_logit_std_error(&g.fit, 0, i), ml_logit_std_error(&f.fit, 0, i), 1e-10);
	}
	free(f.work);
	free(g.work);

	/* softmax over both halves each coefficient, so half the penalty gives the same chances */
	f = ml_fit(d, 0, ml_options(1.0));
	g = ml_fit(d, 2, ml_options(2.0));
	for (int i = 0; i < 6; i++)
		ML_CHECK_NEAR(g.fit.coef[6 + i] - g.fit.coef[i], f.fit.coef[i], 1e-12);
	ML_CHECK_NEAR(g.fit.log_likelihood, f.fit.log_likelihood, 1e-12);
	free(f.work);
	free(g.work);
	ml_rows_free(d);
}

/* Rows with labels drawn from a softmax of the columns. */
static MlRows *
ml_classes_random(int rows, int cols, int classes, double slope)
{
	MlRows	   *d = ml_rows_random(rows, cols, slope);

	for (int i = 0; i < rows; i++)
	{
		double		best = -INFINITY;

		for (int c = 0; c < classes; c++)
		{
			double		score = slope * d->x[(size_t) i * cols + c % cols] - log(-log(unit_uniform() * 0.999999 + 5e-7));

			if (score > best)
			{
				best = score;
				d->y[i] = c;
			}
		}
	}
	return d;
}

static void
ml_test_equivalence(void)
{
	for (int l2 = 0; l2 < 2; l2++)
		for (int dense = 0; dense < 2; dense++)
		{
			MlRows	   *d = ml_classes_random(500, 6, 4, 0.8),
					   *twice = ml_rows_new(1000, 6),
					   *turned = ml_rows_new(500, 6);
			MlLogitOptions o = ml_options(l2);
			MlFitted	f,
						g,
						h;

			o.dense_max = dense ? 2000 : 1;
			ml_rows_weigh(d);
			memcpy(turned->y, d->y, 500 * sizeof(double));
			for (int i = 0; i < 500; i++)
				for (int j = 0; j < 6; j++)
				{
					double		x = d->x[i * 6 + j];

					d->w[i] = 2.0;
					twice->x[2 * i * 6 + j] = twice->x[(2 * i + 1) * 6 + j] = x;
					twice->y[2 * i] = twice->y[2 * i + 1] = d->y[i];
					turned->x[i * 6 + (j * 5 + 2) % 6] = x;
				}
			ml_rows_weigh(turned);
			for (int i = 0; i < 500; i++)
				turned->w[i] = 2.0;
			f = ml_fit(d, 4, o);
			g = ml_fit(twice, 4, o);
			h = ml_fit(turned, 4, o);
			ML_CHECK(f.status == ML_OK && g.status == ML_OK && h.status == ML_OK);
			for (int v = 0; v < f.fit.vectors; v++)
				for (int j = 0; j < 7; j++)
				{
					int			k = j == 0 ? 0 : 1 + ((j - 1) * 5 + 2) % 6;

					ML_CHECK(fabs(g.fit.coef[v * 7 + j] - f.fit.coef[v * 7 + j]) < 1e-12);
					ML_CHECK(fabs(h.fit.coef[v * 7 + k] - f.fit.coef[v * 7 + j]) < 1e-12);
				}
			if (l2)
				for (int j = 0; j < 7; j++)
				{
					double		sum = 0.0;

					for (int v = 0; v < 4; v++)
						sum += f.fit.coef[v * 7 + j];
					ML_CHECK(fabs(sum) < 1e-12);
				}
			free(f.work);
			free(g.work);
			free(h.work);
			ml_rows_free(d);
			ml_rows_free(twice);
			ml_rows_free(turned);
		}
}

static void
ml_test_aliased(void)
{
	for (int dense = 0; dense < 2; dense++)
	{
		MlRows	   *d = ml_classes_random(400, 5, 3, 0.6);
		MlLogitOptions o = ml_options(0.0);
		MlFitted	f;

		for (int i = 0; i < 400; i++)
		{
			d->x[i * 5 + 1] = 3.0;
			d->x[i * 5 + 3] = d->x[i * 5] - 2.0 * d->x[i * 5 + 2];
		}
		o.dense_max = dense ? 2000 : 1;
		f = ml_fit(d, 3, o);
		ML_CHECK(f.status == ML_OK && f.fit.converged && f.fit.rank == 4);
		ML_CHECK(f.fit.aliased[2] && f.fit.aliased[4] && !f.fit.aliased[0] && !f.fit.aliased[5]);
		for (int v = 0; v < 2; v++)
		{
			ML_CHECK(f.fit.coef[v * 6 + 2] == 0.0 && f.fit.coef[v * 6 + 4] == 0.0 && f.fit.coef[v * 6 + 5] != 0.0);
			ML_CHECK(isnan(ml_logit_std_error(&f.fit, v, 2)));
		}
		free(f.work);
		f = ml_fit(d, 3, ml_options(0.5));
		ML_CHECK(f.status == ML_OK && f.fit.rank == 6);
		free(f.work);
		ml_rows_free(d);
	}
}

static void
ml_check_separated(const MlRows *d, int classes)
{
	MlFitted	f = ml_fit(d, classes, ml_options(0.0));

	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.separated && !f.fit.converged && f.fit.covariance == NULL);
	ML_CHECK(f.fit.iterations <= 20);
	free(f.work);
	f = ml_fit(d, classes, ml_options(1.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
	free(f.work);
}

static void
ml_test_separation(void)
{
	MlRows	   *d = ml_rows_random(300, 2, 0.5);
	MlFitted	f;

	/* three sectors: complete */
	for (int i = 0; i < 300; i++)
	{
		double		a = d->x[2 * i],
					b = d->x[2 * i + 1];

		d->y[i] = a > b && a > -b ? 0 : b > a && b > -a ? 1 : 2;
	}
	ml_check_separated(d, 3);
	ml_rows_free(d);

	/* one class stands apart, the other two overlap: quasi-complete, as setosa in iris */
	d = ml_classes_random(300, 3, 2, 0.5);
	for (int i = 0; i < 300; i++)
		if (i % 3 == 0)
		{
			d->y[i] = 2;
			d->x[i * 3 + 1] += 9.0;
		}
	ml_check_separated(d, 3);
	/* one row of it among the others and the maximum exists */
	d->x[1] -= 9.0;
	f = ml_fit(d, 3, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
	free(f.work);
	ml_rows_free(d);

	/* a level that one class never has */
	d = ml_classes_random(600, 3, 3, 0.5);
	for (int i = 0; i < 600; i++)
		d->x[i * 3] = d->y[i] != 1 && i % 5 == 0;
	ml_check_separated(d, 3);
	ml_rows_free(d);

	/* strong but overlapping */
	d = ml_classes_random(2000, 3, 3, 8.0);
	f = ml_fit(d, 3, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
	free(f.work);
	ml_rows_free(d);
}

static void
ml_test_extremes(void)
{
	MlRows	   *d = ml_classes_random(200, 4, 3, 0.5);
	MlLogitOptions o = ml_options(0.0);
	MlFitted	f;

	/* a class nobody has: no maximum with an intercept, penalty or not; fine without one */
	f = ml_fit(d, 4, o);
	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.empty_class == 3);
	free(f.work);
	f = ml_fit(d, 4, ml_options(1.0));
	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.empty_class == 3);
	free(f.work);
	o = ml_options(1.0);
	o.intercept = false;
	f = ml_fit(d, 4, o);
	ML_CHECK(f.status == ML_OK && f.fit.converged);
	free(f.work);

	/* a class with one row, inside the others */
	d->y[11] = 3;
	memset(d->x + 11 * 4, 0, 4 * sizeof(double));
	for (int l2 = 0; l2 < 2; l2++)
	{
		f = ml_fit(d, 4, ml_options(l2));
		ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
		free(f.work);
	}

	/* far outliers, and more columns than rows, with either solver */
	d->x[20] = 1e9;
	f = ml_fit(d, 4, ml_options(1.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged);
	free(f.work);
	ml_rows_free(d);
	d = ml_classes_random(20, 50, 3, 0.5);
	for (int i = 0; i < 3; i++)
		d->y[i] = i;
	for (int dense = 0; dense < 2; dense++)
	{
		o = ml_options(0.1);
		o.dense_max = dense ? 2000 : 1;
		f = ml_fit(d, 3, o);
		ML_CHECK(f.status == ML_OK && f.fit.converged && f.fit.rank == 51);
		free(f.work);
	}
	d->y[4] = 3;
	f = ml_fit(d, 3, ml_options(0.1));
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	ml_rows_free(d);
}

static void
ml_test_diamonds(void)
{
	static const char *const columns[] = {"carat", "depth", "table", "price"};
	static const char *const cuts[] = {"Fair", "Good", "Ideal", "Premium", "Very Good"};
	MlTable    *t = ml_read_table("diamonds");
	MlRows	   *d;
	MlFitted	f;

	if (!t)
		return;
	d = ml_rows_new(t->rows, 4);
	for (int j = 0; j < 4; j++)
		ml_rows_column(d, j, t, columns[j]);
	for (int i = 0; i < t->rows; i++)
		for (int c = 0; c < 5; c++)
			if (strcmp(ml_cell(t, i, "cut"), cuts[c]) == 0)
				d->y[i] = c;
	ml_standardise(d, NULL, NULL);
	f = ml_fit(d, 5, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged);
	for (int v = 0; v < 4; v++)
		for (int i = 0; i < 5; i++)
		{
			ML_CHECK_NEAR(f.fit.coef[v * 5 + i], ml_diamonds_coef[v * 5 + i], 1e-10);
			ML_CHECK_NEAR(ml_logit_std_error(&f.fit, v, i), ml_diamonds_error[v * 5 + i], 1e-9);
		}
	ML_CHECK_NEAR(f.fit.log_likelihood, ml_diamonds_likelihood, 1e-12);
	printf("diamonds: %d rows, %d steps\n", d->rows, f.fit.iterations);
	free(f.work);
	ml_rows_free(d);
	ml_free_table(t);
}

static void
ml_test_digits(void)
{
	MlTable    *t = ml_read_table("digits");
	MlRows	   *d;

	if (!t)
		return;
	d = ml_rows_new(t->rows, 64);
	for (int j = 0; j < 64; j++)
	{
		char		column[32];

		snprintf(column, sizeof(column), "p%d%d", j / 10, j % 10);
		ml_rows_column(d, j, t, column);
	}
	for (int i = 0; i < t->rows; i++)
		d->y[i] = strtod(ml_cell(t, i, "digit"), NULL);
	ml_standardise(d, NULL, NULL);

	for (int dense = 0; dense < 2; dense++)
	{
		MlLogitOptions o = ml_options(1.0);
		MlFitted	f;

		o.dense_max = dense ? 2000 : 1;
		f = ml_fit(d, 10, o);
		ML_CHECK(f.status == ML_OK && f.fit.converged);
		for (int i = 0; i < 65; i++)
			ML_CHECK(fabs(f.fit.coef[i] - ml_digits_zero[i]) < 1e-7);
		for (int v = 0; v < 10; v++)
			ML_CHECK(fabs(f.fit.coef[v * 65] - ml_digits_intercepts[v]) < 1e-7);
		printf("digits: %d steps\n", f.fit.iterations);
		free(f.work);
	}

	/* without penalty the digits separate */
	ml_check_separated(d, 10);
	ml_rows_free(d);
	ml_free_table(t);
}

static void
ml_test_iris(void)
{
	static const char *const columns[] = {"sepal_length_cm", "petal_width_cm"};
	MlTable    *t = ml_read_table("iris");
	MlRows	   *d;

	if (!t)
		return;
	d = ml_rows_new(t->rows, 2);
	for (int j = 0; j < 2; j++)
		ml_rows_column(d, j, t, columns[j]);
	for (int i = 0; i < t->rows; i++)
		d->y[i] = i / 50;
	ml_check_separated(d, 3);
	ml_rows_free(d);
	ml_free_table(t);
}

int
main(void)
{
	ml_test_plants();
	ml_test_two_classes();
	ml_test_equivalence();
	ml_test_aliased();
	ml_test_separation();
	ml_test_extremes();
	ml_test_diamonds();
	ml_test_digits();
	ml_test_iris();
	return unit_result("multinomial");
}
