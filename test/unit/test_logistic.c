/*
 * test_logistic.c - two-class fits against R, and everything that may go wrong with them.
 */
#include "logistic_support.h"
#include "logistic_reference.h"

/* A fit's numbers against a reference; order says which term a reference entry belongs to. */
static void
ml_check_fit(const MlFitted *f, int terms, const double *coef, const double *error, double likelihood, double null)
{
	ML_CHECK(f->status == ML_OK);
	ML_CHECK(f->fit.converged && !f->fit.separated && f->fit.empty_class == -1);
	ML_CHECK(f->fit.terms == terms && f->fit.rank == terms && f->fit.vectors == 1);
	for (int i = 0; i < terms; i++)
	{
		ML_CHECK_NEAR(f->fit.coef[i], coef[i], 1e-10);
		ML_CHECK_NEAR(ml_logit_std_error(&f->fit, 0, i), error[i], 1e-8);
	}
	ML_CHECK_NEAR(f->fit.log_likelihood, likelihood, 1e-12);
	ML_CHECK_NEAR(f->fit.null_log_likelihood, null, 1e-12);
}

static MlRows *
ml_cars(void)
{
	MlRows	   *d = ml_rows_new(ML_COUNT(ml_cars_am), 2);

	for (int i = 0; i < d->rows; i++)
	{
		d->x[2 * i] = ml_cars_hp[i];
		d->x[2 * i + 1] = ml_cars_wt[i];
		d->y[i] = ml_cars_am[i];
	}
	return d;
}

static void
ml_test_cars(void)
{
	static const double weights[] = {1, 2, 0.5, 3};
	MlRows	   *d = ml_cars();
	MlLogitOptions o = ml_options(0.0);
	MlFitted	f = ml_fit(d, 0, o);
	uint64_t	hash;

	ml_check_fit(&f, 3, ml_cars_coef, ml_cars_error, ml_cars_likelihood, ml_cars_null);
	ML_CHECK(f.fit.weight == 32.0);
	free(f.work);

	o.intercept = false;
	f = ml_fit(d, 0, o);
	ml_check_fit(&f, 2, ml_cars_origin_coef, ml_cars_origin_error, ml_cars_origin_likelihood, ml_cars_origin_null);
	free(f.work);

	o.intercept = true;
	ml_rows_weigh(d);
	for (int i = 0; i < d->rows; i++)
		d->w[i] = weights[i % 4];
	f = ml_fit(d, 0, o);
	ml_check_fit(&f, 3, ml_cars_weighted_coef, ml_cars_weighted_error, ml_cars_weighted_likelihood, ml_cars_weighted_null);

	/* the bits, which no processor or compiler may change */
	hash = ml_fingerprint(ML_FINGERPRINT_START, 3, f.fit.coef);
	hash = ml_fingerprint(hash, 9, f.fit.covariance);
	printf("fingerprint %016llx\n", (unsigned long long) hash);
	ML_CHECK(hash == UINT64_C(0x220c884b44de1de4));
	free(f.work);
	ml_rows_free(d);
}

/* Standardised columns, reported in raw units, against R on the raw columns. */
static void
ml_test_data(const char *name, int cols, const char *const *columns, const char *label, const char *positive,
			 const double *coef, const double *error, double likelihood, double null)
{
	MlTable    *t = ml_read_table(name);
	MlRows	   *d;
	MlFitted	f;
	double		center[16],
				scale[16],
				raw[16],
				raw_error[16],
				scratch[16];

	if (!t)
		return;
	d = ml_rows_new(t->rows, cols);
	for (int j = 0; j < cols; j++)
		ml_rows_column(d, j, t, columns[j]);
	for (int i = 0; i < t->rows; i++)
		d->y[i] = strcmp(ml_cell(t, i, label), positive) == 0;

	ml_standardise(d, center, scale);
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged);
	ML_CHECK_NEAR(f.fit.log_likelihood, likelihood, 1e-12);
	ML_CHECK_NEAR(f.fit.null_log_likelihood, null, 1e-12);
	ml_logit_raw(&f.fit, 0, center, scale, raw, raw_error, scratch);
	for (int i = 0; i <= cols; i++)
	{
		ML_CHECK_NEAR(raw[i], coef[i], 1e-9);
		ML_CHECK_NEAR(raw_error[i], error[i], 1e-8);
	}
	printf("%s: %d rows, %d steps\n", name, d->rows, f.fit.iterations);
	free(f.work);
	ml_rows_free(d);
	ml_free_table(t);
}

