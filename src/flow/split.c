/*
 * split.c - reading the argument split of ml.train.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/options.h"
#include "flow/split.h"

static const MlParam ml_split_params[] = {
	{"method", ML_PARAM_TEXT, "hash", 0, 0, "hash|time|group|column|none",
		"How rows are held out: by a hash of their content and the seed, the last ones by a time column, whole groups of "
	"a column, those that a boolean column marks, or not at all."},
	{"test", ML_PARAM_NUMBER, NULL, 0, 0.95, NULL,
	"Share of the rows that are held out; 0.2, with folds none."},
	{"column", ML_PARAM_TEXT, NULL, 0, 0, NULL,
		"The column of the methods time, group and column. With folds, method column takes an integer column, too, which "
	"is the fold of each row."},
	{"folds", ML_PARAM_INTEGER, NULL, 2, ML_FOLDS_MAX, NULL,
	"Folds of the training rows that are cross-validated; by time, each is judged by a model of all before it."},
	{"stratified", ML_PARAM_BOOLEAN, "false", 0, 0, NULL, "Folds have the classes in equal shares."},
	{"refit", ML_PARAM_BOOLEAN, "false", 0, 0, NULL,
	"After the metrics were taken, the stored model is trained once more, on all rows."},
};

/* The argument as it was given. */
typedef struct MlSplitGiven
{
	const char *method;
	const char *column;
	double		test;			/* NaN: not given */
	bool		stratified;
} MlSplitGiven;

static ML_NORETURN void
ml_split_wrong(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/* The method, and whether it has its column. */
static void
ml_split_method(const MlSplitGiven *given, MlLoad *load)
{
	static const char *const names[] = {"none", "hash", "time", "group", "column"};
	static const char *const examples[] = {NULL, NULL, "\"column\": \"created_at\"", "\"column\": \"customer_id\"",
	"\"column\": \"is_test\""};
	int			method = 0;

	while (strcmp(names[method], given->method) != 0)
		method++;
	load->split = (MlSplitMethod) method;
	load->split_column = given->column;
	if (examples[method] != NULL && given->column == NULL)
		ml_split_wrong(psprintf("split method \"%s\" needs the column", given->method),
					   "The methods time, group and column go by a column of the source.",
					   psprintf("Write it as {\"method\": \"%s\", %s}.", given->method, examples[method]));
	if (examples[method] == NULL && given->column != NULL)
		ml_split_wrong(psprintf("split method \"%s\" takes no column", given->method),
					   "The methods time, group and column go by a column of the source.",
					   "Pass one of these as \"method\".");
}

/* How many rows are held out. */
static void
ml_split_share(const MlSplitGiven *given, MlLoad *load)
{
	if (load->split == ML_SPLIT_COLUMN && !isnan(given->test))
		ml_split_wrong("split method \"column\" takes no share of rows as \"test\"",
					   "A boolean column marks the rows that are held out.", "Leave \"test\" out.");
	if (load->split == ML_SPLIT_NONE && given->test > 0)
		ml_split_wrong("split method \"none\" takes no share of rows as \"test\"", "It holds no rows out.",
					   "Leave \"test\" out, or choose one of the methods hash, time, group, column.");
	load->test_fraction = !isnan(given->test) ? given->test : load->folds > 0 ? 0 : ML_SPLIT_TEST;
	if (load->split != ML_SPLIT_COLUMN && load->test_fraction == 0)
		load->split = ML_SPLIT_NONE;
}

/* How folds are made. */
static void
ml_split_folds(const MlSplitGiven *given, MlLoad *load)
{
	load->fold_method = given->stratified ? ML_FOLDS_STRATIFIED : load->split == ML_SPLIT_TIME ? ML_FOLDS_TIME :
		load->split == ML_SPLIT_GROUP ? ML_FOLDS_GROUPED : ML_FOLDS_PLAIN;
	if (!given->stratified)
		return;
	if (load->folds == 0)
		ml_split_wrong("\"stratified\" goes with \"folds\"", "It says how the folds are made, and there are none.",
					   "Write it as {\"folds\": 5, \"stratified\": true}.");
	if (load->split == ML_SPLIT_TIME || load->split == ML_SPLIT_GROUP)
		ml_split_wrong(psprintf("folds by %s cannot be stratified", given->method),
					   "The column alone says which rows are in a fold.",
					   "Leave \"stratified\" or the method out.");
}

void
ml_split_parse(Jsonb *json, MlLoad *load)
{
	const int	n = lengthof(ml_split_params);
	const MlParamValue *values = ml_options_parse("split", ml_split_params, n, json, NIL);
	const MlParamValue *test = ml_option(ml_split_params, n, values, "test");
	const MlParamValue *folds = ml_option(ml_split_params, n, values, "folds");
	MlSplitGiven given;

	given.method = ml_option(ml_split_params, n, values, "method")->text;
	given.column = ml_option(ml_split_params, n, values, "column")->text;
	given.test = test->isnull ? NAN : test->number;
	given.stratified = ml_option(ml_split_params, n, values, "stratified")->number != 0;
	load->folds = folds->isnull ? 0 : (int) folds->number;
	load->refit = ml_option(ml_split_params, n, values, "refit")->number != 0;
	ml_split_method(&given, load);
	ml_split_folds(&given, load);
	ml_split_share(&given, load);
	if (load->refit && load->split == ML_SPLIT_NONE && load->folds == 0)
		ml_split_wrong("\"refit\" needs rows that are held out", "The split holds none out: the model learns from all rows anyway.",
					   "Leave \"refit\" out, or hold rows out with \"test\".");
}
