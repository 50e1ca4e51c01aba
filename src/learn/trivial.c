/*
 * trivial.c - the learner that looks at no feature: the weighted mean, or the shares of the classes.
 *
 * What other learners gain is what they are better than this. Sums are exact,
 * so rows may come in any order.
 *
 * Payload: u32 outputs, per output f64: the mean, or the share of each class;
 * f64 the weight of the training rows.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "learn/learner.h"
#include "math/exact_sum.h"
#include "utils/memutils.h"

typedef struct MlTrivial
{
	int			outputs;
	double	   *value;			/* the mean, or shares */
	double		weight;			/* of all training rows */
} MlTrivial;

/* One pass under way. */
typedef struct MlTrivialStream
{
	MlTask		task;
	int			outputs;
	MlExactSum *weight;			/* of each class, or of all rows */
	MlExactProducts sum;		/* weight times target */
} MlTrivialStream;

static int
ml_trivial_outputs(const MlLearnInput *in)
{
	return in->task == ML_TASK_CLASSIFICATION ? in->nclasses : 1;
}

static Size
ml_trivial_memory(const MlLearnInput *in)
{
	return sizeof(MlTrivialStream) + ml_trivial_outputs(in) * (sizeof(MlExactSum) + 2 * sizeof(double));
}

static void *
ml_trivial_begin(const MlLearnInput *in)
{
	MlTrivialStream *s = palloc0(sizeof(MlTrivialStream));

	s->task = in->task;
	s->outputs = ml_trivial_outputs(in);
	s->weight = palloc0(sizeof(MlExactSum) * s->outputs);
	return s;
}

static void
ml_trivial_add(void *stream, const MlBlock *block)
{
	MlTrivialStream *s = stream;

	for (int i = 0; i < block->rows; i++)
	{
		double		w = block->w ? block->w[i] : 1;

		if (s->task == ML_TASK_CLASSIFICATION)
			ml_exact_add(&s->weight[(int) block->y[i]], w);
		else
		{
			ml_exact_add(&s->weight[0], w);
			ml_exact_products_add(&s->sum, w, block->y[i]);
		}
	}
}

/* Means of the columns are of no use here, so they are not kept. */
static double
ml_trivial_mean(void *stream, int col)
{
	return NAN;
}

static void *
ml_trivial_finish(void *stream, const MlLearnInput *in, const int *keep)
{
	MlTrivialStream *s = stream;
	MlTrivial  *m = palloc0(sizeof(MlTrivial));
	MlExactSum	total;
	double		fraction;
	int			exponent;
	int			weight_exponent;

	memset(&total, 0, sizeof total);
	for (int k = 0; k < s->outputs; k++)
		ml_exact_merge(&total, &s->weight[k]);
	m->outputs = s->outputs;
	m->value = palloc(sizeof(double) * m->outputs);
	m->weight = ml_exact_value(&total);
	if (!isfinite(m->weight))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the sum of the weights is out of range"),
				 errhint("Use smaller weights.")));
	if (s->task == ML_TASK_CLASSIFICATION)
	{
		for (int k = 0; k < m->outputs; k++)
			m->value[k] = ml_exact_value(&s->weight[k]) / m->weight;
		return m;
	}
	/* the sum itself may be beyond the range of a double, the mean is not */
	ml_exact_products_parts(&s->sum, &fraction, &exponent);
	m->value[0] = fraction / frexp(m->weight, &weight_exponent);
	m->value[0] = ldexp(m->value[0], exponent - weight_exponent);
	return m;
}

static void *
ml_trivial_fit(const MlLearnInput *in)
{
	void	   *stream = ml_trivial_begin(in);
	MlBlock		block;

	in->blocks->rewind(in->blocks->ctx);
	while (in->blocks->next(in->blocks->ctx, &block))
	{
		ml_breathe(in->tick);
		ml_trivial_add(stream, &block);
	}
	return ml_trivial_finish(stream, in, NULL);
}

static void
ml_trivial_predict(const void *model, const double *row, double *out)
{
	const MlTrivial *m = model;

	memcpy(out, m->value, sizeof(double) * m->outputs);
}

static double
ml_trivial_cost(const void *model)
{
	return ((const MlTrivial *) model)->outputs;
}

static void
ml_trivial_write(const void *model, StringInfo out)
{
	const MlTrivial *m = model;

	ml_write_u32(out, m->outputs);
	for (int k = 0; k < m->outputs; k++)
		ml_write_f64(out, m->value[k]);
	ml_write_f64(out, m->weight);
}

static void *
ml_trivial_read(MlReader *in, MlTask task, int ncols, int nclasses)
{
	MlTrivial  *m = palloc0(sizeof(MlTrivial));

	m->outputs = (int) ml_read_count(in, 8);
	if (m->outputs != (task == ML_TASK_CLASSIFICATION ? nclasses : 1))
		ml_read_corrupted("the trivial model does not fit its classes");
	m->value = palloc(sizeof(double) * m->outputs);
	for (int k = 0; k < m->outputs; k++)
	{
		m->value[k] = ml_read_finite(in);
		if (task == ML_TASK_CLASSIFICATION && !(m->value[k] >= 0 && m->value[k] <= 1))
			ml_read_corrupted("a share is not between 0 and 1");
	}
	m->weight = ml_read_finite(in);
	return m;
}

static int
ml_trivial_tell(const void *model, MlFigure **out)
{
	*out = palloc(sizeof(MlFigure));
	(*out)[0].name = "weight";
	(*out)[0].value = ((const MlTrivial *) model)->weight;
	return 1;
}

const MlLearner ml_trivial = {
	.name = "trivial",
	.summary = "the mean, or the shares of the classes, whatever the features: what other learners are measured by",
	.tag = 4,
	.version = 1,
	.flags = ML_LEARNER_MISSING | ML_LEARNER_CATEGORIES,
	.tasks = ML_TASK_BIT(ML_TASK_REGRESSION) | ML_TASK_BIT(ML_TASK_CLASSIFICATION),
	.params = NULL,
	.nparams = 0,
	.memory = ml_trivial_memory,
	.fit = ml_trivial_fit,
	.stream_begin = ml_trivial_begin,
	.stream_add = ml_trivial_add,
	.stream_mean = ml_trivial_mean,
	.stream_finish = ml_trivial_finish,
	.predict = ml_trivial_predict,
	.write = ml_trivial_write,
	.read = ml_trivial_read,
	.figures = ml_trivial_tell,
	.cost = ml_trivial_cost,
};
