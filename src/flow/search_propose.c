/*
 * search_propose.c - which trials come next: a grid in its order, by chance, by halving, or by a Parzen estimator.
 *
 * Rounds have a size of their own, whatever the number of processes that
 * judge, and chance is a hash of the seed, the number of the trial and of the
 * draw. Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/search_internal.h"
#include "math/elementary.h"
#include "math/parzen.h"
#include "math/resample.h"
#include "metric/metric.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Trials of a round, and of the first round of an estimator, which has to have something to go by. */
#define ML_PROPOSE_ROUND		8
#define ML_PROPOSE_ESTIMATED	4
#define ML_PROPOSE_FIRST_MIN	4
#define ML_PROPOSE_FIRST_MAX	20

/* Share of the trials that count as good, and candidates that are drawn to choose one from. */
#define ML_PROPOSE_GOOD			0.15
#define ML_PROPOSE_CANDIDATES	64

/* How often a trial is drawn again that has been tried before. */
#define ML_PROPOSE_DRAWS		100

/* ---- chance ---- */

typedef struct MlDraws
{
	uint64		seed;
	uint64		trial;
	uint64		drawn;
} MlDraws;

static double
ml_propose_uniform(MlDraws *draws)
{
	return ml_resample_uniform(draws->seed, draws->trial, draws->drawn++);
}

/* ---- a range as the unit interval ---- */

static void
ml_propose_bounds(const MlSearchDim *dim, double *low, double *high)
{
	/* the first and the last whole number are as wide as the others */
	*low = dim->min - (dim->whole ? 0.5 : 0);
	*high = dim->max + (dim->whole ? 0.5 : 0);
	if (dim->log)
	{
		*low = ml_log(*low);
		*high = ml_log(*high);
	}
}

/* Where a value is; NaN outside. */
static double
ml_propose_unit(const MlSearchDim *dim, double x)
{
	double		low;
	double		high;

	if (!(x >= dim->min && x <= dim->max))
		return NAN;
	ml_propose_bounds(dim, &low, &high);
	return ((dim->log ? ml_log(x) : x) - low) / (high - low);
}

/* The value at a place; four digits are enough where they tell values apart. */
static double
ml_propose_value(const MlSearchDim *dim, double u)
{
	double		low;
	double		high;
	double		x;

	ml_propose_bounds(dim, &low, &high);
	x = low + u * (high - low);
	x = dim->log ? ml_exp(x) : x;
	if (dim->whole)
		x = rint(x);
	else if (dim->max - dim->min > 0.1 * Max(fabs(dim->min), fabs(dim->max)))
		x = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(psprintf("%.4g", x))));
	return Min(Max(x, dim->min), dim->max);
}

/* ---- trials ---- */

static MlTrial *
ml_propose_new(const MlSearch *search, int number, int learner)
{
	MlTrial    *trial = palloc0(sizeof(MlTrial));

	trial->number = number;
	trial->learner = learner;
	trial->share = 1;
	trial->value = NAN;
	trial->point = palloc(sizeof(double) * Max(search->ndims, 1));
	for (int d = 0; d < search->ndims; d++)
		trial->point[d] = NAN;
	return trial;
}

static bool
ml_propose_known(const MlSearch *search, const List *round, const MlTrial *trial)
{
	ListCell   *lc;

	for (int i = 0; i < search->ntrials; i++)
		if (strcmp(search->done[i]->identity, trial->identity) == 0)
			return true;
	foreach(lc, round)
		if (strcmp(((const MlTrial *) lfirst(lc))->identity, trial->identity) == 0)
			return true;
	return false;
}

/*
 * The trials that come first: each learner as it is, so that what the search
 * gains can be seen. A number that the caller or the default gives is known to
 * the estimator as a point of the space.
 */
