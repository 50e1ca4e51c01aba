/*
 * test_ols.c - least squares: NIST's reference sets, ranks, ridge, weights, degenerate shapes.
 */
#include "math/ols.h"
#include "nist.h"
#include "unit.h"

#define COLS_MAX	40

typedef struct Fit
{
	MlOlsFit	fit;
	double		estimate[COLS_MAX];
	double		std_error[COLS_MAX];
	bool		aliased[COLS_MAX];
	MlStatus	status;
} Fit;

/* Sums rows of [1,] features, target into a fresh state. */
static MlGram *
gram_of(const double *x, int cols, int rows)
{
	MlGram	   *g = unit_alloc(ml_gram_size(cols));
	void	   *scratch = unit_alloc(ml_gram_scratch_size(cols));
	int			r;

	CHECK(ml_gram_init(g, ml_gram_size(cols), cols) == ML_OK, "init");
	for (r = 0; r < rows;)
	{
		int			block = rows - r < ML_GRAM_BLOCK ? rows - r : ML_GRAM_BLOCK;
		MlStatus	status = ml_gram_add(g, scratch, x + (size_t) r * cols, cols, block);

		if (status == ML_NEED_SPACE)
		{
			MlGram	   *bigger = unit_alloc(ml_gram_need(g));

			CHECK(ml_gram_move(bigger, ml_gram_need(g), g) == ML_OK, "move");
			free(g);
			g = bigger;
			continue;
		}
		CHECK(status == ML_OK, "add");
		r += block;
	}
	free(scratch);
	return g;
}

static void
fit_gram(const MlGram *g, bool intercept, double weight, double l2, Fit *f)
{
	int			column[COLS_MAX],
				exponent[COLS_MAX];
	int			cols = ml_gram_cols(g);
	int			j;
	MlOlsGram	view = {g, column, exponent};
	MlOlsProblem problem;
	void	   *work;

	for (j = 0; j < cols; j++)
	{
		column[j] = j;
		exponent[j] = ml_gram_exponent(g, j);
	}
	memset(&problem, 0, sizeof(problem));
	problem.intercept = intercept;
	problem.features = cols - 1 - intercept;
	problem.rows = ml_gram_rows(g);
	problem.weight = weight > 0.0 ? weight : (double) problem.rows;
	problem.l2 = l2;
	problem.entry = ml_ols_gram_entry;
	problem.ctx = &view;
	problem.exponent = exponent;
	memset(f, 0, sizeof(*f));
	f->fit.estimate = f->estimate;
	f->fit.std_error = f->std_error;
	f->fit.aliased = f->aliased;
	work = unit_alloc(ml_ols_workspace(problem.features, intercept));
	f->status = ml_ols_fit(&problem, work, &f->fit, NULL);
	free(work);
}

static Fit
fit_rows(const double *x, int cols, int rows, bool intercept, double l2)
{
	MlGram	   *g = gram_of(x, cols, rows);
	Fit			f;

	fit_gram(g, intercept, 0.0, l2, &f);
	CHECK(f.status == ML_OK, "status %d", f.status);
	free(g);
	return f;
}

/* Correct digits, 15 at most. */
static double
digits(double got, double want)
{
	double		error = want == 0.0 ? fabs(got) : fabs(got - want) / fabs(want);

	return error < 1e-15 ? 15.0 : -log10(error);
}

/* Fits a NIST set of rows (x1..xk, y), or powers of x1, and counts digits. */
static void
check_nist(const char *name, const double *data, int rows, int k, int degree, bool intercept,
		   const double *certified, double least, double least_error)
{
	int			features = degree ? degree : k;
	int			cols = features + 1 + intercept;
	double	   *x = unit_alloc(rows * cols * sizeof(double));
	Fit			f;
	int			r,
				j;

	for (r = 0; r < rows; r++)
	{
		const double *in = data + r * (k + 1);
		double	   *out = x + r * cols;
		double		power = 1.0;

		if (intercept)
			*out++ = 1.0;
		for (j = 0; j < features; j++)
			*out++ = degree ? (power *= in[0]) : in[j];
		*out = in[k];
	}
	f = fit_rows(x, cols, rows, intercept, 0.0);
	CHECK(f.fit.rank == features + intercept, "%s: rank %d", name, f.fit.rank);
	CHECK(f.fit.df == rows - f.fit.rank, "%s: df", name);
	for (j = 0; j < features + intercept; j++)
	{
		double		d = digits(f.estimate[j], certified[2 * j]);
		double		e = digits(f.std_error[j], certified[2 * j + 1]);

		CHECK(d >= least, "%s: %.2f digits in %d", name, d, j);
		if (certified[2 * j + 1] == 0.0)
			CHECK(f.std_error[j] == 0.0, "%s: error of %d is %g", name, j, f.std_error[j]);
		else
			CHECK(e >= least_error, "%s: %.2f digits in error of %d", name, e, j);
	}
	free(x);
}

