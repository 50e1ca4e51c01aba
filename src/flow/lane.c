/*
 * lane.c - one version that scores the rows of a call site.
 *
 * What a lane holds is in the context it is made with, the pin of its model too.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/lane.h"
#include "utils/builtins.h"

void
ml_lane_init(MlLane *lane, const MlServing *serving, const MlServed *served, const char *ref, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	const MlModel *model;

	memset(lane, 0, sizeof *lane);
	lane->ref = ref;
	lane->served = served;
	lane->model = model = ml_cache_pin(&served->version, context);
	lane->binding = ml_bind_create(model, ref, served->role == ML_SERVES_SHADOW, context);
	lane->cells = palloc_extended(sizeof(double) * Max(model->pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	lane->work = palloc_extended(sizeof(double) * Max(model->pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	lane->out = palloc(sizeof(double) * Max(model->nclasses, 1));
	lane->labels = palloc(sizeof(Datum) * Max(model->nclasses, 1));
	lane->label_known = palloc0(sizeof(bool) * Max(model->nclasses, 1));
	lane->count = serving->deployed ?
		ml_serving_count(served->version.model, served->version.version, served->role) : &lane->uncounted;
	if (serving->deployed && ml_counters_on())
	{
		MlCounterSpec spec = {served, model->pipeline->ncells, model->task == ML_TASK_CLASSIFICATION, serving->window_us,
		serving->slices};

		lane->counter = ml_counter_open(&spec, lane->count, context);
		lane->count = &lane->counter->count;
		lane->binding->unseen = palloc(sizeof(int) * Max(model->pipeline->ncells, 1));
	}
	MemoryContextSwitchTo(old);
}

ML_NORETURN void
ml_lane_out_of_range(const MlLane *lane)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("the prediction of model \"%s\" is out of range", lane->ref),
			 errdetail("A feature is so large that the sums of the model overflow."),
			 errhint("Check the row, or bound the feature, for instance by least().")));
}

/* Raises the error for a class that was not named, or of a model that has none. */
static ML_NORETURN void
ml_lane_classless(const MlLane *lane)
{
	if (lane->model->task != ML_TASK_CLASSIFICATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no probabilities", lane->ref),
				 errdetail("Its task is regression."),
				 errhint("Use ml.predict.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("model \"%s\" has %d classes, so the class is needed", lane->ref, lane->model->nclasses),
			 errdetail("Only a model of two classes has a positive one."),
			 errhint("Pass the class as third argument, or use ml.probabilities.")));
}

int
ml_lane_class(MlLane *lane, text *label)
{
	const MlModel *model = lane->model;
	List	   *names = NIL;
	char	   *name;

	if (model->task != ML_TASK_CLASSIFICATION || (label == NULL && model->nclasses != 2))
		ml_lane_classless(lane);
	if (label == NULL)
		return model->positive;
	if (lane->label_text && strlen(lane->label_text) == VARSIZE_ANY_EXHDR(label) &&
		memcmp(lane->label_text, VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label)) == 0)
		return lane->label_class;
	name = text_to_cstring(label);
	for (int k = 0; k < model->nclasses; k++)
	{
		if (strcmp(model->classes[k], name) == 0)
		{
			if (lane->label_text)
				pfree(lane->label_text);
			lane->label_text = NULL;
			lane->label_text = MemoryContextStrdup(lane->binding->context, name);
			lane->label_class = k;
			return k;
		}
		names = lappend(names, model->classes[k]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("model \"%s\" has no class \"%s\"", lane->ref, name),
			 errdetail("Its classes are: %s.", ml_text_list(names, 20)),
			 errhint("%s", ml_text_hint(name, names, "Name one of these classes."))));
}
