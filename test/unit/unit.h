/*
 * unit.h - the few lines every unit test of the maths room shares: checks, a result line, random numbers.
 */
#ifndef ML_UNIT_H
#define ML_UNIT_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	unit_checks;
static int	unit_failures;

/* Counts a check; says what failed, in printf form. */
#define CHECK(condition, ...) \
	do { \
		unit_checks++; \
		if (!(condition)) \
		{ \
			unit_failures++; \
			printf("%s:%d: not true: %s: ", __FILE__, __LINE__, #condition); \
			printf(__VA_ARGS__); \
			printf("\n"); \
		} \
	} while (0)

/* The same where the condition says enough. */
#define ML_CHECK(condition) CHECK(condition, "no more to say")

/* got is within tolerance of want, relative to it. */
#define ML_CHECK_NEAR(got, want, tolerance) \
	do { \
		double		ml_got = (got), \
					ml_want = (want); \
		\
		unit_checks++; \
		if (!(ml_error(ml_got, ml_want) <= (tolerance))) \
		{ \
			unit_failures++; \
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

/* Prints the program's line and gives its exit status. */
static inline int
unit_result(const char *name)
{
	printf("%s %s (%d checks)\n", unit_failures ? "FAILED" : "ok", name, unit_checks);
	return unit_failures ? 1 : 0;
}

static uint64_t unit_seed = 88172645463325252u;

/* 64 random bits (splitmix64). */
static inline uint64_t
unit_random(void)
{
	uint64_t	z = (unit_seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double
unit_uniform(void)
{
	return (double) (unit_random() >> 11) * 0x1p-53;
}

/* Standard normal. */
static inline double
unit_normal(void)
{
	double		u = 1.0 - unit_uniform();

	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * unit_uniform());
}

/* Any bit pattern that is a number. */
static inline double
ml_random_number(void)
{
	for (;;)
	{
		uint64_t	bits = unit_random();
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

/* Memory that is there. */
static inline void *
unit_alloc(size_t size)
{
	void	   *p = malloc(size ? size : 1);

	if (!p)
		exit(2);
	return p;
}

#endif							/* ML_UNIT_H */
