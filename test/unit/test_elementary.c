/*
 * test_elementary.c - exp, log and the logistic functions against long double, and bit by bit between widths.
 */
#include "unit.h"

#include "math/elementary.h"
#include "math/kernel.h"

#define ML_SAMPLES 400000

#define ML_ELEMENTARY_FINGERPRINT UINT64_C(0xb2c6ab15285b641c)

/* The error of got in units in the last place of the double nearest to want. */
static double
ml_ulps(double got, long double want)
{
	double		nearest = (double) want,
				unit = nextafter(fabs(nearest), INFINITY) - fabs(nearest);

	if (isinf(nearest))
		return got == nearest ? 0.0 : INFINITY;
	return (double) (fabsl((long double) got - want) / unit);
}

static void
ml_test_accuracy(void)
{
	double		worst_exp = 0.0,
				worst_log = 0.0,
				worst_near_one = 0.0,
				worst_log1p = 0.0,
				worst_softplus = 0.0,
				worst_sigmoid = 0.0;

	for (int i = 0; i < ML_SAMPLES; i++)
	{
		double		wide = -750.0 + 1465.0 * unit_uniform(),
					narrow = (unit_uniform() - 0.5) * 4.0,
					any = fabs(ml_random_number()),
					near = 1.0 + (unit_uniform() - 0.5) * 0.9,
					small = ldexp(unit_uniform() - 0.5, -(int) (unit_random() % 60)),
					eta = (unit_uniform() - 0.5) * 1400.0;

		worst_exp = fmax(worst_exp, ml_ulps(ml_exp(wide), expl(wide)));
		worst_exp = fmax(worst_exp, ml_ulps(ml_exp(narrow), expl(narrow)));
		worst_log = fmax(worst_log, ml_ulps(ml_log(any), logl(any)));
		worst_near_one = fmax(worst_near_one, ml_ulps(ml_log(near), logl(near)));
		worst_log1p = fmax(worst_log1p, ml_ulps(ml_log1p(small), log1pl(small)));
		worst_log1p = fmax(worst_log1p, ml_ulps(ml_log1p(any), log1pl(any)));
		worst_softplus = fmax(worst_softplus, ml_ulps(ml_log1p_exp(eta), eta > 0.0 ? eta + log1pl(expl(-eta)) : log1pl(expl(eta))));
		worst_softplus = fmax(worst_softplus, ml_ulps(ml_log1p_exp(narrow), log1pl(expl(narrow))));
		worst_sigmoid = fmax(worst_sigmoid, ml_ulps(ml_sigmoid(eta), 1.0L / (1.0L + expl(-eta))));
		worst_sigmoid = fmax(worst_sigmoid, ml_ulps(ml_sigmoid(narrow), 1.0L / (1.0L + expl(-narrow))));
	}
	ML_CHECK(worst_exp < 0.8);
	ML_CHECK(worst_log < 1.0);
	ML_CHECK(worst_near_one < 1.0);
	ML_CHECK(worst_log1p < 2.0);
	ML_CHECK(worst_softplus < 3.0);
	ML_CHECK(worst_sigmoid < 3.0);
	printf("worst error in ulp: exp %.3f, log %.3f, near 1 %.3f, log1p %.3f, log1p_exp %.3f, sigmoid %.3f\n",
		   worst_exp, worst_log, worst_near_one, worst_log1p, worst_softplus, worst_sigmoid);
}

