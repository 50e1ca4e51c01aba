/*
 * logistic_regression.c - logistic regression by maximum likelihood, two classes and many.
 *
 * Without an l2 of the user's the fit is unpenalised, as statisticians
 * expect; where the classes are separable that has no finite solution, and
 * l2 = 1 is used and noted.
 *
 * Payload: u8 intercept; u32 classes; u32 columns; u32 vectors; per vector
 * [intercept,] columns: f64 coefficient in the units of the design; then the
 * same again as f64 estimate, f64 standard error (NaN: not defined) in raw
 * units; per term u8 aliased; u32 figures, per figure f64.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "learn/learner.h"
#include "math/dist.h"
#include "math/dot.h"
#include "math/elementary.h"
#include "math/logistic.h"
#include "utils/memutils.h"

enum
{
	ML_LOGISTIC_INTERCEPT,
	ML_LOGISTIC_L2,
	ML_LOGISTIC_ITERATIONS,
	ML_LOGISTIC_TOLERANCE
};

static const MlParam ml_logistic_params[] = {
	{"intercept", ML_PARAM_BOOLEAN, "true", 0, 1, NULL, "Whether the model has a constant term."},
	{"l2", ML_PARAM_NUMBER, NULL, 0, 1e300, NULL,
		"Penalty: l2 / 2 times the sum of squared coefficients of the standardised columns. "
	"Left out, it is 0, or 1 where the classes are separable and no other solution is finite."},
	{"max_iterations", ML_PARAM_INTEGER, "100", 1, 10000, NULL, "Most Newton steps."},
	{"tolerance", ML_PARAM_NUMBER, "1e-20", 1e-30, 1e-2, NULL,
		"Mean squared change of the linear predictor, in units of its own standard deviation, below which a "
	"step is the last one."},
};

static const char *const ml_logistic_figures[] = {
	"weight", "rank", "log_likelihood", "null_log_likelihood", "deviance", "iterations", "converged",
	"separable", "l2"
};

#define ML_LOGISTIC_FIGURES	((int) lengthof(ml_logistic_figures))

typedef struct MlLogistic
{
	bool		intercept;
	int			nclasses;
	int			ncols;
	int			vectors;
	int			terms;
	double	   *coef;			/* vectors x terms, in the units of the design */
	double	   *estimate;		/* vectors x terms, in raw units */
	double	   *std_error;
	bool	   *aliased;		/* terms */
	double		figures[ML_LOGISTIC_FIGURES];
} MlLogistic;

static void
ml_logistic_options(const MlLearnInput *in, double l2, MlLogitOptions *options)
{
	options->intercept = in->params[ML_LOGISTIC_INTERCEPT].number != 0;
	options->l2 = l2;
	options->max_iterations = (int) in->params[ML_LOGISTIC_ITERATIONS].number;
	options->tolerance = in->params[ML_LOGISTIC_TOLERANCE].number;
	options->dense_max = ML_LOGIT_DENSE_DEFAULT;
}

/* Workspace of a fit in doubles; 0 when it cannot be addressed. */
static size_t
ml_logistic_doubles(const MlLearnInput *in, const MlLogitOptions *options)
{
	size_t		doubles;
	MlStatus	status = in->nclasses == 2 ? ml_logistic_size(in->ncols, options->intercept, &doubles) :
		ml_multinomial_size(in->ncols, in->nclasses, options, &doubles);

	return status == ML_OK && doubles < MaxAllocHugeSize / sizeof(double) ? doubles : 0;
}

static Size
ml_logistic_memory(const MlLearnInput *in)
{
	MlLogitOptions options;
	size_t		doubles;

	/* with a penalty many classes have a vector each, which is the larger case */
	ml_logistic_options(in, 1, &options);
	doubles = ml_logistic_doubles(in, &options);
	return doubles == 0 ? (Size) -1 : sizeof(double) * doubles;
}

static MlStatus
ml_logistic_try(const MlLearnInput *in, double l2, MlLogitFit *fit)
{
	MlLogitOptions options;
	size_t		doubles;
	double	   *work;
	MlStatus	status;

	ml_logistic_options(in, l2, &options);
	doubles = ml_logistic_doubles(in, &options);
	if (doubles == 0)
		return ML_TOO_LARGE;
	work = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * doubles);
	if (in->nclasses == 2)
		status = ml_logistic_fit(in->blocks, &options, work, doubles, fit, in->tick);
	else
		status = ml_multinomial_fit(in->blocks, in->nclasses, &options, work, doubles, fit, in->tick);
	return status;
}

static void
ml_logistic_refuse(const MlLearnInput *in, MlStatus status, const MlLogitFit *fit)
{
	if (status == ML_OK || (status == ML_NOT_CONVERGED && fit->empty_class < 0))
		return;
	if (status == ML_NOT_CONVERGED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a class of the target has no weight"),
				 errdetail("All training rows of class number %d have weight 0.", fit->empty_class + 1),
				 errhint("Leave the rows of this class out of the source.")));
	if (status == ML_SINGULAR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no column varies over the training rows"),
				 errhint("Check the source query.")));
	if (status == ML_NOT_FINITE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the sums of the logistic regression are out of range"),
				 errdetail("The values of the columns or the weights are too large."),
				 errhint("Bring the columns to moderate units in the source query.")));
	elog(ERROR, "logistic regression failed with status %d", (int) status);
}

