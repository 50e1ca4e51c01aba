/*
 * label_leakage.c - checks that no single feature gives the label (the last column) away.
 *
 * How much a feature tells is the greater of two figures from 0 to 1:
 *
 * agreement: the share of rows whose label is commoner than any other among
 * the other rows with the same value of the feature, NULL being a value. A row
 * does not vote for itself, so a column of keys tells nothing. It counts where
 * it beats the same share without the feature, and not where the label is a
 * number with fractions and the feature a number.
 *
 * correlation: |corr(feature, label)|, where both are numbers.
 *
 * In SQL, over SELECT feature, label, count(*) AS c ... GROUP BY 1, 2: the
 * greatest c of each feature's value, where c - 1 is above the next greatest,
 * added up and divided by count(label).
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/number.h"

typedef struct MlAgreement
{
	int64		rows;
	int64		agreeing;
} MlAgreement;

/* Of the rows of one value those of its commonest label agree, if it is still the commonest without one of them. */
static void
ml_agreement_add(void *ctx, const MlPairCounts *pair)
{
	MlAgreement *agreement = ctx;

	agreement->rows += pair->count;
	if (pair->commonest - 1 > pair->second)
		agreement->agreeing += pair->commonest;
}

typedef struct MlTopTwo
{
	int64		rows;
	int64		first;
	int64		second;
} MlTopTwo;

static void
ml_top_two_add(void *ctx, double value, int64 count)
{
	MlTopTwo   *top = ctx;

	top->rows += count;
	if (count > top->first)
	{
		top->second = top->first;
		top->first = count;
	}
	else if (count > top->second)
		top->second = count;
}

static bool
ml_leakage_correlates(const MlCheckColumn *feature, const MlCheckColumn *label)
{
	return feature->convert.class == ML_TYPE_NUMBER && label->convert.class == ML_TYPE_NUMBER;
}

static bool
ml_leakage_agrees(const MlCheckColumn *feature, const MlCheckColumn *label)
{
	return feature->convert.class != ML_TYPE_NUMBER ||
		(label->convert.type != FLOAT8OID && label->convert.type != FLOAT4OID && label->convert.type != NUMERICOID);
}

static void
ml_label_leakage_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan)
{
	const MlCheckColumn *label = &columns[check->ncolumns - 1];

	ml_check_want_equality(check, columns, check->ncolumns);
	ml_collect(scan, ML_COLLECT_GROUPS, 1, label);
	for (int i = 0; i < check->ncolumns - 1; i++)
	{
		MlCheckColumn *pair = palloc(sizeof(MlCheckColumn) * 2);

		pair[0] = columns[i];
		pair[1] = *label;
		if (ml_leakage_agrees(&pair[0], label))
			ml_collect(scan, ML_COLLECT_PAIRS, 2, pair);
		if (ml_leakage_correlates(&pair[0], label))
			ml_collect(scan, ML_COLLECT_PRODUCTS, 2, pair);
	}
}

/* How much a feature tells; base is the share that agrees without it. */
static double
ml_leakage_of(const MlCheck *check, const MlCollected *scan, int feature, double base)
{
	const MlCheckColumn *columns = ml_collected_columns(scan);
	const MlCheckColumn *label = &columns[check->ncolumns - 1];
	char	   *names[2];
	double		told = 0;

	names[0] = check->columns[feature];
	names[1] = check->columns[check->ncolumns - 1];
	if (ml_leakage_agrees(&columns[feature], label))
	{
		MlAgreement agreement = {0};
		double		share;

		ml_collected_pairs(scan, 2, names, ml_agreement_add, &agreement);
		share = agreement.rows > 0 ? (double) agreement.agreeing / agreement.rows : 0;
		if (share > base)
			told = share;
	}
	if (ml_leakage_correlates(&columns[feature], label))
	{
		double		r = fabs(ml_collected_products(scan, names[0], names[1]).correlation);

		if (r > told)
			told = r;
	}
	return told;
}

static void
ml_label_leakage_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	MlTopTwo	labels = {0};
	double		max = ml_check_number(check, "max");
	double		base;
	double		worst = -1;
	int			which = 0;
	StringInfoData observed;
	StringInfoData leaking;

	initStringInfo(&observed);
	initStringInfo(&leaking);
	ml_collected_groups(scan, 1, &check->columns[check->ncolumns - 1], ml_top_two_add, &labels);
	if (labels.rows < 2)
	{
		out->observed = pstrdup("{\"value\": null}");
		out->status = ML_CHECK_INSUFFICIENT;
		return;
	}
	base = labels.first - 1 > labels.second ? (double) labels.first / labels.rows : 0;
	for (int i = 0; i < check->ncolumns - 1; i++)
	{
		double		told = ml_leakage_of(check, scan, i, base);

		if (told > worst)
		{
			worst = told;
			which = i;
		}
		if (told > max)
		{
			appendStringInfoString(&leaking, leaking.len > 0 ? ", " : "");
			ml_json_text(&leaking, check->columns[i]);
			appendStringInfo(&leaking, ": %s", ml_text_number(told));
		}
	}
	appendStringInfo(&observed, "{\"value\": %s, \"column\": ", ml_text_number(worst));
	ml_json_text(&observed, check->columns[which]);
	appendStringInfo(&observed, ", \"leaking\": {%s}}", leaking.data);
	out->observed = observed.data;
	out->status = worst > max ? ML_CHECK_FAIL : ML_CHECK_PASS;
}

static const MlParam ml_label_leakage_params[] = {
	{"max", ML_PARAM_NUMBER, "0.95", 0, 1, NULL, "how much one feature may tell of the label: a share of rows, or a correlation"}
};

const MlCheckKind ml_check_label_leakage = {
	.name = "label_leakage",
	.summary = "no single feature gives the label (the last column) away",
	.min_columns = 2,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_label_leakage_params,
	.nparams = lengthof(ml_label_leakage_params),
	.expect = ml_check_expect_most,
	.plan = ml_label_leakage_plan,
	.judge = ml_label_leakage_judge
};
