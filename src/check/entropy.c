/*
 * entropy.c - checks the entropy of the values of a column, or of the combinations of several, in nats.
 *
 * In SQL, over SELECT count(*) AS c ... WHERE x IS NOT NULL GROUP BY x, with n =
 * sum(c): sum(-c / n * ln(c / n)). Computed as ln(n) - sum(c ln c) / n, by an
 * exact sum, since groups come in no order.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "math/elementary.h"
#include "math/exact_sum.h"
#include "utils/float.h"

typedef struct MlEntropy
{
	int64		n;
	MlExactSum	sum;
} MlEntropy;

static void
ml_entropy_add(void *ctx, double value, int64 count)
{
	MlEntropy  *entropy = ctx;

	entropy->n += count;
	ml_exact_add(&entropy->sum, count * ml_log(count));
}

static double
ml_entropy_number(const MlCheck *check, const MlCollected *scan)
{
	MlEntropy	entropy = {0};

	ml_collected_groups(scan, check->ncolumns, check->columns, ml_entropy_add, &entropy);
	if (entropy.n == 0)
		return get_float8_nan();
	return Max(ml_log(entropy.n) - ml_exact_mean(&entropy.sum, entropy.n), 0);
}

const MlCheckKind ml_check_entropy = {
	.name = "entropy",
	.summary = "the entropy of the values lies between min and max",
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_check_plan_groups,
	.judge = ml_check_judge_bounds,
	.number = ml_entropy_number
};