/* Columns in another order, rows as weights or in other blocks: the same optimum. */
static void
ml_test_equivalence(void)
{
	MlRows	   *d = ml_rows_random(700, 11, 0.9),
			   *twice = ml_rows_new(1400, 11),
			   *turned = ml_rows_new(700, 11);
	MlFitted	f,
				g;

	memcpy(turned->y, d->y, 700 * sizeof(double));
	for (int i = 0; i < 700; i++)
		for (int j = 0; j < 11; j++)
		{
			double		x = d->x[i * 11 + j];

			twice->x[2 * i * 11 + j] = twice->x[(2 * i + 1) * 11 + j] = x;
			turned->x[i * 11 + (j * 4 + 3) % 11] = x;
			twice->y[2 * i] = twice->y[2 * i + 1] = d->y[i];
		}

	f = ml_fit(d, 0, ml_options(0.0));
	g = ml_fit(turned, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && g.status == ML_OK);
	for (int j = 0; j < 11; j++)
	{
		ML_CHECK_NEAR(g.fit.coef[1 + (j * 4 + 3) % 11], f.fit.coef[1 + j], 1e-12);
		ML_CHECK_NEAR(ml_logit_std_error(&g.fit, 0, 1 + (j * 4 + 3) % 11), ml_logit_std_error(&f.fit, 0, 1 + j), 1e-12);
	}
	free(g.work);

	for (int block = 1; block <= ML_BLOCK_ROWS; block = block * 3 + 1)
	{
		d->block = block;
		g = ml_fit(d, 0, ml_options(0.0));
		for (int j = 0; j < 12; j++)
			ML_CHECK_NEAR(g.fit.coef[j], f.fit.coef[j], 1e-12);
		free(g.work);
	}
	d->block = ML_BLOCK_ROWS;
	g = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(memcmp(f.fit.coef, g.fit.coef, 12 * sizeof(double)) == 0);
	ML_CHECK(memcmp(f.fit.covariance, g.fit.covariance, 144 * sizeof(double)) == 0);
	free(g.work);
	free(f.work);

	for (int l2 = 0; l2 < 2; l2++)
	{
		ml_rows_weigh(d);
		for (int i = 0; i < 700; i++)
			d->w[i] = 2.0;
		f = ml_fit(d, 0, ml_options(l2));
		g = ml_fit(twice, 0, ml_options(l2));
		for (int j = 0; j < 12; j++)
		{
			ML_CHECK_NEAR(g.fit.coef[j], f.fit.coef[j], 1e-12);
			ML_CHECK_NEAR(ml_logit_std_error(&g.fit, 0, j), ml_logit_std_error(&f.fit, 0, j), 1e-12);
		}
		ML_CHECK_NEAR(g.fit.log_likelihood, f.fit.log_likelihood, 1e-12);
		free(f.work);
		free(g.work);

		/* rows of weight zero are as good as absent, whatever their label */
		for (int i = 0; i < 1400; i++)
			if (i % 2)
				twice->y[i] = 1.0 - twice->y[i];
		ml_rows_weigh(twice);
		for (int i = 0; i < 1400; i++)
			twice->w[i] = i % 2 ? 0.0 : 2.0;
		f = ml_fit(d, 0, ml_options(l2));
		g = ml_fit(twice, 0, ml_options(l2));
		for (int j = 0; j < 12; j++)
			ML_CHECK_NEAR(g.fit.coef[j], f.fit.coef[j], 1e-12);
		free(f.work);
		free(g.work);
		free(d->w);
		free(twice->w);
		d->w = twice->w = NULL;
		d->blocks.weighted = twice->blocks.weighted = false;
		for (int i = 0; i < 1400; i++)
			twice->y[i] = d->y[i / 2];
	}
	ml_rows_free(d);
	ml_rows_free(twice);
	ml_rows_free(turned);
}

