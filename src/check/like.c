/*
 * like.c - checks texts by a pattern of LIKE or ILIKE.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "check/kinds.h"
#include "check/values.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

typedef struct MlLike
{
	Datum		pattern;
	bool		not;
	PGFunction	function;
	Oid		   *collation;		/* of each column */
} MlLike;

static bool
ml_like_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlLike *state = row->state;

	if (row->columns[i].convert.kind != ML_CONVERT_VARLENA)
	{
		int			length;
		const char *s = ml_value_text(row, i, value, &length);

		value = PointerGetDatum(cstring_to_text_with_len(s, length));
	}
	return DatumGetBool(DirectFunctionCall2Coll(state->function, state->collation[i], value, state->pattern)) !=
		state->not;
}

ML_EACH_COLUMN(ml_like_passes, ml_like_holds)

static void
ml_like_prepare(MlRowCheck *row)
{
	MlLike	   *state = palloc(sizeof(MlLike));
	bool		insensitive = ml_check_param(row->check, "case_insensitive")->number != 0;

	ml_value_need_texts(row);
	state->pattern = CStringGetTextDatum(ml_check_param(row->check, "pattern")->text);
	state->not = ml_check_param(row->check, "not")->number != 0;
	state->function = insensitive ? texticlike : textlike;
	state->collation = palloc(sizeof(Oid) * row->ncolumns);
	/* only what is upper and what is lower case depends on a collation */
	for (int i = 0; i < row->ncolumns; i++)
		state->collation[i] = insensitive ? ml_value_collation(&row->columns[i]) : C_COLLATION_OID;
	row->state = state;
	row->passes = ml_like_passes;
}

static void
ml_like_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlLike *state = row->state;
	int			i = ml_like_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfo(out, ", %slike \"%s\"", state->not ? "" : "not ", ml_check_param(row->check, "pattern")->text);
}

/* A pattern that ends in an escape would raise an error at some rows only. */
static void
ml_like_validate(const MlCheck *check)
{
	const MlParamValue *pattern = ml_check_param(check, "pattern");
	int			escapes = 0;

	if (pattern->isnull)
		ml_check_refuse(check, "it needs parameter \"pattern\"", NULL, "Pass params => '{\"pattern\": \"A%\"}'.");
	for (int i = strlen(pattern->text); i > 0 && pattern->text[i - 1] == '\\'; i--)
		escapes++;
	if (escapes % 2 == 1)
		ml_check_refuse(check, "the pattern ends in a backslash that escapes nothing",
						psprintf("It is \"%s\".", pattern->text), "Write two backslashes for one that is meant.");
}

static const MlParam ml_like_params[] = {
	{"pattern", ML_PARAM_TEXT, NULL, 0, 0, NULL, "a pattern as in LIKE: % any characters, _ any one, \\ escapes"},
	{"case_insensitive", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether upper and lower case are the same, as in ILIKE"},
	{"not", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether texts must not be like the pattern"}
};

const MlCheckKind ml_check_like = {
	.name = "like",
	.summary = "texts are like a pattern",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_like_params,
	.nparams = lengthof(ml_like_params),
	.validate = ml_like_validate,
	.prepare = ml_like_prepare,
	.explain = ml_like_explain
};
