/*
 * suite.h - from a reference to checks: a suite's own name, a version, a model.
 *
 * Checks that were read once are kept for the session under the suite's
 * revision, so a statement pays for finding the suite, not for reading it.
 */
#ifndef ML_SUITE_H
#define ML_SUITE_H

#include "flow/moment.h"
#include "store/catalog.h"
#include "store/suites.h"

/* The suites that a reference means: one, or a user's and a version's. */
typedef struct MlSuites
{
	int			n;
	MlSuite		suite[2];
	char	   *name;			/* what results are recorded under: the suite's name, or the version's */
} MlSuites;

/*
 * Finds what a reference means to the current user at a moment, which is of
 * the active snapshot. For a plain name: the suite of that name, then that of
 * the version in production of the model of that name, as far as there are
 * any. Raises ERRCODE_UNDEFINED_OBJECT with those that exist in DETAIL.
 */
extern void ml_suites_find(const char *ref, const MlMoment *moment, MlSuites *suites);

/*
 * Those that judge the rows that a reference scores: for a plain name as
 * above, for a version its own. False where there are none.
 */
extern bool ml_suites_serving(const MlServing *serving, MlSuites *suites);

/* The same for one suite by its very name; false if there is none. */
extern bool ml_suites_find_own(const char *name, MlSuites *suites);

/*
 * Their checks (const MlCheck *), in order; one of the version's whose name a
 * check of the user's has is left out. They live until the context is reset.
 */
extern List *ml_suites_checks(const MlSuites *suites, MemoryContext until);

/* Raises ERRCODE_SYNTAX_ERROR for conditions of a check that are no SQL expressions. */
extern void ml_suites_parse(const MlCheck *check);

/* Whether SQL that the owner of a suite wrote may do as the current user what it likes. */
extern bool ml_suites_trusted(const MlSuites *suites);

#endif							/* ML_SUITE_H */
