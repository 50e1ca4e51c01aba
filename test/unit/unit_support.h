/*
 * unit_support.h - checks, random numbers and relative errors for the maths tests.
 *
 * A failed check prints one line; ML_FINISH prints a summary and gives the
 * exit status.
 */
#ifndef ML_UNIT_SUPPORT_H
#define ML_UNIT_SUPPORT_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	ml_checks = 0;
static int	ml_failures = 0;

#define ML_CHECK(condition) \
	do { \
		ml_checks++; \
		if (!(condition)) \
		{ \
			ml_failures++; \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

/* got is within tolerance of want, relative to it. */
#define ML_CHECK_NEAR(got, want, tolerance) \
	do { \
		double		ml_got = (got), \
					ml_want = (want); \
		\
		ml_checks++; \
		if (!(ml_error(ml_got, ml_want) <= (tolerance))) \
		{ \
			ml_failures++; \
			printf("%s:%d: %s is %.17g, not %.17g (relative error %.2g)\n", \
				   __FILE__, __LINE__, #got, ml_got, ml_want, ml_error(ml_got, ml_want)); \
		} \
	} while (0)

#define ML_COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

static inline double
ml_error(double got, double want)
{
	return got == want ? 0.0 : fabs(got - want) / fabs(want);
}

static inline int
ml_finish(const char *name)
{
	printf("%s: %d checks, %d failed\n", name, ml_checks, ml_failures);
	return ml_failures == 0 ? 0 : 1;
}

static uint64_t ml_random_state = 88172645463325252u;

/* A random word (splitmix64). */
static inline uint64_t
ml_random(void)
{
	uint64_t	z = ml_random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double
ml_uniform(void)
{
	return (double) (ml_random() >> 11) * 0x1p-53;
}

/* Any bit pattern that is a number. */
static inline double
ml_random_number(void)
{
	for (;;)
	{
		uint64_t	bits = ml_random();
		double		x;

		memcpy(&x, &bits, sizeof(x));
		if (x == x)
			return x;
	}
}

/* Folds the bits of count numbers into a fingerprint (FNV-1a over words). */
static inline uint64_t
ml_fingerprint(uint64_t hash, int count, const double *x)
{
	for (int i = 0; i < count; i++)
	{
		uint64_t	bits;

		memcpy(&bits, x + i, sizeof(bits));
		hash = (hash ^ bits) * UINT64_C(0x100000001b3);
	}
	return hash;
}

#define ML_FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

#endif							/* ML_UNIT_SUPPORT_H */
