/*
 * test_drift.c - what the drift statistics need to know of chance: quantiles, Kolmogorov, Kuiper, hypergeometric.
 */
#include "unit.h"

#include "math/dist.h"
#include "math/hypergeometric.h"
#include "math/kolmogorov.h"

#include "drift_reference.h"

static void
ml_test_chi_square(void)
{
	for (int i = 0; i < ML_COUNT(ml_chi_square_quantiles); i++)
	{
		const double *r = ml_chi_square_quantiles[i];
		double		tolerance = r[0] > 0.99 || r[1] < 1.0 ? 1e-10 : 1e-12;

		/* near 0 the last digit of a probability close to 1 is many digits of x */
		ML_CHECK_NEAR(ml_chi_square_upper_quantile(r[0], r[1]), r[2], tolerance);
		ML_CHECK_NEAR(ml_gamma_matched_quantile(r[0], 3.0 * r[1], 18.0 * r[1]), 3.0 * r[2], tolerance);
		ML_CHECK_NEAR(ml_gamma_matched_upper(3.0 * r[2], 3.0 * r[1], 18.0 * r[1]), r[0], 1e-11);
	}
	ML_CHECK(ml_chi_square_upper_quantile(0.0, 3.0) == INFINITY);
	ML_CHECK(ml_chi_square_upper_quantile(1.0, 3.0) == 0.0);
	ML_CHECK(ml_chi_square_upper_quantile(0.5, 1e-6) == 0.0);
	ML_CHECK(ml_chi_square_upper_quantile(1e-9, 1e-6) > 0.0);
	ML_CHECK(isnan(ml_chi_square_upper_quantile(0.5, 0.0)));
	ML_CHECK(isnan(ml_chi_square_upper_quantile(-0.1, 1.0)));
	ML_CHECK(isnan(ml_chi_square_upper_quantile(NAN, 1.0)));
	ML_CHECK(isnan(ml_gamma_matched_upper(1.0, 0.0, 1.0)));
	ML_CHECK(isnan(ml_gamma_matched_quantile(0.1, 1.0, 0.0)));
}

static void
ml_test_kolmogorov(void)
{
	for (int i = 0; i < ML_COUNT(ml_kolmogorov_tail); i++)
	{
		const double *r = ml_kolmogorov_tail[i];

		ML_CHECK_NEAR(ml_kolmogorov_upper(r[0]), r[1], 1e-12);
		ML_CHECK_NEAR(ml_kuiper_upper(r[0]), r[2], 1e-12);
	}
	for (double p = 0.999; p > 1e-30; p *= 0.5)
	{
		ML_CHECK_NEAR(ml_kolmogorov_upper(ml_kolmogorov_upper_quantile(p)), p, 1e-12);
		ML_CHECK_NEAR(ml_kuiper_upper(ml_kuiper_upper_quantile(p)), p, 1e-12);
	}
	ML_CHECK(ml_kolmogorov_upper(0.0) == 1.0 && ml_kuiper_upper(-1.0) == 1.0);
	ML_CHECK(ml_kolmogorov_upper(1e-200) == 1.0 && ml_kuiper_upper(1e-200) == 1.0);
	ML_CHECK(ml_kolmogorov_upper(1e200) == 0.0 && ml_kuiper_upper(40.0) == 0.0);
	ML_CHECK(isnan(ml_kolmogorov_upper(NAN)) && isnan(ml_kuiper_upper(NAN)));
	ML_CHECK(ml_kolmogorov_upper_quantile(0.0) == INFINITY && ml_kuiper_upper_quantile(1.0) == 0.0);
	ML_CHECK(isnan(ml_kolmogorov_upper_quantile(1.5)));
}

static void
ml_test_hypergeometric(void)
{
	double		p[ML_HYPERGEOMETRIC_MAX],
				first;

	for (int i = 0; i < ML_COUNT(ml_hypergeometric_probabilities); i++)
	{
		const double *r = ml_hypergeometric_probabilities[i];
		int			count = ml_hypergeometric(r[0], r[1], r[2], &first, p);
		int			at = (int) (r[3] - first);

		ML_CHECK(at >= 0 && at < count);
		ML_CHECK_NEAR(p[at], r[4], 1e-12);
	}

	/* mean and variance have a closed form, and neither needs the numbers to be small */
	for (double large = 10.0; large < 1e19; large *= 7.0)
		for (double mean = 0.001; mean <= ML_HYPERGEOMETRIC_MEAN; mean *= 3.0)
			for (double small = 1.0; small <= large; small = floor(small * 31.0))
			{
				double		all = small + large,
							marked = floor(mean * (all / small)),
							sum = 0.0,
							expected,
							moment[2] = {0.0, 0.0};
				int			count;

				if (marked < 1.0 || marked > 0.5 * all)
					continue;
				expected = marked * (small / all);
				count = ml_hypergeometric(small, large, marked, &first, p);
				ML_CHECK(count <= ML_HYPERGEOMETRIC_MAX);
				for (int i = 0; i < count; i++)
				{
					sum += p[i];
					moment[0] += p[i] * (first + i - expected);
					moment[1] += p[i] * (first + i - expected) * (first + i - expected);
				}
				ML_CHECK_NEAR(sum, 1.0, 1e-14);
				ML_CHECK(fabs(moment[0]) <= 1e-12 * (1.0 + expected));
				ML_CHECK_NEAR(moment[1], expected * (large / all) * ((all - marked) / (all - 1.0)), 1e-11);
			}
}

int
main(void)
{
	ml_test_chi_square();
	ml_test_kolmogorov();
	ml_test_hypergeometric();
	return unit_result("drift");
}
