/*
 * format.c - checks that texts have a format: an email address, a UUID, an IBAN.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/formats.h"
#include "check/kinds.h"
#include "check/values.h"

static bool
ml_format_row_holds(const MlRowCheck *row, int i, Datum value)
{
	int			length;
	const char *s = ml_value_text(row, i, value, &length);

	return ((const MlFormat *) row->state)->holds(s, length);
}

ML_EACH_COLUMN(ml_format_passes, ml_format_row_holds)

static void
ml_format_prepare(MlRowCheck *row)
{
	ml_value_need_texts(row);
	row->state = unconstify(MlFormat *, ml_format(ml_check_param(row->check, "format")->text));
	row->passes = ml_format_passes;
}

static void
ml_format_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_format_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfo(out, ", not %s", ((const MlFormat *) row->state)->noun);
}

static void
ml_format_validate(const MlCheck *check)
{
	if (ml_check_param(check, "format")->isnull)
		ml_check_refuse(check, "it needs parameter \"format\"", NULL, "Pass params => '{\"format\": \"email\"}'.");
}

static const MlParam ml_format_params[] = {
	{"format", ML_PARAM_TEXT, NULL, 0, 0, ML_FORMAT_NAMES, "the format"}
};

const MlCheckKind ml_check_format = {
	.name = "format",
	.summary = "texts have a format, as an email address or an IBAN has",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_format_params,
	.nparams = lengthof(ml_format_params),
	.validate = ml_format_validate,
	.prepare = ml_format_prepare,
	.explain = ml_format_explain
};