static void
check_wampler(int set)
{
	double		data[42];
	double		certified[12];
	double		noise = set < 3 ? 0.0 : set == 3 ? 1.0 : set == 4 ? 100.0 : 10000.0;
	int			i,
				k;

	for (i = 0; i < 21; i++)
	{
		int64_t		sum = 0;
		int64_t		power = 1;

		/* set 2 is an integer over 100000 */
		for (k = 0; k <= 5; k++)
		{
			static const int64_t tenth[] = {100000, 10000, 1000, 100, 10, 1};

			sum += power * (set == 2 ? tenth[k] : 1);
			power *= i;
		}
		data[2 * i] = i;
		data[2 * i + 1] = set == 2 ? (double) sum / 100000.0 : (double) sum + noise * nist_wampler_noise[i];
	}
	for (k = 0; k <= 5; k++)
	{
		static const double tenth[] = {1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001};

		certified[2 * k] = set == 2 ? tenth[k] : 1.0;
		certified[2 * k + 1] = noise * nist_wampler3_error[k];
	}
	check_nist("wampler", data, 21, 1, 5, true, certified, 13.0, 13.0);
}

static void
test_nist(void)
{
	int			set;

	check_nist("norris", nist_norris, 36, 1, 0, true, nist_norris_certified, 13.0, 13.0);
	check_nist("noint1", nist_noint1, 11, 1, 0, false, nist_noint1_certified, 14.0, 14.0);
	check_nist("noint2", nist_noint2, 3, 1, 0, false, nist_noint2_certified, 14.0, 14.0);
	check_nist("pontius", nist_pontius, 40, 1, 2, true, nist_pontius_certified, 13.0, 13.0);
	check_nist("longley", nist_longley, 16, 6, 0, true, nist_longley_certified, 13.0, 13.0);
	/* what float8 columns of powers allow */
	check_nist("filip", nist_filip, 82, 1, 10, true, nist_filip_certified, 7.5, 8.0);
	for (set = 1; set <= 5; set++)
		check_wampler(set);
}

/* Norris' other certified values, and the sums of squares of sets without residuals. */
static void
test_summary(void)
{
	double		x[36 * 3];
	Fit			f;
	int			r;

	for (r = 0; r < 36; r++)
	{
		x[3 * r] = 1.0;
		x[3 * r + 1] = nist_norris[2 * r];
		x[3 * r + 2] = nist_norris[2 * r + 1];
	}
	f = fit_rows(x, 3, 36, true, 0.0);
	CHECK(digits(f.fit.residual_sd, 0.884796396144373) > 13.0, "%.17g", f.fit.residual_sd);
	CHECK(digits(f.fit.r2, 0.999993745883712) > 13.0, "%.17g", f.fit.r2);
	CHECK(digits(f.fit.rss, 26.6173985294224) > 13.0, "%.17g", f.fit.rss);
	CHECK(digits(f.fit.adjusted_r2, 1.0 - (1.0 - 0.999993745883712) * 35.0 / 34.0) > 13.0,
		  "%.17g", f.fit.adjusted_r2);
	/* singular values of the columns scaled to length 1: 1 +- their cosine */
	{
		double		sx = 0.0,
					sxx = 0.0,
					c;

		for (r = 0; r < 36; r++)
		{
			sx += x[3 * r + 1];
			sxx += x[3 * r + 1] * x[3 * r + 1];
		}
		c = sx / sqrt(36.0 * sxx);
		CHECK(digits(f.fit.condition, sqrt((1.0 + c) / (1.0 - c))) > 3.0, "%g", f.fit.condition);
	}
	for (r = 0; r < 36; r++)
		x[3 * r + 2] = 3.0 * x[3 * r + 1] + 0.1;
	f = fit_rows(x, 3, 36, true, 0.0);
	CHECK(f.fit.rss == 0.0 && f.fit.r2 == 1.0 && f.fit.residual_sd == 0.0, "rss %g", f.fit.rss);
	CHECK(digits(f.estimate[0], 0.1) > 11.0 && digits(f.estimate[1], 3.0) > 14.0, "exact line");
	for (r = 0; r < 36; r++)
		x[3 * r + 2] = 0.3;
	f = fit_rows(x, 3, 36, true, 0.0);
	CHECK(f.fit.tss == 0.0 && f.fit.rss == 0.0 && f.fit.r2 == 0.0, "constant target: tss %g", f.fit.tss);
	CHECK(digits(f.estimate[0], 0.3) > 14.0 && fabs(f.estimate[1]) < 1e-18, "constant target");
}

