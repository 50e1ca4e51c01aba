/*
 * auto.c - algorithm => 'auto': boosted trees or the linear model, whichever the held-out rows favour.
 *
 * Both learn from the same training rows. Their losses on the same held-out
 * rows are compared row by row; the linear model is kept unless its mean loss
 * is greater by more than one standard error of the difference (the rule of
 * Breiman and others, "Classification and Regression Trees", 1984, section
 * 3.4.3). With folds, both are compared by the predictions of the folds. Where
 * the split holds no rows out and has no folds, a fifth is for the comparison,
 * and the one that is kept learns once more from all rows.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/crossval.h"
#include "math/elementary.h"
#include "math/exact_sum.h"
#include "utils/memutils.h"

/* Probabilities below this count as this. */
#define ML_AUTO_P_MIN		1e-15

/*
 * A training of its own of one of the two learners; what the caller gave for
 * the other one is passed over. One that needs too much memory is left out if
 * it may be.
 */
static MlTraining *
ml_auto_begin(const MlTraining *t, const MlLearner *learner, const MlLearner *other, bool optional)
{
	MlTraining *c = palloc(sizeof(MlTraining));

	*c = *t;
	c->model = palloc0(sizeof(MlModel));
	c->model->task = t->model->task;
	c->notes.items = NIL;
	c->other_params = ml_learner_param_names(other);
	c->optional = optional;
	ml_train_settle(c, learner);
	return c;
}

/* The same, with what it has learned of the training rows. */
static MlTraining *
ml_auto_candidate(const MlTraining *t, const MlLearner *learner, const MlLearner *other, bool optional)
{
	MlTraining *c = ml_auto_begin(t, learner, other, optional);

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

/*
 * Compares two candidates by their losses on the same n rows that they have
 * not learned from; returns the one that is kept. trivial is the mean loss of
 * the trivial model, for the note.
 */
static MlTraining *
ml_auto_compare(MlTraining *t, MlTraining *trees, double *a, MlTraining *linear, double *b, int64 n, double trivial)
{
	const char *loss = t->model->task == ML_TASK_REGRESSION ? "mean squared error" : "log loss";
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
			"error %.3g); %s was kept%s; learner \"trivial\" has %.6g", loss, (long long) n, trees->model->learner->name, mean_a,
			linear->model->learner->name, mean_b, mean, error, kept->model->learner->name,
			kept == linear && mean > 0 ? ", the simpler one within a standard error" : "", trivial);
	return kept;
}

/*
 * The mean loss of the trivial model on the held-out rows. It learns from
 * the rows as the linear model has them, without any pass of its own over
 * those that were loaded.
 */
static double
ml_auto_trivial(MlTraining *linear)
{
	MlLearnInput in = linear->learn;
	MlBlocks	blocks = ml_design_blocks(&linear->design, linear->load->train);
	MlModel		model = *linear->model;
	MlTraining	trivial = *linear;

	in.blocks = &blocks;
	model.learner = &ml_trivial;
	model.state = ml_trivial.fit(&in);
	trivial.model = &model;
	return ml_auto_mean(ml_auto_losses(&trivial), ml_frame_count(linear->load->test));
}

/* The same over the folds. */
static double
ml_auto_trivial_folded(const MlTraining *t, const MlFolds *folds)
{
	MlTraining	trivial = *t;
	MlNotes		notes = {NIL};
	MlCrossval *cv;

	trivial.params_given = NULL;
	cv = ml_crossval_run(&trivial, &ml_trivial, folds, ml_auto_loss, &notes);
	return ml_auto_mean(cv->losses, cv->rows);
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

/* Compares the two by the folds of the training rows, and lets the one that is kept learn from all of them. */
static void
ml_auto_learn_folded(MlTraining *t, const MlLearner *simple)
{
	MlTraining *trees = ml_auto_begin(t, &ml_gradient_boosting, simple, true);
	MlTraining *linear = ml_auto_begin(t, simple, &ml_gradient_boosting, true);
	MlFolds    *folds = ml_crossval_folds(trees);
	MlTraining *kept;

	trees->cv = ml_crossval_run(trees, &ml_gradient_boosting, folds, ml_auto_loss, &trees->notes);
	trees->left_out = trees->cv->left_out;
	linear->optional = trees->left_out == NULL;
	linear->cv = ml_crossval_run(linear, simple, folds, ml_auto_loss, &linear->notes);
	linear->left_out = linear->cv->left_out;
	if (trees->left_out || linear->left_out)
		kept = ml_auto_remaining(t, trees, linear);
	else
		kept = ml_auto_compare(t, trees, trees->cv->losses, linear, linear->cv->losses, trees->cv->rows,
							   ml_auto_trivial_folded(t, folds));
	kept->optional = false;
	/* no other learner comes to these rows */
	kept->learner = kept->model->learner;
	ml_crossval_note(kept->cv, t->load, &kept->notes);
	ml_train_learn(kept);
	ml_auto_keep(t, kept);
	t->cv = kept->cv;
}

void
ml_auto_learn(MlTraining *t)
{
	const MlLearner *simple = t->model->task == ML_TASK_REGRESSION ? &ml_linear_regression : &ml_logistic_regression;
	bool		again = t->compares;
	MlTraining *trees;
	MlTraining *linear;
	MlTraining *kept;

	if (t->load->folds > 0)
	{
		ml_auto_learn_folded(t, simple);
		return;
	}
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
		kept = ml_auto_compare(t, trees, ml_auto_losses(trees), linear, ml_auto_losses(linear),
							   ml_frame_count(t->load->test), ml_auto_trivial(linear));
	if (again && ml_frame_count(t->load->test) > 0)
	{
		t->other_params = ml_learner_param_names(kept == linear ? &ml_gradient_boosting : simple);
		t->compares = false;
		ml_train_learn_all(t, kept->model->learner, "the comparison was on the first ones");
	}
	else
		ml_auto_keep(t, kept);
}
