/*
 * environment.h - where a run takes place: what ml.runs.environment has of every run.
 */
#ifndef ML_RUN_ENVIRONMENT_H
#define ML_RUN_ENVIRONMENT_H

#include "lib/stringinfo.h"

/*
 * Begins a JSON object with the versions, the platform and the session; more
 * members may follow before it is closed. login and search_path are NULL for
 * the session's own.
 */
extern void ml_environment_begin(StringInfo out, const char *login, const char *search_path);

/* The whole object of a run that has nothing to add, palloc'd. */
extern char *ml_environment_of_session(void);

#endif							/* ML_RUN_ENVIRONMENT_H */
