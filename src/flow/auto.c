/*
 * auto.c - algorithm => 'auto': boosted trees or the linear model, whichever the held-out rows favour.
 *
 * Both learn from the same training rows. Their losses on the same held-out
 * rows are compared row by row; the linear model is kept unless its mean loss
 * is greater by more than one standard error of the difference (the rule of
 * Breiman and others, "Classification and Regression Trees", 1984, section
 * 3.4.3). Where the split holds no rows out, a fifth is for the comparison,
 * and the one that is kept learns once more from all rows.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/training.h"
#include "math/elementary.h"
#include "math/exact_sum.h"
#include "utils/memutils.h"

/* Probabilities below this count as this. */
#define ML_AUTO_P_MIN		1e-15

/* Names of a learner's parameters. */
static List *
ml_auto_param_names(const MlLearner *learner)
{
	List	   *names = NIL;

	for (int i = 0; i < learner->nparams; i++)
		names = lappend(names, unconstify(char *, learner->params[i].name));
	return names;
}

/*
 * One of the two learners on the rows of a training; what the caller gave for
 * the other one is passed over. One that needs too much memory is left out if
 * it may be.
 */
static MlTraining *
ml_auto_candidate(const MlTraining *t, const MlLearner *learner, const MlLearner *other, bool optional)
{
	MlTraining *c = palloc(sizeof(MlTraining));

	*c = *t;
	c->model = palloc0(sizeof(MlModel));
	c->model->task = t->model->task;
	c->notes.items = NIL;
	c->other_params = ml_auto_param_names(other);
	c->optional = optional;
	ml_train_settle(c, learner);
	ml_train_learn(c);
	return c;
}

/* A row's loss: squared error, or minus the logarithm of its class's probability. */
static double
ml_auto_loss(const MlModel *model, double truth, const double *out)
{
	if (model->task == ML_TASK_REGRESSION)
		return (truth - out[0]) * (truth - out[0]);
	return -ml_log(truth >= 0 ? Max(out[(int) truth], ML_AUTO_P_MIN) : ML_AUTO_P_MIN);
}

/* The losses of a candidate on the held-out rows. */
static double *
ml_auto_losses(MlTraining *c)
{
	MlBlocks	blocks = ml_design_blocks(&c->design, c->load->test);
	double	   *losses = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(blocks.rows, 1));
	double	   *out = palloc(sizeof(double) * Max(c->model->nclasses, 1));
	int64		n = 0;
	MlBlock		block;

	while (blocks.next(blocks.ctx, &block))
		for (int i = 0; i < block.rows; i++)
		{
			c->model->learner->predict(c->model->state, block.x + block.stride * i, out);
			losses[n++] = ml_auto_loss(c->model, block.y[i], out);
		}
	pfree(out);
	return losses;
}

static double
ml_auto_mean(const double *x, int64 n)
{
	MlExactSum	sum;

	memset(&sum, 0, sizeof sum);
	for (int64 i = 0; i < n; i++)
		ml_exact_add(&sum, x[i]);
	return ml_exact_mean(&sum, n);
}

/* Compares two candidates on the held-out rows; returns the one that is kept. */
static MlTraining *
ml_auto_compare(MlTraining *t, MlTraining *trees, MlTraining *linear)
{
	int64		n = ml_frame_count(t->load->test);
	const char *loss = t->model->task == ML_TASK_REGRESSION ? "mean squared error" : "log loss";
	double	   *a = ml_auto_losses(trees);
	double	   *b = ml_auto_losses(linear);
	double		mean_a = ml_auto_mean(a, n);
	double		mean_b = ml_auto_mean(b, n);
	double		mean;
	double		error;
	MlTraining *kept;

	for (int64 i = 0; i < n; i++)
		b[i] -= a[i];
	mean = ml_auto_mean(b, n);
	for (int64 i = 0; i < n; i++)
		a[i] = (b[i] - mean) * (b[i] - mean);
	error = n > 1 ? sqrt(ml_auto_mean(a, n) / (n - 1)) : INFINITY;
	kept = mean > error ? trees : linear;
	ml_note(&t->notes, "algorithm \"auto\" compared %s of %lld held-out rows: %s %.6g, %s %.6g (difference %.3g, standard "
			"error %.3g); %s was kept%s", loss, (long long) n, trees->model->learner->name, mean_a,
			linear->model->learner->name, mean_b, mean, error, kept->model->learner->name,
			kept == linear && mean > 0 ? ", the simpler one within a standard error" : "");
	pfree(a);
	pfree(b);
	return kept;
}

