/*
 * search_space.c - reading the argument search: the method, its limits, and the space of what is tried.
 *
 * A dimension is a parameter of a learner, the whole pipeline, or a parameter
 * of one of its steps. Everything that it can be is checked against the tables
 * of parameters before the first trial. Memory is palloc'd in the current
 * context; values point into the argument.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/search_internal.h"
#include "math/elementary.h"
#include "metric/metric.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Trials where the caller does not say how many, and most of a grid. */
#define ML_SEARCH_TRIALS		30
#define ML_SEARCH_TRIALS_MAX	10000

/* Points of a range in a grid. */
#define ML_SEARCH_POINTS		5

static const MlParam ml_search_params[] = {
	{"method", ML_PARAM_TEXT, "tpe", 0, 0, "grid|random|halving|tpe", "How trials are chosen."},
	{"space", ML_PARAM_VALUE, NULL, 0, 0, NULL,
		"What is tried: an object of parameters with lists of values or ranges; left out, or \"default\": what suits the "
	"learner."},
	{"trials", ML_PARAM_INTEGER, NULL, 1, ML_SEARCH_TRIALS_MAX, NULL, "Most trials; 30, of a grid all."},
	{"metric", ML_PARAM_TEXT, NULL, 0, 0, NULL,
	"The metric by which trials are compared; auc for two classes, log_loss for more, rmse for numbers."},
	{"folds", ML_PARAM_INTEGER, NULL, 1, ML_FOLDS_MAX, NULL,
	"Folds of the training rows that judge each trial; those of the split, else 3. 1 holds out a fifth of them once."},
	{"seconds", ML_PARAM_NUMBER, NULL, 0.001, 1e7, NULL, "Time after which no more trials begin."},
	{"early_stopping", ML_PARAM_BOOLEAN, "true", 0, 0, NULL,
	"A trial ends after a fold where it is worse than half of the earlier ones."},
	{"eta", ML_PARAM_INTEGER, "3", 2, 100, NULL, "Of halving: one in so many goes on, with so many times the rows."},
	{"workers", ML_PARAM_INTEGER, NULL, 0, 64, NULL, "Most background workers that judge trials."},
};

#define ML_SEARCH_NPARAMS	((int) lengthof(ml_search_params))

static const MlParam ml_range_params[] = {
	{"min", ML_PARAM_NUMBER, NULL, -1e300, 1e300, NULL, "The least value."},
	{"max", ML_PARAM_NUMBER, NULL, -1e300, 1e300, NULL, "The greatest value."},
	{"scale", ML_PARAM_TEXT, "linear", 0, 0, "linear|log", "Whether differences or ratios count."},
	{"type", ML_PARAM_TEXT, NULL, 0, 0, "integer|number", "Whether whole numbers alone; the parameter's own type."},
	{"points", ML_PARAM_INTEGER, "5", 1, 1000, NULL, "Of a grid: how many values from min to max."},
};

#define ML_RANGE_NPARAMS	((int) lengthof(ml_range_params))

/* What is tried where the caller does not say. */
typedef struct MlSearchDefault
{
	const char *learner;
	const char *space;			/* json */
} MlSearchDefault;

static const MlSearchDefault ml_search_defaults[] = {
	{"gradient_boosting",
		"{\"learning_rate\": {\"min\": 0.02, \"max\": 0.3, \"scale\": \"log\"},"
		" \"max_leaves\": {\"min\": 7, \"max\": 127, \"scale\": \"log\"},"
		" \"min_rows\": {\"min\": 5, \"max\": 100, \"scale\": \"log\"},"
		" \"l2\": {\"min\": 0.01, \"max\": 100, \"scale\": \"log\"},"
		" \"column_fraction\": {\"min\": 0.4, \"max\": 1},"
		" \"row_fraction\": {\"min\": 0.5, \"max\": 1},"
	" \"n_trees\": [400], \"early_stopping\": [20]}"},
	{"linear_regression", "{\"l2\": {\"min\": 0.001, \"max\": 10000, \"scale\": \"log\"}}"},
	{"logistic_regression", "{\"l2\": {\"min\": 0.001, \"max\": 10000, \"scale\": \"log\"}}"},
	{"trivial", "{}"},
};

