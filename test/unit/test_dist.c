/*
 * test_dist.c - tail probabilities and quantiles against R, against each other, and at the edges.
 */
#include "unit.h"

#include "math/dist.h"
#include "math/elementary.h"

#include "dist_reference.h"

/* R's own error reaches this near the middle of the quantiles. */
#define ML_TOLERANCE 1e-12

static void
ml_test_reference(void)
{
	for (int i = 0; i < ML_COUNT(ml_student_two_sided); i++)
	{
		const double *r = ml_student_two_sided[i];

		ML_CHECK_NEAR(ml_t_two_sided(r[0], r[1]), r[2], ML_TOLERANCE);
		ML_CHECK_NEAR(ml_t_two_sided(-r[0], r[1]), r[2], ML_TOLERANCE);
		ML_CHECK_NEAR(ml_t_cdf(-r[0], r[1]), 0.5 * r[2], ML_TOLERANCE);
		ML_CHECK_NEAR(ml_t_cdf(r[0], r[1]), 1.0 - 0.5 * r[2], ML_TOLERANCE);
	}
	for (int i = 0; i < ML_COUNT(ml_normal_tail); i++)
	{
		const double *r = ml_normal_tail[i];

		ML_CHECK_NEAR(ml_normal_upper(r[0]), r[1], 1e-14);
		ML_CHECK_NEAR(ml_normal_cdf(-r[0]), r[1], 1e-14);
		if (r[0] >= 0.0)
			ML_CHECK_NEAR(ml_normal_two_sided(r[0]), 2.0 * r[1], 1e-14);
	}
	for (int i = 0; i < ML_COUNT(ml_normal_quantiles); i++)
		ML_CHECK_NEAR(ml_normal_quantile(ml_normal_quantiles[i][0]), ml_normal_quantiles[i][1], 1e-14);
	for (int i = 0; i < ML_COUNT(ml_student_quantiles); i++)
	{
		const double *r = ml_student_quantiles[i];

		ML_CHECK_NEAR(ml_t_quantile(r[0], r[1]), r[2], ML_TOLERANCE);
	}
	for (int i = 0; i < ML_COUNT(ml_chi_square_tail); i++)
	{
		const double *r = ml_chi_square_tail[i];

		ML_CHECK_NEAR(ml_chi_square_upper(r[0], r[1]), r[2], ML_TOLERANCE);
	}
	for (int i = 0; i < ML_COUNT(ml_log_gammas); i++)
	{
		const double *r = ml_log_gammas[i];

		ML_CHECK(fabs(ml_log_gamma(r[0]) - r[1]) <= 1e-14 * (1.0 + fabs(r[1])));
	}
}

/* Closed forms that need no table. */
static void
ml_test_identities(void)
{
	for (double t = 0.01; t < 1e12; t *= 1.7)
	{
		/* one degree of freedom is Cauchy's distribution, two have an algebraic form */
		ML_CHECK_NEAR(ml_t_two_sided(t, 1.0), (double) (2.0L * atan2l(1.0L, t) / 3.14159265358979323846L), 1e-13);
		ML_CHECK_NEAR(ml_t_two_sided(t, 2.0),
					  (double) (2.0L / ((2.0L + (long double) t * t) * (1.0L + t / sqrtl(2.0L + (long double) t * t)))), 1e-13);
	}
	for (double x = 0.01; x < 1300.0; x *= 1.3)
	{
		/* two degrees of freedom: exponential; one: the square of a normal */
		ML_CHECK_NEAR(ml_chi_square_upper(x, 2.0), (double) expl(-0.5L * x), 1e-12);
		ML_CHECK_NEAR(ml_chi_square_upper(x, 1.0), ml_normal_two_sided(sqrt(x)), 1e-12);
	}
	for (double z = 0.0; z < 37.0; z += 0.37)
	{
		/* many degrees of freedom: the difference from the normal tail is O(1/df) */
		ML_CHECK_NEAR(ml_t_two_sided(z, 1e19), ml_normal_two_sided(z), 1e-12);
		ML_CHECK(ml_t_two_sided(z, 1e20) == ml_normal_two_sided(z));
	}
}

