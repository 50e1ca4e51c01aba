/*
 * metric_history.c - checks a number against what the same check observed before.
 *
 * metric is any kind that observes a number (mean, null_fraction, row_count...),
 * with the columns of this check and metric_params. Strategies:
 *
 * sigma: |x - avg(past)| <= k * stddev_samp(past).
 * relative: |x - previous| <= max_rate * |previous|.
 * absolute: |x - previous| <= max_change.
 * seasonal: with d the differences of past values that lie a period apart,
 * |x - (the value a period ago + avg(d))| <= k * stddev_samp(d).
 *
 * Results without a number are passed over, but keep their place in a period.
 * With fewer than min_history values, or differences, nothing is said; the
 * number is recorded all the same and is history the next time. At most the
 * newest `history` results are looked at.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "utils/float.h"

/* What may be: NaN where nothing can be said. */
typedef struct MlBand
{
	double		low;
	double		high;
	int			n;				/* values or differences it rests on */
} MlBand;

static MlCheck *
ml_metric_of(const MlCheck *check)
{
	return ml_check_measure(check, "metric", ml_check_param(check, "metric_params")->json);
}

static bool
ml_metric_strategy(const MlCheck *check, const char *name)
{
	return strcmp(ml_check_param(check, "strategy")->text, name) == 0;
}

/* Mean and standard deviation of n numbers, NaN left out; returns how many there are. */
static int
ml_metric_spread(const double *x, int n, double *mean, double *stddev)
{
	int			count = 0;
	double		sum = 0;
	double		squares = 0;

	for (int i = 0; i < n; i++)
		if (!isnan(x[i]))
		{
			sum += x[i];
			count++;
		}
	*mean = sum / Max(count, 1);
	for (int i = 0; i < n; i++)
		if (!isnan(x[i]))
			squares += (x[i] - *mean) * (x[i] - *mean);
	*stddev = sqrt(squares / Max(count - 1, 1));
	return count;
}

static void
ml_metric_band(const MlCheck *check, const MlCheckPast *past, MlBand *band)
{
	int			n = Min(past->n, (int) ml_check_number(check, "history"));
	bool		seasonal = ml_metric_strategy(check, "seasonal");
	double	   *x = palloc(sizeof(double) * Max(n, 1));
	double		middle;
	double		room;

	if (ml_metric_strategy(check, "sigma"))
	{
		band->n = ml_metric_spread(past->value, n, &middle, &room);
		room *= ml_check_number(check, "k");
	}
	else if (seasonal)
	{
		int			period = ml_check_number(check, "period");
		int			differences = Max(n - period, 0);

		for (int i = 0; i < differences; i++)
			x[i] = past->value[i] - past->value[i + period];
		band->n = ml_metric_spread(x, differences, &middle, &room);
		room *= ml_check_number(check, "k");
		middle += n >= period ? past->value[period - 1] : get_float8_nan();
	}
	else
	{
		middle = get_float8_nan();
		for (int i = 0; i < n; i++)
			if (!isnan(past->value[i]))
			{
				if (band->n++ == 0)
					middle = past->value[i];
			}
		room = ml_metric_strategy(check, "relative") ? ml_check_number(check, "max_rate") * fabs(middle) :
			ml_check_number(check, "max_change");
	}
	if (band->n < ml_check_number(check, "min_history"))
		middle = get_float8_nan();
	band->low = middle - room;
	band->high = middle + room;
	pfree(x);
}

static void
ml_metric_history_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	MlCheck    *metric = ml_metric_of(check);

	metric->kind->plan(metric, columns, scan);
}

