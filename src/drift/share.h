/*
 * share.h - the difference of the shares of one bin, and what chance makes of it.
 */
#ifndef ML_SHARE_H
#define ML_SHARE_H

#include "drift/chance.h"

/* Puts the difference, its p-value and what it must exceed, without a floor, into the result. */
extern void ml_drift_share(const MlDriftSizes *sizes, double x, double y, double alpha, MlDriftResult *out);

#endif							/* ML_SHARE_H */
