/*
 * range.c - checks that values lie between a least and a greatest one.
 *
 * Any type with an order: numbers, dates, times, texts. Bounds are read by the
 * type's input function, so a date is written as one. Whole numbers and times
 * are compared as 64-bit integers, floating point as doubles, all else by the
 * type's own comparison under the column's collation. NaN is in no range.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

typedef struct MlRange
{
	bool		has[2];			/* the least, the greatest */
	bool		strict[2];
	int64		whole[2];		/* inclusive whatever strict says */
	double		real[2];
	Datum		value[2];
	FmgrInfo	compare;
	char	   *shown[2];
} MlRange;

/* A bound of a column of whole numbers, inclusive: the next whole number inside. */
static int64
ml_range_whole(const JsonbValue *json, bool upper, bool strict)
{
	Datum		number = NumericGetDatum(json->val.numeric);
	Datum		rounded = DirectFunctionCall1(upper ? numeric_floor : numeric_ceil, number);
	bool		exact = DatumGetBool(DirectFunctionCall2(numeric_eq, number, rounded));
	double		approximate = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, rounded));
	int64		whole;

	if (approximate >= 9.3e18)
		return PG_INT64_MAX;
	if (approximate <= -9.3e18)
		return PG_INT64_MIN;
	if (fabs(approximate) > 9.2e18)
	{
		Datum		edge = DirectFunctionCall1(int8_numeric, Int64GetDatum(approximate > 0 ? PG_INT64_MAX : PG_INT64_MIN));
		bool		beyond = DatumGetBool(DirectFunctionCall2(approximate > 0 ? numeric_gt : numeric_lt, rounded, edge));

		if (beyond)
			return approximate > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	}
	whole = DatumGetInt64(DirectFunctionCall1(numeric_int8, rounded));
	if (strict && exact && whole != (upper ? PG_INT64_MIN : PG_INT64_MAX))
		whole += upper ? -1 : 1;
	return whole;
}

/* ---- rows ---- */

static inline bool
ml_range_holds_whole(const MlRange *range, int64 x)
{
	return x >= range->whole[0] && x <= range->whole[1];
}

static inline bool
ml_range_holds_real(const MlRange *range, double x)
{
	return (x > range->real[0] || (x == range->real[0] && !range->strict[0])) &&
		(x < range->real[1] || (x == range->real[1] && !range->strict[1]));
}

#define ML_RANGE_PASSES(name, holds, get) \
static bool \
ml_range_##name(const MlRowCheck *row, const NullableDatum *values) \
{ \
	const MlRange *range = row->state; \
\
	for (int i = 0; i < row->ncolumns; i++) \
	{ \
		const NullableDatum *v = &values[row->columns[i].index]; \
\
		if (!v->isnull && !holds(&range[i], get(v->value))) \
			return false; \
	} \
	return true; \
}

ML_RANGE_PASSES(float8, ml_range_holds_real, DatumGetFloat8)
ML_RANGE_PASSES(int4, ml_range_holds_whole, DatumGetInt32)
ML_RANGE_PASSES(int8, ml_range_holds_whole, DatumGetInt64)

/* Any type, and columns of several types. */
static bool
ml_range_holds(const MlCheckColumn *column, MlRange *range, Datum value)
{
	switch (column->convert.type)
	{
		case INT2OID:
			return ml_range_holds_whole(range, DatumGetInt16(value));
		case INT4OID:
		case DATEOID:
			return ml_range_holds_whole(range, DatumGetInt32(value));
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return ml_range_holds_whole(range, DatumGetInt64(value));
		case FLOAT4OID:
			return ml_range_holds_real(range, DatumGetFloat4(value));
		case FLOAT8OID:
			return ml_range_holds_real(range, DatumGetFloat8(value));
		case NUMERICOID:
			if (numeric_is_nan(DatumGetNumeric(value)))
				return false;
			break;
		default:
			break;
	}
	for (int side = 0; side < 2; side++)
	{
		int			order;

		if (!range->has[side])
			continue;
		order = DatumGetInt32(FunctionCall2Coll(&range->compare, column->collation, value, range->value[side]));
		if (side == 1)
			order = -order;
		if (order < 0 || (order == 0 && range->strict[side]))
			return false;
	}
	return true;
}

static bool
ml_range_any(const MlRowCheck *row, const NullableDatum *values)
{
	MlRange    *range = row->state;

	for (int i = 0; i < row->ncolumns; i++)
	{
		const NullableDatum *v = &values[row->columns[i].index];

		if (!v->isnull && !ml_range_holds(&row->columns[i], &range[i], v->value))
			return false;
	}
	return true;
}

/* ---- binding ---- */

