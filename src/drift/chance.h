/*
 * chance.h - what the drift statistics share: sums over bins, and what chance makes of them.
 *
 * Chance means: the rows of both sides come from one population, and which
 * side a row is on has nothing to do with its bin. Given the rows of each bin
 * on both sides together, the number on one side is hypergeometric, and with
 * many rows in a bin nearly normal. So limits know both sizes and stay true
 * for bins that hold next to nothing, where the usual chi-square does not.
 */
#ifndef ML_CHANCE_H
#define ML_CHANCE_H

#include "drift/drift.h"

/* The rows of both sides. */
typedef struct MlDriftSizes
{
	double		n;				/* of the reference */
	double		m;				/* of the current side */
	double		total;			/* n + m */
	double		effective;		/* n m / (n + m): chance shrinks with its root */
	int			filled;			/* bins that hold a row on either side */
	double		prior;			/* weight of the shares of both sides together, in rows: half a row for each filled bin */
} MlDriftSizes;

/* Mean, variance and third central moment of a sum by chance; a gamma distribution with all of them stands for its own. */
typedef struct MlDriftChance
{
	double		mean;
	double		variance;
	double		third;			/* 0: not known, the gamma distribution begins at 0 */
} MlDriftChance;

/* What a bin adds that holds x rows of the reference and y of the current side; at least one row. */
typedef double (*MlDriftTerm) (const MlDriftSizes *sizes, double x, double y);

/* Marks a result as undefined. */
extern void ml_drift_undefined(MlDriftResult *out);

/* Counts the rows; false, and the result is marked, when a side has none. */
extern bool ml_drift_sizes(const MlDriftPair *pair, MlDriftSizes *sizes, MlDriftResult *out);

/*
 * Adds up what the bins add, and what chance adds: in a bin with many rows it
 * is unit times a chi-square variable with one degree of freedom.
 */
extern double ml_drift_divergence(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftTerm term, double unit,
								  MlDriftChance *chance);

/* (1 + u) ln(1 + u) - u for u >= -1, what entropies are made of: 0 or more, without cancellation. */
extern double ml_drift_entropy(double u);

/* P(sum >= x) by chance, and what the sum exceeds by chance with probability alpha. */
extern double ml_chance_upper(const MlDriftChance *chance, double x);
extern double ml_chance_limit(const MlDriftChance *chance, double alpha);

/* The difference of shares of x and y rows, as a positive number: the same bits here and in what follows. */
extern double ml_share_difference(const MlDriftSizes *sizes, double x, double y);

/* Moments of the difference of shares in a bin that holds this many rows on both sides together. */
extern void ml_chance_difference(const MlDriftSizes *sizes, double rows, MlDriftChance *chance);

/* P(difference of shares >= d), or > d, by chance in a bin that holds this many rows on both sides together. */
extern double ml_chance_share(const MlDriftSizes *sizes, double rows, double d, bool beyond);

/* The least d for which tail(ctx, d), which falls and is 0 from 1 on, is at most alpha. */
extern double ml_chance_bisect(double (*tail) (const void *ctx, double d), const void *ctx, double alpha);

/*
 * The standard deviation that shifts are measured in: that of the reference, or of both sides together when all values of
 * the reference are the same; 0 when all of both are. False when a side has no values.
 */
extern bool ml_drift_spread(const MlDriftPair *pair, double *spread);

/* The squared standard error of the difference of the means and Welch's degrees of freedom; false with too few values. */
extern bool ml_drift_welch(const MlDriftPair *pair, double *variance, double *freedom);

#endif							/* ML_CHANCE_H */
