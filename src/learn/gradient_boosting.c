/*
 * gradient_boosting.c - gradient-boosted trees on columns in one byte a value.
 *
 * The leader puts the rows into the memory of a team, as bins, and every
 * member grows the same trees; see math/boost.h. Payload: boosting_model.c.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/team.h"
#include "common/int.h"
#include "learn/boosting.h"
#include "miscadmin.h"
#include "utils/memutils.h"

const MlParam ml_boosting_parameters[] = {
	{"n_trees", ML_PARAM_INTEGER, "100", 1, 100000, NULL,
	"Rounds of boosting: one tree each, or one for every class when there are more than two."},
	{"learning_rate", ML_PARAM_NUMBER, "0.1", 1e-6, 1, NULL, "How much of each tree's correction is taken."},
	{"max_leaves", ML_PARAM_INTEGER, "31", 2, ML_BOOST_LEAVES_MAX, NULL, "Most leaves of a tree."},
	{"max_depth", ML_PARAM_INTEGER, "0", 0, 1000, NULL, "Most splits from the root to a leaf; 0 sets no limit."},
	{"min_rows", ML_PARAM_INTEGER, "20", 1, 1e9, NULL, "Fewest training rows in a leaf."},
	{"min_hessian", ML_PARAM_NUMBER, "0.001", 1e-9, 1e12, NULL,
	"Least sum of the second derivatives of the loss in a leaf."},
	{"l2", ML_PARAM_NUMBER, "1", 0, 1e12, NULL, "Penalty on the squared values of leaves."},
	{"max_bins", ML_PARAM_INTEGER, "255", 2, ML_BINS_MAX, NULL,
	"Most bins of a number; columns with fewer different values have one for each."},
	{"row_fraction", ML_PARAM_NUMBER, NULL, 0.01, 1, NULL,
		"Share of the rows each tree is grown on; by default 0.8 from 500 to 9,999 training "
	"rows, else 1."},
	{"column_fraction", ML_PARAM_NUMBER, "1", 0.001, 1, NULL, "Share of the columns each tree may use."},
	{"node_column_fraction", ML_PARAM_NUMBER, NULL, 0.001, 1, NULL,
		"Share of a tree's columns each split is chosen from; by default 0.4 below 10,000 training rows (0.25 for "
	"classes from 500 rows), else 1."},
	{"path_smoothing", ML_PARAM_NUMBER, NULL, 0, 1e9, NULL,
		"Rows' worth of its parent's value that a leaf's value is mixed with; by default 20 for classes and 10 for "
	"numbers from 500 to 9,999 training rows, else 0."},
	{"early_stopping", ML_PARAM_INTEGER, "0", 0, 100000, NULL,
		"Rounds without gain on held-back training rows after which training stops and the best round is kept; "
	"0 holds none back and trains every round."},
	{"validation_fraction", ML_PARAM_NUMBER, "0.1", 0.001, 0.9, NULL,
	"Share of the training rows held back for early stopping, chosen by a hash of their content."},
	{"loss", ML_PARAM_TEXT, NULL, 0, 0, "squared|logistic|softmax",
	"What is minimised; by default squared error for numbers, logistic loss for two classes, softmax for more."},
	{"class_weight", ML_PARAM_JSON, NULL, 0, 0, NULL,
	"Weights of the classes as {\"label\": weight}, or \"balanced\": inversely to their frequency."},
	{"monotone", ML_PARAM_JSON, NULL, 0, 0, NULL,
		"Directions as {\"column\": 1 or -1}: the prediction (of two classes: the last one's probability) "
	"never falls, or never rises, as the column grows."},
};

#define ML_BOOSTING_NPARAMS	((int) lengthof(ml_boosting_parameters))

/* Training rows below and from which sampling and smoothing have other defaults. */
#define ML_BOOSTING_ROWS_FEW	500
#define ML_BOOSTING_ROWS_MANY	10000

