/*
 * pool.h - background workers that do tasks for this backend, in transactions of their own.
 *
 * Unlike the members of a team they do not share the leader's transaction, so
 * that the error of a task is not the leader's. create makes what all of them
 * share: some bytes, and a set of temporary files; launch starts them. The
 * leader gives a task to a worker and waits for the answer of any. They end
 * when the leader ends the pool, and when it ends itself, whichever way.
 */
#ifndef ML_POOL_H
#define ML_POOL_H

#include "storage/fileset.h"

typedef struct MlPool MlPool;

/* ---- the leader's side ---- */

/* Shared memory for so many workers, with bytes that each of them can read; NULL where there is none to be had. */
extern MlPool *ml_pool_create(int workers, const void *bytes, Size size);

/* Temporary files that the workers can open; they go when the pool does. */
extern FileSet *ml_pool_files(MlPool *pool);

/*
 * Starts background workers that run a function of this library, and are
 * shown as type; returns how many there are, which may be fewer than asked
 * for, or none.
 */
extern int	ml_pool_launch(MlPool *pool, const char *function, const char *type);

/* A worker that has nothing to do, or -1. */
extern int	ml_pool_idle(const MlPool *pool);

/* Gives a task to an idle worker. */
extern void ml_pool_give(MlPool *pool, int worker, const void *bytes, Size size);

/*
 * Waits until a worker has answered, or has gone without: then bytes are NULL.
 * Returns -1 where no worker has anything to do. Bytes are palloc'd.
 */
extern int	ml_pool_wait(MlPool *pool, char **bytes, Size *size);

/* Ends the workers, and waits until they have. */
extern void ml_pool_end(MlPool *pool);

/* ---- the worker's side ---- */

typedef struct MlPoolMember
{
	Oid			database;
	const void *bytes;			/* what the leader shares */
	Size		size;
	FileSet    *files;
	struct shm_mq_handle *in;
	struct shm_mq_handle *out;
} MlPoolMember;

/* Joins the pool that this process was started for, before it is connected to a database; NULL when the pool is gone. */
extern MlPoolMember *ml_pool_join(Datum arg);

/* Waits for the next task; NULL when there will be none any more. It is valid until the next one. */
extern const void *ml_pool_take(MlPoolMember *member, Size *size);

extern void ml_pool_answer(MlPoolMember *member, const void *bytes, Size size);

/* While a task is under way: whether the leader is gone. */
extern bool ml_pool_deserted(MlPoolMember *member);

#endif							/* ML_POOL_H */