/* Makes one row: features a..e where the last ones may depend on the first. */
static void
dependent_row(int kind, int r, double *x)
{
	double		a = unit_normal();
	double		b = unit_normal() * 1e3;
	double		c = 2000.0 + unit_normal() * 5.0;

	x[0] = 1.0;
	x[1] = a;
	x[2] = b;
	x[3] = c;
	switch (kind)
	{
		case 0:
			x[4] = a;
			break;
		case 1:
			x[4] = a + b + c;
			break;
		case 2:
			x[4] = 0.1 * a + 0.3 * b + 1.7 * c;
			break;
		case 3:
			x[4] = c - 0.3 * a - 1e5;
			break;
		case 4:
			x[4] = 0.1;
			break;
		case 5:
			x[4] = 0.0;
			break;
		case 6:
			x[4] = a * 1e200;
			break;
		case 7:
			x[4] = c * 1.8 + 32.0;
			break;
		case 8:
			/* a set of indicators that sums to the intercept */
			x[1] = r % 3 == 0;
			x[2] = r % 3 == 1;
			x[4] = r % 3 == 2;
			break;
		case 9:
			/* shares of a whole */
			x[1] = unit_uniform();
			x[2] = (1.0 - x[1]) * unit_uniform();
			x[4] = 1.0 - x[1] - x[2];
			break;
		default:
			/* not dependent: float4 copy, tiny wiggle, small scale */
			x[4] = kind == 10 ? (double) (float) a : kind == 11 ? c + 1e-9 * unit_normal() : 1e-200 * unit_normal();
			break;
	}
	x[5] = 1.0 + a - 2.0 * b + unit_normal();
}

static void
test_ranks(void)
{
	enum
	{
		ROWS = 500
	};
	double	   *x = unit_alloc(ROWS * 6 * sizeof(double));
	int			kind,
				r,
				j;

	for (kind = 0; kind <= 12; kind++)
	{
		Fit			f;
		bool		dependent = kind < 10;

		for (r = 0; r < ROWS; r++)
			dependent_row(kind, r, x + 6 * r);
		f = fit_rows(x, 6, ROWS, true, 0.0);
		CHECK(f.fit.rank == (dependent ? 4 : 5), "kind %d: rank %d", kind, f.fit.rank);
		CHECK(f.aliased[4] == dependent, "kind %d: last column", kind);
		for (j = 0; j < 4; j++)
			CHECK(!f.aliased[j], "kind %d: column %d", kind, j);
		if (dependent)
			CHECK(f.estimate[4] == 0.0 && isnan(f.std_error[4]), "kind %d: estimate", kind);
		CHECK(f.fit.rss > 0.7 * (ROWS - 5) && f.fit.rss < 1e10, "kind %d: rss %g", kind, f.fit.rss);
	}
	free(x);
}

/* Solves dense symmetric equations by Gauss with pivots, in long double. */
static void
solve_dense(int n, long double a[][COLS_MAX], long double *b)
{
	int			i,
				j,
				k;

	for (k = 0; k < n; k++)
	{
		int			p = k;

		for (i = k + 1; i < n; i++)
			if (fabsl(a[i][k]) > fabsl(a[p][k]))
				p = i;
		for (j = 0; j < n; j++)
		{
			long double t = a[k][j];

			a[k][j] = a[p][j];
			a[p][j] = t;
		}
		{
			long double t = b[k];

			b[k] = b[p];
			b[p] = t;
		}
		for (i = k + 1; i < n; i++)
		{
			long double m = a[i][k] / a[k][k];

			for (j = k; j < n; j++)
				a[i][j] -= m * a[k][j];
			b[i] -= m * b[k];
		}
	}
	for (k = n - 1; k >= 0; k--)
	{
		for (j = k + 1; j < n; j++)
			b[k] -= a[k][j] * b[j];
		b[k] /= a[k][k];
	}
}

