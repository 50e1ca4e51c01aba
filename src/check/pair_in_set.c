/*
 * pair_in_set.c - checks that the combination of several columns is among given ones.
 *
 * Each column has the set of its values. A combination is the list of their
 * places, looked up in a hash table. A row with a NULL passes.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"
#include "check/set.h"
#include "check/values.h"
#include "common/hashfn.h"
#include "miscadmin.h"

typedef struct MlPairInSet
{
	MlSet	  **set;			/* of each column */
	int			n;				/* combinations */
	int		   *places;			/* n rows of ncolumns */
	int		   *wanted;			/* those of the row at hand */
	uint32		mask;
	int32	   *slots;			/* rows of places, or -1 */
} MlPairInSet;

/* The slot where a combination is, or where it would be. */
static uint32
ml_pair_slot(const MlPairInSet *state, int ncolumns, const int *places)
{
	Size		size = sizeof(int) * ncolumns;
	uint32		slot = hash_bytes((const unsigned char *) places, size) & state->mask;

	while (state->slots[slot] >= 0 &&
		   memcmp(state->places + (Size) state->slots[slot] * ncolumns, places, size) != 0)
		slot = (slot + 1) & state->mask;
	return slot;
}

static bool
ml_pair_in_set_passes(const MlRowCheck *row, const NullableDatum *values)
{
	const MlPairInSet *state = row->state;
	bool		known = true;

	for (int i = 0; i < row->ncolumns; i++)
		if (values[row->columns[i].index].isnull)
			return true;
	for (int i = 0; i < row->ncolumns && known; i++)
	{
		state->wanted[i] = ml_set_find(state->set[i], &row->columns[i], values[row->columns[i].index].value);
		known = state->wanted[i] >= 0;
	}
	return known && state->slots[ml_pair_slot(state, row->ncolumns, state->wanted)] >= 0;
}

/* Column i of all combinations. */
static JsonbValue *
ml_pair_column(const JsonbValue *rows, int n, int i)
{
	JsonbValue *column = palloc_extended(sizeof(JsonbValue) * n, MCXT_ALLOC_HUGE);

	for (int r = 0; r < n; r++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(rows[r].val.binary.data, i);

		column[r] = *element;
		pfree(element);
	}
	return column;
}

static void
ml_pair_in_set_prepare(MlRowCheck *row)
{
	MlPairInSet *state = palloc0(sizeof(MlPairInSet));
	int			k = row->ncolumns;
	JsonbValue *rows = ml_value_list(row->check, "values", &state->n);
	int		   *ids = palloc_extended(sizeof(int) * state->n, MCXT_ALLOC_HUGE);
	int64		slots = 16;

	state->set = palloc(sizeof(MlSet *) * k);
	state->places = palloc_extended(sizeof(int) * state->n * k, MCXT_ALLOC_HUGE);
	state->wanted = palloc(sizeof(int) * k);
	for (int i = 0; i < k; i++)
	{
		JsonbValue *column = ml_pair_column(rows, state->n, i);

		state->set[i] = ml_set_create(row->check, &row->columns[i], state->n, column, ids);
		for (int r = 0; r < state->n; r++)
			state->places[(Size) r * k + i] = ids[r];
	}
	while (slots < (int64) state->n * 2)
		slots *= 2;
	state->mask = (uint32) (slots - 1);
	state->slots = palloc_extended(sizeof(int32) * slots, MCXT_ALLOC_HUGE);
	memset(state->slots, 0xff, sizeof(int32) * slots);
	for (int r = 0; r < state->n; r++)
		state->slots[ml_pair_slot(state, k, state->places + (Size) r * k)] = r;
	row->state = state;
	row->passes = ml_pair_in_set_passes;
}

static void
ml_pair_in_set_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlPairInSet *state = row->state;

	for (int i = 0; i < row->ncolumns; i++)
	{
		appendStringInfoString(out, i == 0 ? "are " : i + 1 < row->ncolumns ? ", " : " and ");
		ml_check_show(&row->columns[i], values[row->columns[i].index].value, out);
	}
	appendStringInfo(out, ", not one of the %d allowed combinations", state->n);
}

static void
ml_pair_in_set_validate(const MlCheck *check)
{
	int			n;
	JsonbValue *rows = ml_value_list(check, "values", &n);

	for (int r = 0; r < n; r++)
	{
		bool		array = rows[r].type == jbvBinary && JsonContainerIsArray(rows[r].val.binary.data);
		int			length = array ? JsonContainerSize(rows[r].val.binary.data) : 0;

		CHECK_FOR_INTERRUPTS();
		if (!array || length != check->ncolumns)
			ml_check_refuse(check, psprintf("each of the values must be an array of %d", check->ncolumns),
							array ? psprintf("Number %d has %d.", r + 1, length) :
							psprintf("Number %d is no array.", r + 1),
							"Write them as [[\"DE\", \"EUR\"], [\"US\", \"USD\"]], in the order of the columns.");
		ml_set_check_scalars(check, "values", length, ml_value_elements(rows[r].val.binary.data, &length));
	}
}

static const MlParam ml_pair_in_set_params[] = {
	{"values", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the combinations, a JSON array of arrays in the order of the columns"}
};

const MlCheckKind ml_check_pair_in_set = {
	.name = "pair_in_set",
	.summary = "combinations of columns are among given ones",
	.flags = ML_CHECK_ROWS,
	.min_columns = 2,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_pair_in_set_params,
	.nparams = lengthof(ml_pair_in_set_params),
	.validate = ml_pair_in_set_validate,
	.prepare = ml_pair_in_set_prepare,
	.explain = ml_pair_in_set_explain
};
