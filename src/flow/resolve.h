/*
 * resolve.h - the versions that a reference means to the current user at a moment.
 */
#ifndef ML_RESOLVE_H
#define ML_RESOLVE_H

#include "flow/moment.h"
#include "store/catalog.h"

/*
 * Looks up a reference under the active snapshot, which the moment is of,
 * and checks the right to score with the model. Raises an error, or returns
 * false if missing_ok. The result is palloc'd.
 */
extern bool ml_resolve(const char *ref, const MlMoment *moment, bool missing_ok, MlServing *serving);

#endif							/* ML_RESOLVE_H */
