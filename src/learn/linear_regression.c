/*
 * linear_regression.c - least squares and ridge regression from an exact Gram matrix, in one pass.
 *
 * The sums of products are exact, so rows may come in any order and in any
 * division; the solution is that of math/ols.h.
 *
 * Payload: u8 intercept; u32 columns; f64 constant; per column f64
 * coefficient (in the units of the design); then for each of [intercept,]
 * columns f64 estimate, f64 standard error (NaN: not defined), u8 aliased
 * (in raw units); f64 degrees of freedom; u32 figures, per figure f64.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "learn/learner.h"
#include "math/dist.h"
#include "math/dot.h"
#include "math/gram.h"
#include "math/ols.h"
#include "utils/memutils.h"

enum
{
	ML_LINEAR_INTERCEPT,
	ML_LINEAR_L2
};

static const MlParam ml_linear_params[] = {
	{"intercept", ML_PARAM_BOOLEAN, "true", 0, 1, NULL, "Whether the model has a constant term."},
	{"l2", ML_PARAM_NUMBER, "0", 0, 1e300, NULL,
		"Ridge penalty: l2 times the sum of squared coefficients of the columns scaled to standard deviation 1. "
	"Above 0 there are no standard errors."},
};

static const char *const ml_linear_figures[] = {
	"rows", "rank", "degrees_of_freedom", "r2", "adjusted_r2", "residual_sd",
	"residual_sum_of_squares", "total_sum_of_squares", "condition_number"
};

#define ML_LINEAR_FIGURES	((int) lengthof(ml_linear_figures))

typedef struct MlLinear
{
	bool		intercept;
	int			ncols;
	double		constant;
	double	   *weights;		/* ncols, in the units of the design */
	double	   *estimate;		/* [intercept,] columns, in raw units */
	double	   *std_error;
	bool	   *aliased;
	double		df;
	double		figures[ML_LINEAR_FIGURES];
} MlLinear;

/* One pass under way: the columns are ones, features, target, each row multiplied by the root of its weight. */
typedef struct MlLinearStream
{
	MemoryContext context;
	int			ncols;
	Size		limit;
	bool		weighted;
	int64		rows;			/* of positive weight */
	MlGram	   *gram;
	void	   *scratch;
	double	   *block;
} MlLinearStream;

static ML_NORETURN void
ml_linear_too_large(double needed, double limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("linear regression needs more memory than a training may hold"),
			 errdetail("Its sums take %s; pg_mlops.train_memory is %s.", ml_text_bytes(needed), ml_text_bytes(limit)),
			 errhint("Use fewer columns or categories, or raise pg_mlops.train_memory.")));
}

static Size
ml_linear_memory(const MlLearnInput *in)
{
	int			cols = in->ncols + 2;
	Size		gram = ml_gram_size(cols);
	Size		scratch = ml_gram_scratch_size(cols);
	Size		work = ml_ols_workspace(in->ncols, true);

	if (gram == 0 || scratch == 0 || work == 0)
		return (Size) -1;
	/* typical columns of fractions need some twice the room of a fresh state */
	return 2 * gram + scratch + work + sizeof(double) * ML_BLOCK_ROWS * cols;
}

static void *
ml_linear_begin(const MlLearnInput *in)
{
	MlLinearStream *s = palloc0(sizeof(MlLinearStream));
	int			cols = in->ncols + 2;
	Size		size = ml_gram_size(cols);

	s->context = CurrentMemoryContext;
	s->ncols = in->ncols;
	s->limit = in->memory_limit;
	s->gram = MemoryContextAllocHuge(s->context, size);
	s->scratch = MemoryContextAllocHuge(s->context, ml_gram_scratch_size(cols));
	s->block = MemoryContextAllocHuge(s->context, sizeof(double) * ML_BLOCK_ROWS * cols);
	if (ml_gram_init(s->gram, size, cols) != ML_OK)
		elog(ERROR, "could not start a Gram matrix of %d columns", cols);
	return s;
}

/* Gives the sums more room, as wide-ranging values need it. */
static void
ml_linear_grow(MlLinearStream *s)
{
	Size		need = ml_gram_need(s->gram);
	MlGram	   *larger;

	if (need == 0 || need > s->limit)
		ml_linear_too_large(need == 0 ? 1e300 : need, s->limit);
	larger = MemoryContextAllocHuge(s->context, need);
	if (ml_gram_move(larger, need, s->gram) != ML_OK)
		elog(ERROR, "could not enlarge a Gram matrix");
	pfree(s->gram);
	s->gram = larger;
}

