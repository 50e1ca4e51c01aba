/*
 * lane.h - one version that scores the rows of a call site.
 */
#ifndef ML_LANE_H
#define ML_LANE_H

#include <math.h>

#include "flow/baseline.h"
#include "flow/bind.h"
#include "flow/route.h"
#include "flow/serving.h"
#include "store/cache.h"

typedef struct MlLane
{
	const MlModel *model;
	MlBinding  *binding;
	const char *ref;			/* for messages */
	const MlServed *served;		/* lasts as long as the lane */
	MlRoute    *keys;			/* of logged rows, made for the first of them */
	double	   *cells;
	double	   *work;
	double	   *out;			/* a number, or one probability per class */
	MlServingCount *count;		/* of the counter, or of the session, or the one below */
	MlServingCount uncounted;	/* for references that are not deployed */
	MlCounter  *counter;		/* of the monitor; NULL where rows are not counted */

	/* each label as a value of the call's result type, and the class asked for last */
	Datum	   *labels;
	bool	   *label_known;
	int			label_class;
	char	   *label_text;
} MlLane;

/*
 * Prepares a lane for one of the versions that serve, pinned and with its
 * memory in the given context; ref is how messages name the version. A
 * shadow's binding is soft.
 */
extern void ml_lane_init(MlLane *lane, const MlServing *serving, const MlServed *served, const char *ref,
						 MemoryContext context);

extern ML_NORETURN void ml_lane_out_of_range(const MlLane *lane);

/* The class of a label; raises ERRCODE_INVALID_PARAMETER_VALUE. NULL is the positive class of two. */
extern int	ml_lane_class(MlLane *lane, text *label);

/* Runs the pipeline and the learner on the lane's cells; false if a result is not finite. */
static inline bool
ml_lane_run(MlLane *lane, bool complete)
{
	const MlModel *model = lane->model;
	bool		finite = true;

	model->learner->predict(model->state,
							complete ? ml_pipeline_apply_complete(model->pipeline, lane->cells, lane->work) :
							ml_pipeline_apply(model->pipeline, lane->cells, lane->work), lane->out);
	for (int k = 0; k < Max(model->nclasses, 1); k++)
		finite &= isfinite(lane->out[k]) != 0;
	return finite;
}

/* Before the features of a row are bound. */
static inline void
ml_lane_begin(MlLane *lane)
{
	if (lane->counter == NULL)
		return;
	lane->binding->nunseen = 0;
	ml_counter_begin(lane->counter);
}

/* Counts a row that was scored. */
static inline void
ml_lane_count(MlLane *lane)
{
	MlCounter  *counter = lane->counter;
	int			bin;
	double		score;
	double		output;

	lane->count->rows++;
	if (counter == NULL)
		return;
	output = ml_baseline_output(lane->model, lane->out, &bin, &score);
	ml_counter_put(counter, lane->cells, output, bin, score);
	for (int i = 0; i < lane->binding->nunseen; i++)
		ml_counter_unseen(counter, lane->binding->unseen[i]);
	ml_counter_finish(counter);
}

/* Scores the lane's cells as the answer of the call. */
static inline void
ml_lane_answer(MlLane *lane, bool complete)
{
	if (unlikely(!ml_lane_run(lane, complete)))
		ml_lane_out_of_range(lane);
	ml_lane_count(lane);
}

#endif							/* ML_LANE_H */
