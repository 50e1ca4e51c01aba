/*
 * infer.h - ml.infer_checks: a suite that is learned from a source.
 */
#ifndef ML_INFER_H
#define ML_INFER_H

#include "nodes/pg_list.h"

/*
 * Learns checks from a source and puts them into a suite, in place of those
 * learned before; returns how many there are.
 */
extern int	ml_infer_run(const char *suite, const char *source);

#endif							/* ML_INFER_H */