static void
ml_linear_add(void *stream, const MlBlock *block)
{
	MlLinearStream *s = stream;
	int			cols = s->ncols + 2;
	MlStatus	status;

	for (int i = 0; i < block->rows; i++)
	{
		const double *x = block->x + block->stride * i;
		double	   *out = s->block + (Size) i * cols;

		if (block->w == NULL)
		{
			out[0] = 1;
			memcpy(out + 1, x, sizeof(double) * s->ncols);
			out[cols - 1] = block->y[i];
			s->rows++;
		}
		else
		{
			double		root = sqrt(block->w[i]);

			out[0] = root;
			for (int j = 0; j < s->ncols; j++)
				out[j + 1] = root * x[j];
			out[cols - 1] = root * block->y[i];
			s->rows += block->w[i] > 0;
			s->weighted = true;
		}
	}
	while ((status = ml_gram_add(s->gram, s->scratch, s->block, cols, block->rows)) == ML_NEED_SPACE)
		ml_linear_grow(s);
	if (status == ML_NOT_FINITE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a value times the root of its weight is out of range"),
				 errhint("Use smaller weights.")));
	if (status != ML_OK)
		elog(ERROR, "adding to a Gram matrix failed with status %d", (int) status);
}

static double
ml_linear_mean(void *stream, int col)
{
	MlLinearStream *s = stream;
	MlDd		sum = ml_gram_entry(s->gram, 0, col + 1, 0);
	MlDd		weight = ml_gram_entry(s->gram, 0, 0, 0);

	return sum.hi / weight.hi;
}

/*
 * The Gram matrix in raw units: a raw column is center + scale times the
 * design's, so its sums are combinations of the design's with the column of
 * ones.
 */
typedef struct MlLinearUnits
{
	const MlGram *gram;
	const int  *column;			/* of the problem, in the Gram matrix */
	const int  *exponent;		/* problem columns are divided by 2 to this */
	const double *center;		/* per problem column, 0 where in raw units */
	const double *scale;
} MlLinearUnits;

/* One sum of products of the design times two factors. */
static MlDd
ml_linear_shifted(const MlLinearUnits *u, int i, int j, int shift, double a, double b)
{
	return ml_dd_mul(ml_dd_mul(ml_gram_entry(u->gram, i, j, shift), ml_dd(a)), ml_dd(b));
}

static MlDd
ml_linear_entry(void *ctx, int i, int j)
{
	const MlLinearUnits *u = ctx;
	int			shift = -(u->exponent[i] + u->exponent[j]);
	MlDd		value = ml_gram_entry(u->gram, u->column[i], u->column[j], shift);

	if (u->center == NULL)
		return value;
	value = ml_dd_mul(ml_dd_mul(value, ml_dd(u->scale[i])), ml_dd(u->scale[j]));
	if (u->center[i] != 0)
		value = ml_dd_add(value, ml_linear_shifted(u, 0, u->column[j], shift, u->center[i], u->scale[j]));
	if (u->center[j] != 0)
		value = ml_dd_add(value, ml_linear_shifted(u, u->column[i], 0, shift, u->center[j], u->scale[i]));
	if (u->center[i] != 0 && u->center[j] != 0)
		value = ml_dd_add(value, ml_linear_shifted(u, 0, 0, shift, u->center[i], u->center[j]));
	return value;
}

