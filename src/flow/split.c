/*
 * split.c - reading the argument split of ml.train.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/options.h"
#include "flow/split.h"

static const MlParam ml_split_params[] = {
	{"method", ML_PARAM_TEXT, "hash", 0, 0, "hash|column|none",
		"How rows are held out: by a hash of their content and the seed, by a boolean column that marks them, "
	"or not at all."},
	{"test", ML_PARAM_NUMBER, "0.2", 0, 0.95, NULL, "Share of the rows that are held out."},
	{"column", ML_PARAM_TEXT, NULL, 0, 0, NULL, "The boolean column that is true for the rows held out."},
};

void
ml_split_parse(Jsonb *json, MlLoad *load)
{
	const int	n = lengthof(ml_split_params);
	MlParamValue *values;
	const char *method;
	const char *column;

	values = ml_options_parse("split", ml_split_params, n, json, NIL);
	method = ml_option(ml_split_params, n, values, "method")->text;
	column = ml_option(ml_split_params, n, values, "column")->text;
	load->test_fraction = ml_option(ml_split_params, n, values, "test")->number;
	if (strcmp(method, "column") == 0)
	{
		if (column == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("split method \"column\" needs the column"),
					 errhint("Write it as {\"method\": \"column\", \"column\": \"is_test\"}.")));
		load->split = ML_SPLIT_COLUMN;
		load->split_column = column;
		return;
	}
	if (column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("split method \"%s\" takes no column", method),
				 errhint("Pass \"method\": \"column\" to hold out the rows a column marks.")));
	load->split = strcmp(method, "none") == 0 || load->test_fraction == 0 ? ML_SPLIT_NONE : ML_SPLIT_HASH;
}
