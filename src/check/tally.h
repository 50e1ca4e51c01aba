/*
 * tally.h - the values of a column with how often each occurs, and sets of values to compare them with.
 *
 * Values of columns of numbers and booleans are numbers, all others are texts,
 * as the type shows them.
 */
#ifndef ML_TALLY_H
#define ML_TALLY_H

#include "check/collect.h"

typedef struct MlTallyValue
{
	double		number;
	const char *text;			/* NULL for a number */
} MlTallyValue;

/* Values in order; equal ones once. */
typedef struct MlTallySet
{
	int			n;
	MlTallyValue *values;
} MlTallySet;

/* Asks for the values of a column; raises an error where its type has no text. */
extern void ml_tally_plan(const MlCheck *check, const MlCheckColumn *column, MlCollecting *scan);

/* Calls back with each value that is not NULL. Texts are valid during the call only. */
typedef void (*MlTallySink) (void *ctx, const MlTallyValue *value, int64 count);
extern void ml_tally_each(const MlCollected *scan, const MlCheckColumn *column, MlTallySink sink, void *ctx);

/* Raises an error unless a parameter is an array of at least one scalar. */
extern void ml_tally_validate(const MlCheck *check, const char *param);

/* The values of a parameter as the column's type reads them; none where it is not given. */
extern void ml_tally_set(const MlCheck *check, const MlCheckColumn *column, const char *param, MlTallySet *set);

/* The text of a JSON scalar as the column's type shows it. */
extern char *ml_tally_text(const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json);

/* The place of a value in a set, or -1. */
extern int	ml_tally_find(const MlTallySet *set, const MlTallyValue *value);

/* Appends a value as JSON. */
extern void ml_tally_json(const MlCheckColumn *column, const MlTallyValue *value, StringInfo out);

#endif							/* ML_TALLY_H */
