/*
 * not_empty.c - checks that texts, arrays and JSON hold something.
 *
 * Empty are a text, or bytes, of length 0; an array without elements; JSON that
 * is null, "", [] or {}. With blank, so is a text of white space alone.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

typedef struct MlNotEmpty
{
	bool		blank;			/* a text of white space is empty */
	bool	   *array;			/* which columns are arrays */
} MlNotEmpty;

/* Skips what JSON and the server take for white space. */
static int
ml_not_empty_space(const char *s, int length, int at)
{
	while (at < length && (s[at] == ' ' || (s[at] >= '\t' && s[at] <= '\r')))
		at++;
	return at;
}

/* A text that is JSON: its first two tokens tell. */
static bool
ml_not_empty_json(Datum value)
{
	text	   *t = DatumGetTextPP(value);
	const char *s = VARDATA_ANY(t);
	int			length = VARSIZE_ANY_EXHDR(t);
	int			first = ml_not_empty_space(s, length, 0);
	int			second;

	if (first >= length || s[first] == 'n')
		return false;
	if (s[first] == '"')
		return s[first + 1] != '"';
	second = ml_not_empty_space(s, length, first + 1);
	return !((s[first] == '{' && s[second] == '}') || (s[first] == '[' && s[second] == ']'));
}

static bool
ml_not_empty_jsonb(Datum value)
{
	Jsonb	   *json = DatumGetJsonbP(value);
	JsonbValue	scalar;

	if (!JB_ROOT_IS_SCALAR(json))
		return JB_ROOT_COUNT(json) > 0;
	(void) JsonbExtractScalar(&json->root, &scalar);
	return scalar.type != jbvNull && !(scalar.type == jbvString && scalar.val.string.len == 0);
}

static bool
ml_not_empty_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlNotEmpty *state = row->state;
	const char *s;
	int			length;

	switch (row->columns[i].convert.type)
	{
		case JSONBOID:
			return ml_not_empty_jsonb(value);
		case JSONOID:
			return ml_not_empty_json(value);
		case BYTEAOID:
			return toast_raw_datum_size(value) > VARHDRSZ;
		case TEXTOID:
		case VARCHAROID:
			if (!state->blank)
				return toast_raw_datum_size(value) > VARHDRSZ;
			break;
		default:
			break;
	}
	if (state->array[i])
	{
		ArrayType  *array = DatumGetArrayTypeP(value);

		return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > 0;
	}
	s = ml_value_text(row, i, value, &length);
	return state->blank ? ml_not_empty_space(s, length, 0) < length : length > 0;
}

ML_EACH_COLUMN(ml_not_empty_passes, ml_not_empty_holds)

static void
ml_not_empty_prepare(MlRowCheck *row)
{
	MlNotEmpty *state = palloc(sizeof(MlNotEmpty));

	state->blank = ml_check_param(row->check, "blank")->number != 0;
	state->array = palloc(sizeof(bool) * row->ncolumns);
	for (int i = 0; i < row->ncolumns; i++)
	{
		Oid			type = row->columns[i].convert.type;

		state->array[i] = OidIsValid(get_element_type(type));
		if (!state->array[i] && type != JSONBOID && type != JSONOID && type != BYTEAOID &&
			!ml_value_is_text(&row->columns[i]))
			ml_check_refuse_type(row->check, &row->columns[i], "a text, bytes, an array or JSON");
	}
	row->state = state;
	row->passes = ml_not_empty_passes;
}

static void
ml_not_empty_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_not_empty_passes_failing(row, values);
	int			length = 0;

	if (i < 0)
		return;
	ml_value_at(row, i, out);
	if (ml_value_is_text(&row->columns[i]))
		(void) ml_value_text(row, i, values[row->columns[i].index].value, &length);
	appendStringInfoString(out, length > 0 ? "is blank" : "is empty");
}

static const MlParam ml_not_empty_params[] = {
	{"blank", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether a text of white space alone is empty too"}
};

const MlCheckKind ml_check_not_empty = {
	.name = "not_empty",
	.summary = "texts, bytes, arrays and JSON hold something",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_not_empty_params,
	.nparams = lengthof(ml_not_empty_params),
	.prepare = ml_not_empty_prepare,
	.explain = ml_not_empty_explain
};
