/*
 * test_spd.c - factor, solve and inverse on made-up matrices, and the kernels bit by bit between widths.
 */
#include "unit.h"

#include "math/kernel.h"
#include "math/spd.h"

/* X'X of random rows; some columns made dependent on earlier ones. */
static double *
ml_gram_new(int n, int rows, const int *dependent, int dependents)
{
	double	   *x = malloc((size_t) rows * n * sizeof(double)),
			   *a = calloc((size_t) n * n, sizeof(double));

	for (size_t i = 0; i < (size_t) rows * n; i++)
		x[i] = unit_uniform() - 0.4;
	for (int r = 0; r < rows; r++)
		for (int k = 0; k < dependents; k++)
		{
			int			j = dependent[k];

			x[(size_t) r * n + j] = 2.0 * x[(size_t) r * n] - (j > 1 ? x[(size_t) r * n + 1] : 0.0);
		}
	for (int r = 0; r < rows; r++)
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				a[(size_t) i * n + j] += x[(size_t) r * n + i] * x[(size_t) r * n + j];
	free(x);
	return a;
}

static void
ml_test_system(int n, const int *dependent, int dependents)
{
	double	   *a = ml_gram_new(n, 2 * n + 10, dependent, dependents),
			   *l = malloc((size_t) n * n * sizeof(double)),
			   *work = malloc((size_t) n * ML_SPD_STRIDE(n) * sizeof(double)),
			   *b = malloc((size_t) n * sizeof(double));
	unsigned char *flags = calloc((size_t) n, 1);
	double		worst = 0.0,
				form = 0.0;

	memcpy(l, a, (size_t) n * n * sizeof(double));
	ML_CHECK(ml_spd_factor(n, l, (size_t) n, 1e-12, flags, NULL) == dependents);
	for (int k = 0; k < dependents; k++)
		ML_CHECK(flags[dependent[k]] == 1);

	/* the upper triangle stays */
	for (int i = 0; i < n; i++)
		for (int j = i + 1; j < n; j++)
			if (l[(size_t) i * n + j] != a[(size_t) i * n + j])
				worst = 1.0;
	ML_CHECK(worst == 0.0);

	for (int i = 0; i < n; i++)
		b[i] = flags[i] ? 77.0 : i % 5 - 2.0;
	ml_spd_solve(n, l, (size_t) n, flags, b);
	for (int i = 0; i < n; i++)
	{
		double		s = 0.0;

		if (flags[i])
		{
			ML_CHECK(b[i] == 0.0);
			continue;
		}
		for (int j = 0; j < n; j++)
			s += a[(size_t) i * n + j] * b[j];
		worst = fmax(worst, fabs(s - (i % 5 - 2.0)));
	}
	ML_CHECK(worst < 1e-9);

	worst = 0.0;
	ml_spd_inverse(n, l, (size_t) n, flags, work, NULL);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			double		s = 0.0;

			ML_CHECK(l[(size_t) i * n + j] == l[(size_t) j * n + i]);
			for (int k = 0; k < n; k++)
				s += a[(size_t) i * n + k] * l[(size_t) k * n + j];
			if (!flags[i])
				worst = fmax(worst, fabs(s - (i == j ? 1.0 : 0.0)));
			if (flags[i] || flags[j])
				ML_CHECK(l[(size_t) i * n + j] == 0.0);
		}
	ML_CHECK(worst < 1e-9);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			form += a[(size_t) i * n + j] * (i - 1.5) * (j - 1.5);
	for (int i = 0; i < n; i++)
		b[i] = i - 1.5;
	ML_CHECK_NEAR(ml_spd_quadratic(n, a, (size_t) n, b), form, 1e-11);

	free(a);
	free(l);
	free(work);
	free(b);
	free(flags);
}

/* Columns that the caller leaves out, zero columns, indefinite and not finite matrices. */
static void
ml_test_odd(void)
{
	double		a[9] = {4, 0, 0, 2, 5, 0, 2, 3, 6},
				zero[4] = {0, 0, 0, 1},
				indefinite[4] = {1, 0, 2, 1},
				broken[4] = {NAN, 0, 0, 1},
				b[3] = {2, 99, 3};
	unsigned char flags[3] = {0, 1, 0};

	ML_CHECK(ml_spd_factor(3, a, 3, 1e-12, flags, NULL) == 0);
	ml_spd_solve(3, a, 3, flags, b);
	ML_CHECK_NEAR(b[0], 0.3, 1e-15);
	ML_CHECK(b[1] == 0.0);
	ML_CHECK_NEAR(b[2], 0.4, 1e-15);

	memset(flags, 0, sizeof(flags));
	ML_CHECK(ml_spd_factor(2, zero, 2, 1e-12, flags, NULL) == 1 && flags[0] == 1 && flags[1] == 0);
	memset(flags, 0, sizeof(flags));
	ML_CHECK(ml_spd_factor(2, indefinite, 2, 1e-12, flags, NULL) == 1 && flags[0] == 0 && flags[1] == 1);
	memset(flags, 0, sizeof(flags));
	ML_CHECK(ml_spd_factor(2, broken, 2, 1e-12, flags, NULL) == 1 && flags[0] == 1 && flags[1] == 0);
}