static void
ml_metric_history_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlCheck    *metric = ml_metric_of(check);
	double		x = metric->kind->number(metric, scan);
	MlBand		band = {0};
	StringInfoData observed;

	ml_metric_band(check, ml_collected_past(scan), &band);
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, x);
	appendStringInfoString(&observed, ", \"low\": ");
	ml_check_json(&observed, band.low);
	appendStringInfoString(&observed, ", \"high\": ");
	ml_check_json(&observed, band.high);
	appendStringInfo(&observed, ", \"history\": %d}", band.n);
	out->observed = observed.data;
	out->status = isnan(x) || isnan(band.low) || isnan(band.high) ? ML_CHECK_INSUFFICIENT :
		x < band.low || x > band.high ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static void
ml_metric_history_validate(const MlCheck *check)
{
	static const char *const needs[][2] = {{"relative", "max_rate"}, {"absolute", "max_change"}, {"seasonal", "period"}};
	MlCheck    *metric;
	double		least = ml_check_number(check, "min_history");

	if (ml_check_param(check, "metric")->isnull)
		ml_check_refuse(check, "it needs metric", NULL, "Pass params => '{\"metric\": \"mean\"}', the name of a kind.");
	for (int i = 0; i < lengthof(needs); i++)
		if (ml_metric_strategy(check, needs[i][0]) && ml_check_param(check, needs[i][1])->isnull)
			ml_check_refuse(check, psprintf("strategy %s needs %s", needs[i][0], needs[i][1]), NULL,
							psprintf("Add \"%s\" to params.", needs[i][1]));
	if (least > ml_check_number(check, "history"))
		ml_check_refuse(check, "min_history is above history",
						psprintf("They are %s and %s.", ml_text_number(least),
								 ml_text_number(ml_check_number(check, "history"))), "Raise history.");
	if (ml_metric_strategy(check, "seasonal") &&
		ml_check_number(check, "period") + least > ml_check_number(check, "history"))
		ml_check_refuse(check, "history is too short for the period",
						psprintf("%s differences of values that lie %s apart need as many results as both together.",
								 ml_text_number(least), ml_text_number(ml_check_number(check, "period"))),
						"Raise history.");
	metric = ml_metric_of(check);
	for (int i = 0; i < metric->kind->nparams; i++)
	{
		const char *name = metric->kind->params[i].name;

		if ((strcmp(name, "min") == 0 || strcmp(name, "max") == 0) && !metric->params[i].isnull &&
			metric->kind->params[i].default_value == NULL)
			ml_check_refuse(check, psprintf("parameter \"%s\" has no meaning in metric_params", name),
							"Bounds come from what was observed before.", "Leave it out.");
	}
}

static const MlParam ml_metric_history_params[] = {
	{"metric", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the number that is observed: the name of a kind"},
	{"metric_params", ML_PARAM_JSON, NULL, 0, 0, NULL, "that kind's parameters, an object, but no bounds"},
	{"strategy", ML_PARAM_TEXT, "sigma", 0, 0, "sigma|relative|absolute|seasonal", "what the number is compared with"},
	{"k", ML_PARAM_NUMBER, "3", 0, DBL_MAX, NULL, "sigma, seasonal: how many standard deviations pass"},
	{"max_rate", ML_PARAM_NUMBER, NULL, 0, DBL_MAX, NULL, "relative: the greatest change, as a share of the last number"},
	{"max_change", ML_PARAM_NUMBER, NULL, 0, DBL_MAX, NULL, "absolute: the greatest change from the last number"},
	{"period", ML_PARAM_INTEGER, NULL, 1, 500, NULL, "seasonal: how many results make up a season"},
	{"min_history", ML_PARAM_INTEGER, "5", 1, 1000, NULL, "with fewer earlier numbers nothing is said"},
	{"history", ML_PARAM_INTEGER, "1000", 1, 1000, NULL, "so many of the newest results are looked at"}
};

const MlCheckKind ml_check_metric_history = {
	.name = "metric_history",
	.summary = "a number is near to what the same check observed before",
	.min_columns = 0,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_metric_history_params,
	.nparams = lengthof(ml_metric_history_params),
	.validate = ml_metric_history_validate,
	.plan = ml_metric_history_plan,
	.judge = ml_metric_history_judge
};
