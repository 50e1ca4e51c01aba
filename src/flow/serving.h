/*
 * serving.h - what this session has scored with deployed versions.
 */
#ifndef ML_SERVING_H
#define ML_SERVING_H

#include "monitor/counters.h"

/* What ml.serving_counts shows of it. */
typedef struct MlSessionLine
{
	char	   *model;
	int32		version;
	MlServingRole role;
	MlServingCount count;
} MlSessionLine;

/* Where the rows of a version in a role are counted; the place lasts as long as the session. */
extern MlServingCount *ml_serving_count(const char *model, int32 version, MlServingRole role);

/* The counts (MlSessionLine *) of the models that the current user may see, by model, role and version. */
extern List *ml_serving_lines(void);

#endif							/* ML_SERVING_H */
