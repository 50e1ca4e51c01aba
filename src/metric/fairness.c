/*
 * fairness.c - how differently a decision treats groups of rows: the metrics, and a 95 % interval.
 *
 * The interval draws the rows of every group anew, as the bootstrap of the
 * other metrics does; since only counts are needed, it draws the counts: rows
 * that count a Poisson number of times with mean 1 add up to a Poisson number
 * in each of the four outcomes of a decision. The mean residual of a group is
 * drawn from the normal distribution with its mean and variance.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "math/dist.h"
#include "math/resample.h"
#include "metric/fairness.h"
#include "metric/weighted.h"

#include "miscadmin.h"

#define ML_FAIRNESS_REPLICATES	1000
#define ML_FAIRNESS_SEED		UINT64CONST(0x6d6c5f6661697273)

/* What is drawn for a group: four outcomes and a residual. */
#define ML_FAIRNESS_DRAWS		5

static const MlFairness ml_fairness_members[] = {
	{
		.name = "demographic_parity_difference",
		.summary = "greatest difference between groups of the share that is predicted to be positive",
		.value = ml_demographic_parity_difference
	},
	{
		.name = "demographic_parity_ratio",
		.summary = "least share that is predicted to be positive in a group, divided by the greatest",
		.larger_is_better = true,
		.best = 1,
		.value = ml_demographic_parity_ratio
	},
	{
		.name = "equalized_odds_difference",
		.summary = "greatest difference between groups of the true positive rate or of the false positive rate",
		.needs_positives = true,
		.needs_negatives = true,
		.value = ml_equalized_odds_difference
	},
	{
		.name = "equal_opportunity_difference",
		.summary = "greatest difference between groups of the true positive rate",
		.needs_positives = true,
		.value = ml_equal_opportunity_difference
	},
	{
		.name = "group_calibration_difference",
		.summary = "greatest distance in a group of the mean probability from the share of positive rows",
		.value = ml_group_calibration_difference
	}
};

const MlFairness *
ml_fairness_all(int *count)
{
	*count = lengthof(ml_fairness_members);
	return ml_fairness_members;
}

const MlFairness *
ml_fairness_find(const char *name)
{
	if (strcmp(name, "equalised_odds_difference") == 0)
		name = "equalized_odds_difference";
	for (int i = 0; i < lengthof(ml_fairness_members); i++)
	{
		if (strcmp(ml_fairness_members[i].name, name) == 0)
			return &ml_fairness_members[i];
	}
	return NULL;
}

void
ml_fairness_add(MlFairnessGroup *group, const MlMetricRow *row)
{
	double		residual = row->p - row->label;

	group->rows++;
	group->positives += row->label;
	group->selected += row->predicted;
	group->true_positives += row->label && row->predicted;
	ml_exact_add(&group->residual, residual);
	ml_exact_products_add(&group->squares, residual, residual);
}

/* Why a metric is not defined for the groups, as far as their counts say. */
static MlFairnessState
ml_fairness_judge(const MlFairness *fairness, const MlFairnessGroup *groups, int ngroups, int *culprit)
{
	int			filled = 0;

	for (int g = 0; g < ngroups; g++)
	{
		*culprit = g;
		filled += groups[g].rows > 0;
		if (groups[g].rows > 0 && fairness->needs_positives && groups[g].positives == 0)
			return ML_FAIRNESS_NO_POSITIVES;
		if (groups[g].rows > 0 && fairness->needs_negatives && groups[g].positives == groups[g].rows)
			return ML_FAIRNESS_NO_NEGATIVES;
	}
	*culprit = -1;
	return filled < 2 ? ML_FAIRNESS_ONE_GROUP : ML_FAIRNESS_DEFINED;
}

