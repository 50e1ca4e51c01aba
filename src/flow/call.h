/*
 * call.h - the arguments of ml.train as JSON, for the catalog and for jobs.
 */
#ifndef ML_CALL_H
#define ML_CALL_H

#include "flow/train.h"
#include "lib/stringinfo.h"

/* Appends the call as it is recorded with a run, an object; whole: with the arguments that the run has columns for. */
extern void ml_call_write(StringInfo out, const MlTrainSpec *spec, bool whole);

/*
 * Adds to a call that was written what the model learned with in the end,
 * which a search found: the member "learned_with", an object of algorithm,
 * params and pipeline as a call has them.
 */
extern void ml_call_write_learned(StringInfo out, const char *algorithm, Jsonb *params, Jsonb *pipeline);

/* Reads what ml_call_write wrote; members that are missing are as if they were NULL. Members of spec are palloc'd. */
extern void ml_call_read(Jsonb *call, MlTrainSpec *spec);

/* A member of a JSON object: a text, a List of texts (char *), a whole number (or the default), any JSON; NULL, NIL when it has none. */
extern char *ml_call_text(Jsonb *call, const char *key);
extern List *ml_call_list(Jsonb *call, const char *key);
extern int64 ml_call_int64(Jsonb *call, const char *key, int64 otherwise);
extern Jsonb *ml_call_json(Jsonb *call, const char *key);

#endif							/* ML_CALL_H */
