/*
 * terms.h - from texts to counts of their terms, by the server's text search.
 *
 * A term is a lexeme that the configuration makes of words of the text, as in
 * to_tsvector; it counts as often as it stands there, without to_tsvector's
 * limits on positions.
 */
#ifndef ML_TERMS_H
#define ML_TERMS_H

#include "base/dict.h"
#include "base/frame.h"
#include "transform/pipeline.h"

typedef struct MlTextTerm
{
	const char *word;			/* not terminated */
	int			length;
	int			count;
} MlTextTerm;

/*
 * The configuration of a name, or the session's default for NULL. Raises
 * ERRCODE_UNDEFINED_OBJECT; with missing_ok InvalidOid is returned instead.
 */
extern Oid	ml_terms_config(const char *name, bool missing_ok);

/* The qualified name of a configuration; palloc'd. */
extern char *ml_terms_config_name(Oid config);

/* The different terms of a text, bytewise; palloc'd in the current context. */
extern int	ml_terms_parse(Oid config, const char *text, int length, MlTextTerm **terms);

/* The cells of a text at an input of terms; false if it has none of them. */
extern bool ml_terms_cells(const MlInput *input, Oid config, const char *text, int length, double *cells);

/* The terms of each text of a dictionary that an input has: those of code c are from start[c] to start[c + 1]. */
typedef struct MlTermTable
{
	int64	   *start;
	uint32	   *term;
	uint32	   *count;
} MlTermTable;

/*
 * Chooses the terms of an input and counts them in each text of a dictionary;
 * rows has the training rows by text, nrows is how many there are with and
 * without one. documents gets the rows of each term. Raises an error where
 * that takes more than the budget.
 */
extern MlTermTable *ml_terms_choose(MlInput *input, const MlTextClaim *claim, const MlDict *dict, const int64 *rows,
									int64 nrows, const MlBudget *budget, int64 **documents);

/* Counts the terms that an input has in each text of a dictionary. */
extern MlTermTable *ml_terms_table(const MlInput *input, const char *ref, const MlDict *dict, const MlBudget *budget);

/* Whether the text of a code has a term of the input. */
static inline bool
ml_terms_any(const MlTermTable *table, int code)
{
	return table->start[code + 1] > table->start[code];
}

/* The cells of the text of a code. */
static inline void
ml_terms_spread(const MlTermTable *table, int code, int ncells, double *cells)
{
	memset(cells, 0, sizeof(double) * ncells);
	for (int64 i = table->start[code]; i < table->start[code + 1]; i++)
		cells[table->term[i]] = table->count[i];
}

/* Raises the error for a configuration of a version that is not there; ref names the version. */
extern ML_NORETURN void ml_terms_no_config(const MlInput *input, const char *ref);

#endif							/* ML_TERMS_H */