static List *
ml_propose_as_given(const MlSearch *search)
{
	List	   *round = NIL;

	for (int l = 0; l < search->nlearners && list_length(round) < search->trials; l++)
	{
		MlTrial    *trial = ml_propose_new(search, list_length(round) + 1, l);
		const MlLearner *learner = search->learners[l].learner;
		MlParamValue *values;

		ml_search_fill(search, trial);
		trial->kept = true;
		values = ml_options_parse(psprintf("learner \"%s\"", learner->name), learner->params, learner->nparams,
								  trial->params, list_make1("positive_class"));
		for (int d = 0; d < search->ndims; d++)
		{
			const MlSearchDim *dim = &search->dims[d];
			const MlParamValue *value;

			if (dim->part != ML_SEARCH_PARAM || dim->learner != l || dim->nvalues > 0)
				continue;
			value = ml_option(learner->params, learner->nparams, values, dim->param->name);
			if (!value->isnull && value->number >= dim->min && value->number <= dim->max)
				trial->point[d] = value->number;
		}
		round = lappend(round, trial);
	}
	return round;
}

/* One combination of a grid, by its place; the last parameter changes fastest. */
static MlTrial *
ml_propose_grid(const MlSearch *search, int place)
{
	int			number = place + 1;

	for (int l = 0; l < search->nlearners; l++)
	{
		int			size = 1;
		MlTrial    *trial;

		for (int d = 0; d < search->ndims; d++)
			size *= ml_search_active(&search->dims[d], l) ? search->dims[d].nvalues : 1;
		if (place >= size)
		{
			place -= size;
			continue;
		}
		trial = ml_propose_new(search, number, l);
		for (int d = search->ndims - 1; d >= 0; d--)
			if (ml_search_active(&search->dims[d], l))
			{
				trial->point[d] = place % search->dims[d].nvalues;
				place /= search->dims[d].nvalues;
			}
		ml_search_fill(search, trial);
		return trial;
	}
	return NULL;
}

/* A trial by chance alone that has not been tried; NULL where none is found. */
static MlTrial *
ml_propose_random(const MlSearch *search, const List *round, int number)
{
	MlDraws		draws = {search->seed, number, 0};

	for (int again = 0; again < ML_PROPOSE_DRAWS; again++)
	{
		MlTrial    *trial = ml_propose_new(search, number,
										   (int) (ml_propose_uniform(&draws) * search->nlearners));

		for (int d = 0; d < search->ndims; d++)
		{
			const MlSearchDim *dim = &search->dims[d];
			double		u = ml_propose_uniform(&draws);

			if (!ml_search_active(dim, trial->learner))
				continue;
			trial->point[d] = dim->nvalues > 0 ? (int) (u * dim->nvalues) : ml_propose_value(dim, u);
		}
		ml_search_fill(search, trial);
		if (!ml_propose_known(search, round, trial))
			return trial;
	}
	return NULL;
}

/* ---- merit ---- */

int
ml_search_compare(const MlSearch *search, const MlTrial *a, const MlTrial *b)
{
	bool		has_a = !isnan(a->value);
	bool		has_b = !isnan(b->value);

	if (a->outcome.status != b->outcome.status)
	{
		/* what was given up is worse than what was not, what failed is the worst */
		static const int rank[] = {0, 2, 1};

		return rank[a->outcome.status] - rank[b->outcome.status];
	}
	/* with more rows a trial has come further */
	if (a->share != b->share)
		return a->share > b->share ? -1 : 1;
	if (has_a != has_b)
		return has_a ? -1 : 1;
	if (has_a && a->value != b->value)
		return (a->value > b->value) == search->metric->larger_is_better ? -1 : 1;
	return a->number - b->number;
}

static int
ml_propose_by_merit(const void *a, const void *b, void *search)
{
	return ml_search_compare(search, *(MlTrial *const *) a, *(MlTrial *const *) b);
}

