/*
 * parzen.h - densities in the unit interval and shares of choices, each a prior mixed with what was observed.
 *
 * They are what the tree-structured Parzen estimator is made of (Bergstra,
 * Bardenet, Bengio and Kegl, "Algorithms for Hyper-Parameter Optimization",
 * 2011, section 4): of a number, an equal mixture of the uniform prior and
 * of a Gaussian for every observation, cut off at the interval's ends; of a
 * choice, the prior's one count for each beside the observed counts. All of
 * it stands on elementary.h and dist.h, so the bits do not depend on the
 * processor.
 */
#ifndef ML_PARZEN_H
#define ML_PARZEN_H

#include "math/math.h"

/*
 * The Gaussians' widths for n ascending centers in [0, 1]: the greater of the
 * distances to the two neighbours, where the ends of the interval are
 * neighbours too, and no less than 1 / min(100, n + 1).
 */
extern void ml_parzen_widths(int n, const double *center, double *width);

/* The density at x in [0, 1]. */
extern double ml_parzen_density(int n, const double *center, const double *width, double x);

/* A number of that density from two independent uniform ones in (0, 1). */
extern double ml_parzen_draw(int n, const double *center, const double *width, double which, double where);

/* The share of choice k of nchoices. */
extern double ml_parzen_share(int nchoices, const int64_t *count, int k);

/* The choice that a uniform number in (0, 1) falls to by these shares. */
extern int	ml_parzen_choose(int nchoices, const int64_t *count, double u);

#endif							/* ML_PARZEN_H */
