/*
 * gates.h - gates: rules that a version must pass before it enters a role.
 *
 * To judge reads rows and scores them, which takes time: no lock is held
 * meanwhile. What was found is written, and at a deployment confirmed, under
 * the model's row lock.
 */
#ifndef ML_FLOW_GATES_H
#define ML_FLOW_GATES_H

#include "store/gates.h"

/* Adds a gate after checking it; needs the owner. The id is given by the catalog. */
extern void ml_gates_add(const char *model, MlGate *gate);

/* Drops a gate; needs the owner. */
extern void ml_gates_drop(const char *model, const char *name);

/*
 * Judges a version by all gates of its model on the rows of a source, or on
 * those its training held out (NULL), and records what was found; needs
 * privilege deploy. Returns MlGateResult *.
 */
extern List *ml_gates_run(const char *model, int32 version, const char *source);

/*
 * What allows a version to enter a role: its gates' newest results, judged
 * again where they have expired. Unless forced, a gate that does not pass
 * raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE with the figures.
 */
extern MlGatePass *ml_gates_allow(const char *model, int32 version, const char *role, bool force);

/*
 * The same without an error: what does not pass, a text (char *) for each.
 * When forced nothing is judged, and what was found last counts.
 */
extern List *ml_gates_refusals(const char *model, int32 version, const char *role, bool force, MlGatePass **pass);

#endif							/* ML_FLOW_GATES_H */
