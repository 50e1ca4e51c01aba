/*
 * serving.h - what this session has scored with deployed versions.
 */
#ifndef ML_SERVING_H
#define ML_SERVING_H

#include "store/catalog.h"

/* The counts of one version in one role. */
typedef struct MlServingCount
{
	uint64		rows;			/* scored */
	uint64		errors;			/* that a shadow could not score */
	uint64		invalid;		/* that failed the model's checks, scored or not */
} MlServingCount;

/* What ml.serving_counts shows of it. */
typedef struct MlServingLine
{
	char	   *model;
	int32		version;
	MlServingRole role;
	MlServingCount count;
} MlServingLine;

/* Where the rows of a version in a role are counted; the place lasts as long as the session. */
extern MlServingCount *ml_serving_count(const char *model, int32 version, MlServingRole role);

/* The counts (MlServingLine *) of the models that the current user may see, by model, role and version. */
extern List *ml_serving_lines(void);

#endif							/* ML_SERVING_H */