static void
ml_test_special(void)
{
	ML_CHECK(ml_exp(0.0) == 1.0);
	ML_CHECK(ml_exp(-0.0) == 1.0);
	ML_CHECK(ml_exp(INFINITY) == INFINITY);
	ML_CHECK(ml_exp(-INFINITY) == 0.0);
	ML_CHECK(isnan(ml_exp(NAN)));
	ML_CHECK(ml_exp(709.78) < INFINITY);
	ML_CHECK(ml_exp(709.79) == INFINITY);
	ML_CHECK(ml_exp(1e308) == INFINITY);
	ML_CHECK(ml_exp(-745.13) == 0x1p-1074);
	ML_CHECK(ml_exp(-745.14) == 0.0);
	ML_CHECK(ml_exp(-1e308) == 0.0);
	ML_CHECK(ml_exp(0x1p-1074) == 1.0);

	ML_CHECK(ml_log(1.0) == 0.0);
	ML_CHECK(ml_log(0.0) == -INFINITY);
	ML_CHECK(ml_log(-0.0) == -INFINITY);
	ML_CHECK(isnan(ml_log(-1.0)));
	ML_CHECK(isnan(ml_log(-INFINITY)));
	ML_CHECK(isnan(ml_log(NAN)));
	ML_CHECK(ml_log(INFINITY) == INFINITY);
	ML_CHECK(ml_ulps(ml_log(0x1p-1074), logl(0x1p-1074L)) < 1.0);
	ML_CHECK(ml_ulps(ml_log(0x1.fffffffffffffp1023), logl(0x1.fffffffffffffp1023L)) < 1.0);

	ML_CHECK(ml_log1p(0.0) == 0.0);
	ML_CHECK(ml_log1p(1e-300) == 1e-300);
	ML_CHECK(ml_log1p(-1.0) == -INFINITY);
	ML_CHECK(isnan(ml_log1p(-1.5)));
	ML_CHECK(ml_log1p(INFINITY) == INFINITY);

	ML_CHECK(ml_log1p_exp(INFINITY) == INFINITY);
	ML_CHECK(ml_log1p_exp(-INFINITY) == 0.0);
	ML_CHECK(ml_log1p_exp(1e300) == 1e300);
	ML_CHECK(isnan(ml_log1p_exp(NAN)));
	ML_CHECK(ml_sigmoid(INFINITY) == 1.0);
	ML_CHECK(ml_sigmoid(-INFINITY) == 0.0);
	ML_CHECK(ml_sigmoid(0.0) == 0.5);
	ML_CHECK(ml_sigmoid(-720.0) > 0.0);
	ML_CHECK(isnan(ml_sigmoid(NAN)));
}

typedef void (*MlBlockFunction) (int count, const double *x, double *out);
typedef double (*MlFunction) (double x);

/* One function: every width, every tail length, in place or not, against the scalar form, bit by bit. */
static void
ml_test_block(MlFunction scalar, MlBlockFunction block, const double *x, int count)
{
	double	   *want = malloc((size_t) count * sizeof(double));

	for (int i = 0; i < count; i++)
		want[i] = scalar(x[i]);
	for (int tail = 0; tail < 20; tail++)
	{
		/* exact allocations, so that the sanitizer sees a step too far */
		int			n = tail < 19 ? tail : count;
		double	   *out = malloc((size_t) n * sizeof(double) + 1);

		block(n, x, out);
		ML_CHECK(memcmp(out, want, (size_t) n * sizeof(double)) == 0);
		memcpy(out, x, (size_t) n * sizeof(double));
		block(n, out, out);
		ML_CHECK(memcmp(out, want, (size_t) n * sizeof(double)) == 0);
		free(out);
	}
	free(want);
}

static void
ml_test_widths(void)
{
	static const double edges[] = {
		0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, 0x1p-1074, -0x1p-1074, 0x1p-1022, 709.78, 709.79,
		-745.13, -745.14, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023, 0.41421356237309503, 1e-300, NAN
	};
	int			count = 20003;
	double	   *x = malloc((size_t) count * sizeof(double));

	for (int i = 0; i < count; i++)
		x[i] = i < ML_COUNT(edges) ? edges[i] : i % 2 ? ml_random_number() : (unit_uniform() - 0.5) * 1500.0;
	for (int v = 0; ml_kernels_variant(v); v++)
	{
		const MlKernels *k = ml_kernels_variant(v);

		printf("comparing %s\n", k->name);
		ml_test_block(ml_exp, k->exp, x, count);
		ml_test_block(ml_log, k->log, x, count);
		ml_test_block(ml_log1p_exp, k->log1p_exp, x, count);
		ml_test_block(ml_sigmoid, k->sigmoid, x, count);
	}
	ml_test_block(ml_exp, ml_exp_block, x, count);
	ml_test_block(ml_log, ml_log_block, x, count);
	ml_test_block(ml_log1p_exp, ml_log1p_exp_block, x, count);
	ml_test_block(ml_sigmoid, ml_sigmoid_block, x, count);
	free(x);
}

/* The bits themselves, which no processor, compiler or optimisation may change. */
static void
ml_test_golden(void)
{
	uint64_t	hash = ML_FINGERPRINT_START;

	for (int i = -70000; i <= 70000; i++)
	{
		double		x = i * 0.01,
					out[4];

		out[0] = ml_exp(x);
		out[1] = ml_log(fabs(x) + 0.001);
		out[2] = ml_log1p_exp(x);
		out[3] = ml_sigmoid(x);
		hash = ml_fingerprint(hash, 4, out);
	}
	printf("fingerprint %016llx\n", (unsigned long long) hash);
	ML_CHECK(hash == ML_ELEMENTARY_FINGERPRINT);
}

int
main(void)
{
	ml_test_accuracy();
	ml_test_special();
	ml_test_widths();
	ml_test_golden();
	return unit_result("elementary");
}