/* Bytes of a node: in a model, and at most in its bytes, which grow by doubling. */
#define ML_BOOSTING_LAID_BYTES	40
#define ML_BOOSTING_WRITTEN_BYTES	48

/* Histograms kept at once: more would not stay in the caches. */
#define ML_BOOSTING_SLOTS	16

/* The loss, by the task unless it was named. */
static MlBoostLoss
ml_boosting_loss(const MlLearnInput *in)
{
	static const char *const names[] = {"squared", "logistic", "softmax"};
	MlBoostLoss loss = in->task == ML_TASK_REGRESSION ? ML_BOOST_SQUARED :
		in->nclasses == 2 ? ML_BOOST_LOGISTIC : ML_BOOST_SOFTMAX;
	const char *named = in->params[ML_BOOSTING_LOSS].text;

	if (in->params[ML_BOOSTING_LOSS].isnull || strcmp(named, names[loss - ML_BOOST_SQUARED]) == 0)
		return loss;
	if (strcmp(named, "softmax") == 0 && in->task == ML_TASK_CLASSIFICATION)
		return ML_BOOST_SOFTMAX;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("loss \"%s\" does not fit the target", named),
			 errdetail("%s", in->task == ML_TASK_REGRESSION ? "The target is a number." :
					   psprintf("The target has %d classes.", in->nclasses)),
			 errhint("Leave it out to use \"%s\".", names[loss - ML_BOOST_SQUARED])));
}

/* A parameter, or what suits the number of rows where none was given. */
static double
ml_boosting_decided(const MlLearnInput *in, int param, double otherwise)
{
	return in->params[param].isnull ? otherwise : in->params[param].number;
}

/*
 * What is asked for, as far as it does not depend on the rows. With few rows
 * the best of many splits is often chance, the more so for classes, so that
 * fewer are tried and leaves rely on their parents.
 */
static void
ml_boosting_spec(const MlLearnInput *in, MlBoostSpec *spec)
{
	bool		few = in->nrows < ML_BOOSTING_ROWS_FEW;
	bool		some = !few && in->nrows < ML_BOOSTING_ROWS_MANY;
	bool		classes = in->task == ML_TASK_CLASSIFICATION;

	memset(spec, 0, sizeof *spec);
	spec->rows = spec->rows_fit = in->nrows;
	spec->cols = in->ncols;
	spec->loss = ml_boosting_loss(in);
	spec->groups = spec->loss == ML_BOOST_SOFTMAX ? in->nclasses : 1;
	spec->weighted = in->weighted || !in->params[ML_BOOSTING_CLASS_WEIGHT].isnull;
	spec->weight_max = 1;
	spec->n_trees = (int) ml_boosting_number(in, ML_BOOSTING_TREES);
	spec->early_stopping = (int) ml_boosting_number(in, ML_BOOSTING_STOPPING);
	spec->max_leaves = (int) Min(ml_boosting_number(in, ML_BOOSTING_LEAVES), (double) Max(in->nrows, 2));
	spec->max_depth = (int) ml_boosting_number(in, ML_BOOSTING_DEPTH);
	spec->min_rows = (int64) ml_boosting_number(in, ML_BOOSTING_ROWS);
	spec->min_hessian = ml_boosting_number(in, ML_BOOSTING_HESSIAN);
	spec->learning_rate = ml_boosting_number(in, ML_BOOSTING_RATE);
	spec->l2 = ml_boosting_number(in, ML_BOOSTING_L2);
	spec->row_fraction = ml_boosting_decided(in, ML_BOOSTING_ROW_FRACTION, some ? 0.8 : 1);
	spec->column_fraction = ml_boosting_number(in, ML_BOOSTING_COLUMN_FRACTION);
	spec->node_fraction = ml_boosting_decided(in, ML_BOOSTING_NODE_FRACTION, few ? 0.4 : !some ? 1 : classes ? 0.25 : 0.4);
	spec->path_smoothing = ml_boosting_decided(in, ML_BOOSTING_SMOOTHING, !some ? 0 : classes ? 20 : 10);
	spec->level_smoothing = 10;
	spec->level_l2 = 10;
	spec->level_l2_each = 2;
	spec->level_rows = 100;
	spec->monotone = !in->params[ML_BOOSTING_MONOTONE].isnull;
	spec->seed = (uint64) in->seed + 1;
	spec->bins_max = (int) ml_boosting_number(in, ML_BOOSTING_BINS);
	spec->slots = Min(Max(spec->max_leaves, 2), ML_BOOSTING_SLOTS);
	if (spec->early_stopping > 0)
	{
		int64		later = (int64) ((double) in->nrows * ml_boosting_number(in, ML_BOOSTING_HELD_BACK));

		spec->rows_fit = in->nrows - Min(later, in->nrows - 2);
	}
}

