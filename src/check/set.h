/*
 * set.h - a set of values of a column's type, given as JSON.
 *
 * Numbers are equal by value, whatever their digits: 1 is 1.0. Texts are equal
 * by their bytes, without the blanks at the end of a char(n). Values of other
 * types are equal as their type says.
 */
#ifndef ML_SET_H
#define ML_SET_H

#include "base/compat.h"
#include "check/check.h"

typedef enum MlSetKind
{
	ML_SET_WHOLE,				/* whole numbers, dates, times, enums, booleans: 64-bit integers */
	ML_SET_REAL,				/* floating point: doubles */
	ML_SET_TEXT,				/* bytes */
	ML_SET_OTHER				/* by the type's functions */
} MlSetKind;

typedef struct MlSetText
{
	const char *s;
	int			length;
} MlSetText;

typedef struct MlSet
{
	MlSetKind	kind;
	int			n;
	int64	   *whole;
	double	   *real;
	MlSetText  *text;
	Datum	   *other;
	FmgrInfo	equal;			/* ML_SET_OTHER */
	FmgrInfo	hash;			/* without one, or for few, all values are looked at */
	Oid			collation;
	uint32		mask;			/* of the hash table; 0: there is none */
	int32	   *slots;			/* places of values, or -1 */
	uint32	   *hashes;			/* of values */
} MlSet;

/*
 * Makes the set of values for a column, in the current context. ids, when not
 * NULL, receives the place of each value, as ml_set_find returns it, or -1 for
 * one that no value of the type equals. Raises an error for values that the
 * type cannot read.
 */
extern MlSet *ml_set_create(const MlCheck *check, const MlCheckColumn *column, int n, const JsonbValue *values,
							int *ids);

/* The place of a value in the set, or -1. */
extern int	ml_set_find(const MlSet *set, MlCheckColumn *column, Datum value);

/* Raises an error unless every element is a scalar and none is null. */
extern void ml_set_check_scalars(const MlCheck *check, const char *param, int n, const JsonbValue *values);

#endif							/* ML_SET_H */
