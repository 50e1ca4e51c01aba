/*
 * kinds.h - every kind of check, each in a file of its name.
 */
#ifndef ML_KINDS_H
#define ML_KINDS_H

#include "check/check.h"

extern const MlCheckKind ml_check_not_null;
extern const MlCheckKind ml_check_range;

#endif							/* ML_KINDS_H */