/* Columns with as many bins as they may have: no more than there are rows. */
static MlBinColumn *
ml_boosting_columns(const MlLearnInput *in)
{
	MlBinColumn *columns = palloc0(sizeof(MlBinColumn) * Max(in->ncols, 1));

	for (int j = 0; j < in->ncols; j++)
	{
		columns[j].category = in->about[j].nlevels > 0;
		columns[j].nbins = columns[j].category ? in->about[j].nlevels :
			(int) Min(ml_boosting_number(in, ML_BOOSTING_BINS), (double) Max(in->nrows, 1));
		columns[j].missing = true;
	}
	return columns;
}

/* Most leaves of a tree, whose rows are min_rows or more each. */
static Size
ml_boosting_leaves(const MlBoostSpec *spec)
{
	return Max(Min((Size) spec->max_leaves, (Size) (spec->rows_fit / spec->min_rows)), 1);
}

/*
 * Bytes beside the rows: of the team, of each member, of the trees while they
 * are grown and laid out; or of the model, the one that is read back, and
 * their bytes, when the rest is gone.
 */
static Size
ml_boosting_memory(const MlLearnInput *in)
{
	MlBoostSpec spec;
	MlBinColumn *columns = ml_boosting_columns(in);
	size_t		shared;
	size_t		own;
	Size		nodes;
	Size		total;

	ml_boosting_spec(in, &spec);
	spec.members = 1 + ml_team_workers((Size) in->nrows * in->ncols);
	if (ml_boost_sizes(&spec, columns, &shared, &own) != ML_OK)
		return (Size) -1;
	pfree(columns);
	nodes = (Size) spec.n_trees * spec.groups * 2 * ml_boosting_leaves(&spec);
	/* a worker sorts columns in memory of its own */
	total = own * spec.members + (Size) in->nrows * (spec.members - 1) * (2 * sizeof(double) + sizeof(uint32)) +
		nodes * (sizeof(MlBoostNode) + ML_BOOSTING_LAID_BYTES);
	if (pg_add_s64_overflow((int64) shared, (int64) total, (int64 *) &total))
		return (Size) -1;
	return Max(total, nodes * (2 * ML_BOOSTING_LAID_BYTES + 3 * ML_BOOSTING_WRITTEN_BYTES));
}

/* Keeps the trees of a round. */
static void
ml_boosting_keep(MlBoostingFit *fit)
{
	for (int k = 0; k < fit->spec.groups; k++)
	{
		int			n;
		const MlBoostNode *nodes = ml_boost_tree(fit->boost, k, &n);

		if (fit->ntrees == fit->trees_capacity)
		{
			fit->trees_capacity = Max(128, fit->trees_capacity * 2);
			fit->trees = fit->trees ? repalloc_huge(fit->trees, sizeof(MlBoostNode *) * fit->trees_capacity) :
				palloc(sizeof(MlBoostNode *) * fit->trees_capacity);
			fit->nodes = fit->nodes ? repalloc_huge(fit->nodes, sizeof(int) * fit->trees_capacity) :
				palloc(sizeof(int) * fit->trees_capacity);
		}
		fit->trees[fit->ntrees] = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlBoostNode) * n);
		memcpy(fit->trees[fit->ntrees], nodes, sizeof(MlBoostNode) * n);
		fit->nodes[fit->ntrees++] = n;
	}
}

