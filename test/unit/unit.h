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

/* Prints the program's line and gives its exit status. */
static inline int
unit_result(const char *name)
{
	printf("%s %s (%d checks)\n", unit_failures ? "FAILED" : "ok", name, unit_checks);
	return unit_failures ? 1 : 0;
}

static uint64_t unit_seed = 1;

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
