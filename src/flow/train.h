/*
 * train.h - from the arguments of ml.train to a registered version.
 */
#ifndef ML_TRAIN_H
#define ML_TRAIN_H

#include "flow/identity.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* The arguments of ml.train; NULL where the user gave none. */
typedef struct MlTrainSpec
{
	char	   *model;
	char	   *source;
	char	   *target;
	char	   *algorithm;
	List	   *features;		/* char * */
	List	   *exclude;
	char	   *task;
	Jsonb	   *params;
	Jsonb	   *pipeline;
	Jsonb	   *split;
	Jsonb	   *search;
	char	   *weight;
	int64		seed;
	char	   *snapshot;
	char	   *deploy;
	char	   *experiment;
	Jsonb	   *tags;
	char	   *code;
	/* what ml.train has no argument for */
	const struct MlRepeat *repeats; /* of a retraining; else NULL */
	const char *login;			/* who was logged in when a job was submitted; NULL: whoever is now */
	bool		reproduces;		/* nothing is registered: the privilege to read is enough, and no suite judges */
	bool		detached;		/* a job: holds neither snapshot nor locks while it computes */
} MlTrainSpec;

/* The training that a retraining or reproduction repeats. */
typedef struct MlRepeat
{
	int64		run_id;
	int32		version;
	Jsonb	   *environment;	/* of that run, whose settings count */
	MlIdentity	identity;		/* whose source it is */
} MlRepeat;

typedef struct MlTrainResult
{
	int32		version;
	const char *algorithm;
	const char *task;
	int64		rows;
	int			features;
	char	   *metrics;		/* json */
	bool		deployed;
	double		seconds;
	List	   *notes;			/* char * */
} MlTrainResult;

/*
 * Raises the errors that ml_train_run would raise for arguments that cannot be
 * right whatever the data: names, rights, parameters.
 */
extern void ml_train_precheck(const MlTrainSpec *spec);

/*
 * Trains, registers and, as asked, deploys a version. Everything is
 * palloc'd in the current context; an error leaves nothing in the catalog.
 * A detached training is called without an active snapshot, and the whole
 * transaction has to be rolled back after an error.
 */
extern void ml_train_run(const MlTrainSpec *spec, MlTrainResult *result);

#endif							/* ML_TRAIN_H */
