/*
 * suites.h - what the catalog keeps of checks: suites, their checks, what these found.
 *
 * A suite is somebody's, or a version's: then it is named like the version,
 * 'churn/3', was learned from its training data and goes away with it. Every
 * change of a suite draws a new revision from a sequence, so a revision says
 * what the suite holds for as long as the database lives.
 */
#ifndef ML_SUITES_H
#define ML_SUITES_H

#include "check/check.h"
#include "datatype/timestamp.h"
#include "store/access.h"

typedef struct MlSuite
{
	char	   *name;
	char	   *owner;			/* a role; of a version's suite the owner of the model */
	char	   *model;			/* of a version's suite, else NULL */
	int32		version;
	int64		revision;
	Oid			catalog;		/* ml.suites, which counts revisions; another one when the extension was made anew */
} MlSuite;

/* A result as it is recorded; those of one run share run_id and at. */
typedef struct MlCheckResult
{
	const MlCheck *check;
	MlCheckOutcome outcome;
} MlCheckResult;

/* Finds a suite by its very name under the active snapshot; false if there is none. */
extern bool ml_catalog_suite(const char *name, MlSuite *suite);

/* The checks (MlCheck *) of a suite in the order in which they were added. */
extern List *ml_catalog_checks(const MlSuite *suite);

/* The names (char *) of the suites that the current user may see, for messages. */
extern List *ml_catalog_suite_names(void);

/* Raises ERRCODE_INVALID_NAME unless the text can name a suite of somebody's: the rules of a model's name. */
extern void ml_catalog_check_suite_name(const char *suite);

/*
 * Adds a check; makes the suite if there is none, the current user's. A name
 * that was not given and is taken gets a number behind it; one that was given
 * and is taken is ERRCODE_DUPLICATE_OBJECT. Raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE unless the suite is the current user's.
 * Returns the name.
 */
extern char *ml_catalog_add_check(const char *suite, const MlCheck *check, bool named);

/* Drops a check, or a suite with all its checks. */
extern void ml_catalog_drop_check(const char *suite, const char *name);
extern void ml_catalog_drop_suite(const char *suite);

/* Gives a suite to another role, which the current user must be able to become. */
extern void ml_catalog_set_suite_owner(const char *suite, Oid owner);

/*
 * Gives a suite the checks (MlCheck *) that were learned from a source, in
 * place of those learned before; checks that a user added stay, and one of
 * theirs with the same name keeps a learned one out. Returns how many were
 * added.
 */
extern int	ml_catalog_learn(const char *suite, const char *source, List *checks);

/*
 * The same for a version that is being registered, under the model's row lock:
 * ml_catalog_register calls it. Without checks the version has no suite.
 */
extern void ml_catalog_learn_version(const char *model, int32 version, const char *source, List *checks);

/*
 * Records the results (MlCheckResult *) of a run over a source. Does nothing
 * and returns false where the transaction is read-only or on a standby.
 */
extern bool ml_catalog_check_results(const char *suite, const char *source, List *results);

/*
 * The numbers ("value" in observed) that a check observed on a source before,
 * newest first, at most max; none for a check that the catalog does not know.
 */
extern MlCheckPast *ml_catalog_check_past(const char *suite, const char *name, const char *source, int max);

#endif							/* ML_SUITES_H */
