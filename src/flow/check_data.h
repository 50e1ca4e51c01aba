/*
 * check_data.h - ml.check_data and ml.failing_rows: a suite over a source.
 */
#ifndef ML_CHECK_DATA_H
#define ML_CHECK_DATA_H

#include "store/suites.h"

/*
 * Checks a source by a suite and records what was found, unless the
 * transaction is read-only. environment NULL: all checks; else those of that
 * one and of both. Returns MlCheckResult *.
 */
extern List *ml_check_data_run(const char *suite, const char *source, const MlEnvironment *environment);

struct MlSuites;

/* The checks of a suite for training and both over a source; nothing is recorded. */
extern List *ml_check_data_training(const struct MlSuites *suites, const char *source);

/* Calls back with each row, as jsonb, that fails a check; for a kind that only judges the whole there are none. */
typedef void (*MlFailingSink) (void *ctx, Jsonb *row);
extern void ml_check_data_failing(const char *suite, const char *check, const char *source, MlFailingSink sink, void *ctx);

#endif							/* ML_CHECK_DATA_H */