static ML_NORETURN void
ml_search_wrong(char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

bool
ml_search_active(const MlSearchDim *dim, int learner)
{
	return dim->part != ML_SEARCH_PARAM || dim->learner == learner;
}

/* ---- the learners that take part ---- */

/* Checks what the caller gave: each member is a parameter of some learner that takes part. */
static void
ml_search_check_given(const MlSearch *search, Jsonb *params, MlTask task)
{
	List	   *others = task == ML_TASK_REGRESSION ? NIL : list_make1("positive_class");
	const MlLearner *last = search->learners[search->nlearners - 1].learner;

	for (int i = 0; i < search->nlearners - 1; i++)
		others = list_concat(others, ml_learner_param_names(search->learners[i].learner));
	(void) ml_options_parse(psprintf("learner \"%s\"", last->name), last->params, last->nparams, params, others);
}

static void
ml_search_choose_learners(MlSearch *search, const MlTraining *t)
{
	static const MlLearner *const candidates[] = {&ml_trivial, &ml_linear_regression, &ml_logistic_regression,
	&ml_gradient_boosting};

	search->automatic = t->learner == NULL;
	if (t->learner)
		search->learners[search->nlearners++].learner = t->learner;
	for (int i = 0; i < (int) lengthof(candidates) && search->automatic; i++)
		if (t->model->task == 0 || (candidates[i]->tasks & ML_TASK_BIT(t->model->task)))
			search->learners[search->nlearners++].learner = candidates[i];
	ml_search_check_given(search, t->params_given, t->model->task);
	for (int i = 0; i < search->nlearners; i++)
		search->learners[i].given = ml_train_params_of(t->params_given, search->learners[i].learner);
}

static List *
ml_search_learner_names(const MlSearch *search)
{
	List	   *names = NIL;

	for (int i = 0; i < search->nlearners; i++)
		names = lappend(names, unconstify(char *, search->learners[i].learner->name));
	return names;
}

/* ---- what a key names ---- */

static const MlParam *
ml_search_find_param(const MlParam *params, int nparams, const char *name, const char *owner, const char *key)
{
	List	   *names = NIL;

	for (int i = 0; i < nparams; i++)
	{
		if (strcmp(params[i].name, name) == 0)
			return &params[i];
		names = lappend(names, unconstify(char *, params[i].name));
	}
	ml_search_wrong(psprintf("%s has no parameter \"%s\", which the search space has as \"%s\"", owner, name, key),
					names == NIL ? "It has no parameters." : psprintf("Its parameters are: %s.", ml_text_list(names, 50)),
					ml_text_hint(name, names, "Remove it or use one of these names."));
}

/* The step that a key names by its name or its place; raises an error when there is none, or more than one. */
static const MlTransform *
ml_search_find_step(const MlSearch *search, const char *word, MlSearchDim *dim)
{
	List	   *steps = search->pipeline ? ml_pipeline_parse(search->pipeline) : NIL;
	List	   *names = NIL;
	int			found = 0;

	for (int i = 0; i < list_length(steps); i++)
	{
		const MlStepSpec *step = list_nth(steps, i);

		names = lappend(names, psprintf("%d.%s", i + 1, step->transform->name));
		if (strcmp(step->transform->name, word) == 0 || strcmp(psprintf("%d", i + 1), word) == 0)
		{
			found++;
			dim->step = i;
		}
	}
	if (found == 1)
		return ((const MlStepSpec *) list_nth(steps, dim->step))->transform;
	if (found > 1)
		ml_search_wrong(psprintf("the pipeline has %d steps \"%s\", so \"%s\" in the search space names none of them", found, word,
								 dim->key),
						psprintf("Its steps are: %s.", ml_text_list(names, 50)),
						psprintf("Name the step by its place, as in \"%d.%s\".", dim->step + 1, strchr(dim->key, '.') + 1));
	if (search->automatic && search->pipeline == NULL)
		ml_search_wrong(psprintf("\"%s\" in the search space names no learner that is tried", dim->key),
						psprintf("They are: %s.", ml_text_list(ml_search_learner_names(search), 10)),
						ml_text_hint(word, ml_search_learner_names(search), "Name one of them, a point, and its parameter."));
	ml_search_wrong(psprintf("\"%s\" in the search space names no step of the pipeline", dim->key),
					search->pipeline == NULL ? "No pipeline was given." :
					psprintf("Its steps are: %s.", ml_text_list(names, 50)),
					search->pipeline == NULL ? "Give the pipeline whose parameters are to be searched as pipeline." :
					"Name a step by its name or place, a point, and its parameter.");
}

static int
ml_search_find_learner(const MlSearch *search, const char *name, int length)
{
	for (int i = 0; i < search->nlearners; i++)
		if (strlen(search->learners[i].learner->name) == length &&
			strncmp(search->learners[i].learner->name, name, length) == 0)
			return i;
	return -1;
}

/* Settles what a key is for. */
static void
ml_search_resolve(const MlSearch *search, MlSearchDim *dim)
{
	const char *point = strchr(dim->key, '.');
	const MlLearner *learner;

	if (strcmp(dim->key, "pipeline") == 0)
	{
		dim->part = ML_SEARCH_PIPELINE;
		return;
	}
	dim->part = ML_SEARCH_PARAM;
	dim->learner = point ? ml_search_find_learner(search, dim->key, (int) (point - dim->key)) :
		search->automatic ? -1 : 0;
	if (dim->learner >= 0)
	{
		learner = search->learners[dim->learner].learner;
		dim->param = ml_search_find_param(learner->params, learner->nparams, point ? point + 1 : dim->key,
										  psprintf("learner \"%s\"", learner->name), dim->key);
		return;
	}
	if (point)
	{
		const MlTransform *transform = ml_search_find_step(search, pnstrdup(dim->key, point - dim->key), dim);

		dim->part = ML_SEARCH_STEP;
		dim->param = ml_search_find_param(transform->params, transform->nparams, point + 1,
										  psprintf("step \"%s\"", transform->name), dim->key);
		return;
	}
	ml_search_wrong(psprintf("\"%s\" in the search space does not say which learner it is for", dim->key),
					psprintf("The learners that are tried: %s.", ml_text_list(ml_search_learner_names(search), 10)),
					psprintf("Write it as \"%s.%s\".", search->learners[search->nlearners - 1].learner->name, dim->key));
}

/* ---- values ---- */

/* Raises an error unless the parameter of a dimension can have a value. */
static void
ml_search_check_value(const MlSearch *search, const MlSearchDim *dim, JsonbValue *value)
{
	const char *key = dim->param ? dim->param->name : NULL;
	const char *owner;

	if (dim->part == ML_SEARCH_PIPELINE)
	{
		if (value->type != jbvNull)
			(void) ml_pipeline_parse(JsonbValueToJsonb(value));
		return;
	}
	owner = dim->part == ML_SEARCH_STEP ? psprintf("the step in \"%s\"", dim->key) :
		psprintf("learner \"%s\"", search->learners[dim->learner].learner->name);
	(void) ml_options_parse(owner, dim->param, 1, ml_search_changed(NULL, 1, &key, &value), NIL);
}

/* A list: every element is a value. */
static void
ml_search_read_list(MlSearch *search, MlSearchDim *dim, JsonbContainer *list)
{
	dim->nvalues = (int) JsonContainerSize(list);
	dim->values = palloc(sizeof(JsonbValue) * Max(dim->nvalues, 1));
	if (dim->nvalues == 0)
		ml_search_wrong(psprintf("\"%s\" in the search space has no values", dim->key), "Its list is empty.",
						"List what is to be tried, or leave it out.");
	for (int i = 0; i < dim->nvalues; i++)
	{
		dim->values[i] = *getIthJsonbValueFromContainer(list, i);
		ml_search_check_value(search, dim, &dim->values[i]);
	}
}

/* In a grid a range is some values of it. */
static void
ml_search_range_points(MlSearchDim *dim, int points)
{
	double		last = NAN;

	dim->values = palloc(sizeof(JsonbValue) * points);
	for (int i = 0; i < points; i++)
	{
		double		share = points > 1 ? (double) i / (points - 1) : 0;
		double		x = dim->log ? ml_exp((1 - share) * ml_log(dim->min) + share * ml_log(dim->max)) :
			(1 - share) * dim->min + share * dim->max;

		/* 0.1 and not 0.10000000000000002 */
		x = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(psprintf("%.6g", x))));
		x = dim->whole ? rint(x) : x;
		x = i == 0 ? dim->min : i == points - 1 ? dim->max : Min(Max(x, dim->min), dim->max);
		if (x == last)
			continue;
		ml_search_number(&dim->values[dim->nvalues++], x);
		last = x;
	}
}

