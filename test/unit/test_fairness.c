/*
 * test_fairness.c - differences between groups, against Fairlearn's formulas written out with numpy.
 *
 * 600 rows of three groups were drawn with numpy 1.24.2 (default_rng(5)): labels y, probabilities p, decisions d = p >
 * 0.45. For each rate f of a group (the mean of d; of d where y = 1; of d where y = 0), fairlearn.metrics says
 * demographic_parity_difference = max f - min f, demographic_parity_ratio = min f / max f, and
 * equalized_odds_difference = the greater of max f - min f of the last two.
 */
#include "unit.h"

#include "math/fairness.h"

static const MlGroupRates ml_groups[] = {
	/* rows, positives, selected, true positives, mean of p - y */
	{207, 58, 101, 42, 0.1516548609515084},
	{196, 106, 134, 93, 0.023105576059107107},
	{197, 46, 67, 33, 0.1152020279159812}
};

int
main(void)
{
	const MlGroupRates nobody[] = {{10, 3, 0, 0, 0}, {5, 2, 0, 0, 0}};
	const MlGroupRates alike[] = {{10, 4, 5, 2, 0}, {20, 8, 10, 4, 0}};
	const int	n = ML_COUNT(ml_groups);

	ML_CHECK_NEAR(ml_demographic_parity_difference(ml_groups, n), 0.34357194654511547, 1e-14);
	ML_CHECK_NEAR(ml_demographic_parity_ratio(ml_groups, n), 0.4974619289340102, 1e-14);
	ML_CHECK_NEAR(ml_equal_opportunity_difference(ml_groups, n), 0.1599671862182117, 1e-14);
	ML_CHECK_NEAR(ml_equalized_odds_difference(ml_groups, n), 0.23038999264164825, 1e-14);
	ML_CHECK_NEAR(ml_group_calibration_difference(ml_groups, n), 0.15165486095150843, 1e-14);
	ML_CHECK(ml_demographic_parity_difference(nobody, 2) == 0 && isnan(ml_demographic_parity_ratio(nobody, 2)));
	ML_CHECK(ml_demographic_parity_ratio(alike, 2) == 1 && ml_equalized_odds_difference(alike, 2) == 0);
	return unit_result("fairness");
}
