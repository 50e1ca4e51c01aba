/*
 * number.c - what the kinds that judge data by one number share.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/number.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/typcache.h"

const MlParam ml_check_bounds[2] = {ML_CHECK_BOUNDS};

void
ml_check_need_bounds(const MlCheck *check)
{
	double		min = ml_check_number(check, "min");
	double		max = ml_check_number(check, "max");

	if (isnan(min) && isnan(max))
		ml_check_refuse(check, "it needs min or max", NULL, "Pass params => '{\"min\": 0, \"max\": 1}', or one of them.");
	if (min > max)
		ml_check_refuse(check, "min is above max",
						psprintf("They are %s and %s.", ml_text_number(min), ml_text_number(max)), "Exchange them.");
}

void
ml_check_judge_bounds(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	ml_check_judge_number(check, check->kind->number(check, scan), out);
}

void
ml_check_judge_most(const MlCheck *check, double x, MlCheckOutcome *out)
{
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, x);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = isnan(x) ? ML_CHECK_INSUFFICIENT :
		x <= ml_check_number(check, "max") ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

void
ml_check_expect_most(const MlCheck *check, StringInfo out)
{
	appendStringInfo(out, "{\"max\": %s}", ml_text_number(ml_check_number(check, "max")));
}

void
ml_check_judge_rows(const MlCheck *check, int64 n, int64 n_failed, MlCheckOutcome *out)
{
	StringInfoData observed;

	out->n = n;
	out->n_failed = n_failed;
	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	ml_check_json(&observed, ml_check_ratio(n - n_failed, n));
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = n == 0 ? ML_CHECK_INSUFFICIENT :
		(double) (n - n_failed) / n >= check->mostly ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

void
ml_check_expect_mostly(const MlCheck *check, StringInfo out)
{
	appendStringInfo(out, "{\"mostly\": %s}", ml_text_number(check->mostly));
}

void
ml_check_want_numbers(const MlCheck *check, const MlCheckColumn *columns, int n)
{
	for (int i = 0; i < n; i++)
		if (columns[i].convert.class != ML_TYPE_NUMBER)
			ml_check_refuse_type(check, &columns[i], "a number");
}

void
ml_check_want_equality(const MlCheck *check, const MlCheckColumn *columns, int n)
{
	for (int i = 0; i < n; i++)
	{
		TypeCacheEntry *entry = lookup_type_cache(columns[i].convert.type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);

		if (!OidIsValid(entry->eq_opr) || !OidIsValid(entry->hash_proc))
			ml_check_refuse_type(check, &columns[i], "a type whose values can be compared and hashed");
	}
}

void
ml_check_plan_rows(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_collect(scan, ML_COLLECT_ROWS, check->ncolumns, columns);
}

void
ml_check_plan_moments(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 1);
	ml_collect(scan, ML_COLLECT_MOMENTS, 1, columns);
}

void
ml_check_plan_shape(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 1);
	ml_collect(scan, ML_COLLECT_SHAPE, 1, columns);
}

void
ml_check_plan_numbers(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_numbers(check, columns, 1);
	ml_collect(scan, ML_COLLECT_GROUPS, 1, columns);
}

void
ml_check_plan_groups(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	ml_check_want_equality(check, columns, check->ncolumns);
	ml_collect(scan, ML_COLLECT_GROUPS, check->ncolumns, columns);
}

/* ---- groups ---- */

static void
ml_check_count_group(void *ctx, double value, int64 count)
{
	MlGroupFigures *figures = ctx;

	figures->rows += count;
	figures->distinct++;
	if (count == 1)
		figures->once++;
	else
		figures->repeated += count;
	figures->commonest = Max(figures->commonest, count);
}

MlGroupFigures
ml_check_groups(const MlCheck *check, const MlCollected *scan)
{
	MlGroupFigures figures = {0};

	ml_collected_groups(scan, check->ncolumns, check->columns, ml_check_count_group, &figures);
	return figures;
}

typedef struct MlQuantile
{
	int64		n;				/* values that are not NaN */
	int64		low_row;		/* the places of the two values between which the quantile lies, from 0 */
	int64		high_row;
	int64		passed;			/* values that came already */
	double		low;
	double		high;
} MlQuantile;

static void
ml_quantile_count(void *ctx, double value, int64 count)
{
	if (!isnan(value))
		((MlQuantile *) ctx)->n += count;
}

static void
ml_quantile_find(void *ctx, double value, int64 count)
{
	MlQuantile *q = ctx;

	if (isnan(value))
		return;
	if (q->low_row >= q->passed && q->low_row < q->passed + count)
		q->low = value;
	if (q->high_row >= q->passed && q->high_row < q->passed + count)
		q->high = value;
	q->passed += count;
}

double
ml_check_quantile_of(const MlCheck *check, const MlCollected *scan, double q)
{
	MlQuantile	found = {0};
	double		place;

	ml_collected_groups(scan, 1, check->columns, ml_quantile_count, &found);
	if (found.n == 0)
		return get_float8_nan();
	place = q * (found.n - 1);
	found.low_row = (int64) floor(place);
	found.high_row = (int64) ceil(place);
	ml_collected_groups(scan, 1, check->columns, ml_quantile_find, &found);
	if (found.low == found.high)
		return found.low;
	return found.low + (place - found.low_row) * (found.high - found.low);
}

/* ---- small things ---- */

double
ml_check_ratio(double a, double b)
{
	return b > 0 ? a / b : get_float8_nan();
}

void
ml_check_json(StringInfo out, double x)
{
	if (isnan(x))
		appendStringInfoString(out, "null");
	else
		ml_json_number(out, x);
}

void
ml_check_json_names(StringInfo out, List *names)
{
	ListCell   *lc;

	appendStringInfoChar(out, '[');
	foreach(lc, names)
	{
		appendStringInfoString(out, foreach_current_index(lc) > 0 ? ", " : "");
		ml_json_text(out, lfirst(lc));
	}
	appendStringInfoChar(out, ']');
}

void
ml_check_append_present(const MlCheck *check, StringInfo out)
{
	/* of a composite value IS NOT NULL asks for its fields */
	appendStringInfoString(out, "pg_catalog.num_nulls(");
	ml_check_append_columns(check->columns, check->ncolumns, out);
	appendStringInfoString(out, ") OPERATOR(pg_catalog.=) 0");
}

void
ml_check_append_columns(char *const *columns, int n, StringInfo out)
{
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "%ss.%s", i > 0 ? ", " : "", quote_identifier(columns[i]));
}