/* Reads one bound for one column. */
static void
ml_range_bound(const MlRowCheck *row, const MlCheckColumn *column, MlRange *range, int side)
{
	Oid			type = column->convert.type;
	bool		integer = type == INT2OID || type == INT4OID || type == INT8OID;
	bool		real = type == FLOAT4OID || type == FLOAT8OID;
	JsonbValue	json;
	StringInfoData shown;

	range->whole[side] = side == 0 ? PG_INT64_MIN : PG_INT64_MAX;
	range->real[side] = side == 0 ? -get_float8_infinity() : get_float8_infinity();
	range->has[side] = !ml_check_param(row->check, side == 0 ? "min" : "max")->isnull;
	if (!range->has[side])
		return;
	range->strict[side] = ml_check_param(row->check, side == 0 ? "strict_min" : "strict_max")->number != 0;
	json = ml_check_scalar(row->check, side == 0 ? "min" : "max");
	if (integer && json.type == jbvNumeric)
		range->whole[side] = ml_range_whole(&json, side == 1, range->strict[side]);
	else if (real && json.type == jbvNumeric)
		range->real[side] = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															   NumericGetDatum(json.val.numeric)));
	else
	{
		range->value[side] = ml_check_datum(row->check, column, &json);
		if (integer || type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID)
		{
			range->whole[side] = type == INT2OID ? DatumGetInt16(range->value[side]) :
				type == INT4OID || type == DATEOID ? DatumGetInt32(range->value[side]) :
				DatumGetInt64(range->value[side]);
			if (range->strict[side])
				range->whole[side] += side == 0 ? 1 : -1;
		}
		else if (real)
			range->real[side] = type == FLOAT4OID ? DatumGetFloat4(range->value[side]) :
				DatumGetFloat8(range->value[side]);
	}
	initStringInfo(&shown);
	if (json.type == jbvString)
		appendStringInfo(&shown, "\"%.*s\"", json.val.string.len, json.val.string.val);
	else
		appendStringInfoString(&shown, ml_check_param(row->check, side == 0 ? "min" : "max")->text);
	range->shown[side] = shown.data;
}

static void
ml_range_prepare(MlRowCheck *row)
{
	MlRange    *range = palloc0(sizeof(MlRange) * row->ncolumns);
	Oid			type = row->columns[0].convert.type;

	for (int i = 0; i < row->ncolumns; i++)
	{
		const MlCheckColumn *column = &row->columns[i];
		TypeCacheEntry *entry = lookup_type_cache(column->convert.type, TYPECACHE_CMP_PROC);

		if (!OidIsValid(entry->cmp_proc) || column->convert.type == BOOLOID)
			ml_check_refuse_type(row->check, column, "a number, a date, a time or a text");
		fmgr_info_cxt(entry->cmp_proc, &range[i].compare, row->context);
		for (int side = 0; side < 2; side++)
			ml_range_bound(row, column, &range[i], side);
		if (column->convert.type != type)
			type = InvalidOid;
	}
	row->state = range;
	row->passes = type == FLOAT8OID ? ml_range_float8 :
		type == INT4OID || type == DATEOID ? ml_range_int4 :
		type == INT8OID || type == TIMESTAMPOID || type == TIMESTAMPTZOID ? ml_range_int8 : ml_range_any;
}

/* Which of the columns is out of range, and by which bound. */
static void
ml_range_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	MlRange    *range = row->state;

	for (int i = 0; i < row->ncolumns; i++)
	{
		const NullableDatum *v = &values[row->columns[i].index];
		bool		above;
		MlRange		lower = range[i];

		if (v->isnull || ml_range_holds(&row->columns[i], &range[i], v->value))
			continue;
		/* without the upper bound it fails still: it is below */
		lower.has[1] = false;
		lower.whole[1] = PG_INT64_MAX;
		lower.real[1] = get_float8_infinity();
		lower.strict[1] = false;
		above = ml_range_holds(&row->columns[i], &lower, v->value);
		appendStringInfoString(out, "is ");
		ml_check_show(&row->columns[i], v->value, out);
		if (above && range[i].has[1])
			appendStringInfo(out, ", %s %s", range[i].strict[1] ? "not below" : "above", range[i].shown[1]);
		else if (range[i].has[0])
			appendStringInfo(out, ", %s %s", range[i].strict[0] ? "not above" : "below", range[i].shown[0]);
		return;
	}
}

static void
ml_range_validate(const MlCheck *check)
{
	const MlParamValue *min = ml_check_param(check, "min");
	const MlParamValue *max = ml_check_param(check, "max");

	if (min->isnull && max->isnull)
		ml_check_refuse(check, "it needs min or max", NULL, "Pass params => '{\"min\": 0, \"max\": 100}'.");
	if (!min->isnull && !max->isnull)
	{
		JsonbValue	low = ml_check_scalar(check, "min");
		JsonbValue	high = ml_check_scalar(check, "max");

		if (low.type != high.type)
			ml_check_refuse(check, "min and max are of different types",
							psprintf("They are %s and %s.", min->text, max->text), "Write both as numbers, or both as texts.");
		if (low.type == jbvNumeric &&
			DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(low.val.numeric),
											 NumericGetDatum(high.val.numeric))))
			ml_check_refuse(check, "min is above max", psprintf("They are %s and %s.", min->text, max->text),
							"Exchange them.");
	}
	else
		(void) ml_check_scalar(check, min->isnull ? "max" : "min");
}

static const MlParam ml_range_params[] = {
	{"min", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the least value: a number, or a text that the column's type can read"},
	{"max", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the greatest value"},
	{"strict_min", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether min itself is out of range"},
	{"strict_max", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether max itself is out of range"}
};

const MlCheckKind ml_check_range = {
	.name = "range",
	.summary = "values lie between min and max",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_range_params,
	.nparams = lengthof(ml_range_params),
	.validate = ml_range_validate,
	.prepare = ml_range_prepare,
	.explain = ml_range_explain,
	.expect = ml_check_expect_range
};
