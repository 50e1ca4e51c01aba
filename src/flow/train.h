/*
 * train.h - from the arguments of ml.train to a registered version.
 */
#ifndef ML_TRAIN_H
#define ML_TRAIN_H

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
} MlTrainSpec;

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
 * Trains, registers and, as asked, deploys a version. Everything is
 * palloc'd in the current context; an error leaves nothing in the catalog.
 */
extern void ml_train_run(const MlTrainSpec *spec, MlTrainResult *result);

#endif							/* ML_TRAIN_H */