/* Is the penalised gradient zero? Checked with long double sums. */
static double
ml_slope_left(const MlRows *d, const MlLogitFit *fit, double l2)
{
	double		worst = 0.0;
	int			lead = fit->intercept ? 1 : 0;

	for (int j = 0; j < fit->terms; j++)
	{
		long double g = j < lead ? 0.0L : -(long double) l2 * fit->coef[j],
					size = 1e-300L;

		for (int i = 0; i < d->rows; i++)
		{
			const double *x = d->x + (size_t) i * d->cols;
			long double eta = lead ? fit->coef[0] : 0.0L,
						value = j < lead ? 1.0L : x[j - lead],
						part;

			for (int k = 0; k < d->cols; k++)
				eta += (long double) x[k] * fit->coef[lead + k];
			part = (d->w ? d->w[i] : 1.0L) * value * (d->y[i] - 1.0L / (1.0L + expl(-eta)));
			g += part;
			size += fabsl(part);
		}
		worst = fmax(worst, (double) (fabsl(g) / size));
	}
	return worst;
}

static void
ml_test_aliased(void)
{
	MlRows	   *d = ml_rows_random(400, 8, 0.5),
			   *kept = ml_rows_new(400, 4);
	const int	own[] = {0, 1, 4, 5};
	MlFitted	f,
				g;

	/* 2 is constant, 3 doubles 0; 5, 6, 7 are a full set of indicators; 4 stays */
	for (int i = 0; i < 400; i++)
	{
		double	   *x = d->x + i * 8;
		int			level = (int) (unit_random() % 3);

		x[2] = 7.0;
		x[3] = 2.0 * x[0];
		x[5] = level == 0;
		x[6] = level == 1;
		x[7] = level == 2;
	}
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.rank == 6);
	ML_CHECK(!f.fit.aliased[0] && !f.fit.aliased[1] && !f.fit.aliased[2] && !f.fit.aliased[5] &&
			 !f.fit.aliased[6] && !f.fit.aliased[7]);
	ML_CHECK(f.fit.aliased[3] && f.fit.aliased[4] && f.fit.aliased[8]);
	ML_CHECK(f.fit.coef[3] == 0.0 && f.fit.coef[4] == 0.0 && f.fit.coef[8] == 0.0);
	ML_CHECK(isnan(ml_logit_std_error(&f.fit, 0, 3)) && !isnan(ml_logit_std_error(&f.fit, 0, 5)));
	ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-12);

	/* what is left is the fit without those columns */
	for (int i = 0; i < 400; i++)
	{
		for (int j = 0; j < 4; j++)
			kept->x[i * 4 + j] = d->x[i * 8 + own[j]];
		kept->y[i] = d->y[i];
	}
	g = ml_fit(kept, 0, ml_options(0.0));
	ML_CHECK(g.status == ML_OK && g.fit.rank == 5);
	ML_CHECK(g.fit.log_likelihood < f.fit.log_likelihood);
	free(f.work);

	/* with a penalty nothing is aliased, and equal columns share */
	f = ml_fit(d, 0, ml_options(1.0));
	ML_CHECK(f.status == ML_OK && f.fit.rank == 9);
	ML_CHECK_NEAR(f.fit.coef[4], 2.0 * f.fit.coef[1], 1e-10);
	ML_CHECK(fabs(f.fit.coef[3]) < 1e-12);
	ML_CHECK(ml_slope_left(d, &f.fit, 1.0) < 1e-11);
	free(f.work);
	free(g.work);

	/* nothing but zeros and no intercept: nothing to estimate */
	memset(d->x, 0, 400 * 8 * sizeof(double));
	{
		MlLogitOptions o = ml_options(0.0);

		o.intercept = false;
		f = ml_fit(d, 0, o);
		ML_CHECK(f.status == ML_SINGULAR);
		free(f.work);
	}
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.rank == 1);
	ML_CHECK_NEAR(f.fit.log_likelihood, f.fit.null_log_likelihood, 1e-13);
	free(f.work);
	ml_rows_free(d);
	ml_rows_free(kept);
}

