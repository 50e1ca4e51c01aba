/*
 * extreme.h - what kinds min and max share: numbers, dates and times, and bounds of the same type.
 */
#ifndef ML_EXTREME_H
#define ML_EXTREME_H

#include "check/number.h"

/* Parameters min and max as numbers or texts. */
#define ML_EXTREME_BOUNDS \
	{"min", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the least that passes: a number, or a date or time as a text"}, \
	{"max", ML_PARAM_VALUE, NULL, 0, 0, NULL, "the greatest that passes"}

extern void ml_extreme_validate(const MlCheck *check);
extern void ml_extreme_plan(const MlCheck *check, const MlCheckColumn *columns, MlCollecting *scan);
extern void ml_extreme_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out);

#endif							/* ML_EXTREME_H */
