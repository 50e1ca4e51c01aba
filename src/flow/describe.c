/*
 * describe.c - what a version tells about itself.
 *
 * The model stays pinned until the caller's context is reset.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/describe.h"
#include "store/access.h"
#include "store/cache.h"

static const MlModel *
ml_describe_open(const char *ref)
{
	MlVersionRef version;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	return ml_cache_pin(&version, CurrentMemoryContext);
}

int
ml_describe_terms(const char *ref, MlTerm **terms)
{
	const MlModel *model = ml_describe_open(ref);
	const MlShape *shape = model->pipeline->design;
	MlCoefficient *coefficients;
	int			n;

	if (model->learner->coefficients == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no coefficients", ref),
				 errdetail("Its learner is %s.", model->learner->name),
				 errhint("Only linear models have them.")));
	n = model->learner->coefficients(model->state, &coefficients);
	*terms = palloc0(sizeof(MlTerm) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		MlTerm	   *term = &(*terms)[i];

		term->coefficient = coefficients[i];
		term->term = coefficients[i].column < 0 ? "intercept" : shape->cols[coefficients[i].column].name;
		if (coefficients[i].class >= 0)
			term->term = psprintf("%s:%s", model->classes[coefficients[i].class], term->term);
	}
	return n;
}

Jsonb *
ml_describe_pipeline(const char *ref)
{
	MlVersionRef version;
	Jsonb	   *steps;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	steps = ml_catalog_pipeline(version.model, version.version);
	if (steps == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the pipeline of model \"%s\" was not recorded", ref)));
	return steps;
}

int
ml_describe_figures(const char *ref, MlFigure **figures)
{
	const MlModel *model = ml_describe_open(ref);

	*figures = NULL;
	return model->learner->figures ? model->learner->figures(model->state, figures) : 0;
}
