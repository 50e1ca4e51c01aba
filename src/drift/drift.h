/*
 * drift.h - the family of drift statistics: how far the rows of two sides differ, and how far chance alone may take them.
 *
 * Both sides are profiles: counts of rows in the same frozen bins and, for
 * numbers, mean and variance. Profiles of parts of the rows can be added up,
 * so nothing here sees a row. A method only computes: it keeps nothing, frees
 * nothing and may be interrupted between bins.
 *
 * A verdict needs two things. The difference must be more than chance makes of
 * rows that were drawn from one population (alpha), and it must be large
 * enough to matter (floor). Both are in the limit; drift is a statistic above.
 */
#ifndef ML_DRIFT_H
#define ML_DRIFT_H

#include "nodes/pg_list.h"

/* One side: counts of the same bins. */
typedef struct MlDriftSide
{
	int64		n;				/* all rows, those of NULL, NaN and unseen bins included */
	const int64 *counts;		/* per bin; they add up to n */
	double		mean;			/* of the finite values; NaN where there are none or the column has no numbers */
	double		variance;		/* of the same, with values - 1; NaN with fewer than two */
	int64		values;			/* how many of them */
} MlDriftSide;

typedef struct MlDriftPair
{
	int			nbins;
	int			nordered;		/* the first of them lie in ascending order along the axis: below, the inner ones, above;
								 * 0 for categories. The rest are NULL, NaN, unseen or other */
	int			null_bin;		/* which bin holds the rows that are NULL; -1 where none does */
	const double *edges;		/* nordered - 1 ascending edges between them; bin 0 is below edges[0] */
	double		low;			/* the least and greatest finite value of both sides together, which bound the outer bins; */
	double		high;			/* NaN where unknown: then an outer bin's rows count as lying at its edge */
	bool		cyclic;			/* the axis closes on itself: hours, weekdays, angles */
	bool		own;			/* each inner bin is one number, its lower edge */
	MlDriftSide reference;
	MlDriftSide current;
} MlDriftPair;

typedef struct MlDriftResult
{
	bool		defined;		/* false: these rows have no such statistic; the rest is NaN then */
	double		statistic;		/* 0 or more; never NaN */
	double		p_value;		/* NaN where the method has none */
	double		limit;			/* what the statistic must exceed at this alpha, these numbers of rows and this floor */
} MlDriftResult;

/* A member of the family. */
typedef struct MlDriftMethod
{
	const char *name;
	const char *summary;
	bool		needs_order;	/* asks for ordered bins and their edges */
	bool		needs_moments;	/* asks for mean, variance and values */
	double		floor;			/* the default floor; the file's head says in which unit */
	void		(*compute) (const MlDriftPair *pair, double alpha, double floor, MlDriftResult *out);
} MlDriftMethod;

/* All methods, NULL behind the last. */
extern const MlDriftMethod *const ml_drift_methods[];

/* Returns the method of that name, or NULL. */
extern const MlDriftMethod *ml_drift_method_find(const char *name);

/* Returns the names of all methods, a List of char *. */
extern List *ml_drift_methods_list(void);

/* The members. */
extern const MlDriftMethod ml_drift_psi;
extern const MlDriftMethod ml_drift_jensen_shannon_distance;
extern const MlDriftMethod ml_drift_hellinger;
extern const MlDriftMethod ml_drift_total_variation;
extern const MlDriftMethod ml_drift_l_infinity;
extern const MlDriftMethod ml_drift_kullback_leibler;
extern const MlDriftMethod ml_drift_wasserstein;
extern const MlDriftMethod ml_drift_kolmogorov_smirnov;
extern const MlDriftMethod ml_drift_kuiper;
extern const MlDriftMethod ml_drift_chi_square;
extern const MlDriftMethod ml_drift_g_test;
extern const MlDriftMethod ml_drift_cramers_v;
extern const MlDriftMethod ml_drift_welch_t;
extern const MlDriftMethod ml_drift_z_share;
extern const MlDriftMethod ml_drift_mean_shift;
extern const MlDriftMethod ml_drift_null_share;

#endif							/* ML_DRIFT_H */
