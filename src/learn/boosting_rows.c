/*
 * boosting_rows.c - the training rows of boosted trees: targets, weights, bins, directions of columns.
 *
 * They go straight into the team's memory, and until boosting begins its room
 * for scores and lists serves to sort columns in.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "learn/boosting.h"
#include "math/elementary.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* A direction or weight of an object of names: the value at key, or NaN when it is not there. */
static double
ml_boosting_member(Jsonb *json, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = getKeyJsonValueFromContainer(&json->root, key, strlen(key), &buffer);

	if (v == NULL || v->type != jbvNumeric)
		return NAN;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
}

/* Raises unless every key of a parameter's object is one of the names, with a number that will do. */
static void
ml_boosting_check_object(int param, Jsonb *json, List *names, const char *what, double low, double high)
{
	const char *name = ml_boosting_parameters[param].name;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of learner \"gradient_boosting\" must be an object", name),
				 errdetail("%s", ml_boosting_parameters[param].description),
				 errhint("Write it as {\"%s\": number, ...}.", what)));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *key;
		double		x;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		if (!ml_text_listed(names, key))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" names a %s \"%s\" that there is not", name, what, key),
					 errdetail("There are: %s.", ml_text_list(names, 50)),
					 errhint("%s", ml_text_hint(key, names, "Name one of these."))));
		x = ml_boosting_member(json, key);
		if (!(x >= low && x <= high))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" has no usable number for \"%s\"", name, key),
					 errdetail("%s", ml_boosting_parameters[param].description),
					 errhint("Give a number between %s and %s.", ml_text_number(low), ml_text_number(high))));
	}
}

void
ml_boosting_directions(MlBoostingFit *fit)
{
	const MlLearnInput *in = fit->in;
	Jsonb	   *json = in->params[ML_BOOSTING_MONOTONE].json;
	List	   *names = NIL;

	if (in->params[ML_BOOSTING_MONOTONE].isnull)
		return;
	if (fit->spec.loss == ML_BOOST_SOFTMAX)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("monotone directions need a number or two classes"),
				 errdetail("With softmax, a class's probability depends on the trees of all %d classes.", in->nclasses),
				 errhint("Leave out \"monotone\", or train on two classes.")));
	for (int j = 0; j < in->ncols; j++)
		if (in->about[j].nlevels == 0)
			names = lappend(names, unconstify(char *, in->about[j].name));
	ml_boosting_check_object(ML_BOOSTING_MONOTONE, json, names, "column", -1, 1);
	for (int j = 0; j < in->ncols; j++)
	{
		double		x = ml_boosting_member(json, in->about[j].name);

		fit->columns[j].monotone = x > 0 ? 1 : x < 0 ? -1 : 0;
	}
}

/* Weights of the classes, or NULL; counts has the rows' weights by class. */
static double *
ml_boosting_class_weights(const MlLearnInput *in, const double *counts)
{
	Jsonb	   *json = in->params[ML_BOOSTING_CLASS_WEIGHT].json;
	double	   *weights;
	double		total = 0;
	List	   *names = NIL;

	if (in->params[ML_BOOSTING_CLASS_WEIGHT].isnull)
		return NULL;
	if (in->task != ML_TASK_CLASSIFICATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"class_weight\" needs a target with classes"),
				 errdetail("The target is a number."),
				 errhint("Leave it out, or use the argument weight.")));
	weights = palloc(sizeof(double) * in->nclasses);
	for (int k = 0; k < in->nclasses; k++)
	{
		total += counts[k];
		names = lappend(names, in->classes[k]);
	}
	if (JB_ROOT_IS_SCALAR(json) && strcmp(in->params[ML_BOOSTING_CLASS_WEIGHT].text, "\"balanced\"") == 0)
	{
		for (int k = 0; k < in->nclasses; k++)
			weights[k] = counts[k] > 0 ? total / (in->nclasses * counts[k]) : 0;
		return weights;
	}
	ml_boosting_check_object(ML_BOOSTING_CLASS_WEIGHT, json, names, "class", 0, 1e9);
	for (int k = 0; k < in->nclasses; k++)
	{
		double		x = ml_boosting_member(json, in->classes[k]);

		weights[k] = isnan(x) ? 1 : x;
	}
	return weights;
}

