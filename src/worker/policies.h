/*
 * policies.h - the duties that answer alerts and delete what is old.
 */
#ifndef ML_WORKER_POLICIES_H
#define ML_WORKER_POLICIES_H

#include "worker/duty.h"

extern const MlDuty ml_duty_policies;
extern const MlDuty ml_duty_retention;

#endif							/* ML_WORKER_POLICIES_H */
