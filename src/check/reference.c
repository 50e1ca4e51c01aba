/*
 * reference.c - what the kinds share that compare a source with another relation by a query.
 *
 * It is named with its schema, so that it is the same one under any
 * search_path, and read with the rights of who checks.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "check/reference.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/varlena.h"

char *
ml_reference_name(const MlCheck *check)
{
	const MlParamValue *references = ml_check_param(check, "references");
	List	   *names = NIL;

	if (references->isnull)
		ml_check_refuse(check, "it needs references", NULL, "Pass params => '{\"references\": \"public.customers\"}'.");
	if (!SplitIdentifierString(pstrdup(references->text), '.', &names) || list_length(names) != 2)
		ml_check_refuse(check, "parameter \"references\" must be a relation with its schema",
						psprintf("It is \"%s\".", references->text), "Write it as public.customers.");
	return quote_qualified_identifier(linitial(names), lsecond(names));
}

void
ml_reference_validate(const MlCheck *check)
{
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
