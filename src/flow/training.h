/*
 * training.h - one training under way, shared by train.c and record.c.
 */
#ifndef ML_TRAINING_H
#define ML_TRAINING_H

#include "flow/design.h"
#include "flow/quality.h"
#include "flow/train.h"
#include "store/catalog.h"

typedef struct MlTraining
{
	const MlTrainSpec *spec;
	MemoryContext context;
	TimestampTz started_at;
	MlNotes		notes;
	MlLoad	   *load;
	MlModel    *model;
	MlDesign	design;
	bool		task_known;
	char	   *positive;
	MlParamValue *params;
	List	   *steps;			/* MlStepSpec * */
	MlLearnInput learn;
	void	   *stream;
	bool		spilled;		/* rows went to temporary files */
	MlTick		tick;
	MlQuality  *quality;
} MlTraining;

/* Fills in everything the catalog keeps of the finished training. */
extern void ml_record_fill(MlTraining *t, MlRegistration *r);

#endif							/* ML_TRAINING_H */
