/*
 * leaks.h - features that give the target away, or that name the row instead of describing it.
 */
#ifndef ML_LEAKS_H
#define ML_LEAKS_H

#include "flow/training.h"

/* Notes such columns of the rows that were loaded; the task has to be known, and the training rows as they were loaded. */
extern void ml_leaks_note(MlTraining *t);

#endif							/* ML_LEAKS_H */
