/*
 * row_json.h - a row of a table as jsonb, and back, without any loss.
 *
 * Finite numbers are JSON numbers, booleans are true and false, objects and
 * arrays of json columns are nested as they are, SQL NULL is null. All else is
 * a string that the type's input function reads: so NaN and infinities, minus
 * zero, dates, bytes and arrays come back as they were in every session. Type
 * json, and a null or a string inside jsonb, are strings of their JSON text.
 */
#ifndef ML_ROW_JSON_H
#define ML_ROW_JSON_H

#include "access/tupdesc.h"
#include "utils/jsonb.h"

typedef struct MlRowJson MlRowJson;

/* How rows of a descriptor become JSON, in the current context; the descriptor outlives it. */
extern MlRowJson *ml_row_json_create(TupleDesc desc);

/* The columns for which wanted is true, as an object; NULL: all but dropped and generated ones. */
extern Jsonb *ml_row_json_write(const MlRowJson *json, const NullableDatum *values, const bool *wanted);

/* A field as a value of a column's type; raises an error that names the column where it cannot be. */
extern Datum ml_row_json_read(Form_pg_attribute att, const JsonbValue *field, bool *isnull);

/* Settings that values as text depend on, as ml_row_json_write has them, until the level ends with ml_row_json_unpin. */
extern int	ml_row_json_pin(void);
extern void ml_row_json_unpin(int level);

#endif							/* ML_ROW_JSON_H */
