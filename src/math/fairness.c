/*
 * fairness.c - how far groups of rows are apart in how a decision treats them.
 */
#include "math/fairness.h"

#include <math.h>

typedef double (*MlGroupRate) (const MlGroupRates *group);

static double
ml_group_selected(const MlGroupRates *g)
{
	return g->selected / g->rows;
}

static double
ml_group_true_positive(const MlGroupRates *g)
{
	return g->true_positives / g->positives;
}

static double
ml_group_false_positive(const MlGroupRates *g)
{
	return (g->selected - g->true_positives) / (g->rows - g->positives);
}

/* The least and the greatest rate of a group. */
static void
ml_group_range(const MlGroupRates *groups, int n, MlGroupRate rate, double *least, double *most)
{
	*least = INFINITY;
	*most = -INFINITY;
	for (int g = 0; g < n; g++)
	{
		double		x = rate(&groups[g]);

		*least = fmin(*least, x);
		*most = fmax(*most, x);
	}
}

static double
ml_group_difference(const MlGroupRates *groups, int n, MlGroupRate rate)
{
	double		least;
	double		most;

	ml_group_range(groups, n, rate, &least, &most);
	return most - least;
}

double
ml_demographic_parity_difference(const MlGroupRates *groups, int n)
{
	return ml_group_difference(groups, n, ml_group_selected);
}

double
ml_demographic_parity_ratio(const MlGroupRates *groups, int n)
{
	double		least;
	double		most;

	ml_group_range(groups, n, ml_group_selected, &least, &most);
	return most > 0 ? least / most : NAN;
}

double
ml_equal_opportunity_difference(const MlGroupRates *groups, int n)
{
	return ml_group_difference(groups, n, ml_group_true_positive);
}

double
ml_equalized_odds_difference(const MlGroupRates *groups, int n)
{
	return fmax(ml_group_difference(groups, n, ml_group_true_positive),
				ml_group_difference(groups, n, ml_group_false_positive));
}

double
ml_group_calibration_difference(const MlGroupRates *groups, int n)
{
	double		most = 0;

	for (int g = 0; g < n; g++)
		most = fmax(most, fabs(groups[g].residual));
	return most;
}