/* The candidate that was not left out. */
static MlTraining *
ml_auto_remaining(MlTraining *t, MlTraining *trees, MlTraining *linear)
{
	MlTraining *kept = trees->left_out ? linear : trees;
	const MlTraining *other = trees->left_out ? trees : linear;

	ml_note(&t->notes, "algorithm \"auto\" took %s: %s was left out, for %s", kept->model->learner->name,
			other->model->learner->name, other->left_out);
	return kept;
}

/* Makes a candidate the training. */
static void
ml_auto_keep(MlTraining *t, MlTraining *kept)
{
	t->model = kept->model;
	t->design = kept->design;
	t->positive = kept->positive;
	t->params = kept->params;
	t->steps = kept->steps;
	t->learn = kept->learn;
	t->curves = kept->curves;
	t->notes.items = list_concat(t->notes.items, kept->notes.items);
}

/* Reads the source again, all of it for training, and lets the learner that was kept learn from that. */
static void
ml_auto_learn_all(MlTraining *t, const MlLearner *learner, const MlLearner *other)
{
	MlFingerprint before = t->load->fingerprint;
	MlTask		task = t->model->task;
	List	   *notes = NIL;
	ListCell   *lc;

	/* those of the first reading are in its memory */
	foreach(lc, t->notes.items)
		notes = lappend(notes, pstrdup(lfirst(lc)));
	t->notes.items = NIL;
	ml_train_drop_load(t->load);
	t->learner = learner;
	t->other_params = ml_auto_param_names(other);
	t->model = palloc0(sizeof(MlModel));
	t->model->task = task;
	t->compares = false;
	t->task_known = true;
	/* a learner of one pass learns while the rows come in */
	ml_train_settle(t, learner);
	ml_train_load(t);
	if (before.a != t->load->fingerprint.a || before.b != t->load->fingerprint.b)
		ml_note(&t->notes, "the source gave other rows when it was read again: the comparison was on the first ones");
	ml_train_learn(t);
	/* what both readings had to say is said once */
	foreach(lc, t->notes.items)
		if (!ml_text_listed(notes, lfirst(lc)))
			notes = lappend(notes, lfirst(lc));
	t->notes.items = notes;
}

void
ml_auto_learn(MlTraining *t)
{
	const MlLearner *simple = t->model->task == ML_TASK_REGRESSION ? &ml_linear_regression : &ml_logistic_regression;
	bool		again = t->compares;
	MlTraining *trees;
	MlTraining *linear;
	MlTraining *kept;

	/* the trees first: they leave the rows as they were loaded */
	trees = ml_auto_candidate(t, &ml_gradient_boosting, simple, true);
	linear = ml_auto_candidate(t, simple, &ml_gradient_boosting, trees->left_out == NULL);
	if (trees->left_out || linear->left_out)
		kept = ml_auto_remaining(t, trees, linear);
	else if (ml_frame_count(t->load->test) == 0)
	{
		ml_note(&t->notes, "algorithm \"auto\" took %s: no row was held out to compare it with %s on",
				simple->name, ml_gradient_boosting.name);
		kept = linear;
	}
	else
		kept = ml_auto_compare(t, trees, linear);
	if (again && ml_frame_count(t->load->test) > 0)
		ml_auto_learn_all(t, kept->model->learner, kept == linear ? &ml_gradient_boosting : simple);
	else
		ml_auto_keep(t, kept);
}
