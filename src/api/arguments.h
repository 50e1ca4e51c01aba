/*
 * arguments.h - reading SQL arguments.
 */
#ifndef ML_ARGUMENTS_H
#define ML_ARGUMENTS_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* A text argument as a string, or NULL. */
extern char *ml_arg_text(FunctionCallInfo fcinfo, int n);

/* A text argument that must not be NULL. */
extern char *ml_arg_required(FunctionCallInfo fcinfo, int n, const char *name);

/* A text[] argument as a List of char *; NULL is NIL; an element that is NULL or an array of arrays is an error. */
extern List *ml_arg_list(FunctionCallInfo fcinfo, int n, const char *name);

/* The name of the role in a regrole argument; raises an error when there is none. */
extern char *ml_arg_role(FunctionCallInfo fcinfo, int n, const char *name);

/* A jsonb argument, or NULL. */
extern Jsonb *ml_arg_jsonb(FunctionCallInfo fcinfo, int n);

/* Puts a text into column i of a result row, NULL for SQL NULL; a number, NaN for SQL NULL. */
extern void ml_put_text(Datum *values, bool *nulls, int i, const char *text);
extern void ml_put_number(Datum *values, bool *nulls, int i, double x);

/* A List of char * as text[]. */
extern Datum ml_result_list(List *items);

#endif							/* ML_ARGUMENTS_H */
