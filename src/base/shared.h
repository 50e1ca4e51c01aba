/*
 * shared.h - what the library keeps in the server's main shared memory.
 *
 * Each part says how much it needs and prepares it. With
 * shared_preload_libraries the postmaster makes all of them at start; without,
 * there is none, and ml_shared_ready() tells. Lock order: a part's own locks
 * never nest with those of another part.
 */
#ifndef ML_SHARED_H
#define ML_SHARED_H

#include "storage/lwlock.h"

typedef struct MlSharedPart
{
	const char *name;			/* in pg_shmem_allocations and pg_stat_activity, begins with "pg_mlops" */
	Size		(*size) (void);
	void		(*init) (void *place);	/* prepares memory that nobody has seen yet, under AddinShmemInitLock */
	void		(*attach) (void *place);	/* in every process that forks or starts later: take note of the place */
	int			nlocks;			/* LWLocks of its own, in a tranche of its name; ml_shared_locks finds them */
	Size		(*extra) (void);	/* what attach needs beside, for tables of the server's; or NULL */
} MlSharedPart;

/* Announces a part; only while shared_preload_libraries are loaded. The part must last as long as the process. */
extern void ml_shared_add(const MlSharedPart *part);

/* Whether the library was preloaded, so that shared memory can be used. */
extern bool ml_shared_ready(void);

/* The locks of a part. */
extern LWLockPadded *ml_shared_locks(const MlSharedPart *part);

/* Sets the hooks that ask for what was announced. */
extern void ml_shared_install(void);

#endif							/* ML_SHARED_H */