void
ml_boosting_read_target(MlBoostingFit *fit)
{
	const MlLearnInput *in = fit->in;
	double		most = 0;
	int			exponent;

	fit->target = ml_boost_scratch(fit->boost);
	in->columns->column(in->columns->ctx, in->ncols, fit->target);
	fit->y_scale = 1;
	if (in->task != ML_TASK_REGRESSION)
		return;
	for (int64 i = 0; i < in->nrows; i++)
		most = Max(most, fabs(fit->target[i]));
	/* differences and their sums have to stay in range; dividing by a power of two loses nothing of the large ones */
	(void) frexp(most, &exponent);
	if (exponent >= -400 && exponent <= 400)
		return;
	exponent = Min(exponent, DBL_MAX_EXP - 1);
	fit->y_scale = ldexp(1, exponent);
	for (int64 i = 0; i < in->nrows; i++)
		fit->target[i] = ldexp(fit->target[i], -exponent);
}

/* Holds no rows back where those, or the ones to learn from, all have weight 0. */
static void
ml_boosting_check_parts(MlBoostingFit *fit)
{
	MlBoostSpec *spec = &fit->spec;
	double		most[2] = {0, 0};

	for (int64 i = 0; i < spec->rows; i++)
		most[i >= spec->rows_fit] = Max(most[i >= spec->rows_fit], fit->weight[i]);
	if (most[0] == 0 || most[1] == 0)
		spec->rows_fit = spec->rows;
}

void
ml_boosting_read_weights(MlBoostingFit *fit)
{
	const MlLearnInput *in = fit->in;
	double	   *counts = palloc0(sizeof(double) * Max(in->nclasses, 1));
	double	   *class_weights;
	double		most = 0;

	if (!fit->spec.weighted)
		return;
	fit->weight = ml_boost_weights(fit->boost);
	if (in->columns->weighted)
		in->columns->column(in->columns->ctx, in->ncols + 1, fit->weight);
	else
		for (int64 i = 0; i < in->nrows; i++)
			fit->weight[i] = 1;
	for (int64 i = 0; i < in->nrows && in->task == ML_TASK_CLASSIFICATION; i++)
		counts[(int) fit->target[i]] += fit->weight[i];
	class_weights = ml_boosting_class_weights(in, counts);
	for (int64 i = 0; i < in->nrows; i++)
	{
		if (class_weights)
			fit->weight[i] *= class_weights[(int) fit->target[i]];
		most = Max(most, fit->weight[i]);
	}
	if (!(most > 0) || !(most <= 1e100))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the weights of the training rows are all 0 or out of range"),
				 errdetail("The greatest is %s.", ml_text_number(most)),
				 errhint("Check the weight column and class_weight.")));
	fit->spec.weight_max = most;
	ml_boosting_check_parts(fit);
}

/* The codes of a category. */
static void
ml_boosting_level_codes(MlBoostingFit *fit, int col, const double *x)
{
	uint8	   *out = ml_boost_bins_by_column(fit->boost) + (Size) fit->spec.rows * col;
	int			nlevels = fit->in->about[col].nlevels;
	bool		missing = false;

	for (int64 i = 0; i < fit->spec.rows; i++)
	{
		missing |= x[i] != x[i];
		out[i] = x[i] == x[i] ? (uint8) x[i] : nlevels;
	}
	ml_boost_columns(fit->boost)[col].missing = missing;
}

/* Columns of numbers; returns how many. */
static int
ml_boosting_numbers(MlBoost *boost, int cols, int *list)
{
	int			n = 0;

	for (int j = 0; j < cols; j++)
		if (!ml_boost_columns(boost)[j].category)
			list[n++] = j;
	return n;
}

/* Where a member finds the values of the column that it is to bin: what is row by row later is still empty. */
static double *
ml_boosting_slot(MlBoost *boost, int member, int64 rows)
{
	if (member == 0)
		return ml_boost_scratch(boost);
	return (double *) ml_boost_bins(boost) + (Size) rows * (member - 1);
}

