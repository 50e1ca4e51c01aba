/*
 * learners.c - the table of learners.
 */
#include "postgres.h"

#include "base/compat.h"
#include "learn/learner.h"

const MlLearner *const ml_learners[] = {
	&ml_gradient_boosting,
	&ml_linear_regression,
	&ml_logistic_regression,
	&ml_trivial,
	NULL
};

const MlLearner *
ml_learner_by_name(const char *name)
{
	List	   *names = NIL;

	for (int i = 0; ml_learners[i]; i++)
	{
		if (strcmp(ml_learners[i]->name, name) == 0)
			return ml_learners[i];
		names = lappend(names, unconstify(char *, ml_learners[i]->name));
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("learner \"%s\" does not exist", name),
			 errdetail("The learners are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "See ml.learners, or leave algorithm at 'auto'."))));
}

List *
ml_learner_param_names(const MlLearner *learner)
{
	List	   *names = NIL;

	for (int i = 0; i < learner->nparams; i++)
		names = lappend(names, unconstify(char *, learner->params[i].name));
	return names;
}

const MlLearner *
ml_learner_by_tag(uint16 tag)
{
	for (int i = 0; ml_learners[i]; i++)
		if (ml_learners[i]->tag == tag)
			return ml_learners[i];
	return NULL;
}

const char *
ml_task_name(MlTask task)
{
	return task == ML_TASK_REGRESSION ? "regression" : "classification";
}