/* A target may be so far from the mean that the difference is no number. */
static double
ml_boosting_in_range(double value)
{
	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the values of the target are too far apart for learner \"gradient_boosting\""),
				 errdetail("Differences between them exceed the range of float8."),
				 errhint("Divide the target by a constant in the source query.")));
	return value;
}

/* A node of the forest from one that was grown; at is its place, child where its left child goes. */
static void
ml_boosting_node(const MlBoostingFit *fit, MlBoosting *m, const MlBoostNode *from, uint32 at, uint32 child,
				 int *set)
{
	MlForestNode *to = &m->forest.nodes[at];

	m->rows[at] = (uint32) from->rows;
	if (from->column < 0)
	{
		to->at.threshold = INFINITY;
		to->flags = ML_FOREST_MISSING_LEFT;
		to->child = at;
		m->forest.values[at] = ml_boosting_in_range(from->value * fit->y_scale);
		return;
	}
	m->gain[at] = Min(from->gain, 1e300);
	to->child = child;
	to->column = (uint16) from->column;
	to->flags = from->missing_left ? ML_FOREST_MISSING_LEFT : 0;
	if (from->category)
		ml_boosting_set(m, at, (*set)++, from->set);
	else
		to->at.threshold = from->bin < fit->columns[from->column].nbins - 1 ?
			ml_boost_edges(fit->boost, from->column)[from->bin] : INFINITY;
}

/* Lays a tree out with the nodes in the order of their distance from the root. */
static void
ml_boosting_lay_tree(const MlBoostingFit *fit, MlBoosting *m, int tree, uint32 root, int *set)
{
	const MlBoostNode *nodes = fit->trees[tree];
	int			n = fit->nodes[tree];
	int		   *order = palloc(sizeof(int) * n);
	int			listed = 1;

	order[0] = 0;
	for (int i = 0; i < n; i++)
	{
		const MlBoostNode *node = &nodes[order[i]];

		ml_boosting_node(fit, m, node, root + i, root + listed, set);
		if (node->column >= 0)
		{
			order[listed++] = node->left;
			order[listed++] = node->left + 1;
		}
	}
	m->forest.root[tree] = root;
	m->tree_nodes[tree] = n;
	pfree(order);
}

/* The model of the first trees. */
static MlBoosting *
ml_boosting_lay(const MlBoostingFit *fit, int trees, const double *base)
{
	const MlLearnInput *in = fit->in;
	MlBoosting *m;
	int64		nodes = 0;
	int64		sets = 0;
	uint32		at = 0;
	int			set = 0;
	int64		leaves = 0;

	for (int t = 0; t < trees; t++)
	{
		nodes += fit->nodes[t];
		leaves += (fit->nodes[t] + 1) / 2;
		for (int i = 0; i < fit->nodes[t]; i++)
			sets += fit->trees[t][i].column >= 0 && fit->trees[t][i].category;
	}
	if (nodes > PG_INT32_MAX / 16)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the trees have too many nodes to be stored"),
				 errdetail("They have %lld; at most %d are possible.", (long long) nodes, PG_INT32_MAX / 16),
				 errhint("Use fewer trees or leaves.")));
	m = ml_boosting_create(in->ncols, fit->spec.groups, trees, nodes, sets);
	m->loss = fit->spec.loss;
	m->nclasses = in->nclasses;
	for (int j = 0; j < in->ncols; j++)
		m->nlevels[j] = in->about[j].nlevels;
	for (int k = 0; k < fit->spec.groups; k++)
		m->forest.base[k] = base[k] * fit->y_scale;
	for (int t = 0; t < trees; t++)
	{
		ml_boosting_lay_tree(fit, m, t, at, &set);
		at += fit->nodes[t];
	}
	ml_boosting_complete(m);
	m->figures[0] = (double) trees / fit->spec.groups;
	m->figures[1] = trees;
	m->figures[2] = leaves;
	m->figures[3] = m->depth;
	m->figures[4] = (double) (fit->spec.rows - fit->spec.rows_fit);
	m->figures[5] = ml_boost_best_loss(fit->boost);
	return m;
}

