/*
 * pool.c - background workers that do tasks for this backend, in transactions of their own.
 *
 * The segment of shared memory belongs to the leader's resource owner. When
 * it goes, by an error, by the end of the process, or because the pool has
 * ended, a callback has the postmaster terminate whoever still works. What
 * the callback needs is in TopMemoryContext, since other contexts may be gone
 * by then. Each worker has two message queues, which also tell either side
 * that the other one is no longer there.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/pool.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/sharedfileset.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#define ML_POOL_MAGIC		UINT64CONST(0x4D4C504F4F4C0001)
#define ML_POOL_KEY_HEADER	1
#define ML_POOL_KEY_BYTES	2
#define ML_POOL_KEY_QUEUES	3
#define ML_POOL_QUEUE_BYTES	((Size) 65536)

typedef struct MlPoolHeader
{
	Oid			database;
	Size		size;			/* of the shared bytes */
	SharedFileSet files;
} MlPoolHeader;

/* What ends the workers; in TopMemoryContext. */
typedef struct MlPoolGuard
{
	int			n;
	BackgroundWorkerHandle *handle[FLEXIBLE_ARRAY_MEMBER];
} MlPoolGuard;

typedef struct MlPoolWorker
{
	shm_mq_handle *in;			/* from the worker; NULL when it is gone */
	shm_mq_handle *out;
	bool		busy;
} MlPoolWorker;

struct MlPool
{
	dsm_segment *segment;
	MlPoolHeader *header;
	char	   *queues;
	MlPoolGuard *guard;
	int			capacity;
	int			n;				/* that were started */
	MlPoolWorker *workers;
};

/* The queue to a worker, or from it. */
static shm_mq *
ml_pool_queue(char *queues, int worker, bool from)
{
	return (shm_mq *) (queues + (2 * worker + from) * ML_POOL_QUEUE_BYTES);
}

/* ---- the leader's side ---- */

/* The segment goes: so do the workers. */
static void
ml_pool_abandoned(dsm_segment *segment, Datum arg)
{
	MlPoolGuard *guard = (MlPoolGuard *) DatumGetPointer(arg);

	for (int i = 0; i < guard->n; i++)
	{
		TerminateBackgroundWorker(guard->handle[i]);
		pfree(guard->handle[i]);
	}
	pfree(guard);
}

MlPool *
ml_pool_create(int workers, const void *bytes, Size size)
{
	MlPool	   *pool = palloc0(sizeof(MlPool));
	shm_toc_estimator estimator;
	shm_toc    *toc;
	void	   *copy;
	Size		total;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(MlPoolHeader));
	shm_toc_estimate_chunk(&estimator, size);
	shm_toc_estimate_chunk(&estimator, 2 * ML_POOL_QUEUE_BYTES * workers);
	shm_toc_estimate_keys(&estimator, 3);
	total = shm_toc_estimate(&estimator);
	pool->segment = dsm_create(total, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (pool->segment == NULL)
		return NULL;
	toc = shm_toc_create(ML_POOL_MAGIC, dsm_segment_address(pool->segment), total);
	pool->header = shm_toc_allocate(toc, sizeof(MlPoolHeader));
	pool->header->database = MyDatabaseId;
	pool->header->size = size;
	shm_toc_insert(toc, ML_POOL_KEY_HEADER, pool->header);
	copy = shm_toc_allocate(toc, size);
	memcpy(copy, bytes, size);
	shm_toc_insert(toc, ML_POOL_KEY_BYTES, copy);
	pool->queues = shm_toc_allocate(toc, 2 * ML_POOL_QUEUE_BYTES * workers);
	shm_toc_insert(toc, ML_POOL_KEY_QUEUES, pool->queues);
	for (int i = 0; i < workers; i++)
	{
		shm_mq_set_sender(shm_mq_create(ml_pool_queue(pool->queues, i, false), ML_POOL_QUEUE_BYTES), MyProc);
		shm_mq_set_receiver(shm_mq_create(ml_pool_queue(pool->queues, i, true), ML_POOL_QUEUE_BYTES), MyProc);
	}
	pool->capacity = workers;
	pool->workers = palloc0(sizeof(MlPoolWorker) * Max(workers, 1));
	SharedFileSetInit(&pool->header->files, pool->segment);
	pool->guard = MemoryContextAllocZero(TopMemoryContext, offsetof(MlPoolGuard, handle) +
										 sizeof(BackgroundWorkerHandle *) * workers);
	on_dsm_detach(pool->segment, ml_pool_abandoned, PointerGetDatum(pool->guard));
	return pool;
}

FileSet *
ml_pool_files(MlPool *pool)
{
	return &pool->header->files.fs;
}