/* Quantiles undo probabilities over the whole range. */
static void
ml_test_round_trips(void)
{
	static const double freedoms[] = {1.0, 1.3, 2.0, 4.0, 17.5, 120.0, 99999.0, 1e9, INFINITY};

	for (double p = 1e-280; p < 0.5; p *= 3.1)
	{
		ML_CHECK_NEAR(ml_normal_cdf(ml_normal_quantile(p)), p, 1e-12);
		for (int i = 0; i < ML_COUNT(freedoms); i++)
			ML_CHECK_NEAR(ml_t_cdf(ml_t_quantile(p, freedoms[i]), freedoms[i]), p, 1e-11);
	}
	for (double d = 1e-12; d < 0.5; d *= 2.3)
	{
		/* near the middle the quantile is the distance over the density */
		double		p = 0.5 + d;

		ML_CHECK(ml_normal_quantile(p) == -ml_normal_quantile(1.0 - p));
		ML_CHECK(ml_t_quantile(p, 5.0) == -ml_t_quantile(1.0 - p, 5.0));
		if (d < 1e-6)
			ML_CHECK_NEAR(ml_normal_quantile(p), (p - 0.5) * 2.50662827463100050242, 1e-11);
	}
}

static void
ml_test_edges(void)
{
	ML_CHECK(ml_t_two_sided(0.0, 3.0) == 1.0);
	ML_CHECK(ml_t_two_sided(INFINITY, 3.0) == 0.0);
	ML_CHECK(ml_t_two_sided(-INFINITY, 3.0) == 0.0);
	ML_CHECK_NEAR(ml_t_two_sided(1e305, 1.0), 6.3661977236758134e-306, 1e-11);
	ML_CHECK(isnan(ml_t_two_sided(NAN, 3.0)));
	ML_CHECK(isnan(ml_t_two_sided(1.0, 0.0)));
	ML_CHECK(isnan(ml_t_two_sided(1.0, NAN)));
	ML_CHECK(ml_normal_upper(INFINITY) == 0.0);
	ML_CHECK(ml_normal_upper(-INFINITY) == 1.0);
	ML_CHECK(ml_normal_upper(0.0) == 0.5);
	ML_CHECK(ml_normal_upper(38.4) > 0.0);
	ML_CHECK(isnan(ml_normal_upper(NAN)));
	ML_CHECK(ml_normal_quantile(0.0) == -INFINITY);
	ML_CHECK(ml_normal_quantile(1.0) == INFINITY);
	ML_CHECK(ml_normal_quantile(0.5) == 0.0);
	ML_CHECK(isnan(ml_normal_quantile(-0.1)));
	ML_CHECK(isnan(ml_normal_quantile(1.1)));
	ML_CHECK(isnan(ml_normal_quantile(NAN)));
	ML_CHECK(isfinite(ml_normal_quantile(0x1p-1074)));
	ML_CHECK(ml_t_quantile(0.0, 4.0) == -INFINITY);
	ML_CHECK(ml_t_quantile(1.0, 4.0) == INFINITY);
	ML_CHECK(ml_t_quantile(0.5, 4.0) == 0.0);
	ML_CHECK(isnan(ml_t_quantile(0.3, -1.0)));
	ML_CHECK(isnan(ml_t_quantile(2.0, 4.0)));
	ML_CHECK(ml_t_quantile(0.975, INFINITY) == ml_normal_quantile(0.975));
	ML_CHECK(ml_chi_square_upper(0.0, 3.0) == 1.0);
	ML_CHECK(ml_chi_square_upper(-1.0, 3.0) == 1.0);
	ML_CHECK(ml_chi_square_upper(INFINITY, 3.0) == 0.0);
	ML_CHECK(ml_chi_square_upper(5000.0, 3.0) == 0.0);
	ML_CHECK(isnan(ml_chi_square_upper(1.0, 0.0)));
	ML_CHECK(isnan(ml_chi_square_upper(NAN, 3.0)));
	ML_CHECK(ml_log_gamma(1.0) == 0.0);
	ML_CHECK(ml_log_gamma(2.0) == 0.0);
	ML_CHECK(isnan(ml_log_gamma(0.0)));
	ML_CHECK(isnan(ml_log_gamma(-3.0)));
	ML_CHECK(ml_log_gamma(INFINITY) == INFINITY);
}

int
main(void)
{
	ml_test_reference();
	ml_test_identities();
	ml_test_round_trips();
	ml_test_edges();
	return unit_result("dist");
}
