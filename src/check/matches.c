/*
 * matches.c - checks texts by a regular expression.
 *
 * As with the operator ~, a match anywhere in the text counts; ^ and $ tie it
 * to the ends. The server's engine looks for cancellation, so a pattern that
 * takes for ever ends with statement_timeout.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/kinds.h"
#include "check/regex.h"
#include "check/values.h"

typedef struct MlMatches
{
	text	   *pattern;
	bool		case_insensitive;
	bool		not;
	Oid		   *collation;		/* of each column */
} MlMatches;

static bool
ml_matches_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlMatches *state = row->state;
	int			length;
	const char *s = ml_value_text(row, i, value, &length);

	return ml_regex_matches(state->pattern, state->case_insensitive, state->collation[i], s, length) != state->not;
}

ML_EACH_COLUMN(ml_matches_passes, ml_matches_holds)

static void
ml_matches_prepare(MlRowCheck *row)
{
	MlMatches  *state = palloc(sizeof(MlMatches));

	ml_value_need_texts(row);
	state->case_insensitive = ml_check_param(row->check, "case_insensitive")->number != 0;
	state->not = ml_check_param(row->check, "not")->number != 0;
	state->pattern = ml_regex_check(row->check, ml_check_param(row->check, "pattern")->text, state->case_insensitive);
	state->collation = palloc(sizeof(Oid) * row->ncolumns);
	for (int i = 0; i < row->ncolumns; i++)
		state->collation[i] = ml_value_collation(&row->columns[i]);
	row->state = state;
	row->passes = ml_matches_passes;
}

static void
ml_matches_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	const MlMatches *state = row->state;
	int			i = ml_matches_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfo(out, ", which %s \"%s\"", state->not ? "matches" : "does not match",
					 ml_check_param(row->check, "pattern")->text);
}

static void
ml_matches_validate(const MlCheck *check)
{
	const MlParamValue *pattern = ml_check_param(check, "pattern");

	if (pattern->isnull)
		ml_check_refuse(check, "it needs parameter \"pattern\"", NULL,
						"Pass params => '{\"pattern\": \"^[A-Z]{3}$\"}'.");
	(void) ml_regex_check(check, pattern->text, ml_check_param(check, "case_insensitive")->number != 0);
}

static const MlParam ml_matches_params[] = {
	{"pattern", ML_PARAM_TEXT, NULL, 0, 0, NULL, "a regular expression, as in the operator ~"},
	{"case_insensitive", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether upper and lower case are the same"},
	{"not", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether texts must not match"}
};

const MlCheckKind ml_check_matches = {
	.name = "matches",
	.summary = "texts match a regular expression",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_matches_params,
	.nparams = lengthof(ml_matches_params),
	.validate = ml_matches_validate,
	.prepare = ml_matches_prepare,
	.explain = ml_matches_explain
};