/* Weighted ridge against dense equations; l2 = 0 gives weighted least squares. */
static void
check_ridge(bool intercept, bool weighted, double l2, int features)
{
	enum
	{
		ROWS = 120
	};
	int			first = intercept;
	int			n = features + first;
	int			cols = n + 1;
	double	   *x = unit_alloc(ROWS * cols * sizeof(double));
	static long double a[COLS_MAX][COLS_MAX];
	long double b[COLS_MAX];
	long double total = 0.0L,
				rss = 0.0L;
	MlGram	   *g;
	Fit			f;
	int			r,
				i,
				j;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	for (r = 0; r < ROWS; r++)
	{
		/* the root of a weight that is a square, so that the scaled rows are exact */
		double		root = weighted ? (double) (1 + r % 5) : 1.0;
		double	   *row = x + r * cols;

		total += root * root;
		for (j = 0; j < n; j++)
			row[j] = j < first ? 1.0 : (double) (float) (unit_normal() * (j + 1) + 3.0 * j);
		row[n] = (double) (float) (row[first] * 2.0 + unit_normal());
		for (j = 0; j <= n; j++)
			row[j] *= root;
		for (i = 0; i < n; i++)
		{
			for (j = 0; j < n; j++)
				a[i][j] += (long double) row[i] * row[j];
			b[i] += (long double) row[i] * row[n];
		}
	}
	for (j = first; j < n; j++)
	{
		long double square = a[j][j];

		if (intercept)
			square -= a[0][j] * a[0][j] / total;
		/* the other elements are not needed again */
		a[j][j] += l2 * square / total;
	}
	solve_dense(n, a, b);
	for (r = 0; r < ROWS; r++)
	{
		long double e = x[r * cols + n];

		for (j = 0; j < n; j++)
			e -= b[j] * x[r * cols + j];
		rss += e * e;
	}
	g = gram_of(x, cols, ROWS);
	fit_gram(g, intercept, (double) total, l2, &f);
	CHECK(f.status == ML_OK && f.fit.rank == n, "rank %d", f.fit.rank);
	for (j = 0; j < n; j++)
	{
		CHECK(fabsl(f.estimate[j] - b[j]) < 1e-12L * (1.0L + fabsl(b[j])), "estimate %d: %.17g, not %.17Lg",
			  j, f.estimate[j], b[j]);
		CHECK(isnan(f.std_error[j]) == (l2 > 0.0), "standard error %d", j);
	}
	CHECK(digits(f.fit.rss, (double) rss) > 12.0, "rss %.17g, not %.17Lg", f.fit.rss, rss);
	free(g);
	free(x);
}

static void
test_ridge(void)
{
	int			i;

	for (i = 0; i < 16; i++)
		check_ridge(i & 1, i & 2, i & 4 ? 37.5 : 0.0, i & 8 ? 3 : 21);
}

/* Ridge makes equal columns share, and still leaves out constant ones. */
static void
test_ridge_ranks(void)
{
	double		x[60 * 5];
	Fit			f;
	int			r;

	for (r = 0; r < 60; r++)
	{
		double	   *row = x + 5 * r;

		row[0] = 1.0;
		row[1] = row[2] = unit_normal();
		row[3] = 0.1;
		row[4] = row[1] + unit_normal();
	}
	f = fit_rows(x, 5, 60, true, 1e6);
	CHECK(f.fit.rank == 3 && f.aliased[3], "rank %d", f.fit.rank);
	CHECK(digits(f.estimate[1], f.estimate[2]) > 13.0 && f.estimate[1] != 0.0, "shared");
	CHECK(fabs(f.estimate[1]) < 1e-3, "shrunk");
}

