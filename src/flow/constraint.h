/*
 * constraint.h - ml.is_valid in a CHECK constraint: which constraint it is, and an error that says what failed.
 */
#ifndef ML_CONSTRAINT_H
#define ML_CONSTRAINT_H

#include "flow/program.h"
#include "nodes/primnodes.h"

/*
 * The name of a CHECK constraint of a relation that no row meets for which the
 * call is false: it is the whole constraint, or one of the conditions that AND
 * connects at its top. NULL where there is none, or where the call stands in
 * another place of a constraint, too, which it does not decide. The call's
 * arguments are simplified. Palloc'd.
 */
extern char *ml_constraint_of(const FuncExpr *call, Oid relation);

/* Whether a call is one that the executor makes to enforce a constraint: not the WHERE of COPY. */
extern bool ml_constraint_enforcing(const FmgrInfo *flinfo);

/* Replaces the messages of failures (MlFailure *) about values of a relation that the current user may not read. */
extern void ml_constraint_hide(List *failures, Oid relation);

/*
 * Raises the server's own error for a row that violates a CHECK constraint,
 * with the checks that failed in DETAIL; values that the current user may not
 * read are not in it.
 */
extern ML_NORETURN void ml_constraint_violated(MlProgram *program, const NullableDatum *values, Oid relation,
											   const char *constraint);

#endif							/* ML_CONSTRAINT_H */
