/*
 * expression.h - an SQL condition over a row, which somebody else may have written.
 *
 * It runs with the rights of whoever scores or stores the row, so it may only
 * do what cannot harm him: compute. No subqueries, no aggregates, nothing
 * volatile, no domains, and only functions of the server that do not read
 * data, or of owners who could act as him anyway. Names resolve in pg_catalog
 * unless they are qualified.
 */
#ifndef ML_EXPRESSION_H
#define ML_EXPRESSION_H

#include "access/tupdesc.h"
#include "nodes/execnodes.h"

/* Raises ERRCODE_SYNTAX_ERROR or the like unless the text is one expression; what names it in messages. */
extern void ml_expression_parse(const char *what, const char *sql);

/*
 * Compiles a condition over rows of a descriptor; its variables are those of
 * the scan tuple. Raises an error for what it must not do:
 * ERRCODE_INSUFFICIENT_PRIVILEGE for functions of owners that the current user
 * need not trust, ERRCODE_INVALID_PARAMETER_VALUE for the rest. The result
 * lives in the current context.
 */
extern ExprState *ml_expression_compile(const char *what, const char *sql, TupleDesc desc);

/* The same without the compilation: only the errors. */
extern void ml_expression_check(const char *what, const char *sql, TupleDesc desc);

/* Whether a role could act as the current user anyway. */
extern bool ml_expression_trusts(Oid role);

#endif							/* ML_EXPRESSION_H */