/* No features, no rows, one row, fewer rows than columns, zeros, extreme scales. */
static void
test_degenerate(void)
{
	double		x[8 * 6];
	Fit			f;
	int			r,
				j;

	for (r = 0; r < 8; r++)
	{
		x[2 * r] = 1.0;
		x[2 * r + 1] = r;
	}
	f = fit_rows(x, 2, 8, true, 0.0);
	CHECK(f.estimate[0] == 3.5 && f.fit.df == 7 && f.fit.rank == 1, "mean");
	CHECK(digits(f.std_error[0], sqrt(6.0 / 8.0)) > 14.0, "standard error of the mean");
	CHECK(f.fit.r2 == 0.0, "r2 of the mean");
	f = fit_rows(x, 2, 0, true, 0.0);
	CHECK(f.fit.rank == 0 && f.fit.df == 0 && f.estimate[0] == 0.0 && f.aliased[0], "no rows");
	f = fit_rows(x, 1, 8, false, 0.0);
	CHECK(f.fit.rank == 0 && f.fit.df == 8 && f.fit.rss == 18.0 && f.fit.tss == 18.0, "nothing to fit with");
	for (r = 1; r <= 5; r++)
	{
		int			i;

		for (i = 0; i < 8 * 6; i++)
			x[i] = i % 6 == 0 ? 1.0 : unit_normal();
		f = fit_rows(x, 6, r, true, 0.0);
		CHECK(f.fit.rank == r && f.fit.df == 0, "%d rows: rank %d", r, f.fit.rank);
		CHECK(f.fit.rss == 0.0, "%d rows: rss %g", r, f.fit.rss);
		for (j = 0; j < 5; j++)
		{
			CHECK(f.estimate[j] - f.estimate[j] == 0.0, "%d rows: estimate %d", r, j);
			CHECK(isnan(f.std_error[j]) && f.aliased[j] == (j >= r), "%d rows: error %d", r, j);
		}
		CHECK(isnan(f.fit.residual_sd) && isnan(f.fit.adjusted_r2), "%d rows: not defined", r);
	}
	for (r = 0; r < 8; r++)
	{
		x[3 * r] = 1.0;
		x[3 * r + 1] = r * 1e300;
		x[3 * r + 2] = r * 2e-300 + 1e-299;
	}
	f = fit_rows(x, 3, 8, true, 0.0);
	CHECK(digits(f.estimate[0], 1e-299) > 12.0 && f.estimate[1] == 0.0, "underflow of a slope");
	for (r = 0; r < 8; r++)
		x[3 * r + 2] = 1e308 / (r + 1);
	f = fit_rows(x, 3, 8, true, 0.0);
	CHECK(f.fit.residual_sd > 1e307 && f.fit.residual_sd < 1e308, "residual sd %g", f.fit.residual_sd);
	for (r = 0; r < 8; r++)
		x[3 * r + 1] = r * 1e-300;
	{
		MlGram	   *g = gram_of(x, 3, 8);

		fit_gram(g, true, 0.0, 0.0, &f);
		CHECK(f.status == ML_NOT_FINITE, "overflow of a slope");
		free(g);
	}
}

/* An entry callback that is not backed by an exact state, and entries that are not finite. */
static MlDd
plain_entry(void *ctx, int i, int j)
{
	return ml_dd(((const double *) ctx)[3 * i + j]);
}

static void
test_callback(void)
{
	double		m[9] = {4.0, 6.0, 10.0, 6.0, 14.0, 17.0, 10.0, 17.0, 30.0};
	MlOlsProblem problem = {1, true, 4, 4.0, 0.0, plain_entry, m, NULL};
	Fit			f;
	void	   *work = unit_alloc(ml_ols_workspace(1, true));

	memset(&f, 0, sizeof(f));
	f.fit.estimate = f.estimate;
	f.fit.std_error = f.std_error;
	f.fit.aliased = f.aliased;
	CHECK(ml_ols_fit(&problem, work, &f.fit, NULL) == ML_OK, "plain matrix");
	CHECK(digits(f.estimate[1], 0.4) > 14.0 && digits(f.estimate[0], 1.9) > 14.0, "%g %g",
		  f.estimate[0], f.estimate[1]);
	CHECK(digits(f.fit.rss, 4.2) > 14.0 && digits(f.fit.tss, 5.0) > 14.0, "rss %.17g", f.fit.rss);
	m[5] = NAN;
	CHECK(ml_ols_fit(&problem, work, &f.fit, NULL) == ML_NOT_FINITE, "NaN");
	m[5] = 17.0;
	m[8] = INFINITY;
	CHECK(ml_ols_fit(&problem, work, &f.fit, NULL) == ML_NOT_FINITE, "infinity");
	CHECK(ml_ols_workspace(-1, true) == 0 && ml_ols_workspace(INT32_MAX, true) == 0, "too large");
	problem.features = -1;
	CHECK(ml_ols_fit(&problem, work, &f.fit, NULL) == ML_TOO_LARGE, "too large");
	free(work);
}

static int	breaths;

static void
count_breath(void *ctx)
{
	breaths++;
}

