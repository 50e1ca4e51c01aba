/*
 * fairness.h - how differently a decision treats groups of rows: the metrics, and a 95 % interval.
 *
 * They are computed from the counts of each group. Definitions are those of
 * Fairlearn (Weerts et al., "Fairlearn: Assessing and Improving Fairness of AI
 * Systems", JMLR 2023; fairlearn.metrics), but where a rate has nothing to
 * stand on Fairlearn takes it for 0, and here the metric is not defined:
 * nobody shall pass, or fail, for want of rows.
 */
#ifndef ML_FAIRNESS_H
#define ML_FAIRNESS_H

#include "math/exact_sum.h"
#include "math/fairness.h"
#include "metric/sample.h"

/* A group of rows; all zero is an empty one. Groups without rows take no part. */
typedef struct MlFairnessGroup
{
	int64		rows;
	int64		positives;
	int64		selected;		/* predicted to be positive */
	int64		true_positives; /* both */
	MlExactSum	residual;		/* the sum of p - (1 for a positive row, else 0) */
	MlExactProducts squares;	/* ... of its squares */
} MlFairnessGroup;

/* Why a metric is not defined for some groups. */
typedef enum MlFairnessState
{
	ML_FAIRNESS_DEFINED,
	ML_FAIRNESS_ONE_GROUP,		/* fewer than two groups have rows */
	ML_FAIRNESS_NO_POSITIVES,	/* a group has no positive row */
	ML_FAIRNESS_NO_NEGATIVES,	/* a group has no negative row */
	ML_FAIRNESS_NOBODY			/* a ratio, and nobody was selected in any group */
} MlFairnessState;

/* A member of the family. */
typedef struct MlFairness
{
	const char *name;
	const char *summary;
	bool		larger_is_better;
	double		best;			/* the value where all groups are treated alike */
	bool		needs_positives;	/* in every group */
	bool		needs_negatives;
	double		(*value) (const MlGroupRates *groups, int ngroups);	/* NaN: nobody was selected */
} MlFairness;

/* The metrics in the order in which they are listed. */
extern const MlFairness *ml_fairness_all(int *count);

/* The metric of that name, or NULL; equalised_odds_difference is another spelling. */
extern const MlFairness *ml_fairness_find(const char *name);

/* Counts one row into its group: label, predicted and p are read. */
extern void ml_fairness_add(MlFairnessGroup *group, const MlMetricRow *row);

/*
 * The metric of some groups and its interval. Where it is not defined the
 * state says why, and *culprit, which may be NULL, is the first group at
 * fault or -1.
 */
extern MlFairnessState ml_fairness_interval(const MlFairness *fairness, const MlFairnessGroup *groups, int ngroups,
											MlInterval *out, int *culprit);

#endif							/* ML_FAIRNESS_H */
