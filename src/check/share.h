/*
 * share.h - judging by the least share of rows that must not fail, parameter min.
 */
#ifndef ML_SHARE_H
#define ML_SHARE_H

#include "check/check.h"

/* Refuses a check without min. */
extern void ml_share_validate(const MlCheck *check);

/* Judges n and n_failed of an outcome: sets status and observed. Of no rows nothing can be said. */
extern void ml_share_judge(const MlCheck *check, MlCheckOutcome *out);

#endif							/* ML_SHARE_H */
