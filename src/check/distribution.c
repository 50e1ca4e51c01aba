/*
 * distribution.c - checks that the values of a column are spread as those of a baseline.
 *
 * The baseline is counts of rows: with edges (numbers, or dates and times as
 * texts), of those below the first, between each two (the lower one included),
 * and from the last on; with levels, of each. Rows that are NULL, NaN or of
 * another level are bins too; of the baseline these are nulls, nans and other,
 * none unless given. The statistic is one of the drift family's (drift/drift.h),
 * and so is its limit: more than chance makes of so many rows (alpha), and
 * more than floor.
 *
 * In SQL the counts are count(*) ... GROUP BY width_bucket(x, edges), or by x.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/instant.h"
#include "check/number.h"
#include "check/tally.h"
#include "drift/drift.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static bool
ml_distribution_ordered(const MlCheck *check)
{
	return !ml_check_param(check, "edges")->isnull;
}

static const MlDriftMethod *
ml_distribution_method(const MlCheck *check)
{
	const MlParamValue *method = ml_check_param(check, "method");

	return ml_drift_method_find(!method->isnull ? method->text :
								ml_distribution_ordered(check) ? "psi" : "jensen_shannon_distance");
}

/* The elements of a parameter that is an array of scalars. */
static JsonbValue *
ml_distribution_list(const MlCheck *check, const char *param, int *n)
{
	Jsonb	   *json = ml_check_param(check, param)->json;
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue *list = palloc(sizeof(JsonbValue) * JB_ROOT_COUNT(json));
	JsonbValue	v;
	JsonbIteratorToken token;

	*n = 0;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			list[(*n)++] = v;
	return list;
}

/* ---- the scan ---- */

/* Counts the rows of the column between the edges that its type reads. */
static void
ml_distribution_plan_edges(const MlCheck *check, const MlCheckColumn *column, MlCollecting *scan)
{
	int			n;
	JsonbValue *list = ml_distribution_list(check, "edges", &n);
	double	   *edges = palloc(sizeof(double) * n);

	if (column->convert.class != ML_TYPE_NUMBER && !ml_instant_is(column))
		ml_check_refuse_type(check, column, "a number, a date or a time, since it has edges");
	for (int i = 0; i < n; i++)
	{
		edges[i] = ml_convert_number(&column->convert, ml_check_datum(check, column, &list[i]));
		if (!isfinite(edges[i]) || (i > 0 && edges[i] <= edges[i - 1]))
			ml_check_refuse(check, "edges do not rise", psprintf("They are %s.", ml_check_param(check, "edges")->text),
							"Give finite numbers, the least first, and each once.");
	}
	ml_collect_bins(scan, column, n, edges, 0, NULL);
}

static void
ml_distribution_plan_levels(const MlCheck *check, const MlCheckColumn *column, MlCollecting *scan)
{
	int			n;
	JsonbValue *list = ml_distribution_list(check, "levels", &n);
	char	  **levels = palloc(sizeof(char *) * n);
	List	   *seen = NIL;

	if (column->convert.class == ML_TYPE_UNSUPPORTED || column->convert.class == ML_TYPE_ARRAY)
		ml_check_refuse_type(check, column, "a number, a text, a date or a time");
	for (int i = 0; i < n; i++)
	{
		levels[i] = ml_tally_text(check, column, &list[i]);
		if (ml_text_listed(seen, levels[i]))
			ml_check_refuse(check, psprintf("level \"%s\" is given twice", levels[i]), NULL, "Give each level once.");
		seen = lappend(seen, levels[i]);
	}
	ml_collect_bins(scan, column, 0, NULL, n, levels);
}

static void
ml_distribution_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	if (ml_distribution_ordered(check))
		ml_distribution_plan_edges(check, columns, scan);
	else
		ml_distribution_plan_levels(check, columns, scan);
	if (ml_distribution_method(check)->needs_moments)
		ml_collect(scan, ML_COLLECT_MOMENTS, 1, columns);
}

/* ---- judging ---- */

/* The baseline's counts in the order of the scan's bins. */
static const int64 *
ml_distribution_baseline(const MlCheck *check, int nbins)
{
	int			n;
	JsonbValue *list = ml_distribution_list(check, "counts", &n);
	int64	   *counts = palloc0(sizeof(int64) * nbins);
	bool		ordered = ml_distribution_ordered(check);

	for (int i = 0; i < n; i++)
		counts[i] = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(list[i].val.numeric)));
	counts[nbins - 1] = (int64) ml_check_number(check, ordered ? "nans" : "nulls");
	counts[nbins - 2] = (int64) ml_check_number(check, ordered ? "nulls" : "other");
	return counts;
}

