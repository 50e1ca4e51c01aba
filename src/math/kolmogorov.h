/*
 * kolmogorov.h - the limiting distributions of the greatest distances between two empirical distributions.
 *
 * Relative accuracy is 1e-12 or better. With n and m rows, the distance is to
 * be multiplied by sqrt(n m / (n + m)) first. Values that repeat, and values
 * in bins, make the true probabilities smaller than these.
 */
#ifndef ML_KOLMOGOROV_H
#define ML_KOLMOGOROV_H

/* P(K > x) for Kolmogorov's distribution, of the greatest difference; 1 for x <= 0. */
extern double ml_kolmogorov_upper(double x);

/* P(V > x) for Kuiper's distribution, of the greatest difference above and that below together; 1 for x <= 0. */
extern double ml_kuiper_upper(double x);

/* The x with P(K > x) = p, or with P(V > x) = p; inf at 0, 0 at 1. */
extern double ml_kolmogorov_upper_quantile(double p);
extern double ml_kuiper_upper_quantile(double p);

#endif							/* ML_KOLMOGOROV_H */
