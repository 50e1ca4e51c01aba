/*
 * length.c - checks how long values are: characters of texts, elements of arrays, bytes of bytea.
 *
 * The blanks at the end of a char(n) do not count. How many bytes there are
 * often tells enough, and is known without reading a large value.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "check/values.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

typedef enum MlLengthOf
{
	ML_LENGTH_BYTES,
	ML_LENGTH_CHARACTERS,
	ML_LENGTH_VARLENA,			/* characters of a text that is stored as one */
	ML_LENGTH_ELEMENTS
} MlLengthOf;

typedef struct MlLength
{
	int64		min;
	int64		max;
	int			widest;			/* bytes of the longest character */
	MlLengthOf *of;
} MlLength;

static const char *const ml_length_units[] = {"byte", "character", "character", "element"};

static int64
ml_length_of(const MlRowCheck *row, int i, Datum value)
{
	const MlLength *state = row->state;
	const char *s;
	int			length;

	if (state->of[i] == ML_LENGTH_BYTES)
		return (int64) toast_raw_datum_size(value) - VARHDRSZ;
	if (state->of[i] == ML_LENGTH_ELEMENTS)
	{
		ArrayType  *array = DatumGetArrayTypeP(value);

		return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}
	s = ml_value_text(row, i, value, &length);
	return state->widest == 1 ? length : pg_mbstrlen_with_len(s, length);
}

static bool
ml_length_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlLength *state = row->state;
	int64		length;

	if (state->of[i] == ML_LENGTH_VARLENA)
	{
		int64		bytes = (int64) toast_raw_datum_size(value) - VARHDRSZ;

		if (bytes < state->min || bytes > state->max * state->widest)
			return false;
		if (bytes <= state->max && bytes >= state->min * state->widest)
			return true;
	}
	length = ml_length_of(row, i, value);
	return length >= state->min && length <= state->max;
}

ML_EACH_COLUMN(ml_length_passes, ml_length_holds)

static void
ml_length_prepare(MlRowCheck *row)
{
	MlLength   *state = palloc(sizeof(MlLength));
	const MlParamValue *min = ml_check_param(row->check, "min");
	const MlParamValue *max = ml_check_param(row->check, "max");

	state->min = min->isnull ? 0 : (int64) min->number;
	state->max = max->isnull ? PG_INT32_MAX : (int64) max->number;
	state->widest = pg_database_encoding_max_length();
	state->of = palloc(sizeof(MlLengthOf) * row->ncolumns);
	for (int i = 0; i < row->ncolumns; i++)
	{
		Oid			type = row->columns[i].convert.type;

		if (type == BYTEAOID)
			state->of[i] = ML_LENGTH_BYTES;
		else if (OidIsValid(get_element_type(type)))
			state->of[i] = ML_LENGTH_ELEMENTS;
		else if (row->columns[i].convert.kind == ML_CONVERT_VARLENA)
			state->of[i] = ML_LENGTH_VARLENA;
		else if (ml_value_is_text(&row->columns[i]))
			state->of[i] = ML_LENGTH_CHARACTERS;
		else
			ml_check_refuse_type(row->check, &row->columns[i], "a text, an array or bytea");
	}
	row->state = state;
	row->passes = ml_length_passes;
}

static void
ml_length_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlLength *state = row->state;
	int			i = ml_length_passes_failing(row, values);
	int64		length;

	if (i < 0)
		return;
	length = ml_length_of(row, i, values[row->columns[i].index].value);
	ml_value_at(row, i, out);
	appendStringInfo(out, "has " INT64_FORMAT " %s%s, %s " INT64_FORMAT, length, ml_length_units[state->of[i]],
					 length == 1 ? "" : "s", length < state->min ? "below" : "above",
					 length < state->min ? state->min : state->max);
}

static void
ml_length_validate(const MlCheck *check)
{
	const MlParamValue *min = ml_check_param(check, "min");
	const MlParamValue *max = ml_check_param(check, "max");

	if (min->isnull && max->isnull)
		ml_check_refuse(check, "it needs min or max", NULL, "Pass params => '{\"min\": 1, \"max\": 100}'.");
	if (!min->isnull && !max->isnull && min->number > max->number)
		ml_check_refuse(check, "min is above max", psprintf("They are %.0f and %.0f.", min->number, max->number),
						"Exchange them.");
}

static const MlParam ml_length_params[] = {
	{"min", ML_PARAM_INTEGER, NULL, 0, PG_INT32_MAX, NULL, "the least length: characters, elements of an array or bytes"},
	{"max", ML_PARAM_INTEGER, NULL, 0, PG_INT32_MAX, NULL, "the greatest length"}
};

const MlCheckKind ml_check_length = {
	.name = "length",
	.summary = "texts, arrays and bytea are neither too short nor too long",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_length_params,
	.nparams = lengthof(ml_length_params),
	.validate = ml_length_validate,
	.prepare = ml_length_prepare,
	.explain = ml_length_explain,
	.expect = ml_check_expect_range
};
