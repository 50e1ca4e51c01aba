/*
 * fairness.h - how far groups of rows are apart in how a decision treats them.
 *
 * Definitions are those of Fairlearn (Weerts et al., "Fairlearn: Assessing
 * and Improving Fairness of AI Systems", JMLR 24, 2023; its module
 * fairlearn.metrics): the difference of the greatest and the least rate of a
 * group, or the ratio of the least to the greatest. Every group has rows, and
 * rows of each class that a rate is a share of.
 */
#ifndef ML_MATH_FAIRNESS_H
#define ML_MATH_FAIRNESS_H

#include "math/math.h"

/* The counts of a group. */
typedef struct MlGroupRates
{
	double		rows;
	double		positives;
	double		selected;		/* predicted to be positive */
	double		true_positives; /* both */
	double		residual;		/* the mean of p - (1 for a positive row, else 0) */
} MlGroupRates;

/* Of the share that is selected. */
extern double ml_demographic_parity_difference(const MlGroupRates *groups, int n);

/* Of the share that is selected; NaN where nobody is. */
extern double ml_demographic_parity_ratio(const MlGroupRates *groups, int n);

/* Of the share of positive rows that is selected. */
extern double ml_equal_opportunity_difference(const MlGroupRates *groups, int n);

/* The greater of the differences of the shares of positive and of negative rows that are selected. */
extern double ml_equalized_odds_difference(const MlGroupRates *groups, int n);

/*
 * The greatest distance in a group of the mean p from the share of positive
 * rows: calibration in the large, group by group (Kleinberg, Mullainathan and
 * Raghavan, "Inherent Trade-Offs in the Fair Determination of Risk Scores",
 * 2016, condition A, over one bin).
 */
extern double ml_group_calibration_difference(const MlGroupRates *groups, int n);

#endif							/* ML_MATH_FAIRNESS_H */