static void
ml_search_read_range(MlSearch *search, MlSearchDim *dim, Jsonb *range)
{
	const MlParamValue *v = ml_options_parse(psprintf("\"%s\" in the search space", dim->key), ml_range_params,
											 ML_RANGE_NPARAMS, range, NIL);
	const char *type = v[3].text;
	JsonbValue	bound;

	if (dim->param == NULL || (dim->param->type != ML_PARAM_INTEGER && dim->param->type != ML_PARAM_NUMBER))
		ml_search_wrong(psprintf("\"%s\" in the search space cannot be a range", dim->key), "It is no number.",
						"Give a list of values.");
	if (v[0].isnull || v[1].isnull)
		ml_search_wrong(psprintf("\"%s\" in the search space lacks \"%s\"", dim->key, v[0].isnull ? "min" : "max"),
						"A range has both.", "Write it as {\"min\": 0.1, \"max\": 10, \"scale\": \"log\"}.");
	dim->min = v[0].number;
	dim->max = v[1].number;
	dim->log = strcmp(v[2].text, "log") == 0;
	dim->whole = type ? strcmp(type, "integer") == 0 : dim->param->type == ML_PARAM_INTEGER;
	if (!dim->whole && dim->param->type == ML_PARAM_INTEGER)
		ml_search_wrong(psprintf("\"%s\" in the search space takes whole numbers alone", dim->key),
						"The parameter is of type integer.", "Leave \"type\" out.");
	if (!(dim->min < dim->max) || (dim->log && !(dim->min > 0)))
		ml_search_wrong(psprintf("the range of \"%s\" in the search space is empty", dim->key),
						psprintf("It goes from %s to %s%s.", ml_text_number(dim->min), ml_text_number(dim->max),
								 dim->log ? " by ratios, which needs numbers above 0" : ""),
						"\"min\" is less than \"max\", and above 0 where the scale is \"log\".");
	if (dim->whole && (dim->min != floor(dim->min) || dim->max != floor(dim->max)))
		ml_search_wrong(psprintf("the bounds of \"%s\" in the search space must be whole numbers", dim->key),
						psprintf("They are %s and %s.", ml_text_number(dim->min), ml_text_number(dim->max)),
						"The values are whole numbers.");
	ml_search_number(&bound, dim->min);
	ml_search_check_value(search, dim, &bound);
	ml_search_number(&bound, dim->max);
	ml_search_check_value(search, dim, &bound);
	if (search->method == ML_SEARCH_GRID)
		ml_search_range_points(dim, (int) v[4].number);
}

