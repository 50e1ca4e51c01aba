/*
 * mutual_information.c - checks how much two columns tell of each other, in nats.
 *
 * In SQL, over the rows that have both, with p the shares of rows: sum(p(a, b) *
 * ln(p(a, b) / (p(a) * p(b)))). Computed from counts, by an exact sum, as ln(n) +
 * (sum(c ln c) of the pairs - of the values of a - of those of b) / n.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "math/elementary.h"
#include "math/exact_sum.h"
#include "utils/float.h"

typedef struct MlInformation
{
	int64		n;
	int64		alone;			/* rows that have the second column, whether or not they have the first */
	MlExactSum	sum;
} MlInformation;

static void
ml_information_add(MlInformation *information, int64 count, double sign)
{
	if (count > 0)
		ml_exact_add(&information->sum, sign * (count * ml_log(count)));
}

static void
ml_information_joint(void *ctx, double value, int64 count)
{
	MlInformation *information = ctx;

	information->n += count;
	ml_information_add(information, count, 1);
}

static void
ml_information_alone(void *ctx, const MlPairCounts *pair)
{
	MlInformation *information = ctx;

	information->alone += pair->count;
	ml_information_add(information, pair->count, -1);
}

/* The values of the first column among the rows that have both. */
static void
ml_information_of(const MlCollected *scan, char *const *columns, MlInformation *information)
{
	information->alone = 0;
	ml_collected_pairs(scan, 2, columns, ml_information_alone, information);
	/* rows where the first is NULL came as one more value */
	ml_information_add(information, information->alone - information->n, 1);
}

static void
ml_mutual_information_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	MlCheckColumn *turned = palloc(sizeof(MlCheckColumn) * 2);

	ml_check_want_equality(check, columns, 2);
	turned[0] = columns[1];
	turned[1] = columns[0];
	ml_collect(scan, ML_COLLECT_GROUPS, 2, columns);
	ml_collect(scan, ML_COLLECT_PAIRS, 2, columns);
	ml_collect(scan, ML_COLLECT_PAIRS, 2, turned);
}

static double
ml_mutual_information_number(const MlCheck *check, const MlCollected *scan)
{
	MlInformation information = {0};
	char	   *turned[2];

	turned[0] = check->columns[1];
	turned[1] = check->columns[0];
	ml_collected_groups(scan, 2, check->columns, ml_information_joint, &information);
	if (information.n == 0)
		return get_float8_nan();
	ml_information_of(scan, check->columns, &information);
	ml_information_of(scan, turned, &information);
	/* rounding may leave a trifle below what it can be */
	return Max(ml_log(information.n) + ml_exact_mean(&information.sum, information.n), 0);
}

const MlCheckKind ml_check_mutual_information = {
	.name = "mutual_information",
	.summary = "the mutual information of two columns lies between min and max",
	.min_columns = 2,
	.max_columns = 2,
	.params = ml_check_bounds,
	.nparams = lengthof(ml_check_bounds),
	.validate = ml_check_need_bounds,
	.expect = ml_check_expect_range,
	.plan = ml_mutual_information_plan,
	.judge = ml_check_judge_bounds,
	.number = ml_mutual_information_number
};
