/*
 * train_check.c - what of the arguments of ml.train can be judged without data.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/load_copy.h"
#include "flow/search.h"
#include "flow/split.h"
#include "flow/training.h"
#include "store/access.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static ML_NORETURN void
ml_train_unsupported(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported by this release", what),
			 errhint("%s", hint)));
}

static bool
ml_train_one_of(const char *value, const char *const *choices)
{
	for (; *choices; choices++)
		if (strcmp(value, *choices) == 0)
			return true;
	return false;
}

/* Raises an error when there is nowhere to put a copy: of a retraining, it belongs to whose source it is. */
static void
ml_train_check_copy(const MlTrainSpec *spec)
{
	MlIdentitySaved saved;

	if (spec->repeats)
		ml_identity_enter(&spec->repeats->identity, &saved);
	(void) ml_load_copy_schema();
	if (spec->repeats)
		ml_identity_leave(&saved);
}

void
ml_train_check(const MlTrainSpec *spec)
{
	static const char *const snapshots[] = {"fingerprint", "copy", "none", NULL};
	static const char *const deploys[] = {"never", "first", "if_gates_pass", "always", NULL};
	char	   *owner;

	ml_catalog_check_name(spec->model);
	if (ml_catalog_model_exists(spec->model, &owner))
		ml_access_require(spec->model, owner, spec->reproduces ? ML_PRIV_READ : ML_PRIV_TRAIN);
	if (spec->target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target is missing"),
				 errdetail("Regression and classification learn to predict a column of the source."),
				 errhint("Pass target => 'column'.")));
	if (!ml_train_one_of(spec->snapshot, snapshots))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("snapshot cannot be \"%s\"", spec->snapshot),
				 errdetail("Its values are: fingerprint, copy, none."),
				 errhint("Leave it out to record the fingerprint.")));
	if (!ml_train_one_of(spec->deploy, deploys))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("deploy cannot be \"%s\"", spec->deploy),
				 errdetail("Its values are: never, first, if_gates_pass, always."),
				 errhint("Leave it out to deploy the first version only.")));
	if (strcmp(spec->snapshot, "copy") == 0)
		ml_train_check_copy(spec);
	if (spec->tags && !JB_ROOT_IS_OBJECT(spec->tags))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tags must be a JSON object"),
				 errdetail("It is a JSON %s.", JB_ROOT_IS_SCALAR(spec->tags) ? "scalar" : "array"),
				 errhint("Write it as {\"name\": value, ...}.")));
}

static MlTask
ml_train_parse_task(const char *task)
{
	static const char *const later[] = {"clustering", "anomaly", "forecasting", "decomposition",
	"recommendation", NULL};

	if (strcmp(task, "regression") == 0)
		return ML_TASK_REGRESSION;
	if (strcmp(task, "classification") == 0)
		return ML_TASK_CLASSIFICATION;
	if (ml_train_one_of(task, later))
		ml_train_unsupported(psprintf("task \"%s\"", task), "See ml.learners for what there is.");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("task \"%s\" does not exist", task),
			 errdetail("The tasks are: regression, classification."),
			 errhint("%s", ml_text_hint(task, list_make2("regression", "classification"),
										"Leave it out to have it inferred from the target."))));
}

Jsonb *
ml_train_params_of(Jsonb *params, const MlLearner *learner)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	bool		wanted = false;

	if (params == NULL || !JB_ROOT_IS_OBJECT(params))
		return params;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	it = JsonbIteratorInit(&params->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *name = pnstrdup(v.val.string.val, v.val.string.len);

			wanted = strcmp(name, "positive_class") == 0;
			for (int i = 0; i < learner->nparams; i++)
				wanted |= strcmp(learner->params[i].name, name) == 0;
		}
		if ((token == WJB_KEY || token == WJB_VALUE) && wanted)
			pushJsonbValue(&state, token, &v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Reads the learner's parameters; positive_class belongs to the target and not to a learner. */
static void
ml_train_parse_params(MlTraining *t)
{
	const MlLearner *learner = t->model->learner;
	List	   *others = list_copy(t->other_params);
	JsonbValue	buffer;
	JsonbValue *positive = NULL;

	if (t->model->task == ML_TASK_CLASSIFICATION)
		others = lappend(others, "positive_class");
	t->params = ml_options_parse(psprintf("learner \"%s\"", learner->name), learner->params,
								 learner->nparams, t->params_given, others);
	if (t->params_given && t->model->task == ML_TASK_CLASSIFICATION)
		positive = getKeyJsonValueFromContainer(&t->params_given->root, "positive_class", 14, &buffer);
	if (positive == NULL || positive->type == jbvNull)
		return;
	if (positive->type == jbvString)
		t->positive = pnstrdup(positive->val.string.val, positive->val.string.len);
	else if (positive->type == jbvBool)
		t->positive = positive->val.boolean ? "true" : "false";
	else if (positive->type == jbvNumeric)
		t->positive = ml_text_number(DatumGetFloat8(DirectFunctionCall1(numeric_float8,
																		 NumericGetDatum(positive->val.numeric))));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("positive_class must be a label"),
				 errhint("Write it as {\"positive_class\": \"yes\"}.")));
}

/* Raises unless the learner can do the task. */
static void
ml_train_check_learner(const MlTraining *t, const MlLearner *learner)
{
	if (!(learner->tasks & ML_TASK_BIT(t->model->task)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("learner \"%s\" cannot do %s", learner->name, ml_task_name(t->model->task)),
				 errdetail("It does %s.", ml_task_name(learner->tasks & ML_TASK_BIT(ML_TASK_REGRESSION) ?
													   ML_TASK_REGRESSION : ML_TASK_CLASSIFICATION)),
				 errhint("Leave task out, or choose another algorithm from ml.learners.")));
}

void
ml_train_settle(MlTraining *t, const MlLearner *learner)
{
	ml_train_check_learner(t, learner);
	t->model->learner = learner;
	ml_train_parse_params(t);
}

void
ml_train_start(MlTraining *t)
{
	const MlTrainSpec *spec = t->spec;
	const MlLearner *learner = strcmp(spec->algorithm, "auto") == 0 ? NULL : ml_learner_by_name(spec->algorithm);

	t->learner = learner;
	if (spec->task)
		t->model->task = ml_train_parse_task(spec->task);
	else if (learner && learner->tasks == ML_TASK_BIT(ML_TASK_REGRESSION))
		t->model->task = ML_TASK_REGRESSION;
	else if (learner && learner->tasks == ML_TASK_BIT(ML_TASK_CLASSIFICATION))
		t->model->task = ML_TASK_CLASSIFICATION;
	t->task_known = t->model->task != 0;
	if (t->task_known && learner)
		ml_train_settle(t, learner);
	if (spec->search)
		ml_search_check(t);
}

void
ml_train_precheck(const MlTrainSpec *spec)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops check", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	MlTraining *t = palloc0(sizeof(MlTraining));
	MlLoad	   *load = palloc0(sizeof(MlLoad));

	ml_train_check(spec);
	t->spec = spec;
	t->params_given = spec->params;
	t->pipeline_given = spec->pipeline;
	t->model = palloc0(sizeof(MlModel));
	ml_train_start(t);
	ml_split_parse(spec->split, load);
	if (spec->pipeline)
		(void) ml_pipeline_parse(spec->pipeline);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