/* Keeps what is needed of a fit, and reports it in raw units. */
static MlLogistic *
ml_logistic_keep(const MlLearnInput *in, const MlLogitFit *fit, double l2)
{
	MlLogistic *m = palloc0(sizeof(MlLogistic));
	Size		n = (Size) fit->vectors * fit->terms;
	double	   *center = palloc0(sizeof(double) * Max(in->ncols, 1));
	double	   *scale = palloc0(sizeof(double) * Max(in->ncols, 1));
	double	   *scratch = palloc(sizeof(double) * Max(fit->terms, 1));

	for (int j = 0; j < in->ncols; j++)
	{
		center[j] = in->center ? in->center[j] : 0;
		scale[j] = in->scale ? in->scale[j] : 1;
	}
	m->intercept = fit->intercept;
	m->nclasses = in->nclasses;
	m->ncols = in->ncols;
	m->vectors = fit->vectors;
	m->terms = fit->terms;
	m->coef = palloc(sizeof(double) * Max(n, 1));
	m->estimate = palloc(sizeof(double) * Max(n, 1));
	m->std_error = palloc(sizeof(double) * Max(n, 1));
	m->aliased = palloc(sizeof(bool) * Max(fit->terms, 1));
	memcpy(m->coef, fit->coef, sizeof(double) * n);
	for (int t = 0; t < fit->terms; t++)
		m->aliased[t] = fit->aliased[t] != 0;
	for (int v = 0; v < fit->vectors; v++)
		ml_logit_raw(fit, v, center, scale, m->estimate + (Size) v * fit->terms,
					 m->std_error + (Size) v * fit->terms, scratch);
	for (Size i = 0; i < n; i++)
		if (l2 > 0 || !fit->converged)
			m->std_error[i] = NAN;
	m->figures[0] = fit->weight;
	m->figures[1] = fit->rank;
	m->figures[2] = fit->log_likelihood;
	m->figures[3] = fit->null_log_likelihood;
	m->figures[4] = -2 * fit->log_likelihood;
	m->figures[5] = fit->iterations;
	m->figures[6] = fit->converged;
	m->figures[8] = l2;
	return m;
}

static void *
ml_logistic_fit_model(const MlLearnInput *in)
{
	const MlParamValue *given = &in->params[ML_LOGISTIC_L2];
	double		l2 = given->isnull ? 0 : given->number;
	MlLogitFit	fit;
	MlLogistic *m;
	bool		separated;
	MlStatus	status = ml_logistic_try(in, l2, &fit);

	ml_logistic_refuse(in, status, &fit);
	separated = status == ML_NOT_CONVERGED && fit.separated;
	if (given->isnull && status == ML_NOT_CONVERGED)
	{
		if (separated)
			ml_note(in->notes, "some combination of the columns separates the classes, so maximum likelihood has no "
					"finite solution: l2 = 1 was used; there are no standard errors");
		else
			ml_note(in->notes, "maximum likelihood did not converge in %d iterations: l2 = 1 was used; there are "
					"no standard errors", fit.iterations);
		l2 = 1;
		status = ml_logistic_try(in, l2, &fit);
		ml_logistic_refuse(in, status, &fit);
	}
	if (status == ML_NOT_CONVERGED)
		ml_note(in->notes, "the fit did not converge in %d iterations%s: the coefficients are those reached",
				fit.iterations, fit.separated ? ", because some combination of the columns separates the classes" : "");
	m = ml_logistic_keep(in, &fit, l2);
	m->figures[7] = separated;
	return m;
}

static void
ml_logistic_predict(const void *model, const double *row, double *out)
{
	const MlLogistic *m = model;
	double		highest = 0;
	double		sum = 0;
	int			first = m->nclasses - m->vectors;

	if (m->nclasses == 2 && m->vectors == 1)
	{
		double		eta = (m->intercept ? m->coef[0] : 0) + ml_dot(m->coef + m->intercept, row, m->ncols);

		out[0] = ml_sigmoid(-eta);
		out[1] = ml_sigmoid(eta);
		return;
	}
	out[0] = 0;
	for (int v = 0; v < m->vectors; v++)
	{
		const double *coef = m->coef + (Size) v * m->terms;

		out[first + v] = (m->intercept ? coef[0] : 0) + ml_dot(coef + m->intercept, row, m->ncols);
	}
	highest = out[0];
	for (int k = 1; k < m->nclasses; k++)
		highest = out[k] > highest ? out[k] : highest;
	for (int k = 0; k < m->nclasses; k++)
	{
		out[k] = ml_exp(out[k] - highest);
		sum += out[k];
	}
	for (int k = 0; k < m->nclasses; k++)
		out[k] /= sum;
}

/* An exponential function takes as long as some thirty operations. */
static double
ml_logistic_cost(const void *model)
{
	const MlLogistic *m = model;

	return 2.0 * m->vectors * m->ncols + 30.0 * m->nclasses;
}

