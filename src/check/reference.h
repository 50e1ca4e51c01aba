/*
 * reference.h - what the kinds share that compare a source with another relation by a query.
 */
#ifndef ML_REFERENCE_H
#define ML_REFERENCE_H

#include "check/kinds.h"

/* The relation that parameter reference names, quoted as SQL needs it; raises an error where it is no name. */
extern char *ml_reference_name(const MlCheck *check);

/* Validates that parameter. */
extern void ml_reference_validate(const MlCheck *check);

/* A number that a query answered, NaN for NULL. */
extern double ml_answer_number(const MlCheckAnswer *answer, int column);

/* Parameters and judging of a ratio of two numbers, the source's and the reference's. */
#define ML_RATIO_PARAMS \
	{"min_ratio", ML_PARAM_NUMBER, "1", -DBL_MAX, DBL_MAX, NULL, "the least ratio to the reference that passes"}, \
	{"max_ratio", ML_PARAM_NUMBER, "1", -DBL_MAX, DBL_MAX, NULL, "the greatest ratio that passes"}

extern void ml_ratio_validate(const MlCheck *check);
extern void ml_ratio_judge(const MlCheck *check, double x, double reference, MlCheckOutcome *out);
extern void ml_ratio_expect(const MlCheck *check, StringInfo out);

#endif							/* ML_REFERENCE_H */