/* A member's view of the team's memory as it is laid out now. */
static MlBoost *
ml_boosting_attach(MlTeam *team, const MlBoostTeam *members, const MlTick *tick)
{
	void	   *shared = ml_team_memory(team);

	return ml_boost_attach(shared, ml_team_own(ml_boost_own_bytes(shared)), members, tick);
}

/* What a worker runs: it bins columns, and grows the same trees as the leader, whose model is kept. */
PGDLLEXPORT void ml_boosting_worker(dsm_segment *segment, shm_toc *toc);

void
ml_boosting_worker(dsm_segment *segment, shm_toc *toc)
{
	MlBoostTeam members;
	MlTeam	   *team = ml_team_join(segment, toc, &members.me, &members.members);
	MlTick		tick;
	MlBoost    *boost;

	members.meet = ml_team_meet;
	members.ctx = team;
	tick.breathe = ml_team_breathe;
	tick.ctx = NULL;
	boost = ml_boosting_attach(team, &members, &tick);
	ml_boosting_bin(boost, &members, ml_boost_spec(boost)->rows, ml_boost_spec(boost)->cols, NULL);
	/* meanwhile the leader lays the memory out anew, with the bins there are */
	ml_team_meet(team);
	boost = ml_boosting_attach(team, &members, &tick);
	while (ml_boost_round(boost))
		;
	ml_team_leave(team);
}

/* Lays the team's memory out, with as many bins as there may be, and starts the members. */
static void
ml_boosting_begin(MlBoostingFit *fit)
{
	int			workers = ml_team_workers((Size) fit->spec.rows * fit->spec.cols);
	size_t		shared;
	size_t		own;

	fit->spec.members = 1 + workers;
	if (ml_boost_sizes(&fit->spec, fit->columns, &shared, &own) != ML_OK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("source is too large for learner \"gradient_boosting\""),
				 errdetail("It has %lld training rows of %d columns.", (long long) fit->spec.rows, fit->spec.cols),
				 errhint("Train on fewer rows or columns.")));
	fit->team = ml_team_begin(workers, shared, "ml_boosting_worker");
	ml_boost_init(ml_team_memory(fit->team), &fit->spec, fit->columns);
	fit->members.members = ml_team_launch(fit->team);
	fit->members.me = 0;
	fit->members.meet = ml_team_meet;
	fit->members.ctx = fit->team;
	fit->boost = ml_boosting_attach(fit->team, &fit->members, fit->in->tick);
}

/* Tells of the losses after a round, which early stopping goes by. */
static void
ml_boosting_measured(const MlBoostingFit *fit)
{
	const MlLearnInput *in = fit->in;
	int			round = fit->ntrees / fit->spec.groups;
	double		training;
	double		later;

	if (in->measured == NULL || !ml_boost_round_loss(fit->boost, &training, &later))
		return;
	in->measured(in->measured_ctx, "training_loss", round, training);
	in->measured(in->measured_ctx, "held_back_loss", round, later);
}

/* Grows the trees, once the rows are in their places. */
static void
ml_boosting_grow(MlBoostingFit *fit)
{
	ml_boost_init(ml_team_memory(fit->team), &fit->spec, fit->columns);
	if (fit->members.members > 1)
		ml_team_meet(fit->team);
	fit->boost = ml_boosting_attach(fit->team, &fit->members, fit->in->tick);
	while (ml_boost_round(fit->boost))
	{
		ml_boosting_keep(fit);
		ml_boosting_measured(fit);
		fit->in->progress(fit->in->progress_ctx, fit->ntrees / fit->spec.groups, fit->spec.n_trees);
	}
}

