/*
 * number.h - what the kinds that judge data by one number share.
 *
 * Such a kind has parameters min and max, says what to collect (plan) and
 * computes its number from that (number); the rest is here. Of a column of
 * numbers NULL and NaN do not count; a number that cannot be (of no values, of
 * a constant) is NaN and reported as insufficient_data.
 */
#ifndef ML_NUMBER_H
#define ML_NUMBER_H

#include "check/collect.h"
#include "check/kinds.h"

/* Parameters min and max. */
#define ML_CHECK_BOUNDS \
	{"min", ML_PARAM_NUMBER, NULL, -DBL_MAX, DBL_MAX, NULL, "the least number that passes"}, \
	{"max", ML_PARAM_NUMBER, NULL, -DBL_MAX, DBL_MAX, NULL, "the greatest number that passes"}

extern const MlParam ml_check_bounds[2];

/* Refuses a check with neither min nor max, or with min above max. */
extern void ml_check_need_bounds(const MlCheck *check);

/* Judges by the kind's number, min and max. */
extern void ml_check_judge_bounds(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out);

/* Judges a number by the parameter max alone, and says so. */
extern void ml_check_judge_most(const MlCheck *check, double x, MlCheckOutcome *out);
extern void ml_check_expect_most(const MlCheck *check, StringInfo out);

/* Judges rows that fail by mostly; observed is the share of those that do not. No rows: insufficient data. */
extern void ml_check_judge_rows(const MlCheck *check, int64 n, int64 n_failed, MlCheckOutcome *out);

/* {"mostly": ...}, what kinds expect that fail rows. */
extern void ml_check_expect_mostly(const MlCheck *check, StringInfo out);

/* Raises an error unless all columns are numbers, or have values that can be told apart. */
extern void ml_check_want_numbers(const MlCheck *check, const MlCheckColumn *columns, int n);
extern void ml_check_want_equality(const MlCheck *check, const MlCheckColumn *columns, int n);

/* Plans: rows and NULLs; moments, higher moments and the values of a column of numbers; groups of all columns. */
extern void ml_check_plan_rows(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);
extern void ml_check_plan_moments(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);
extern void ml_check_plan_shape(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);
extern void ml_check_plan_numbers(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);
extern void ml_check_plan_groups(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);

/* Rows by how often their value, or combination of values, occurs. Combinations with a NULL are left out. */
typedef struct MlGroupFigures
{
	int64		rows;
	int64		distinct;		/* different values */
	int64		once;			/* values that occur once */
	int64		repeated;		/* rows whose value occurs more than once */
	int64		commonest;		/* rows of the commonest value */
} MlGroupFigures;

extern MlGroupFigures ml_check_groups(const MlCheck *check, const MlCollected *scan);

/* The quantile of a column of numbers, interpolated as percentile_cont() does; NaN for no values. */
extern double ml_check_quantile_of(const MlCheck *check, const MlCollected *scan, double q);

/* a / b, or NaN for no rows. */
extern double ml_check_ratio(double a, double b);

/* Appends the condition that no column is NULL ("s.a IS NOT NULL AND s.b IS NOT NULL") or the columns ("s.a, s.b"). */
extern void ml_check_append_present(const MlCheck *check, StringInfo out);
extern void ml_check_append_columns(char *const *columns, int n, StringInfo out);

/* Appends a number or null; a list of texts (char *). */
extern void ml_check_json(StringInfo out, double x);
extern void ml_check_json_names(StringInfo out, List *names);

#endif							/* ML_NUMBER_H */
