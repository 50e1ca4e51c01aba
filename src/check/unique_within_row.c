/*
 * unique_within_row.c - checks that the values of several columns of a row differ. NULL differs from all.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"
#include "check/order.h"

/* The first two columns with the same value. */
static bool
ml_unique_find(const MlRowCheck *row, const NullableDatum *values, int *first, int *second)
{
	const MlOrder *order = row->state;

	for (int i = 0; i < row->ncolumns; i++)
		for (int j = i + 1; j < row->ncolumns; j++, order++)
		{
			const NullableDatum *a = &values[row->columns[i].index];
			const NullableDatum *b = &values[row->columns[j].index];

			if (a->isnull || b->isnull || ml_order_compare(order, a->value, b->value) != 0)
				continue;
			*first = i;
			*second = j;
			return true;
		}
	return false;
}

static bool
ml_unique_within_row_passes(const MlRowCheck *row, const NullableDatum *values)
{
	int			first;
	int			second;

	return !ml_unique_find(row, values, &first, &second);
}

static void
ml_unique_within_row_prepare(MlRowCheck *row)
{
	MlOrder    *order = palloc0(sizeof(MlOrder) * (row->ncolumns * (row->ncolumns - 1) / 2));

	row->state = order;
	for (int i = 0; i < row->ncolumns; i++)
		for (int j = i + 1; j < row->ncolumns; j++)
			ml_order_init(order++, row->check, &row->columns[i], &row->columns[j]);
	row->passes = ml_unique_within_row_passes;
}

static void
ml_unique_within_row_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			first;
	int			second;

	if (!ml_unique_find(row, values, &first, &second))
		return;
	appendStringInfo(out, "do not all differ: %s and %s are ", row->columns[first].name, row->columns[second].name);
	ml_check_show(&row->columns[first], values[row->columns[first].index].value, out);
}

const MlCheckKind ml_check_unique_within_row = {
	.name = "unique_within_row",
	.summary = "the values of several columns of a row differ",
	.flags = ML_CHECK_ROWS,
	.min_columns = 2,
	.max_columns = 100,
	.prepare = ml_unique_within_row_prepare,
	.explain = ml_unique_within_row_explain
};
