/*
 * order.h - comparing the values of two columns.
 *
 * Whole numbers with floating point are compared exactly, where a conversion
 * would lose digits; numeric with floating point as the server does, as
 * doubles: 0.1 equals 0.1. Values of one type are compared as the type says,
 * texts under the collation of the first column.
 */
#ifndef ML_ORDER_H
#define ML_ORDER_H

#include "base/compat.h"
#include "check/check.h"

typedef enum MlOrderKind
{
	ML_ORDER_WHOLE,				/* both are whole numbers, dates or timestamps */
	ML_ORDER_REAL,				/* both go as doubles */
	ML_ORDER_WHOLE_REAL,		/* a whole number and a double, in this order */
	ML_ORDER_REAL_WHOLE,
	ML_ORDER_NUMERIC,			/* whole numbers and numeric */
	ML_ORDER_TYPE				/* by the type's comparison */
} MlOrderKind;

typedef struct MlOrder
{
	MlOrderKind kind;
	const MlCheckColumn *a;
	const MlCheckColumn *b;
	FmgrInfo	compare;		/* ML_ORDER_TYPE */
	Oid			collation;
} MlOrder;

#define ML_ORDER_NONE	2		/* one of them is NaN */

/* How to compare two columns; raises an error for types that have no order between them. */
extern void ml_order_init(MlOrder *order, const MlCheck *check, const MlCheckColumn *a, const MlCheckColumn *b);

/* Below 0, 0 or above 0, as a is below, equal to or above b; ML_ORDER_NONE with a NaN. */
extern int	ml_order_compare(const MlOrder *order, Datum a, Datum b);

#endif							/* ML_ORDER_H */
