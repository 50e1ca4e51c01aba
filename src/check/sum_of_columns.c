/*
 * sum_of_columns.c - checks that columns add up: to a number, or to the last of them.
 *
 * Whole numbers and numeric are added exactly. Floating point is added in a row
 * with compensation (Neumaier), and, unless a tolerance is given, may miss the
 * total by what rounding of the values can explain. A row with a NULL passes.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct MlSum
{
	int			n;				/* columns that are added */
	bool		real;			/* one is floating point */
	bool		equals_last;
	Numeric		total;			/* unless it is the last column's */
	double		total_real;
	Numeric		tolerance;		/* NULL: none was given */
	double		tolerance_real;
} MlSum;

/* The value of a column as numeric. */
static Numeric
ml_sum_numeric(const MlCheckColumn *column, Datum value)
{
	switch (column->convert.type)
	{
		case NUMERICOID:
			return DatumGetNumeric(value);
		case INT2OID:
			return DatumGetNumeric(DirectFunctionCall1(int2_numeric, value));
		case INT4OID:
			return DatumGetNumeric(DirectFunctionCall1(int4_numeric, value));
		default:
			return DatumGetNumeric(DirectFunctionCall1(int8_numeric, value));
	}
}

/* Exactly: the sum, and by how much it misses the total; false where numeric cannot hold it. */
static bool
ml_sum_exact(const MlRowCheck *row, const NullableDatum *values, Numeric *sum, Numeric *off)
{
	const MlSum *state = row->state;
	Numeric		total = state->equals_last ?
		ml_sum_numeric(&row->columns[state->n], values[row->columns[state->n].index].value) : state->total;
	bool		overflow = false;

	*sum = ml_sum_numeric(&row->columns[0], values[row->columns[0].index].value);
	for (int i = 1; i < state->n && !overflow; i++)
		*sum = numeric_add_opt_error(*sum, ml_sum_numeric(&row->columns[i], values[row->columns[i].index].value),
									 &overflow);
	if (!overflow)
		*off = numeric_sub_opt_error(*sum, total, &overflow);
	return !overflow;
}

/* In floating point: the sum; slack is what rounding can explain. */
static double
ml_sum_real(const MlRowCheck *row, const NullableDatum *values, double *total, double *slack)
{
	const MlSum *state = row->state;
	double		sum = 0;
	double		lost = 0;
	double		epsilon = DBL_EPSILON;

	*slack = 0;
	for (int i = 0; i < row->ncolumns; i++)
	{
		double		x = ml_convert_number(&row->columns[i].convert, values[row->columns[i].index].value);
		double		next = sum + x;

		*slack += fabs(x);
		if (row->columns[i].convert.type == FLOAT4OID)
			epsilon = FLT_EPSILON;
		if (i == state->n)
		{
			*total = x;
			break;
		}
		lost += fabs(sum) >= fabs(x) ? (sum - next) + x : (x - next) + sum;
		sum = next;
	}
	if (!state->equals_last)
		*total = state->total_real;
	*slack = state->tolerance ? state->tolerance_real : epsilon * *slack;
	return sum + lost;
}

static bool
ml_sum_passes(const MlRowCheck *row, const NullableDatum *values)
{
	const MlSum *state = row->state;
	Numeric		sum;
	Numeric		off;
	Datum		distance;

	for (int i = 0; i < row->ncolumns; i++)
		if (values[row->columns[i].index].isnull)
			return true;
	if (state->real)
	{
		double		total;
		double		slack;
		double		real = ml_sum_real(row, values, &total, &slack);

		return fabs(real - total) <= slack;
	}
	if (!ml_sum_exact(row, values, &sum, &off) || numeric_is_nan(off))
		return false;
	distance = DirectFunctionCall1(numeric_abs, NumericGetDatum(off));
	return DatumGetBool(DirectFunctionCall2(numeric_le, distance, NumericGetDatum(state->tolerance)));
}

