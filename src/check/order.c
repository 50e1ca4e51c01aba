/*
 * order.c - comparing the values of two columns.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "check/order.h"
#include "check/values.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

static inline bool
ml_order_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static inline bool
ml_order_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

static inline int64
ml_order_whole(const MlCheckColumn *column, Datum value)
{
	switch (column->convert.type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
		case DATEOID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* A whole number against a double that is not NaN, without rounding either. */
static int
ml_order_whole_real(int64 a, double b)
{
	int64		whole;

	if (b >= 9223372036854775808.0)
		return -1;
	if (b < -9223372036854775808.0)
		return 1;
	whole = (int64) b;
	if (a != whole)
		return a < whole ? -1 : 1;
	/* equal but for the fraction that was cut off */
	return b > (double) whole ? -1 : b < (double) whole ? 1 : 0;
}

static Datum
ml_order_numeric(const MlCheckColumn *column, Datum value)
{
	if (column->convert.type == NUMERICOID)
		return value;
	return DirectFunctionCall1(int8_numeric, Int64GetDatum(ml_order_whole(column, value)));
}

int
ml_order_compare(const MlOrder *order, Datum a, Datum b)
{
	switch (order->kind)
	{
		case ML_ORDER_WHOLE:
			{
				int64		x = ml_order_whole(order->a, a);
				int64		y = ml_order_whole(order->b, b);

				return x < y ? -1 : x > y;
			}
		case ML_ORDER_REAL:
			{
				double		x = ml_convert_number(&order->a->convert, a);
				double		y = ml_convert_number(&order->b->convert, b);

				return isnan(x) || isnan(y) ? ML_ORDER_NONE : x < y ? -1 : x > y;
			}
		case ML_ORDER_WHOLE_REAL:
			{
				double		y = ml_convert_number(&order->b->convert, b);

				return isnan(y) ? ML_ORDER_NONE : ml_order_whole_real(ml_order_whole(order->a, a), y);
			}
		case ML_ORDER_REAL_WHOLE:
			{
				double		x = ml_convert_number(&order->a->convert, a);

				return isnan(x) ? ML_ORDER_NONE : -ml_order_whole_real(ml_order_whole(order->b, b), x);
			}
		case ML_ORDER_NUMERIC:
			a = ml_order_numeric(order->a, a);
			b = ml_order_numeric(order->b, b);
			if (numeric_is_nan(DatumGetNumeric(a)) || numeric_is_nan(DatumGetNumeric(b)))
				return ML_ORDER_NONE;
			return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
		case ML_ORDER_TYPE:
			break;
	}
	{
		int			result = DatumGetInt32(FunctionCall2Coll(unconstify(FmgrInfo *, &order->compare), order->collation, a, b));

		return result < 0 ? -1 : result > 0;
	}
}

void
ml_order_init(MlOrder *order, const MlCheck *check, const MlCheckColumn *a, const MlCheckColumn *b)
{
	Oid			x = a->convert.type;
	Oid			y = b->convert.type;
	Oid			type = x;
	TypeCacheEntry *entry;

	order->a = a;
	order->b = b;
	if (ml_value_is_number(a) && ml_value_is_number(b))
	{
		order->kind = ml_order_integer(x) && ml_order_integer(y) ? ML_ORDER_WHOLE :
			ml_order_integer(x) && ml_order_float(y) ? ML_ORDER_WHOLE_REAL :
			ml_order_float(x) && ml_order_integer(y) ? ML_ORDER_REAL_WHOLE :
			ml_order_float(x) || ml_order_float(y) ? ML_ORDER_REAL : ML_ORDER_NUMERIC;
		return;
	}
	if (x == y && (x == DATEOID || x == TIMESTAMPOID || x == TIMESTAMPTZOID))
	{
		order->kind = ML_ORDER_WHOLE;
		return;
	}
	if ((x == VARCHAROID || x == TEXTOID) && (y == VARCHAROID || y == TEXTOID))
		type = y = TEXTOID;
	entry = lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);
	if (type != y || !OidIsValid(entry->cmp_proc))
		ml_check_refuse_type(check, b, psprintf("one that can be compared with column \"%s\" of type %s", a->name,
												format_type_be(a->declared)));
	order->kind = ML_ORDER_TYPE;
	order->compare = entry->cmp_proc_finfo;
	order->compare.fn_mcxt = CurrentMemoryContext;
	order->compare.fn_extra = NULL;
	order->collation = OidIsValid(a->collation) ? a->collation : DEFAULT_COLLATION_OID;
}