/* Residuals are orthogonal to every column, and their length is the rss. */
static void
check_orthogonal(const double *x, int cols, int rows, const MlOlsFit *fit)
{
	double	   *residual = unit_alloc(rows * sizeof(double));
	double		rss = 0.0;
	int			r,
				j;

	for (r = 0; r < rows; r++)
	{
		long double e = x[r * cols + cols - 1];

		for (j = 0; j < cols - 1; j++)
			e -= (long double) fit->estimate[j] * x[r * cols + j];
		residual[r] = (double) e;
		rss += residual[r] * residual[r];
	}
	CHECK(digits(fit->rss, rss) > 12.0, "rss");
	for (j = 0; j < cols - 1; j++)
	{
		double		dot = 0.0,
					length = 0.0;

		for (r = 0; r < rows; r++)
		{
			dot += residual[r] * x[r * cols + j];
			length += x[r * cols + j] * x[r * cols + j];
		}
		CHECK(fabs(dot) < 1e-9 * sqrt(length), "column %d: %g", j, dot / sqrt(length));
	}
	free(residual);
}

/* A wide problem, breathing all along; its errors against the residuals of column on column. */
static void
test_wide(void)
{
	enum
	{
		FEATURES = 150, COLS = FEATURES + 2, ROWS = 400
	};
	double	   *x = unit_alloc(ROWS * COLS * sizeof(double));
	double	   *estimate = unit_alloc(COLS * sizeof(double));
	double	   *std_error = unit_alloc(COLS * sizeof(double));
	bool	   *aliased = unit_alloc(COLS * sizeof(bool));
	int		   *column = unit_alloc(COLS * sizeof(int));
	int		   *exponent = unit_alloc(COLS * sizeof(int));
	void	   *work = unit_alloc(ml_ols_workspace(FEATURES, true));
	MlOlsFit	fit = {estimate, std_error, aliased};
	MlTick		tick = {count_breath, NULL};
	MlOlsGram	view;
	MlOlsProblem problem = {FEATURES, true, ROWS, ROWS, 0.0, ml_ols_gram_entry, &view, exponent};
	MlGram	   *g;
	int			r,
				j;

	for (r = 0; r < ROWS; r++)
	{
		double	   *row = x + r * COLS;

		row[0] = 1.0;
		row[FEATURES + 1] = 1.0;
		for (j = 1; j <= FEATURES; j++)
		{
			/* columns 50 and 100 repeat earlier ones */
			row[j] = j == 50 ? row[7] : j == 100 ? row[8] - row[9] : unit_normal() * ldexp(1.0, j % 40);
			row[FEATURES + 1] += j == 50 || j == 100 ? 0.0 : ldexp(row[j], -(j % 40)) * j;
		}
		row[FEATURES + 1] += unit_normal();
	}
	g = gram_of(x, COLS, ROWS);
	for (j = 0; j < COLS; j++)
	{
		column[j] = j;
		exponent[j] = ml_gram_exponent(g, j);
	}
	view.g = g;
	view.column = column;
	view.exponent = exponent;
	CHECK(ml_ols_fit(&problem, work, &fit, &tick) == ML_OK, "fit");
	CHECK(fit.rank == FEATURES - 1 && aliased[50] && aliased[100], "rank %d", fit.rank);
	CHECK(breaths > 1000, "%d breaths", breaths);
	check_orthogonal(x, COLS, ROWS, &fit);
	/* the error of a column is the residual sd over the length of what the others leave of it */
	for (j = 1; j <= FEATURES; j += 37)
	{
		MlOlsProblem partial = problem;
		MlOlsFit	left = {estimate, unit_alloc(COLS * sizeof(double)), aliased};
		double		error = std_error[j];
		int			k,
					n = 0;

		for (k = 0; k < COLS; k++)
			if (k != j && k != 50 && k != 100 && k != FEATURES + 1)
				column[n++] = k;
		column[n++] = j;
		for (k = 0; k < n; k++)
			exponent[k] = ml_gram_exponent(g, column[k]);
		partial.features = n - 2;
		CHECK(ml_ols_fit(&partial, work, &left, NULL) == ML_OK, "partial fit");
		CHECK(digits(error, fit.residual_sd / sqrt(left.rss)) > 13.0, "error of %d", j);
		free(left.std_error);
	}
	free(x);
	free(estimate);
	free(std_error);
	free(aliased);
	free(column);
	free(exponent);
	free(work);
	free(g);
}

int
main(void)
{
	test_nist();
	test_summary();
	test_ranks();
	test_ridge();
	test_ridge_ranks();
	test_degenerate();
	test_callback();
	test_wide();
	return unit_result("ols");
}