void
ml_boosting_bin(MlBoost *boost, const MlBoostTeam *team, int64 rows, int cols, const MlColumns *source)
{
	int			binners = Min(team->members, 1 + cols / (int) sizeof(double));
	int		   *numbers = palloc(sizeof(int) * Max(cols, 1));
	int			n = ml_boosting_numbers(boost, cols, numbers);
	double	   *x = ml_boosting_slot(boost, team->me, rows);
	double	   *values = team->me == 0 ? x + rows : NULL;

	if (team->me > 0 && team->me < binners)
		values = MemoryContextAllocHuge(CurrentMemoryContext, (2 * sizeof(double) + sizeof(uint32)) * rows);
	for (int from = 0; from < n; from += binners)
	{
		for (int m = 0; source != NULL && m < binners && from + m < n; m++)
			source->column(source->ctx, numbers[from + m], ml_boosting_slot(boost, m, rows));
		if (team->members > 1)
			team->meet(team->ctx);
		if (team->me < binners && from + team->me < n)
			ml_boost_bin_column(boost, numbers[from + team->me], x, values, values + rows,
								(uint32 *) (values + 2 * rows));
		if (team->members > 1)
			team->meet(team->ctx);
	}
	if (team->me > 0 && values)
		pfree(values);
	pfree(numbers);
	ml_boost_lay_rows(boost);
	if (team->members > 1)
		team->meet(team->ctx);
}

void
ml_boosting_fill(MlBoostingFit *fit)
{
	const MlLearnInput *in = fit->in;

	for (int j = 0; j < in->ncols; j++)
		if (fit->columns[j].category)
		{
			in->columns->column(in->columns->ctx, j, ml_boost_scratch(fit->boost));
			ml_boosting_level_codes(fit, j, ml_boost_scratch(fit->boost));
		}
	ml_boosting_bin(fit->boost, &fit->members, in->nrows, in->ncols, in->columns);
	for (int j = 0; j < in->ncols; j++)
	{
		fit->columns[j].nbins = ml_boost_columns(fit->boost)[j].nbins;
		fit->columns[j].missing = ml_boost_columns(fit->boost)[j].missing;
	}
}

/* The constants that boosting starts from: mean, log odds, log shares of the rows to learn from. */
static void
ml_boosting_start(MlBoostingFit *fit, double *base)
{
	const MlLearnInput *in = fit->in;
	const MlBoostSpec *spec = &fit->spec;
	MlExactProducts *sums = palloc0(sizeof(MlExactProducts) * Max(in->nclasses, 2));
	double		most = spec->weight_max;
	double		shares = 0;

	for (int64 i = 0; i < spec->rows_fit; i++)
	{
		double		w = fit->weight ? fit->weight[i] / most : 1;

		if (spec->loss == ML_BOOST_SQUARED)
		{
			ml_exact_products_add(&sums[0], w, fit->target[i]);
			ml_exact_products_add(&sums[1], w, 1);
		}
		else
			ml_exact_products_add(&sums[(int) fit->target[i]], w, 1);
	}
	if (spec->loss == ML_BOOST_SQUARED)
	{
		base[0] = ml_exact_products_mean(&sums[0], 1) / ml_exact_products_mean(&sums[1], 1);
		return;
	}
	for (int k = 0; k < in->nclasses; k++)
		shares += ml_exact_products_mean(&sums[k], 1);
	for (int k = 0; k < in->nclasses; k++)
	{
		double		share = ml_exact_products_mean(&sums[k], 1) / shares;

		/* a class whose rows are all held back, or have no weight, starts as a rare one */
		share = Max(share, 1 / (2 * (double) Max(spec->rows_fit, 1) + 2));
		if (spec->loss == ML_BOOST_SOFTMAX)
			base[k] = ml_log(share);
		else if (k == 1)
			base[0] = ml_log(share / Max(1 - share, 1 / (2 * (double) spec->rows_fit + 2)));
	}
}

void
ml_boosting_settle(MlBoostingFit *fit)
{
	Size		n = fit->spec.rows;

	if (fit->spec.loss == ML_BOOST_SQUARED)
		memmove(ml_boost_targets(fit->boost), fit->target, sizeof(double) * n);
	else
		for (Size i = 0; i < n; i++)
			ml_boost_classes(fit->boost)[i] = (uint16) fit->target[i];
	ml_boosting_start(fit, ml_boost_base(fit->boost));
	fit->in->columns->done(fit->in->columns->ctx);
}