static int64
ml_distribution_total(const int64 *counts, int n)
{
	int64		total = 0;

	for (int i = 0; i < n; i++)
		total += counts[i];
	return total;
}

/* Both sides, with the same bins. */
static void
ml_distribution_pair(const MlCheck *check, const MlCollected *scan, MlDriftPair *pair)
{
	const MlCheckColumn *column = ml_collected_columns(scan);
	bool		ordered = ml_distribution_ordered(check);
	double		stddev = ml_check_number(check, "stddev");

	memset(pair, 0, sizeof *pair);
	pair->nbins = ml_collected_bins(scan, &pair->current.counts);
	pair->reference.counts = ml_distribution_baseline(check, pair->nbins);
	pair->reference.n = ml_distribution_total(pair->reference.counts, pair->nbins);
	pair->current.n = ml_distribution_total(pair->current.counts, pair->nbins);
	pair->null_bin = ordered ? pair->nbins - 2 : pair->nbins - 1;
	pair->cyclic = ml_check_param(check, "cyclic")->number != 0;
	pair->low = pair->high = get_float8_nan();
	pair->reference.mean = ml_check_number(check, "mean");
	pair->reference.variance = stddev * stddev;
	pair->current.mean = pair->current.variance = get_float8_nan();
	if (ordered)
	{
		int			n;
		JsonbValue *list = ml_distribution_list(check, "edges", &n);
		double	   *edges = palloc(sizeof(double) * n);

		for (int i = 0; i < n; i++)
			edges[i] = ml_convert_number(&column->convert, ml_check_datum(check, column, &list[i]));
		pair->nordered = n + 1;
		pair->edges = edges;
		pair->reference.values = ml_distribution_total(pair->reference.counts, n + 1);
	}
	if (ml_distribution_method(check)->needs_moments)
	{
		MlMomentFigures f = ml_collected_moments(scan, check->columns[0]);

		if (f.finite)
		{
			pair->current.mean = f.mean;
			pair->current.variance = f.stddev * f.stddev;
			pair->current.values = f.n;
		}
	}
}

static void
ml_distribution_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	const MlDriftMethod *method = ml_distribution_method(check);
	double		floor = ml_check_number(check, "floor");
	MlDriftPair pair;
	MlDriftResult result;
	StringInfoData observed;

	ml_distribution_pair(check, scan, &pair);
	method->compute(&pair, ml_check_number(check, "alpha"), isnan(floor) ? method->floor : floor, &result);
	if (!result.defined)
	{
		out->observed = pstrdup("{\"value\": null}");
		out->status = ML_CHECK_INSUFFICIENT;
		return;
	}
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, result.statistic);
	appendStringInfoString(&observed, ", \"limit\": ");
	ml_check_json(&observed, result.limit);
	appendStringInfoString(&observed, ", \"p_value\": ");
	ml_check_json(&observed, result.p_value);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = result.statistic > result.limit ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static void
ml_distribution_expect(const MlCheck *check, StringInfo out)
{
	const MlDriftMethod *method = ml_distribution_method(check);
	double		floor = ml_check_number(check, "floor");

	appendStringInfo(out, "{\"method\": \"%s\", \"alpha\": %s, \"floor\": %s}", method->name,
					 ml_text_number(ml_check_number(check, "alpha")), ml_text_number(isnan(floor) ? method->floor : floor));
}

/* ---- parameters ---- */

/* Refuses a list that is not an array of scalars of the type wanted; returns its length. */
static int
ml_distribution_check_list(const MlCheck *check, const char *param, bool counts)
{
	const MlParamValue *value = ml_check_param(check, param);
	bool		good = JB_ROOT_IS_ARRAY(value->json) && !JB_ROOT_IS_SCALAR(value->json) && JB_ROOT_COUNT(value->json) > 0;
	int			n = 0;
	JsonbValue *list = good ? ml_distribution_list(check, param, &n) : NULL;

	for (int i = 0; i < n && good; i++)
		if (list[i].type == jbvNumeric && counts)
		{
			double		x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
															   NumericGetDatum(list[i].val.numeric)));

			good = x >= 0 && x <= 9e15 && x == rint(x);
		}
		else
			good = !counts && (list[i].type == jbvNumeric || list[i].type == jbvString || list[i].type == jbvBool);
	if (!good)
		ml_check_refuse(check, psprintf("parameter \"%s\" must be an array of %s", param,
										counts ? "numbers of rows" : "values"),
						psprintf("It is %s.", value->text), "Write it as in [1, 2, 3].");
	return n;
}