int
ml_pool_launch(MlPool *pool, const char *function, const char *type)
{
	BackgroundWorker worker;
	MemoryContext old;

	memset(&worker, 0, sizeof worker);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(pool->segment));
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "pg_mlops", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, function, sizeof worker.bgw_function_name);
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for PID %d", type, MyProcPid);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	for (int i = 0; i < pool->capacity; i++)
	{
		BackgroundWorkerHandle *handle;

		memcpy(worker.bgw_extra, &i, sizeof i);
		old = MemoryContextSwitchTo(TopMemoryContext);
		if (!RegisterDynamicBackgroundWorker(&worker, &handle))
			handle = NULL;
		MemoryContextSwitchTo(old);
		if (handle == NULL)
			break;
		pool->guard->handle[pool->guard->n++] = handle;
		pool->workers[i].out = shm_mq_attach(ml_pool_queue(pool->queues, i, false), pool->segment, handle);
		pool->workers[i].in = shm_mq_attach(ml_pool_queue(pool->queues, i, true), pool->segment, handle);
		pool->n++;
	}
	return pool->n;
}

int
ml_pool_idle(const MlPool *pool)
{
	for (int i = 0; i < pool->n; i++)
		if (pool->workers[i].in != NULL && !pool->workers[i].busy)
			return i;
	return -1;
}

void
ml_pool_give(MlPool *pool, int worker, const void *bytes, Size size)
{
	/* one that is gone is noticed when its answer is waited for */
	(void) shm_mq_send(pool->workers[worker].out, size, bytes, false, true);
	pool->workers[worker].busy = true;
}

/* Looks for an answer; false when the worker has none yet. */
static bool
ml_pool_look(MlPool *pool, MlPoolWorker *worker, char **bytes, Size *size)
{
	void	   *data;
	shm_mq_result result = shm_mq_receive(worker->in, size, &data, true);

	if (result == SHM_MQ_WOULD_BLOCK)
		return false;
	worker->busy = false;
	if (result == SHM_MQ_SUCCESS)
	{
		*bytes = palloc(Max(*size, 1));
		memcpy(*bytes, data, *size);
		return true;
	}
	*bytes = NULL;
	shm_mq_detach(worker->in);
	shm_mq_detach(worker->out);
	worker->in = worker->out = NULL;
	return true;
}

int
ml_pool_wait(MlPool *pool, char **bytes, Size *size)
{
	for (;;)
	{
		bool		any = false;

		for (int i = 0; i < pool->n; i++)
		{
			if (!pool->workers[i].busy)
				continue;
			any = true;
			if (ml_pool_look(pool, &pool->workers[i], bytes, size))
				return i;
		}
		if (!any)
			return -1;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
ml_pool_end(MlPool *pool)
{
	for (int i = 0; i < pool->n; i++)
	{
		/* with the queue closed the worker takes no further task */
		if (pool->workers[i].out != NULL)
		{
			shm_mq_detach(pool->workers[i].out);
			shm_mq_detach(pool->workers[i].in);
		}
		(void) WaitForBackgroundWorkerShutdown(pool->guard->handle[i]);
	}
	dsm_detach(pool->segment);
	pfree(pool->workers);
	pfree(pool);
}

/* ---- the worker's side ---- */

MlPoolMember *
ml_pool_join(Datum arg)
{
	MlPoolMember *member;
	MlPoolHeader *header;
	dsm_segment *segment = dsm_attach(DatumGetUInt32(arg));
	shm_toc    *toc;
	char	   *queues;
	shm_mq	   *in;
	shm_mq	   *out;
	int			me;

	if (segment == NULL)
		return NULL;
	toc = shm_toc_attach(ML_POOL_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		return NULL;
	memcpy(&me, MyBgworkerEntry->bgw_extra, sizeof me);
	member = MemoryContextAllocZero(TopMemoryContext, sizeof(MlPoolMember));
	header = shm_toc_lookup(toc, ML_POOL_KEY_HEADER, false);
	queues = shm_toc_lookup(toc, ML_POOL_KEY_QUEUES, false);
	member->database = header->database;
	member->size = header->size;
	member->bytes = shm_toc_lookup(toc, ML_POOL_KEY_BYTES, false);
	in = ml_pool_queue(queues, me, false);
	out = ml_pool_queue(queues, me, true);
	shm_mq_set_receiver(in, MyProc);
	shm_mq_set_sender(out, MyProc);
	member->in = shm_mq_attach(in, segment, NULL);
	member->out = shm_mq_attach(out, segment, NULL);
	/* the files are the leader's alone: a process that ends could not delete them, since it has let go of its statistics */
	member->files = &header->files.fs;
	return member;
}

const void *
ml_pool_take(MlPoolMember *member, Size *size)
{
	void	   *data;

	return shm_mq_receive(member->in, size, &data, false) == SHM_MQ_SUCCESS ? data : NULL;
}

void
ml_pool_answer(MlPoolMember *member, const void *bytes, Size size)
{
	/* where nobody listens any more, taking the next task says so */
	(void) shm_mq_send(member->out, size, bytes, false, true);
}

bool
ml_pool_deserted(MlPoolMember *member)
{
	Size		size;
	void	   *data;

	return shm_mq_receive(member->in, &size, &data, true) == SHM_MQ_DETACHED;
}