/* Every kernel of every width on the same numbers. */
static void
ml_test_widths(void)
{
	enum
	{
		panels = 7, width = 8 * panels
	};
	size_t		size = (size_t) panels * ML_PANEL_SIZE;
	double	   *x = malloc(size * sizeof(double)),
			   *wx = malloc(size * sizeof(double)),
			   *g = malloc((size_t) width * width * sizeof(double)),
				rows[6][ML_PANEL_ROWS],
				sums[width],
				b[width],
				c[4];
	uint64_t	first = 0;

	for (size_t i = 0; i < size; i++)
		x[i] = (unit_uniform() - 0.5) * 10.0;
	for (int i = 0; i < width; i++)
		b[i] = unit_uniform() - 0.5;
	for (int i = 0; i < ML_PANEL_ROWS; i++)
	{
		rows[0][i] = (double) (unit_random() % 2);
		rows[1][i] = unit_uniform() * 3.0;
	}

	for (int v = 0; ml_kernels_variant(v); v++)
	{
		const MlKernels *k = ml_kernels_variant(v);
		uint64_t	hash = ML_FINGERPRINT_START;

		for (int used = 1; used <= panels; used++)
		{
			int			n = ML_PANEL_ROWS - 11 * (used - 1);

			memset(g, 0, (size_t) width * width * sizeof(double));
			memset(sums, 0, sizeof(sums));
			memset(rows + 2, 0, 4 * sizeof(rows[0]));
			k->dots(n, used, x, b, rows[2]);
			k->logit_rows(n, rows[2], rows[0], rows[1], rows[3], rows[4], rows[5]);
			k->scale(n, used, x, rows[4], wx);
			k->gram(n, 0, used / 2, wx, x, g, width);
			k->gram(n, used / 2, used, wx, x, g, width);
			k->accumulate(n, used, x, rows[3], sums);
			k->dots_2x2(width, x, x + 3, x + 100, x + 200, c);
			for (int i = 2; i < 6; i++)
				hash = ml_fingerprint(hash, n, rows[i]);
			for (int i = 0; i < 8 * used; i++)
				hash = ml_fingerprint(hash, i + 1, g + (size_t) i * width);
			hash = ml_fingerprint(hash, width, sums);
			hash = ml_fingerprint(hash, 4, c);
		}
		printf("%s: fingerprint %016llx\n", k->name, (unsigned long long) hash);
		first = v == 0 ? hash : first;
		ML_CHECK(hash == first);
	}
	free(x);
	free(wx);
	free(g);
}

/* What logit_rows must give, from long double. */
static void
ml_test_rows(void)
{
	double		eta[16] = {0, 1, -1, 40, -40, 700, -700, 1e300, -1e300, 1e-20, 3, -3, 800, -800, 0.5, -0.5},
				y[16],
				w[16],
				residual[16],
				curvature[16],
				likelihood[16];

	for (int label = 0; label < 2; label++)
		for (int v = 0; ml_kernels_variant(v); v++)
		{
			for (int i = 0; i < 16; i++)
			{
				y[i] = label;
				w[i] = 1.0 + i;
			}
			ml_kernels_variant(v)->logit_rows(16, eta, y, w, residual, curvature, likelihood);
			for (int i = 0; i < 16; i++)
			{
				long double z = label ? -eta[i] : eta[i],
							miss = 1.0L / (1.0L + expl(-z)),
							hit = 1.0L / (1.0L + expl(z));

				ML_CHECK(fabsl(residual[i] - (label ? miss : -miss) * w[i]) <= 1e-15L * w[i] * miss + 1e-320L);
				ML_CHECK(fabsl(curvature[i] - miss * hit * w[i]) <= 1e-15L * w[i] * miss * hit + 1e-320L);
				ML_CHECK(fabsl(likelihood[i] + (z > 0 ? z + log1pl(expl(-z)) : log1pl(expl(z))) * w[i]) <=
						 1e-15L * fabs(likelihood[i]) + 1e-320L);
			}
		}
}

int
main(void)
{
	const int	few[] = {2},
				many[] = {5, 31, 32, 40, 63};

	for (int n = 1; n <= 20; n++)
		ml_test_system(n, NULL, 0);
	ml_test_system(31, NULL, 0);
	ml_test_system(32, NULL, 0);
	ml_test_system(33, NULL, 0);
	ml_test_system(101, NULL, 0);
	ml_test_system(3, few, 1);
	ml_test_system(9, few, 1);
	ml_test_system(70, many, 5);
	ml_test_odd();
	ml_test_widths();
	ml_test_rows();
	return unit_result("spd");
}