/* Solves for the columns of keep[], in design or in raw units. */
static void
ml_linear_solve(const MlLinearStream *s, const MlLearnInput *in, const int *keep, bool raw, MlOlsFit *fit)
{
	bool		intercept = in->params[ML_LINEAR_INTERCEPT].number != 0;
	int			terms = in->ncols + intercept;
	int		   *column = palloc_extended(sizeof(int) * (terms + 1), MCXT_ALLOC_HUGE);
	int		   *exponent = palloc_extended(sizeof(int) * (terms + 1), MCXT_ALLOC_HUGE);
	double	   *center = palloc_extended(sizeof(double) * (terms + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double	   *scale = palloc_extended(sizeof(double) * (terms + 1), MCXT_ALLOC_HUGE);
	MlLinearUnits units;
	MlOlsProblem problem;
	MlStatus	status;

	for (int t = 0; t <= terms; t++)
	{
		int			j = t - intercept;

		column[t] = t < intercept ? 0 : t == terms ? s->ncols + 1 : (keep ? keep[j] : j) + 1;
		exponent[t] = ml_gram_exponent(s->gram, column[t]);
		scale[t] = 1;
		if (raw && t >= intercept && t < terms)
		{
			center[t] = in->center[j];
			scale[t] = in->scale[j];
		}
	}
	units.gram = s->gram;
	units.column = column;
	units.exponent = exponent;
	units.center = raw ? center : NULL;
	units.scale = scale;
	memset(&problem, 0, sizeof problem);
	problem.features = in->ncols;
	problem.intercept = intercept;
	problem.rows = s->rows;
	problem.weight = s->weighted ? ml_gram_entry(s->gram, 0, 0, 0).hi : s->rows;
	problem.l2 = in->params[ML_LINEAR_L2].number;
	problem.entry = ml_linear_entry;
	problem.ctx = &units;
	problem.exponent = exponent;
	fit->estimate = palloc0(sizeof(double) * (terms + 1));
	fit->std_error = palloc0(sizeof(double) * (terms + 1));
	fit->aliased = palloc0(sizeof(bool) * (terms + 1));
	status = ml_ols_fit(&problem, MemoryContextAllocHuge(CurrentMemoryContext,
														 ml_ols_workspace(in->ncols, intercept)),
						fit, in->tick);
	if (status == ML_NOT_FINITE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the coefficients of the linear regression are out of range"),
				 errdetail("The values of the columns differ too much in size."),
				 errhint("Bring the columns to similar units in the source query.")));
	if (status != ML_OK)
		elog(ERROR, "least squares failed with status %d", (int) status);
}

/* Whether any column is in units other than raw. */
static bool
ml_linear_has_units(const MlLearnInput *in)
{
	for (int j = 0; in->center && j < in->ncols; j++)
		if (in->center[j] != 0 || in->scale[j] != 1)
			return true;
	return false;
}

static void *
ml_linear_finish(void *stream, const MlLearnInput *in, const int *keep)
{
	MlLinearStream *s = stream;
	MlLinear   *model = palloc0(sizeof(MlLinear));
	MlOlsFit	fit;
	MlOlsFit	raw;

	memset(&fit, 0, sizeof fit);
	ml_linear_solve(s, in, keep, false, &fit);
	raw = fit;
	if (ml_linear_has_units(in))
		ml_linear_solve(s, in, keep, true, &raw);
	model->intercept = in->params[ML_LINEAR_INTERCEPT].number != 0;
	model->ncols = in->ncols;
	model->constant = model->intercept ? fit.estimate[0] : 0;
	model->weights = fit.estimate + model->intercept;
	model->estimate = raw.estimate;
	model->std_error = raw.std_error;
	model->aliased = raw.aliased;
	model->df = raw.df;
	model->figures[0] = s->rows;
	model->figures[1] = fit.rank;
	model->figures[2] = fit.df;
	model->figures[3] = fit.r2;
	model->figures[4] = fit.adjusted_r2;
	model->figures[5] = fit.residual_sd;
	model->figures[6] = fit.rss;
	model->figures[7] = fit.tss;
	model->figures[8] = fit.condition;
	return model;
}

static void *
ml_linear_fit(const MlLearnInput *in)
{
	void	   *stream = ml_linear_begin(in);
	MlBlock		block;

	in->blocks->rewind(in->blocks->ctx);
	while (in->blocks->next(in->blocks->ctx, &block))
	{
		ml_breathe(in->tick);
		ml_linear_add(stream, &block);
	}
	return ml_linear_finish(stream, in, NULL);
}

static void
ml_linear_predict(const void *model, const double *row, double *out)
{
	const MlLinear *m = model;

	out[0] = m->constant + ml_dot(m->weights, row, m->ncols);
}

static double
ml_linear_cost(const void *model)
{
	return 2.0 * ((const MlLinear *) model)->ncols;
}

static void
ml_linear_write(const void *model, StringInfo out)
{
	const MlLinear *m = model;

	ml_write_u8(out, m->intercept);
	ml_write_u32(out, m->ncols);
	ml_write_f64(out, m->constant);
	for (int j = 0; j < m->ncols; j++)
		ml_write_f64(out, m->weights[j]);
	for (int t = 0; t < m->ncols + m->intercept; t++)
	{
		ml_write_f64(out, m->estimate[t]);
		ml_write_f64(out, m->std_error[t]);
		ml_write_u8(out, m->aliased[t]);
	}
	ml_write_f64(out, m->df);
	ml_write_u32(out, ML_LINEAR_FIGURES);
	for (int i = 0; i < ML_LINEAR_FIGURES; i++)
		ml_write_f64(out, m->figures[i]);
}

static void *
ml_linear_read(MlReader *in, MlTask task, int ncols, int nclasses)
{
	MlLinear   *m = palloc0(sizeof(MlLinear));
	int			terms;

	m->intercept = ml_read_u8(in) != 0;
	m->ncols = ml_read_count(in, 8);
	if (m->ncols != ncols || task != ML_TASK_REGRESSION)
		ml_read_corrupted("the linear regression does not fit its pipeline");
	terms = m->ncols + m->intercept;
	m->constant = ml_read_finite(in);
	m->weights = palloc(sizeof(double) * Max(m->ncols, 1));
	for (int j = 0; j < m->ncols; j++)
		m->weights[j] = ml_read_finite(in);
	m->estimate = palloc(sizeof(double) * Max(terms, 1));
	m->std_error = palloc(sizeof(double) * Max(terms, 1));
	m->aliased = palloc(sizeof(bool) * Max(terms, 1));
	for (int t = 0; t < terms; t++)
	{
		m->estimate[t] = ml_read_finite(in);
		m->std_error[t] = ml_read_f64(in);
		m->aliased[t] = ml_read_u8(in) != 0;
	}
	m->df = ml_read_finite(in);
	if (ml_read_count(in, 8) != ML_LINEAR_FIGURES)
		ml_read_corrupted("the linear regression has figures that are not known");
	for (int i = 0; i < ML_LINEAR_FIGURES; i++)
		m->figures[i] = ml_read_f64(in);
	return m;
}

static int
ml_linear_coefficients(const void *model, MlCoefficient **out)
{
	const MlLinear *m = model;
	int			terms = m->ncols + m->intercept;
	double		quantile = m->df > 0 ? ml_t_quantile(0.975, m->df) : NAN;

	*out = palloc0(sizeof(MlCoefficient) * Max(terms, 1));
	for (int t = 0; t < terms; t++)
	{
		MlCoefficient *c = &(*out)[t];

		c->column = t - m->intercept;
		c->class = -1;
		c->aliased = m->aliased[t];
		c->estimate = m->estimate[t];
		c->std_error = m->std_error[t];
		c->statistic = m->std_error[t] > 0 ? m->estimate[t] / m->std_error[t] : NAN;
		c->p_value = ml_t_two_sided(c->statistic, m->df);
		c->low = m->estimate[t] - quantile * m->std_error[t];
		c->high = m->estimate[t] + quantile * m->std_error[t];
	}
	return terms;
}

static int
ml_linear_tell(const void *model, MlFigure **out)
{
	const MlLinear *m = model;

	*out = palloc(sizeof(MlFigure) * ML_LINEAR_FIGURES);
	for (int i = 0; i < ML_LINEAR_FIGURES; i++)
	{
		(*out)[i].name = ml_linear_figures[i];
		(*out)[i].value = m->figures[i];
	}
	return ML_LINEAR_FIGURES;
}

const MlLearner ml_linear_regression = {
	.name = "linear_regression",
	.summary = "least squares with exact sums in one pass over the rows; ridge by l2",
	.tag = 1,
	.version = 1,
	.tasks = ML_TASK_BIT(ML_TASK_REGRESSION),
	.params = ml_linear_params,
	.nparams = lengthof(ml_linear_params),
	.memory = ml_linear_memory,
	.fit = ml_linear_fit,
	.stream_begin = ml_linear_begin,
	.stream_add = ml_linear_add,
	.stream_mean = ml_linear_mean,
	.stream_finish = ml_linear_finish,
	.predict = ml_linear_predict,
	.write = ml_linear_write,
	.read = ml_linear_read,
	.coefficients = ml_linear_coefficients,
	.figures = ml_linear_tell,
	.cost = ml_linear_cost,
};
