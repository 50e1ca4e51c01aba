/*
 * program.h - a suite, compiled for the rows at hand.
 *
 * Compiled once per statement and call site: the suite is found under the
 * statement's snapshot, its checks are bound to the columns by name, and each
 * row then costs little more than its comparisons.
 */
#ifndef ML_PROGRAM_H
#define ML_PROGRAM_H

#include "access/tupdesc.h"
#include "check/check.h"
#include "flow/moment.h"

typedef struct MlProgram MlProgram;
struct MlSuites;

/* A check that a row fails. message says which value and why. */
typedef struct MlFailure
{
	const MlCheck *check;
	char	   *column;			/* the first of the check's, or NULL */
	char	   *message;
} MlFailure;

/* The columns of rows, for binding; arrays that outlive the program, or a descriptor that is copied. */
typedef struct MlRowType
{
	int			n;
	const char *const *names;	/* NULL for one that is dropped */
	const Oid  *types;
	const int32 *typmods;
	const Oid  *collations;

	/*
	 * Documents rather than rows: a column that is not there is NULL. There is
	 * one value more than columns, which is NULL. Of a column of type unknown,
	 * here and in rows, nothing but NULL has been seen.
	 */
	bool		open;
} MlRowType;

extern void ml_row_type_of(TupleDesc desc, MlRowType *type);

/* The column of a name as a check sees it; false if the rows lack it. */
extern bool ml_row_type_column(const MlRowType *type, const char *name, MlCheckColumn *column);

/* The columns as a descriptor, palloc'd. */
extern TupleDesc ml_row_type_desc(const MlRowType *type);

/*
 * The program for a suite by its name, a version ('churn/3', 'churn@alias') or
 * a model (the version in production, with the checks of the suite of that
 * name in front). *slot holds the program between calls, in context, and is
 * renewed when the moment, the user or the reference has changed. The checks of
 * the environment serving and both are in it. Raises errors for a suite that
 * does not exist and for columns that the rows lack.
 */
extern MlProgram *ml_program_for(MlProgram **slot, MemoryContext context, const char *ref, int ref_length,
								 const MlRowType *type);

/*
 * The same for suites that were found already, in the context of the program;
 * compiles in any case, and again for rows of another type.
 */
extern void ml_program_make(MlProgram **slot, MemoryContext context, const struct MlSuites *suites,
							const MlRowType *type);

/* Whether there is a check in it, of whatever severity. */
extern bool ml_program_judges(const MlProgram *program);

/* Makes the next call compile anew: the type of the rows has changed. */
extern void ml_program_forget(MlProgram *program);

/* Whether no check of severity error fails. What is left in the current context is to be reset with each row. */
extern bool ml_program_passes(MlProgram *program, const NullableDatum *values);

/* All checks that fail (MlFailure *), warnings too, in the suite's order; palloc'd. */
extern List *ml_program_failures(MlProgram *program, const NullableDatum *values);

/* The failures as a JSON array of {"name", "kind", "column", "severity", "message"}. */
extern char *ml_failures_json(List *failures);

/* The names and messages of all failures of severity error, as a sentence for an error's DETAIL. */
extern char *ml_failures_text(List *failures);

/* The name of the suite or version that the program was made from, for messages. */
extern const char *ml_program_suite(const MlProgram *program);

#endif							/* ML_PROGRAM_H */
