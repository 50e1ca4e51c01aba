/*
 * methods.c - the table of drift statistics.
 *
 * A new one is a file of its own and a line here.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/drift.h"

const MlDriftMethod *const ml_drift_methods[] = {
	&ml_drift_psi,
	&ml_drift_jensen_shannon_distance,
	&ml_drift_hellinger,
	&ml_drift_total_variation,
	&ml_drift_l_infinity,
	&ml_drift_kullback_leibler,
	&ml_drift_wasserstein,
	&ml_drift_kolmogorov_smirnov,
	&ml_drift_kuiper,
	&ml_drift_chi_square,
	&ml_drift_g_test,
	&ml_drift_cramers_v,
	&ml_drift_welch_t,
	&ml_drift_z_share,
	&ml_drift_mean_shift,
	&ml_drift_null_share,
	NULL
};

const MlDriftMethod *
ml_drift_method_find(const char *name)
{
	for (int i = 0; ml_drift_methods[i]; i++)
		if (strcmp(ml_drift_methods[i]->name, name) == 0)
			return ml_drift_methods[i];
	return NULL;
}

List *
ml_drift_methods_list(void)
{
	List	   *names = NIL;

	for (int i = 0; ml_drift_methods[i]; i++)
		names = lappend(names, unconstify(char *, ml_drift_methods[i]->name));
	return names;
}