static void
ml_check_separated(const MlRows *d)
{
	MlFitted	f = ml_fit(d, 0, ml_options(0.0));

	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.separated && !f.fit.converged);
	ML_CHECK(f.fit.covariance == NULL && isnan(ml_logit_std_error(&f.fit, 0, 0)));
	ML_CHECK(f.fit.iterations <= 20);
	free(f.work);
	f = ml_fit(d, 0, ml_options(1.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated && f.fit.covariance != NULL);
	ML_CHECK(ml_slope_left(d, &f.fit, 1.0) < 1e-10);
	free(f.work);
}

static void
ml_test_separation(void)
{
	MlRows	   *d = ml_rows_random(500, 5, 0.7);
	MlFitted	f;

	/* complete: a plane divides the classes */
	for (int i = 0; i < 500; i++)
		d->y[i] = d->x[i * 5] - 0.5 * d->x[i * 5 + 3] > 0.1;
	ml_check_separated(d);
	/* not any more, once one row is on the wrong side */
	d->y[17] = 1.0 - d->y[17];
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
	ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-9);
	free(f.work);
	/* unless it has no weight */
	ml_rows_weigh(d);
	for (int i = 0; i < 500; i++)
		d->w[i] = i == 17 ? 0.0 : 1.0;
	ml_check_separated(d);
	ml_rows_free(d);

	/* quasi-complete: a rare level that one class alone has, among overlapping rows */
	for (int rare = 1; rare <= 9; rare += 4)
	{
		d = ml_rows_random(3000, 6, 0.7);
		for (int i = 0; i < 3000; i++)
			d->x[i * 6 + 2] = 0.0;
		for (int i = 0; i < rare; i++)
		{
			d->x[(100 + i * 31) * 6 + 2] = 1.0;
			d->y[100 + i * 31] = 1.0;
		}
		ml_check_separated(d);
		/* the same standardised, so that no column shows the level as zeros and ones */
		ml_standardise(d, NULL, NULL);
		ml_check_separated(d);
		/* one row of the other class with that level and the maximum exists */
		for (int i = 0; i < 6; i++)
			d->x[50 * 6 + i] = d->x[100 * 6 + i];
		d->y[50] = 0.0;
		f = ml_fit(d, 0, ml_options(0.0));
		ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
		ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-11);
		free(f.work);
		ml_rows_free(d);
	}

	/* quasi-complete along a slanted direction: both classes meet on a plane and nowhere else */
	d = ml_rows_random(600, 3, 0.7);
	for (int i = 0; i < 600; i++)
	{
		double	   *x = d->x + i * 3,
					side = i % 3 - 1;

		x[2] = 2.0 * x[0] - x[1] + side * (0.5 + unit_uniform());
		d->y[i] = side == 0.0 ? (double) (unit_random() % 2) : side > 0.0;
	}
	ml_check_separated(d);
	ml_rows_free(d);

	/* more columns than rows: every labelling can be fitted */
	d = ml_rows_random(12, 30, 0.3);
	d->y[0] = 0.0;
	d->y[1] = 1.0;
	ml_check_separated(d);
	ml_rows_free(d);
}

/* Strong but overlapping data must converge, however far the maximum is. */
static void
ml_test_strong(void)
{
	for (int k = 1; k <= 6; k++)
	{
		MlRows	   *d = ml_rows_new(400, 1);
		double		gap = pow(10.0, -k);
		MlFitted	f;

		/* labels follow x but for one pair of rows, which overlap by gap */
		for (int i = 0; i < 400; i++)
		{
			d->x[i] = (i - 199.5) / 100.0;
			d->y[i] = i >= 200;
		}
		d->x[199] = gap;
		d->x[200] = -gap;
		f = ml_fit(d, 0, ml_options(0.0));
		ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
		ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-9);
		ML_CHECK(ml_logit_std_error(&f.fit, 0, 1) > 0.0);
		free(f.work);
		ml_rows_free(d);
	}
}