/* Whether the caller has set the parameter of a dimension himself. */
static bool
ml_search_is_given(const MlSearch *search, const MlSearchDim *dim)
{
	const Jsonb *given = dim->part == ML_SEARCH_PARAM ? search->learners[dim->learner].given : NULL;
	JsonbValue	buffer;

	return given != NULL && getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &given->root), dim->param->name,
														 strlen(dim->param->name), &buffer) != NULL;
}

static void
ml_search_read_space(MlSearch *search, Jsonb *space, const char *prefix)
{
	JsonbIterator *it = JsonbIteratorInit(&space->root);
	int			n = (int) JsonContainerSize(&space->root);
	JsonbValue	v;

	search->dims = search->dims ? repalloc(search->dims, sizeof(MlSearchDim) * (search->ndims + n + 1)) :
		palloc(sizeof(MlSearchDim) * (n + 1));
	(void) JsonbIteratorNext(&it, &v, true);
	while (JsonbIteratorNext(&it, &v, true) == WJB_KEY)
	{
		MlSearchDim *dim = &search->dims[search->ndims];

		memset(dim, 0, sizeof *dim);
		dim->key = psprintf("%s%s", prefix, ml_search_key(&v));
		(void) JsonbIteratorNext(&it, &v, true);
		ml_search_resolve(search, dim);
		if (v.type == jbvBinary && JsonContainerIsArray(v.val.binary.data) && !JsonContainerIsScalar(v.val.binary.data))
			ml_search_read_list(search, dim, v.val.binary.data);
		else if (v.type == jbvBinary && JsonContainerIsObject(v.val.binary.data))
			ml_search_read_range(search, dim, JsonbValueToJsonb(&v));
		else
			ml_search_wrong(psprintf("\"%s\" in the search space is neither a list nor a range", dim->key),
							"What is tried is a list of values, or an object with \"min\" and \"max\".",
							"Write it as [1, 10, 100] or {\"min\": 1, \"max\": 100, \"scale\": \"log\"}.");
		/* what the caller has set is not searched unless he says so */
		if (!search->given && ml_search_is_given(search, dim))
			continue;
		if (search->given && search->method == ML_SEARCH_GRID && ml_search_is_given(search, dim))
			ml_search_wrong(psprintf("parameter \"%s\" is both in params and in the search space", dim->param->name),
							"A grid tries what the space says, and nothing else.", "Leave it out of one of them.");
		search->ndims++;
	}
}

