/*
 * train_suite.h - a training is judged by the suite of its model's name before it begins.
 */
#ifndef ML_TRAIN_SUITE_H
#define ML_TRAIN_SUITE_H

#include "base/text.h"

/*
 * Checks the source by the suite that has the model's name, if there is one:
 * its checks for training and both. Raises ERRCODE_CHECK_VIOLATION where one of
 * severity error fails or cannot be judged; the rest is noted. Returns the
 * results (MlCheckResult *), which are recorded with the version.
 */
extern List *ml_train_suite_judge(const char *model, const char *source, MlNotes *notes);

#endif							/* ML_TRAIN_SUITE_H */