/* One class only, one row of a class, huge outliers, more columns than rows. */
static void
ml_test_extremes(void)
{
	MlRows	   *d = ml_rows_random(300, 4, 0.6);
	MlLogitOptions o = ml_options(1.0);
	MlFitted	f;

	for (int i = 0; i < 300; i++)
		d->y[i] = 1.0;
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.empty_class == 0 && !f.fit.converged && f.fit.covariance == NULL);
	free(f.work);
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_CONVERGED && f.fit.empty_class == 0);
	free(f.work);
	o.intercept = false;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_OK && f.fit.converged);
	ML_CHECK(ml_slope_left(d, &f.fit, 1.0) < 1e-10);
	free(f.work);

	/* one row of a class, in the middle of the others */
	d->y[7] = 0.0;
	memset(d->x + 7 * 4, 0, 4 * sizeof(double));
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.converged && !f.fit.separated);
	ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-11);
	free(f.work);
	ml_rows_free(d);

	/* outliers far out, on the right and on the wrong side */
	for (int wrong = 0; wrong < 2; wrong++)
		for (double size = 1e2; size < 1e13; size *= 1e5)
		{
			d = ml_rows_random(300, 3, 0.6);
			d->x[30] = size;
			d->y[10] = wrong ? 0.0 : 1.0;
			f = ml_fit(d, 0, ml_options(0.0));
			ML_CHECK(f.status == ML_OK && f.fit.converged);
			ML_CHECK(ml_slope_left(d, &f.fit, 0.0) < 1e-5);
			free(f.work);
			f = ml_fit(d, 0, ml_options(1.0));
			ML_CHECK(f.status == ML_OK && f.fit.converged);
			free(f.work);
			ml_rows_free(d);
		}

	for (double l2 = 1e-6; l2 < 1e7; l2 *= 1e3)
	{
		d = ml_rows_random(15, 40, 0.4);
		d->y[0] = 0.0;
		d->y[1] = 1.0;
		f = ml_fit(d, 0, ml_options(l2));
		ML_CHECK(f.status == ML_OK && f.fit.converged && f.fit.rank == 41);
		ML_CHECK(ml_slope_left(d, &f.fit, l2) < 1e-9);
		free(f.work);
		ml_rows_free(d);
	}
}

/* What must be refused, by name. */
static void
ml_test_refused(void)
{
	MlRows	   *d = ml_rows_random(50, 3, 0.4);
	MlLogitOptions o = ml_options(0.0);
	MlLogitFit	fit;
	double		small[8];
	size_t		doubles;
	MlFitted	f;

	ML_CHECK(ml_logistic_fit(&d->blocks, &o, small, 8, &fit, NULL) == ML_NEED_SPACE);
	ML_CHECK(ml_logistic_size(INT32_MAX, true, &doubles) == ML_TOO_LARGE);
	ML_CHECK(ml_logistic_size(0, false, &doubles) == ML_TOO_LARGE);
	ML_CHECK(ml_multinomial_size(10, 1, &o, &doubles) == ML_TOO_LARGE);
	ML_CHECK(ml_multinomial_size(INT32_MAX / 20, INT32_MAX / 20, &o, &doubles) == ML_TOO_LARGE);

	d->y[3] = 2.0;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	d->y[3] = NAN;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	d->y[3] = 0.5;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	d->y[3] = 1.0;
	d->x[20] = INFINITY;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	d->x[20] = 1e200;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_FINITE);
	free(f.work);
	d->x[20] = 0.0;
	ml_rows_weigh(d);
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_SINGULAR);
	free(f.work);
	ml_rows_free(d);

	/* no rows at all */
	d = ml_rows_new(0, 3);
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_SINGULAR);
	free(f.work);
	ml_rows_free(d);

	/* too few steps: says so, and still gives what it has */
	d = ml_rows_random(500, 3, 2.0);
	o.max_iterations = 1;
	f = ml_fit(d, 0, o);
	ML_CHECK(f.status == ML_NOT_CONVERGED && !f.fit.converged && !f.fit.separated && f.fit.empty_class == -1);
	ML_CHECK(f.fit.iterations == 1 && f.fit.covariance != NULL);
	free(f.work);
	ml_rows_free(d);

	/* no columns: the null model */
	d = ml_rows_new(10, 0);
	for (int i = 0; i < 10; i++)
		d->y[i] = i < 3;
	f = ml_fit(d, 0, ml_options(0.0));
	ML_CHECK(f.status == ML_OK && f.fit.terms == 1);
	ML_CHECK_NEAR(f.fit.coef[0], log(3.0 / 7.0), 1e-14);
	ML_CHECK_NEAR(ml_logit_std_error(&f.fit, 0, 0), sqrt(1.0 / 2.1), 1e-14);
	free(f.work);
	ml_rows_free(d);
}

