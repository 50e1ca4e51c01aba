/*
 * log_ring.h - logged rows on their way from the backends that score to the database's worker.
 *
 * Whoever scores may be in a read-only transaction, a parallel worker or on a
 * standby, so rows go through shared memory. There is nothing to wait for and
 * nothing that fails: where there is no room the row is dropped, and counted.
 */
#ifndef ML_LOG_RING_H
#define ML_LOG_RING_H

#include "store/prediction_log.h"

/* Announces the shared memory; only while shared_preload_libraries are loaded. */
extern void ml_log_ring_announce(void);

/* The most bytes that the features of a row may have to find room at all. */
extern Size ml_log_ring_largest(void);

/* Puts a row in for this session's database, or counts it as dropped. There must be shared memory. */
extern void ml_log_ring_put(const MlLogEntry *entry);

/* Counts a row as dropped that is too large to be made. */
extern void ml_log_ring_drop(void);

/* What was read, to be released. */
typedef struct MlLogMark
{
	uint64		first;			/* the number of the first row */
	uint64		rows;
} MlLogMark;

/*
 * The rows (MlLogEntry *) of this session's database that came first, some
 * hundred of them, in the current context; NIL when there are none. They stay
 * where they are until they are released. Only the database's worker reads.
 */
extern List *ml_log_ring_read(MlLogMark *mark);

/* Gives the room of what was read back; written is how many of the rows are in the table. */
extern void ml_log_ring_release(const MlLogMark *mark, int64 written);

/* Gives up what there is of a database that is dropped. */
extern void ml_log_ring_forget(Oid database);

/* The counts of this session's database since the server started. */
typedef struct MlLogStatus
{
	uint64		accepted;		/* rows that found room */
	uint64		taken;			/* of them: released by the worker */
	uint64		written;		/* of those: written to the table; the others' versions were gone */
	uint64		dropped;		/* rows that found no room */
	Size		used;			/* bytes that those which wait take */
	Size		memory;			/* bytes for all databases */
	TimestampTz since;
} MlLogStatus;

/* False where there is no shared memory. */
extern bool ml_log_ring_status(MlLogStatus *status);

#endif							/* ML_LOG_RING_H */