/* The space that suits the learners. */
static void
ml_search_default_space(MlSearch *search)
{
	for (int l = 0; l < search->nlearners; l++)
	{
		const char *name = search->learners[l].learner->name;
		int			i;

		for (i = 0; i < (int) lengthof(ml_search_defaults); i++)
			if (strcmp(ml_search_defaults[i].learner, name) == 0)
				break;
		if (i == lengthof(ml_search_defaults))
			ml_search_wrong(psprintf("learner \"%s\" has no search space of its own", name),
							"The space was left out.", "Say in \"space\" what is to be tried.");
		ml_search_read_space(search, DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																		 CStringGetDatum(ml_search_defaults[i].space))),
							 search->automatic ? psprintf("%s.", name) : "");
	}
}

/* A pipeline as a whole, and parameters of its steps, cannot both be searched. */
static void
ml_search_check_parts(const MlSearch *search)
{
	const char *step = NULL;
	bool		whole = false;

	for (int d = 0; d < search->ndims; d++)
	{
		whole |= search->dims[d].part == ML_SEARCH_PIPELINE;
		if (search->dims[d].part == ML_SEARCH_STEP)
			step = search->dims[d].key;
	}
	if (whole && step)
		ml_search_wrong(psprintf("the search space has both \"pipeline\" and \"%s\"", step),
						"A parameter of a step belongs to the one pipeline that was given.",
						"Write the steps' parameters into the pipelines of the list.");
	if (search->ndims == 0 && !search->automatic)
		ml_search_wrong("the search space is empty", "There is nothing to try.",
						"Name parameters of the learner in \"space\", or leave search out.");
}

/* How many trials a grid has; raises an error where they are too many. */
static void
ml_search_count_grid(MlSearch *search, bool limited)
{
	double		total = 0;

	for (int l = 0; l < search->nlearners; l++)
	{
		double		n = 1;

		for (int d = 0; d < search->ndims; d++)
			n *= ml_search_active(&search->dims[d], l) ? search->dims[d].nvalues : 1;
		total += n;
	}
	if (total > search->trials)
		ml_search_wrong(psprintf("the grid has %.0f combinations", total),
						psprintf("%s is %d.", limited ? "\"trials\"" : "The most that a grid can have", search->trials),
						"Try fewer values of each parameter, or choose method \"tpe\" or \"random\", which try some of them.");
	search->trials = (int) total;
}