typedef struct MlCountdown
{
	jmp_buf		out;
	int			left;
} MlCountdown;

static void
ml_count_down(void *ctx)
{
	MlCountdown *c = ctx;

	if (c->left-- == 0)
		longjmp(c->out, 1);
}

/* A jump out of the tick at any moment leaves nothing behind that the next fit would see. */
static void
ml_test_jump(void)
{
	MlRows	   *d = ml_rows_random(600, 4, 0.5);
	MlLogitOptions o = ml_options(0.0);
	MlFitted	want = ml_fit(d, 0, o);
	MlLogitFit	fit;
	MlCountdown countdown;
	MlTick		tick = {ml_count_down, &countdown};
	size_t		doubles;
	double	   *work;
	volatile int jumps = 0;

	ML_CHECK(ml_logistic_size(4, true, &doubles) == ML_OK);
	work = malloc(doubles * sizeof(double));
	for (volatile int after = 0;; after++)
	{
		countdown.left = after;
		if (setjmp(countdown.out) == 0)
		{
			ML_CHECK(ml_logistic_fit(&d->blocks, &o, work, doubles, &fit, &tick) == ML_OK);
			break;
		}
		jumps++;
	}
	ML_CHECK(jumps > 20);
	ML_CHECK(memcmp(fit.coef, want.fit.coef, 5 * sizeof(double)) == 0);
	ML_CHECK(memcmp(fit.covariance, want.fit.covariance, 25 * sizeof(double)) == 0);
	free(work);
	free(want.work);
	ml_rows_free(d);
}

/* Variances of combinations, by their definition. */
static void
ml_test_combinations(void)
{
	MlRows	   *d = ml_rows_random(300, 2, 0.5);
	MlFitted	f = ml_fit(d, 0, ml_options(0.0));
	const double *v = f.fit.covariance,
				center[] = {3.0, -2.0},
				scale[] = {0.5, 4.0},
				a[] = {1.0, -6.0, 0.5};
	double		raw[3],
				error[3],
				scratch[3],
				variance = 0.0;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			variance += a[i] * a[j] * v[i * 3 + j];
	ML_CHECK_NEAR(ml_logit_combination_error(&f.fit, 0, a), sqrt(variance), 1e-14);
	ml_logit_raw(&f.fit, 0, center, scale, raw, error, scratch);
	ML_CHECK_NEAR(raw[0], f.fit.coef[0] - 6.0 * f.fit.coef[1] + 0.5 * f.fit.coef[2], 1e-14);
	ML_CHECK_NEAR(raw[1], 2.0 * f.fit.coef[1], 1e-15);
	ML_CHECK_NEAR(error[0], sqrt(variance), 1e-14);
	ML_CHECK_NEAR(error[1], 2.0 * sqrt(v[4]), 1e-15);
	ML_CHECK_NEAR(error[2], 0.25 * sqrt(v[8]), 1e-15);
	free(f.work);
	ml_rows_free(d);
}

int
main(void)
{
	static const char *const cancer[] = {"mean_radius", "mean_texture", "mean_smoothness"};
	static const char *const adult[] = {"age", "education_num", "hours_per_week", "capital_gain"};

	ml_test_cars();
	ml_test_data("breast_cancer", 3, cancer, "class", "malignant", ml_cancer_coef, ml_cancer_error,
				 ml_cancer_likelihood, ml_cancer_null);
	ml_test_data("adult", 4, adult, "income", ">50K", ml_adult_coef, ml_adult_error,
				 ml_adult_likelihood, ml_adult_null);
	ml_test_equivalence();
	ml_test_aliased();
	ml_test_separation();
	ml_test_strong();
	ml_test_extremes();
	ml_test_refused();
	ml_test_jump();
	ml_test_combinations();
	return unit_result("logistic");
}
