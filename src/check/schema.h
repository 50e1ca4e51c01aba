/*
 * schema.h - a JSON Schema, compiled; judges trees of json_text.h.
 */
#ifndef ML_SCHEMA_H
#define ML_SCHEMA_H

#include "check/check.h"
#include "check/json_text.h"

typedef struct MlSchema MlSchema;

/* Compiles a schema in the current context; raises an error for keywords it does not know or that are wrong. */
extern MlSchema *ml_schema_compile(const MlCheck *check, JsonbContainer *json, const char *path);

/*
 * Whether a value is valid. why, unless NULL, receives where and why it is not,
 * as in "at $.age: is below the minimum"; nothing is added for one that is.
 */
extern bool ml_schema_holds(const MlSchema *schema, const MlJsonNode *nodes, int node, StringInfo why);

#endif							/* ML_SCHEMA_H */
