/*
 * test_eigen.c - eigenvectors put the matrix together again, stand upright on each other, and meet known cases.
 */
#include "unit.h"

#include "math/eigen.h"

/* The largest error of V' D V against the matrix, and of V V' against the identity, relative to the largest value. */
static void
ml_test_matrix(int n, const double *a, const char *what)
{
	double	   *v = unit_alloc(sizeof(double) * n * n),
			   *values = unit_alloc(sizeof(double) * n),
			   *work = unit_alloc(sizeof(double) * n),
				size = 0.0,
				apart = 0.0,
				crooked = 0.0;

	memcpy(v, a, sizeof(double) * n * n);
	CHECK(ml_eigen_symmetric(n, v, values, work, NULL) == ML_OK, "%s", what);
	for (int k = 0; k < n; k++)
		size = fmax(size, fabs(values[k]));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			long double sum = 0.0L,
						dot = 0.0L;

			for (int k = 0; k < n; k++)
			{
				sum += (long double) v[k * n + i] * values[k] * v[k * n + j];
				dot += (long double) v[i * n + k] * v[j * n + k];
			}
			apart = fmax(apart, fabs((double) (sum - a[i * n + j])));
			crooked = fmax(crooked, fabs((double) (dot - (i == j))));
		}
	for (int k = 1; k < n; k++)
		CHECK(values[k] <= values[k - 1], "%s: value %d", what, k);
	CHECK(apart <= 1e-14 * (n + 4) * size, "%s: %g of %g", what, apart, size);
	CHECK(crooked <= 1e-14 * (n + 4), "%s: %g", what, crooked);
	free(v);
	free(values);
	free(work);
}

static void
ml_test_random(void)
{
	for (int n = 1; n <= 40; n++)
		for (int kind = 0; kind < 4; kind++)
		{
			double	   *a = unit_alloc(sizeof(double) * n * n);

			for (int i = 0; i < n; i++)
				for (int j = 0; j <= i; j++)
				{
					double		x = unit_normal();

					/* plain, sparse, of one rank, graded */
					if (kind == 1 && unit_uniform() < 0.7)
						x = 0.0;
					if (kind == 2)
						x = (i + 1.0) * (j + 1.0);
					if (kind == 3)
						x = ldexp(x, -(i + j));
					a[i * n + j] = a[j * n + i] = x;
				}
			ml_test_matrix(n, a, kind == 0 ? "plain" : kind == 1 ? "sparse" : kind == 2 ? "rank one" : "graded");
			free(a);
		}
}

static void
ml_test_known(void)
{
	double		a[9] = {2, -1, 0, -1, 2, -1, 0, -1, 2},
				zero[4] = {0, 0, 0, 0},
				bad[4] = {1, NAN, NAN, 1},
				values[3],
				work[3];

	/* the second difference: 2 - 2 cos(k pi / 4) */
	ML_CHECK(ml_eigen_symmetric(3, a, values, work, NULL) == ML_OK);
	ML_CHECK_NEAR(values[0], 2.0 + sqrt(2.0), 1e-15);
	ML_CHECK_NEAR(values[1], 2.0, 1e-15);
	ML_CHECK_NEAR(values[2], 2.0 - sqrt(2.0), 1e-14);
	ML_CHECK_NEAR(fabs(a[1]), sqrt(0.5), 1e-14);
	ML_CHECK(ml_eigen_symmetric(2, zero, values, work, NULL) == ML_OK);
	ML_CHECK(values[0] == 0.0 && values[1] == 0.0);
	ML_CHECK(ml_eigen_symmetric(2, bad, values, work, NULL) == ML_NOT_FINITE);
}

int
main(void)
{
	ml_test_random();
	ml_test_known();
	return unit_result("eigen");
}