static void
ml_boosting_note(const MlBoostingFit *fit, int rounds)
{
	const MlBoostSpec *spec = &fit->spec;
	int			grown = fit->ntrees / spec->groups;
	bool		split = false;

	for (int t = 0; t < fit->ntrees; t++)
		split |= fit->nodes[t] > 1;
	if (spec->early_stopping > 0 && spec->rows == spec->rows_fit)
		ml_note(fit->in->notes, "early stopping was left out: there are too few rows, or too few with a weight, to hold some back");
	else if (spec->early_stopping > 0 && grown > 0)
		ml_note(fit->in->notes, "early stopping kept %d of %d rounds: there the loss on %lld held-back training rows "
				"was least", rounds, grown, (long long) (spec->rows - spec->rows_fit));
	else if (grown < spec->n_trees)
		ml_note(fit->in->notes, "boosting ended after %d of %d rounds: no leaf could be split any more%s", grown,
				spec->n_trees, split ? "" : ", so every row gets the same prediction");
	else if (!split)
		ml_note(fit->in->notes, "no leaf could be split in any of %d rounds, so every row gets the same prediction", grown);
}

static void *
ml_boosting_fit_model(const MlLearnInput *in)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context;
	MlBoostingFit *fit;
	MlBoosting *m;
	int			rounds;

	for (int j = 0; j < in->ncols; j++)
		if (in->about[j].nlevels > ML_LEARNER_LEVELS_MAX + 1)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("category column \"%s\" has too many levels for learner \"gradient_boosting\"",
							in->about[j].name),
					 errdetail("It has %d; at most %d are possible.", in->about[j].nlevels, ML_LEARNER_LEVELS_MAX + 1),
					 errhint("Leave the pipeline out, lower pg_mlops.max_categories, or add the step \"one_hot\".")));
	if (in->ncols > PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are too many columns for learner \"gradient_boosting\""),
				 errdetail("There are %d; at most %d are possible.", in->ncols, PG_UINT16_MAX),
				 errhint("Use fewer columns.")));
	context = AllocSetContextCreate(outer, "pg_mlops boosting", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	fit = palloc0(sizeof(MlBoostingFit));
	fit->in = in;
	ml_boosting_spec(in, &fit->spec);
	fit->columns = ml_boosting_columns(in);
	ml_boosting_directions(fit);
	ml_boosting_begin(fit);
	ml_boosting_fill(fit);
	ml_boosting_read_target(fit);
	ml_boosting_read_weights(fit);
	ml_boosting_settle(fit);
	ml_boosting_grow(fit);
	/* the model and the notes outlive what they were made of */
	MemoryContextSwitchTo(outer);
	rounds = ml_boost_best_round(fit->boost);
	ml_boosting_note(fit, rounds);
	m = ml_boosting_lay(fit, rounds * fit->spec.groups, ml_boost_base(fit->boost));
	ml_team_end(fit->team);
	MemoryContextDelete(context);
	return m;
}

const MlLearner ml_gradient_boosting = {
	.name = "gradient_boosting",
	.summary = "gradient-boosted trees: numbers and categories as they are, missing values included",
	.tag = 3,
	.version = 1,
	.flags = ML_LEARNER_MISSING | ML_LEARNER_CATEGORIES | ML_LEARNER_COLUMNS,
	.tasks = ML_TASK_BIT(ML_TASK_REGRESSION) | ML_TASK_BIT(ML_TASK_CLASSIFICATION),
	.params = ml_boosting_parameters,
	.nparams = ML_BOOSTING_NPARAMS,
	.memory = ml_boosting_memory,
	.fit = ml_boosting_fit_model,
	.predict = ml_boosting_predict,
	.write = ml_boosting_write,
	.read = ml_boosting_read,
	.figures = ml_boosting_tell,
	.importance = ml_boosting_importance,
	.cost = ml_boosting_cost,
};
