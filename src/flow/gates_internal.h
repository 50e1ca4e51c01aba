/*
 * gates_internal.h - what gates.c and gate_pass.c share.
 */
#ifndef ML_GATES_INTERNAL_H
#define ML_GATES_INTERNAL_H

#include "flow/identity.h"
#include "store/catalog.h"
#include "store/gates.h"

/* The version under the active snapshot; raises an error when there is none. */
extern void ml_gates_resolve(const char *model, int32 version, MlVersionRef *out);

/*
 * Judges a version by gates (MlGate *); text is NULL for the rows its
 * training held out, identity NULL for the current user. Returns
 * MlGateResult *.
 */
extern List *ml_gates_judge(const MlVersionRef *version, List *gates, const char *text, const MlIdentity *identity,
							MlGateJudgement *judgement);

#endif							/* ML_GATES_INTERNAL_H */