static void
ml_logistic_write(const void *model, StringInfo out)
{
	const MlLogistic *m = model;
	Size		n = (Size) m->vectors * m->terms;

	ml_write_u8(out, m->intercept);
	ml_write_u32(out, m->nclasses);
	ml_write_u32(out, m->ncols);
	ml_write_u32(out, m->vectors);
	for (Size i = 0; i < n; i++)
		ml_write_f64(out, m->coef[i]);
	for (Size i = 0; i < n; i++)
	{
		ml_write_f64(out, m->estimate[i]);
		ml_write_f64(out, m->std_error[i]);
	}
	for (int t = 0; t < m->terms; t++)
		ml_write_u8(out, m->aliased[t]);
	ml_write_u32(out, ML_LOGISTIC_FIGURES);
	for (int i = 0; i < ML_LOGISTIC_FIGURES; i++)
		ml_write_f64(out, m->figures[i]);
}

static void *
ml_logistic_read(MlReader *in, MlTask task, int ncols, int nclasses)
{
	MlLogistic *m = palloc0(sizeof(MlLogistic));
	Size		n;

	m->intercept = ml_read_u8(in) != 0;
	m->nclasses = (int) ml_read_u32(in);
	m->ncols = (int) ml_read_u32(in);
	m->vectors = (int) ml_read_u32(in);
	if (task != ML_TASK_CLASSIFICATION || m->ncols != ncols || m->nclasses != nclasses ||
		(m->vectors != nclasses - 1 && (m->vectors != nclasses || nclasses == 2)))
		ml_read_corrupted("the logistic regression does not fit its pipeline");
	m->terms = m->ncols + m->intercept;
	n = (Size) m->vectors * m->terms;
	if (n > (Size) (in->end - in->at) / sizeof(double))
		ml_read_corrupted("a count exceeds the artifact");
	m->coef = palloc(sizeof(double) * Max(n, 1));
	m->estimate = palloc(sizeof(double) * Max(n, 1));
	m->std_error = palloc(sizeof(double) * Max(n, 1));
	m->aliased = palloc(sizeof(bool) * Max(m->terms, 1));
	for (Size i = 0; i < n; i++)
		m->coef[i] = ml_read_finite(in);
	for (Size i = 0; i < n; i++)
	{
		m->estimate[i] = ml_read_finite(in);
		m->std_error[i] = ml_read_f64(in);
	}
	for (int t = 0; t < m->terms; t++)
		m->aliased[t] = ml_read_u8(in) != 0;
	if (ml_read_count(in, 8) != ML_LOGISTIC_FIGURES)
		ml_read_corrupted("the logistic regression has figures that are not known");
	for (int i = 0; i < ML_LOGISTIC_FIGURES; i++)
		m->figures[i] = ml_read_f64(in);
	return m;
}

static int
ml_logistic_coefficients(const void *model, MlCoefficient **out)
{
	const MlLogistic *m = model;
	double		quantile = ml_normal_quantile(0.975);
	int			n = 0;

	*out = palloc0(sizeof(MlCoefficient) * Max((Size) m->vectors * m->terms, 1));
	for (int v = 0; v < m->vectors; v++)
		for (int t = 0; t < m->terms; t++)
		{
			MlCoefficient *c = &(*out)[n++];
			double		estimate = m->estimate[(Size) v * m->terms + t];
			double		std_error = m->std_error[(Size) v * m->terms + t];

			c->column = t - m->intercept;
			c->class = m->nclasses == 2 ? -1 : v + m->nclasses - m->vectors;
			c->aliased = m->aliased[t];
			c->estimate = estimate;
			c->std_error = std_error;
			c->statistic = std_error > 0 ? estimate / std_error : NAN;
			c->p_value = ml_normal_two_sided(c->statistic);
			c->low = estimate - quantile * std_error;
			c->high = estimate + quantile * std_error;
		}
	return n;
}

static int
ml_logistic_tell(const void *model, MlFigure **out)
{
	const MlLogistic *m = model;

	*out = palloc(sizeof(MlFigure) * ML_LOGISTIC_FIGURES);
	for (int i = 0; i < ML_LOGISTIC_FIGURES; i++)
	{
		(*out)[i].name = ml_logistic_figures[i];
		(*out)[i].value = m->figures[i];
	}
	return ML_LOGISTIC_FIGURES;
}

const MlLearner ml_logistic_regression = {
	.name = "logistic_regression",
	.summary = "logistic regression of two or more classes by Newton steps, with standard errors",
	.tag = 2,
	.version = 1,
	.flags = ML_LEARNER_STANDARDISE,
	.tasks = ML_TASK_BIT(ML_TASK_CLASSIFICATION),
	.params = ml_logistic_params,
	.nparams = lengthof(ml_logistic_params),
	.memory = ml_logistic_memory,
	.fit = ml_logistic_fit_model,
	.predict = ml_logistic_predict,
	.write = ml_logistic_write,
	.read = ml_logistic_read,
	.coefficients = ml_logistic_coefficients,
	.figures = ml_logistic_tell,
	.cost = ml_logistic_cost,
};