/* The rates of the groups that have rows; deviation is the standard error of a group's residual. */
static int
ml_fairness_rates(const MlFairnessGroup *groups, int ngroups, MlGroupRates *rates, double *deviation)
{
	int			n = 0;

	for (int g = 0; g < ngroups; g++)
	{
		MlGroupRates *r = &rates[n];
		double		variance;

		if (groups[g].rows == 0)
			continue;
		r->rows = (double) groups[g].rows;
		r->positives = (double) groups[g].positives;
		r->selected = (double) groups[g].selected;
		r->true_positives = (double) groups[g].true_positives;
		r->residual = ml_exact_mean(&groups[g].residual, groups[g].rows);
		variance = ml_exact_products_mean(&groups[g].squares, groups[g].rows) - r->residual * r->residual;
		deviation[n++] = sqrt(Max(variance, 0) / r->rows);
	}
	return n;
}

/* Draws the counts of a group anew; false where nothing, or nothing of a class it needs, was drawn. */
static bool
ml_fairness_draw(const MlFairness *fairness, const MlGroupRates *from, double deviation, int replicate, int group,
				 MlGroupRates *to)
{
	double		outcome[ML_FAIRNESS_DRAWS - 1];
	double		u[ML_FAIRNESS_DRAWS];

	for (int k = 0; k < ML_FAIRNESS_DRAWS; k++)
		u[k] = ml_resample_uniform(ML_FAIRNESS_SEED, replicate, (uint64) group * ML_FAIRNESS_DRAWS + k);
	outcome[0] = ml_resample_poisson(from->true_positives, u[0]);
	outcome[1] = ml_resample_poisson(from->positives - from->true_positives, u[1]);
	outcome[2] = ml_resample_poisson(from->selected - from->true_positives, u[2]);
	outcome[3] = ml_resample_poisson(from->rows - from->positives - from->selected + from->true_positives, u[3]);
	to->true_positives = outcome[0];
	to->positives = outcome[0] + outcome[1];
	to->selected = outcome[0] + outcome[2];
	to->rows = outcome[0] + outcome[1] + outcome[2] + outcome[3];
	to->residual = from->residual + deviation * ml_normal_quantile(u[4]);
	return to->rows > 0 && (!fairness->needs_positives || to->positives > 0) &&
		(!fairness->needs_negatives || to->positives < to->rows);
}

MlFairnessState
ml_fairness_interval(const MlFairness *fairness, const MlFairnessGroup *groups, int ngroups,
					 MlInterval *out, int *culprit)
{
	int			ignored;
	MlFairnessState state = ml_fairness_judge(fairness, groups, ngroups, culprit ? culprit : &ignored);
	MlGroupRates *rates;
	MlGroupRates *drawn;
	double	   *deviation;
	double		figures[ML_FAIRNESS_REPLICATES];
	int			count = 0;
	int			n;

	if (state != ML_FAIRNESS_DEFINED)
		return state;
	rates = ml_weighted_alloc(ngroups, sizeof(MlGroupRates));
	drawn = ml_weighted_alloc(ngroups, sizeof(MlGroupRates));
	deviation = ml_weighted_alloc(ngroups, sizeof(double));
	n = ml_fairness_rates(groups, ngroups, rates, deviation);
	out->value = fairness->value(rates, n);
	if (isnan(out->value))
		return ML_FAIRNESS_NOBODY;
	out->n = 0;
	for (int g = 0; g < n; g++)
		out->n += (int64) rates[g].rows;
	for (int r = 0; r < ML_FAIRNESS_REPLICATES; r++)
	{
		bool		defined = true;

		CHECK_FOR_INTERRUPTS();
		for (int g = 0; g < n && defined; g++)
			defined = ml_fairness_draw(fairness, &rates[g], deviation[g], r, g, &drawn[g]);
		if (defined)
			figures[count] = fairness->value(drawn, n);
		if (defined && !isnan(figures[count]))
			count++;
	}
	ml_bootstrap_limits(figures, count, ML_FAIRNESS_REPLICATES, true, out);
	if (!isnan(out->low))
	{
		out->low = Max(out->low, 0);
		out->high = Min(out->high, 1);
	}
	out->method = ML_INTERVAL_BOOTSTRAP;
	out->how = psprintf("bootstrap by group, %d replicates", ML_FAIRNESS_REPLICATES);
	pfree(rates);
	pfree(drawn);
	pfree(deviation);
	return state;
}
