/*
 * columns.c - checks which columns a source has; and what the kinds that judge columns share.
 *
 * exact: those named and no others; ordered: in this order too; subset: no
 * others than those named; superset: at least those named. missing_column and
 * column_exists are superset, new_column is subset, each under the name that
 * people look for. Names are compared as the server stores them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/columns.h"
#include "check/number.h"

int
ml_columns_find(const MlSourceColumns *source, const char *name)
{
	for (int i = 0; i < source->n; i++)
		if (strcmp(source->names[i], name) == 0)
			return i;
	return -1;
}

static List *
ml_columns_named(const MlCheck *check)
{
	List	   *named = NIL;

	for (int i = 0; i < check->ncolumns; i++)
		named = lappend(named, check->columns[i]);
	return named;
}

List *
ml_columns_missing(const MlCheck *check, const MlSourceColumns *source)
{
	List	   *missing = NIL;

	for (int i = 0; i < check->ncolumns; i++)
		if (ml_columns_find(source, check->columns[i]) < 0)
			missing = lappend(missing, check->columns[i]);
	return missing;
}

List *
ml_columns_unexpected(const MlCheck *check, const MlSourceColumns *source)
{
	List	   *named = ml_columns_named(check);
	List	   *unexpected = NIL;

	for (int i = 0; i < source->n; i++)
		if (!ml_text_listed(named, source->names[i]))
			unexpected = lappend(unexpected, unconstify(char *, source->names[i]));
	return unexpected;
}

void
ml_columns_expect(const MlCheck *check, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_check_json_names(out, ml_columns_named(check));
	appendStringInfoChar(out, '}');
}

void
ml_columns_judge(const char *name, List *wrong, MlCheckOutcome *out)
{
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfo(&observed, "{\"value\": %d, \"%s\": ", list_length(wrong), name);
	ml_check_json_names(&observed, wrong);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = wrong == NIL ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

/* ---- columns ---- */

static void
ml_columns_match(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	const char *match = ml_check_param(check, "match")->text;
	List	   *missing = strcmp(match, "subset") == 0 ? NIL : ml_columns_missing(check, source);
	List	   *unexpected = strcmp(match, "superset") == 0 ? NIL : ml_columns_unexpected(check, source);
	const char *misplaced = NULL;
	StringInfoData observed;

	if (strcmp(match, "ordered") == 0 && missing == NIL && unexpected == NIL)
		for (int i = 0; i < check->ncolumns && misplaced == NULL; i++)
			if (strcmp(source->names[i], check->columns[i]) != 0)
				misplaced = source->names[i];
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"missing\": ");
	ml_check_json_names(&observed, missing);
	appendStringInfoString(&observed, ", \"unexpected\": ");
	ml_check_json_names(&observed, unexpected);
	if (misplaced)
	{
		appendStringInfoString(&observed, ", \"misplaced\": ");
		ml_json_text(&observed, misplaced);
	}
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = missing == NIL && unexpected == NIL && misplaced == NULL ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

static void
ml_columns_match_expect(const MlCheck *check, StringInfo out)
{
	appendStringInfo(out, "{\"match\": \"%s\", \"columns\": ", ml_check_param(check, "match")->text);
	ml_check_json_names(out, ml_columns_named(check));
	appendStringInfoChar(out, '}');
}

static void
ml_missing_column_schema(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	ml_columns_judge("missing", ml_columns_missing(check, source), out);
}

static void
ml_new_column_schema(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	ml_columns_judge("unexpected", ml_columns_unexpected(check, source), out);
}

static const MlParam ml_columns_params[] = {
	{"match", ML_PARAM_TEXT, "exact", 0, 0, "exact|ordered|subset|superset",
	"exact: these and no others; ordered: in this order too; subset: no others; superset: at least these"}
};

const MlCheckKind ml_check_columns = {
	.name = "columns",
	.summary = "the source has the columns named",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_columns_params,
	.nparams = lengthof(ml_columns_params),
	.expect = ml_columns_match_expect,
	.schema = ml_columns_match
};

const MlCheckKind ml_check_missing_column = {
	.name = "missing_column",
	.summary = "the source lacks none of the columns named",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.expect = ml_columns_expect,
	.schema = ml_missing_column_schema
};

const MlCheckKind ml_check_column_exists = {
	.name = "column_exists",
	.summary = "the source has the columns named; the same as missing_column",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.expect = ml_columns_expect,
	.schema = ml_missing_column_schema
};

const MlCheckKind ml_check_new_column = {
	.name = "new_column",
	.summary = "the source has no columns but those named",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.expect = ml_columns_expect,
	.schema = ml_new_column_schema
};
