/*
 * search_crew.h - the part of a search that runs in the processes that were started to judge trials.
 */
#ifndef ML_SEARCH_CREW_H
#define ML_SEARCH_CREW_H

#include "base/pool.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/resowner.h"

/* A process that judges: what it has of the training. */
typedef struct MlBench MlBench;

/* The role whose rights the process has. */
extern Oid	ml_bench_role(const MlPoolMember *member);

/*
 * Rebuilds the training and its rows: memory is palloc'd in the current
 * context, temporary files are the owner's, and no longer there than the
 * transaction. breathe is called now and then while a trial is judged.
 */
extern MlBench *ml_bench_open(const MlPoolMember *member, ResourceOwner owner, void (*breathe) (void *ctx), void *ctx);

/* Judges the trial of a task; answers with its outcome. An error is raised. */
extern void ml_bench_judge(MlBench *bench, const void *bytes, Size size, StringInfo answer);

/* The answer to a task that ended by an error. */
extern void ml_bench_failed(const ErrorData *error, TimestampTz started_at, StringInfo answer);

#endif							/* ML_SEARCH_CREW_H */