static void
ml_search_read_limits(MlSearch *search, const MlParamValue *v)
{
	static const char *const methods[] = {"grid", "random", "halving", "tpe"};

	while (strcmp(methods[search->method], v[0].text) != 0)
		search->method++;
	search->method_name = methods[search->method];
	search->trials = !v[2].isnull ? (int) v[2].number : search->method == ML_SEARCH_GRID ? ML_SEARCH_TRIALS_MAX :
		ML_SEARCH_TRIALS;
	search->metric_name = v[3].isnull ? NULL : v[3].text;
	search->folds = v[4].isnull ? 0 : (int) v[4].number;
	search->seconds = v[5].isnull ? 0 : v[5].number;
	search->early_stopping = v[6].number != 0;
	search->eta = (int) v[7].number;
	search->workers = v[8].isnull ? -1 : (int) v[8].number;
}

/* Raises an error unless some target of the task, or of any task, has the metric. */
static void
ml_search_check_metric(const MlSearch *search, MlTask task)
{
	static const MlMetricTask tasks[] = {ML_METRIC_TASK_REGRESSION, ML_METRIC_TASK_TWO_CLASS, ML_METRIC_TASK_MULTI_CLASS};
	List	   *names = NIL;

	if (search->metric_name == NULL)
		return;
	for (int i = 0; i < (int) lengthof(tasks); i++)
	{
		int			n;
		const MlMetric *const *metrics = ml_metrics_for(tasks[i], &n);

		if (task != 0 && (task == ML_TASK_REGRESSION) != (tasks[i] == ML_METRIC_TASK_REGRESSION))
			continue;
		for (int m = 0; m < n; m++)
			if (!ml_text_listed(names, metrics[m]->name))
				names = lappend(names, unconstify(char *, metrics[m]->name));
	}
	if (!ml_text_listed(names, search->metric_name))
		ml_search_wrong(psprintf("a search cannot go by metric \"%s\"", search->metric_name),
						psprintf("The metrics%s are: %s.", task ? psprintf(" of %s", ml_task_name(task)) : "",
								 ml_text_list(names, 50)),
						ml_text_hint(search->metric_name, names, "Leave \"metric\" out, or name one of these."));
}

MlSearch *
ml_search_parse(const MlTraining *t)
{
	MlSearch   *search = palloc0(sizeof(MlSearch));
	const MlParamValue *v = ml_options_parse("search", ml_search_params, ML_SEARCH_NPARAMS, t->spec->search, NIL);
	const MlParamValue *space = &v[1];

	ml_search_read_limits(search, v);
	ml_search_check_metric(search, t->model->task);
	search->seed = (uint64) t->spec->seed;
	search->pipeline = t->pipeline_given;
	ml_search_choose_learners(search, t);
	search->given = !space->isnull && !JB_ROOT_IS_SCALAR(space->json);
	if (!search->given && !space->isnull && strcmp(space->text, "\"default\"") != 0)
		ml_search_wrong("the search space must be a JSON object", psprintf("It is %s.", space->text),
						"Write it as {\"l2\": [0.1, 1, 10]}, or leave it out for the learner's own.");
	if (search->given && !JB_ROOT_IS_OBJECT(space->json))
		ml_search_wrong("the search space must be a JSON object", "It is a JSON array.",
						"Write it as {\"l2\": [0.1, 1, 10]}, or leave it out for the learner's own.");
	if (search->given)
		ml_search_read_space(search, space->json, "");
	else
		ml_search_default_space(search);
	ml_search_check_parts(search);
	if (search->method == ML_SEARCH_GRID && (t->model->task != 0 || !search->automatic))
		ml_search_count_grid(search, !v[2].isnull);
	return search;
}