static void
ml_distribution_validate(const MlCheck *check)
{
	bool		ordered = ml_distribution_ordered(check);
	const MlDriftMethod *method = ml_distribution_method(check);
	int			bins;
	int			counts;

	if (ordered == !ml_check_param(check, "levels")->isnull)
		ml_check_refuse(check, "it needs edges or levels", ordered ? "Both are given." : NULL,
						"Pass params => '{\"edges\": [10, 20], \"counts\": [5, 30, 7]}'.");
	if (ml_check_param(check, "counts")->isnull)
		ml_check_refuse(check, "it needs counts", NULL, "Give the number of rows of each bin, or of each level.");
	bins = ml_distribution_check_list(check, ordered ? "edges" : "levels", false) + ordered;
	counts = ml_distribution_check_list(check, "counts", true);
	if (counts != bins)
		ml_check_refuse(check, "counts and bins do not match",
						psprintf("There are %d bins and %d counts.", bins, counts),
						"n edges make n + 1 bins: below the first, between each two, from the last on.");
	if (method == NULL)
		ml_check_refuse(check, psprintf("there is no method \"%s\"", ml_check_param(check, "method")->text),
						psprintf("Methods are: %s.", ml_text_list(ml_drift_methods_list(), 50)),
						ml_text_hint(ml_check_param(check, "method")->text, ml_drift_methods_list(), "Choose one of these."));
	if (method->needs_order && !ordered)
		ml_check_refuse(check, psprintf("method %s needs edges", method->name), "Levels have no order.",
						"Choose another method.");
	if (method->needs_moments &&
		(!ordered || isnan(ml_check_number(check, "mean")) || isnan(ml_check_number(check, "stddev"))))
		ml_check_refuse(check, psprintf("method %s needs edges, mean and stddev", method->name), NULL,
						"Give those of the baseline, or choose another method.");
}

static const MlParam ml_distribution_params[] = {
	{"edges", ML_PARAM_VALUE, NULL, 0, 0, NULL, "edges of the baseline's bins, an array that rises"},
	{"levels", ML_PARAM_VALUE, NULL, 0, 0, NULL, "or its values, an array"},
	{"counts", ML_PARAM_VALUE, NULL, 0, 0, NULL, "rows of the baseline in each bin (one more than edges) or of each level, an array"},
	{"nulls", ML_PARAM_INTEGER, "0", 0, 9e15, NULL, "rows of the baseline that are NULL"},
	{"nans", ML_PARAM_INTEGER, "0", 0, 9e15, NULL, "with edges: rows of the baseline that are NaN"},
	{"other", ML_PARAM_INTEGER, "0", 0, 9e15, NULL, "with levels: rows of the baseline of other levels"},
	{"mean", ML_PARAM_NUMBER, NULL, -DBL_MAX, DBL_MAX, NULL, "the baseline's mean, for methods that need it"},
	{"stddev", ML_PARAM_NUMBER, NULL, 0, DBL_MAX, NULL, "the baseline's standard deviation, for methods that need it"},
	{"cyclic", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether the last bin is next to the first: hours, angles"},
	{"method", ML_PARAM_TEXT, NULL, 0, 0, NULL, "a statistic of drift: psi with edges, jensen_shannon_distance with levels unless given"},
	{"alpha", ML_PARAM_NUMBER, "0.001", 1e-12, 0.5, NULL, "how often chance alone may fail the check"},
	{"floor", ML_PARAM_NUMBER, NULL, 0, DBL_MAX, NULL, "what the statistic must exceed however many rows there are; the method's own unless given"}
};

const MlCheckKind ml_check_distribution = {
	.name = "distribution",
	.summary = "values are spread as those of a baseline",
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_distribution_params,
	.nparams = lengthof(ml_distribution_params),
	.validate = ml_distribution_validate,
	.expect = ml_distribution_expect,
	.plan = ml_distribution_plan,
	.judge = ml_distribution_judge
};