/* All trials so far, the best first. */
static MlTrial **
ml_propose_ranked(MlSearch *search)
{
	MlTrial   **ranked = palloc(sizeof(MlTrial *) * Max(search->ntrials, 1));

	memcpy(ranked, search->done, sizeof(MlTrial *) * search->ntrials);
	qsort_arg(ranked, search->ntrials, sizeof(MlTrial *), ml_propose_by_merit, search);
	return ranked;
}

/* ---- the tree-structured Parzen estimator ---- */

/* What trials of one kind, the good or the others, say of a dimension, or of the choice of a learner. */
typedef struct MlDensity
{
	int			n;
	double	   *center;			/* ascending */
	double	   *width;
	int64	   *count;			/* of a list */
} MlDensity;

static int
ml_propose_ascending(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
ml_propose_learn(const MlSearchDim *dim, int d, MlTrial *const *trials, int n, MlDensity *density)
{
	density->n = 0;
	density->center = palloc(sizeof(double) * Max(n, 1));
	density->width = palloc(sizeof(double) * Max(n, 1));
	density->count = palloc0(sizeof(int64) * Max(dim->nvalues, 1));
	for (int i = 0; i < n; i++)
	{
		double		x = trials[i]->point[d];

		if (isnan(x))
			continue;
		if (dim->nvalues > 0)
			density->count[(int) x]++;
		else
		{
			x = ml_propose_unit(dim, x);
			if (!isnan(x))
				density->center[density->n++] = x;
		}
	}
	qsort(density->center, density->n, sizeof(double), ml_propose_ascending);
	ml_parzen_widths(density->n, density->center, density->width);
}

static double
ml_propose_probability(const MlSearchDim *dim, const MlDensity *density, double x)
{
	return dim->nvalues > 0 ? ml_parzen_share(dim->nvalues, density->count, (int) x) :
		ml_parzen_density(density->n, density->center, density->width, ml_propose_unit(dim, x));
}

/* The model of all trials so far. */
typedef struct MlEstimator
{
	MlDensity  *good;			/* per dimension */
	MlDensity  *others;
	int64		good_learners[ML_SEARCH_LEARNERS_MAX];
	int64		other_learners[ML_SEARCH_LEARNERS_MAX];
} MlEstimator;

static MlEstimator *
ml_propose_estimate(MlSearch *search)
{
	MlEstimator *e = palloc0(sizeof(MlEstimator));
	MlTrial   **ranked = ml_propose_ranked(search);
	int			ngood = (int) ceil(ML_PROPOSE_GOOD * search->ntrials);

	e->good = palloc(sizeof(MlDensity) * Max(search->ndims, 1));
	e->others = palloc(sizeof(MlDensity) * Max(search->ndims, 1));
	for (int d = 0; d < search->ndims; d++)
	{
		ml_propose_learn(&search->dims[d], d, ranked, ngood, &e->good[d]);
		ml_propose_learn(&search->dims[d], d, ranked + ngood, search->ntrials - ngood, &e->others[d]);
	}
	for (int i = 0; i < search->ntrials; i++)
		(i < ngood ? e->good_learners : e->other_learners)[ranked[i]->learner]++;
	return e;
}

/* Draws a trial from the density of the good ones; merit is the logarithm of how much likelier it is among them. */
static MlTrial *
ml_propose_candidate(const MlSearch *search, const MlEstimator *e, MlDraws *draws, double *merit)
{
	int			n = search->nlearners;
	int			l = ml_parzen_choose(n, e->good_learners, ml_propose_uniform(draws));
	MlTrial    *trial = ml_propose_new(search, (int) draws->trial, l);

	*merit = ml_log(ml_parzen_share(n, e->good_learners, l) / ml_parzen_share(n, e->other_learners, l));
	for (int d = 0; d < search->ndims; d++)
	{
		const MlSearchDim *dim = &search->dims[d];
		double		which = ml_propose_uniform(draws);
		double		where = ml_propose_uniform(draws);

		if (!ml_search_active(dim, l))
			continue;
		trial->point[d] = dim->nvalues > 0 ? ml_parzen_choose(dim->nvalues, e->good[d].count, where) :
			ml_propose_value(dim, ml_parzen_draw(e->good[d].n, e->good[d].center, e->good[d].width, which, where));
		*merit += ml_log(ml_propose_probability(dim, &e->good[d], trial->point[d]) /
						 ml_propose_probability(dim, &e->others[d], trial->point[d]));
	}
	return trial;
}

/* The candidate with the greatest expected improvement that has not been tried; by chance where there is none. */
static MlTrial *
ml_propose_estimated(const MlSearch *search, const MlEstimator *e, const List *round, int number)
{
	MlDraws		draws = {search->seed, number, UINT64CONST(1) << 32};
	MlTrial    *best = NULL;
	double		best_merit = -INFINITY;

	for (int i = 0; i < ML_PROPOSE_CANDIDATES; i++)
	{
		double		merit;
		MlTrial    *trial = ml_propose_candidate(search, e, &draws, &merit);

		if (!(merit > best_merit))
			continue;
		ml_search_fill(search, trial);
		if (ml_propose_known(search, round, trial))
			continue;
		best = trial;
		best_merit = merit;
	}
	return best ? best : ml_propose_random(search, round, number);
}

/* ---- rounds ---- */

static int
ml_propose_round_size(const MlSearch *search)
{
	int			left = search->trials - search->ntrials;
	int			first = Min(Max(search->trials / 3, ML_PROPOSE_FIRST_MIN), ML_PROPOSE_FIRST_MAX);

	if (search->method == ML_SEARCH_HALVING)
		return left;
	if (search->method == ML_SEARCH_TPE)
		return Min(left, search->ntrials == 0 ? first : ML_PROPOSE_ESTIMATED);
	return Min(left, ML_PROPOSE_ROUND);
}

/* The trials of the next round, with all that was needed to find them. */
static List *
ml_propose_round(MlSearch *search)
{
	int			size = ml_propose_round_size(search);
	bool		estimates = search->method == ML_SEARCH_TPE && search->ntrials > 0;
	MlEstimator *e = estimates && size > 0 ? ml_propose_estimate(search) : NULL;
	List	   *round = search->method != ML_SEARCH_GRID && search->ntrials == 0 ? ml_propose_as_given(search) : NIL;

	while (list_length(round) < size)
	{
		int			number = search->ntrials + list_length(round) + 1;
		MlTrial    *trial = search->method == ML_SEARCH_GRID ? ml_propose_grid(search, number - 1) :
			e ? ml_propose_estimated(search, e, round, number) : ml_propose_random(search, round, number);

		if (trial == NULL)
		{
			search->exhausted = true;
			break;
		}
		round = lappend(round, trial);
	}
	return round;
}

static Jsonb *
ml_propose_copy_json(const Jsonb *json)
{
	Jsonb	   *copy = json ? palloc(VARSIZE(json)) : NULL;

	if (copy)
		memcpy(copy, json, VARSIZE(json));
	return copy;
}

static MlTrial *
ml_propose_copy(const MlSearch *search, const MlTrial *trial)
{
	MlTrial    *copy = palloc(sizeof(MlTrial));

	*copy = *trial;
	copy->point = palloc(sizeof(double) * Max(search->ndims, 1));
	memcpy(copy->point, trial->point, sizeof(double) * search->ndims);
	copy->params = ml_propose_copy_json(trial->params);
	copy->pipeline = ml_propose_copy_json(trial->pipeline);
	copy->identity = pstrdup(trial->identity);
	return copy;
}

List *
ml_search_propose(MlSearch *search)
{
	/* a trial takes many candidates and texts to find, of which nothing is needed later */
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops proposals", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	List	   *round = ml_propose_round(search);
	List	   *trials = NIL;
	ListCell   *lc;

	MemoryContextSwitchTo(caller);
	foreach(lc, round)
		trials = lappend(trials, ml_propose_copy(search, lfirst(lc)));
	MemoryContextDelete(context);
	return trials;
}
