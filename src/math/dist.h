/*
 * dist.h - tail probabilities and quantiles of the normal, Student and chi-square distributions.
 *
 * Relative accuracy is 1e-12 or better wherever the answer is a normal
 * number, the far tails included; below that the answers fade into denormals
 * and 0. All of it stands on elementary.h, so the bits do not depend on the
 * processor. NaN arguments, and arguments outside a function's domain, give
 * NaN.
 */
#ifndef ML_DIST_H
#define ML_DIST_H

/* log Gamma(x) for x > 0; near the roots 1 and 2 the error is about 1e-14 absolute. */
extern double ml_log_gamma(double x);

/* P(Z > z), and P(Z <= z). */
extern double ml_normal_upper(double z);
extern double ml_normal_cdf(double z);

/* P(|Z| >= |z|), the two-sided p-value. */
extern double ml_normal_two_sided(double z);

/* The z with P(Z <= z) = p; -inf at 0, inf at 1. */
extern double ml_normal_quantile(double p);

/* P(|T| >= |t|) with df > 0 degrees of freedom, not necessarily whole; df may be inf. */
extern double ml_t_two_sided(double t, double df);

/* P(T <= t). */
extern double ml_t_cdf(double t, double df);

/* The t with P(T <= t) = p. */
extern double ml_t_quantile(double p, double df);

/* P(X > x) for chi-square with df > 0 degrees of freedom. */
extern double ml_chi_square_upper(double x, double df);

/* The x with P(X > x) = p, for df as small as 1e-6; inf at p = 0, 0 at 1 and where x is too small for a double. */
extern double ml_chi_square_upper_quantile(double p, double df);

/* P(X > x), and the x with P(X > x) = p, of the gamma distribution that has this mean and variance, both above 0. */
extern double ml_gamma_matched_upper(double x, double mean, double variance);
extern double ml_gamma_matched_quantile(double p, double mean, double variance);

#endif							/* ML_DIST_H */
