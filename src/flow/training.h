/*
 * training.h - one training under way, shared by train.c, its parts train_*.c, and record.c.
 */
#ifndef ML_TRAINING_H
#define ML_TRAINING_H

#include "flow/baseline.h"
#include "flow/design.h"
#include "flow/learning_curve.h"
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
	const MlLearner *learner;	/* the one asked for; NULL: the better of two */
	bool		compares;		/* rows are held out only to compare two learners */
	bool		everything;		/* all rows are for training, whatever the split says */
	bool		optional;		/* one of two learners: it may be left out */
	const char *left_out;		/* why it was */
	List	   *other_params;	/* char *: parameters that are for another learner */
	char	   *positive;
	Jsonb	   *params_given;	/* what it learns with: the caller's, unless a search found others */
	Jsonb	   *pipeline_given; /* likewise; NULL: the learner's own */
	MlParamValue *params;
	List	   *steps;			/* MlStepSpec * */
	MlLearnInput learn;
	MlLearningCurves curves;	/* what the learner tells of its iterations */
	void	   *stream;
	bool		spilled;		/* rows went to temporary files */
	MlTick		tick;
	MlQuality  *quality;
	MlHeldOut  *held_out;
	struct MlSearch *search;	/* search_internal.h; NULL without a search */
	struct MlCrossval *cv;		/* crossval.h; NULL without folds */
	List	   *checked;		/* MlCheckResult *: what the suite of the model's name found in the source */
} MlTraining;

/*
 * Begins a training, in a context of its own below the current one; makes the
 * model and judges it, in that context; ends it, which takes everything along
 * that is in the context. After an error the context is deleted.
 */
extern MlTraining *ml_train_begin(const MlTrainSpec *spec);
extern void ml_train_make(MlTraining *t);
extern void ml_train_end(MlTraining *t);

/* Raises the errors of arguments that need no data; train_check.c. */
extern void ml_train_check(const MlTrainSpec *spec);

/* Settles learner and task as far as the arguments say; train_check.c. */
extern void ml_train_start(MlTraining *t);

/* Registers the version, and deploys it as asked for and allowed; train_register.c. */
extern void ml_train_register(MlTraining *t, MlTrainResult *result);

/* The parameters given that are for one learner, and positive_class: auto and searches take those of several. */
extern Jsonb *ml_train_params_of(Jsonb *params, const MlLearner *learner);

/* Makes a learner the model's, once the task is known, and reads its parameters. */
extern void ml_train_settle(MlTraining *t, const MlLearner *learner);

/* Fits the pipeline and the learner to the rows that were loaded. */
extern void ml_train_learn(MlTraining *t);

/*
 * Reads the source again, all of it for training, and lets a learner learn
 * from that. When it gives other rows than before, a note says what was of
 * the first ones.
 */
extern void ml_train_learn_all(MlTraining *t, const MlLearner *learner, const char *first);

/* Fits boosted trees and the linear model, and leaves the better one in the training; auto.c. */
extern void ml_auto_learn(MlTraining *t);

/* Fills in what came of the finished training: artifact, digest, metrics, environment. */
extern void ml_record_outcome(MlTraining *t, MlRegistration *r);

/* Fills in everything the catalog keeps of the finished training. */
extern void ml_record_fill(MlTraining *t, MlRegistration *r);

#endif							/* ML_TRAINING_H */
