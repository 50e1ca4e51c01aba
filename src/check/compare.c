/*
 * compare.c - checks that two columns of a row stand in an order: start <= end.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"
#include "check/order.h"

typedef struct MlCompare
{
	MlOrder		order;
	bool		below;			/* which outcomes pass */
	bool		equal;
	bool		above;
	bool		or_null;
} MlCompare;

static bool
ml_compare_passes(const MlRowCheck *row, const NullableDatum *values)
{
	const MlCompare *state = row->state;
	const NullableDatum *a = &values[row->columns[0].index];
	const NullableDatum *b = &values[row->columns[1].index];
	int			order;

	if (a->isnull || b->isnull)
		return state->or_null;
	order = ml_order_compare(&state->order, a->value, b->value);
	/* a NaN is different from all, and neither below nor above anything */
	if (order == ML_ORDER_NONE)
		return state->below && state->above;
	return order < 0 ? state->below : order > 0 ? state->above : state->equal;
}

static void
ml_compare_prepare(MlRowCheck *row)
{
	MlCompare  *state = palloc0(sizeof(MlCompare));
	const char *op = ml_check_param(row->check, "op")->text;

	ml_order_init(&state->order, row->check, &row->columns[0], &row->columns[1]);
	state->below = op[0] == '<';
	state->above = op[0] == '>' || op[1] == '>';
	state->equal = op[0] == '=' || op[1] == '=';
	state->or_null = ml_check_param(row->check, "or_null")->number != 0;
	row->state = state;
	row->passes = ml_compare_passes;
}

static void
ml_compare_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	for (int i = 0; i < 2; i++)
	{
		appendStringInfoString(out, i == 0 ? "are " : " and ");
		if (values[row->columns[i].index].isnull)
			appendStringInfoString(out, "NULL");
		else
			ml_check_show(&row->columns[i], values[row->columns[i].index].value, out);
	}
	appendStringInfo(out, ", not %s %s %s", row->columns[0].name, ml_check_param(row->check, "op")->text,
					 row->columns[1].name);
}

static void
ml_compare_validate(const MlCheck *check)
{
	if (ml_check_param(check, "op")->isnull)
		ml_check_refuse(check, "it needs parameter \"op\"", NULL, "Pass params => '{\"op\": \"<=\"}'.");
}

static const MlParam ml_compare_params[] = {
	{"op", ML_PARAM_TEXT, NULL, 0, 0, "<|<=|=|<>|>=|>", "how the first column stands to the second"},
	{"or_null", ML_PARAM_BOOLEAN, "true", 0, 1, NULL, "whether a row passes in which either is NULL"}
};

const MlCheckKind ml_check_compare = {
	.name = "compare",
	.summary = "one column is below, equal to or above another",
	.flags = ML_CHECK_ROWS,
	.min_columns = 2,
	.max_columns = 2,
	.params = ml_compare_params,
	.nparams = lengthof(ml_compare_params),
	.validate = ml_compare_validate,
	.prepare = ml_compare_prepare,
	.explain = ml_compare_explain
};