/* A number parameter without loss. */
static Numeric
ml_sum_param(const MlCheck *check, const char *name)
{
	JsonbValue	value = ml_check_scalar(check, name);

	if (value.type != jbvNumeric)
		ml_check_refuse(check, psprintf("parameter \"%s\" must be a number", name),
						psprintf("It is %s.", ml_check_param(check, name)->text), "Write it without quotes.");
	return DatumGetNumeric(datumCopy(NumericGetDatum(value.val.numeric), false, -1));
}

static double
ml_sum_double(Numeric x)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(x)));
}

static void
ml_sum_prepare(MlRowCheck *row)
{
	MlSum	   *state = palloc0(sizeof(MlSum));

	ml_value_need_numbers(row);
	state->equals_last = ml_check_param(row->check, "equals_last")->number != 0;
	state->n = row->ncolumns - (state->equals_last ? 1 : 0);
	for (int i = 0; i < row->ncolumns; i++)
		state->real |= row->columns[i].convert.type == FLOAT4OID || row->columns[i].convert.type == FLOAT8OID;
	if (!state->equals_last)
	{
		state->total = ml_sum_param(row->check, "total");
		state->total_real = ml_sum_double(state->total);
	}
	if (!ml_check_param(row->check, "tolerance")->isnull)
	{
		state->tolerance = ml_sum_param(row->check, "tolerance");
		state->tolerance_real = ml_sum_double(state->tolerance);
	}
	else if (!state->real)
		state->tolerance = DatumGetNumeric(DirectFunctionCall1(int4_numeric, Int32GetDatum(0)));
	row->state = state;
	row->passes = ml_sum_passes;
}

static void
ml_sum_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlSum *state = row->state;
	char	   *sum = "more than a number can hold";

	if (state->real)
	{
		double		total;
		double		slack;

		sum = ml_text_number(ml_sum_real(row, values, &total, &slack));
	}
	else
	{
		Numeric		exact;
		Numeric		off;

		if (ml_sum_exact(row, values, &exact, &off))
			sum = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(exact)));
	}
	if (state->equals_last)
	{
		appendStringInfo(out, "do not add up: the sum is %s, and %s is ", sum, row->columns[state->n].name);
		ml_check_show(&row->columns[state->n], values[row->columns[state->n].index].value, out);
	}
	else
		appendStringInfo(out, "%s %s, not %s", state->n > 1 ? "add up to" : "is", sum,
						 ml_check_param(row->check, "total")->text);
}

static void
ml_sum_validate(const MlCheck *check)
{
	bool		equals_last = ml_check_param(check, "equals_last")->number != 0;

	if (equals_last == !ml_check_param(check, "total")->isnull)
		ml_check_refuse(check, "it needs total or equals_last, one of them", NULL,
						"Pass params => '{\"total\": 100}', or '{\"equals_last\": true}' for the last column.");
	if (equals_last && check->ncolumns < 2)
		ml_check_refuse(check, "with equals_last it needs two columns at least", NULL, "The last one holds the sum.");
	if (!equals_last)
		(void) ml_sum_param(check, "total");
	if (!ml_check_param(check, "tolerance")->isnull && !(ml_sum_double(ml_sum_param(check, "tolerance")) >= 0))
		ml_check_refuse(check, "parameter \"tolerance\" is below 0", NULL, "Leave it out for none.");
}

static const MlParam ml_sum_params[] = {
	{"total", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the number that the columns add up to"},
	{"equals_last", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether the last column holds the sum of the others"},
	{"tolerance", ML_PARAM_VALUE, NULL, 0, 0, NULL, "by how much the sum may miss the total"}
};

const MlCheckKind ml_check_sum_of_columns = {
	.name = "sum_of_columns",
	.summary = "columns add up to a number, or to the last of them",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_sum_params,
	.nparams = lengthof(ml_sum_params),
	.validate = ml_sum_validate,
	.prepare = ml_sum_prepare,
	.explain = ml_sum_explain
};
