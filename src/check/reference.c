/*
 * reference.c - what the kinds share that compare a source with another relation by a query.
 *
 * The name is looked up when the query runs, with the rights and the
 * search_path of who runs it.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "check/number.h"
#include "check/reference.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/regproc.h"

char *
ml_reference_name(const MlCheck *check)
{
	return NameListToQuotedString(ml_compat_qualified_name(ml_check_param(check, "reference")->text));
}

void
ml_reference_validate(const MlCheck *check)
{
	if (ml_check_param(check, "reference")->isnull)
		ml_check_refuse(check, "it needs reference", NULL,
						"Pass params => '{\"reference\": \"schema.relation\"}', the name of a table or view.");
	(void) ml_reference_name(check);
}

double
ml_answer_number(const MlCheckAnswer *answer, int column)
{
	MlConvert	convert;

	if (answer->rows == 0 || answer->values[column].isnull)
		return get_float8_nan();
	ml_convert_init(&convert, answer->types[column]);
	return ml_convert_number(&convert, answer->values[column].value);
}

void
ml_ratio_validate(const MlCheck *check)
{
	double		min = ml_check_number(check, "min_ratio");
	double		max = ml_check_number(check, "max_ratio");

	ml_reference_validate(check);
	if (min > max)
		ml_check_refuse(check, "min_ratio is above max_ratio",
						psprintf("They are %s and %s.", ml_text_number(min), ml_text_number(max)), "Give both.");
}

void
ml_ratio_judge(const MlCheck *check, double x, double reference, MlCheckOutcome *out)
{
	/* nothing is once itself */
	double		ratio = x == reference ? 1 : reference == 0 ? get_float8_nan() : x / reference;
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, x);
	appendStringInfoString(&observed, ", \"reference\": ");
	ml_check_json(&observed, reference);
	appendStringInfoString(&observed, ", \"ratio\": ");
	ml_check_json(&observed, ratio);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	if (isnan(x) || isnan(reference))
		out->status = ML_CHECK_INSUFFICIENT;
	else
		out->status = ratio >= ml_check_number(check, "min_ratio") && ratio <= ml_check_number(check, "max_ratio") ?
			ML_CHECK_PASS : ML_CHECK_FAIL;
}

void
ml_ratio_expect(const MlCheck *check, StringInfo out)
{
	appendStringInfo(out, "{\"min_ratio\": %s, \"max_ratio\": %s}", ml_text_number(ml_check_number(check, "min_ratio")),
					 ml_text_number(ml_check_number(check, "max_ratio")));
}
