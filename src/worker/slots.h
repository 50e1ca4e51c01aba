/*
 * slots.h - what the launcher, the workers and sessions tell each other, in shared memory.
 *
 * A database has a slot while it has a worker, or somebody wants one for it.
 * All of it is read and written under one lock, which is held for a few
 * stores only: no error is raised under it. A slot stays where it is as long
 * as it has a worker, a hold, a wish or an unanswered request; the launcher
 * alone frees slots.
 */
#ifndef ML_SLOTS_H
#define ML_SLOTS_H

#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define ML_WORKER_SLOTS			256 /* databases with the extension, at most */
#define ML_WORKER_ERROR_BYTES	512 /* of a message; the log has it in full */

/* How a database's worker came to its end. */
typedef enum MlWorkerEnd
{
	ML_WORKER_DIED,				/* by an error or a signal */
	ML_WORKER_LEFT,				/* it was asked to make way */
	ML_WORKER_ABSENT			/* the database does not have the extension */
} MlWorkerEnd;

typedef struct MlWorkerSlot
{
	Oid			database;		/* InvalidOid: free */
	pid_t		pid;			/* of the worker; 0: there is none */
	Latch	   *latch;			/* of the worker */
	bool		running;		/* it has seen the extension */
	bool		wake;			/* its duties are wanted now; without a worker, that one looks at the database */
	int			holds;			/* transactions that need the database without it */
	bool		closed;			/* no longer a database for workers */
	MlWorkerEnd end;			/* of the last worker */
	uint64		asked;			/* the newest request for a round */
	uint64		done;			/* the newest that a round has answered, and how: */
	int			sqlstate;		/* 0: without an error */
	char		error[ML_WORKER_ERROR_BYTES];	/* the first of the round */
} MlWorkerSlot;

typedef struct MlWorkers
{
	Latch	   *launcher;		/* NULL: it is not running */
	bool		rescan;			/* databases have come or gone */
	bool		crowded;		/* a worker could not be started: max_worker_processes */
	uint64		requests;		/* numbers requests over all databases, so that a slot's new owner knows its own */
	ConditionVariable changed;	/* a worker has come or gone, or a round has ended */
	MlWorkerSlot slots[ML_WORKER_SLOTS];
} MlWorkers;

extern MlWorkers *ml_workers;
extern LWLock *ml_workers_lock;

/* Announces the part of shared memory. */
extern void ml_slots_announce(void);

/* The database's slot, or NULL: there is none, and none is wanted or to be had. Under the lock. */
extern MlWorkerSlot *ml_slot_find(Oid database, bool make);

/* Makes whoever is responsible for the slot look at it. Under the lock. */
extern void ml_slot_call(const MlWorkerSlot *slot);

/* Makes the launcher look at all slots. Under the lock. */
extern void ml_slots_call_launcher(void);

#endif							/* ML_SLOTS_H */
