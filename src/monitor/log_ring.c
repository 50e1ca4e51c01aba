/*
 * log_ring.c - logged rows on their way from the backends that score to the database's worker.
 *
 * The memory is a pool of small blocks. Each database has a queue: a list of
 * blocks, with rows one after the other that run over from block to block. A
 * row is copied in whole under the lock and becomes part of the queue with the
 * last store, so a process that ends leaves nothing half done; one that is
 * killed makes the server start shared memory anew.
 *
 * One ring for all would be read in its order: rows of a database that no
 * worker comes for (there is no process to be had, or the extension was dropped)
 * would stop those of all others, or have to be thrown away after some time.
 * Parts of fixed size would leave most of the memory to databases that log
 * nothing. So a queue may grow while it has at most three times as much as is
 * free: one database alone gets three quarters of the memory, and however many
 * hold on to theirs, some is left for those whose worker comes.
 *
 * There are as many queues as blocks, so that one is to be had whenever a block
 * is. An empty one is given to another database only when all have been taken.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "monitor/log_ring.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#define ML_LOG_BLOCK_BYTES	2048
#define ML_LOG_NO_BLOCK		PG_UINT32_MAX
#define ML_LOG_GREED		3		/* a queue may have so many times what is free */
#define ML_LOG_READ_BYTES	(128 * 1024)

typedef struct MlLogBlock
{
	uint32		next;			/* of the queue, or of the free ones */
	char		data[ML_LOG_BLOCK_BYTES - sizeof(uint32)];
} MlLogBlock;

#define ML_LOG_BLOCK_DATA	((Size) sizeof(((MlLogBlock *) NULL)->data))

typedef struct MlLogQueue
{
	Oid			database;		/* InvalidOid: never taken */
	uint32		head;			/* no blocks: ML_LOG_NO_BLOCK */
	uint32		head_offset;	/* where the first row begins in the first block */
	uint32		tail;
	uint32		tail_used;
	uint32		nblocks;
	uint64		accepted;
	uint64		taken;
	uint64		written;
	uint64		dropped;
} MlLogQueue;

typedef struct MlLogRing
{
	TimestampTz since;
	uint32		nblocks;
	uint32		nfree;
	uint32		first_free;
	uint64		homeless;		/* dropped rows of databases that have no queue */
	MlLogQueue	queues[FLEXIBLE_ARRAY_MEMBER];	/* nblocks; the blocks follow */
} MlLogRing;

/* How a row lies in the queue; its features follow at once, then model and prediction with their zeros. */
typedef struct MlLogRecord
{
	uint32		length;			/* of all, a multiple of MAXALIGN */
	uint32		features_length;
	uint32		model_length;	/* with the zero */
	uint32		prediction_length;
	TimestampTz at;
	uint64		row_key;
	double		probability;
	uint8		digest[ML_LOG_DIGEST_BYTES];
	int32		version;
	int32		role;
} MlLogRecord;

/* A place in a chain of blocks. */
typedef struct MlLogPlace
{
	uint32		block;
	uint32		offset;
} MlLogPlace;

StaticAssertDecl(sizeof(MlLogBlock) == ML_LOG_BLOCK_BYTES, "blocks of the log have no padding");
StaticAssertDecl(sizeof(MlLogRecord) % MAXIMUM_ALIGNOF == 0, "features in a record of the log are aligned");

static MlLogRing *ml_log_ring = NULL;
static LWLock *ml_log_lock = NULL;
static uint32 ml_log_mine = 0;	/* the queue of this session's database when it was last looked for */

/* ---- shared memory ---- */

static uint32
ml_log_ring_blocks(void)
{
	return (uint32) ((Size) ml_log_memory_kb * 1024 / ML_LOG_BLOCK_BYTES);
}

static Size
ml_log_ring_head(uint32 nblocks)
{
	return MAXALIGN(add_size(offsetof(MlLogRing, queues), mul_size(nblocks, sizeof(MlLogQueue))));
}

static inline MlLogBlock *
ml_log_block(uint32 block)
{
	return (MlLogBlock *) ((char *) ml_log_ring + ml_log_ring_head(ml_log_ring->nblocks)) + block;
}

static Size
ml_log_ring_size(void)
{
	uint32		nblocks = ml_log_ring_blocks();

	return add_size(ml_log_ring_head(nblocks), mul_size(nblocks, sizeof(MlLogBlock)));
}

static void
ml_log_ring_init(void *place)
{
	MlLogRing  *ring = place;
	uint32		nblocks = ml_log_ring_blocks();

	memset(ring, 0, ml_log_ring_head(nblocks));
	ring->since = GetCurrentTimestamp();
	ring->nblocks = ring->nfree = nblocks;
	ml_log_ring = ring;
	for (uint32 i = 0; i < nblocks; i++)
	{
		ring->queues[i].head = ring->queues[i].tail = ML_LOG_NO_BLOCK;
		ml_log_block(i)->next = i + 1 < nblocks ? i + 1 : ML_LOG_NO_BLOCK;
	}
}

static void ml_log_ring_attach(void *place);

static const MlSharedPart ml_log_ring_part = {
	.name = "pg_mlops log",
	.size = ml_log_ring_size,
	.init = ml_log_ring_init,
	.attach = ml_log_ring_attach,
	.nlocks = 1,
};

static void
ml_log_ring_attach(void *place)
{
	ml_log_ring = place;
	ml_log_lock = &ml_shared_locks(&ml_log_ring_part)->lock;
}

void
ml_log_ring_announce(void)
{
	ml_shared_add(&ml_log_ring_part);
}

/* ---- queues; the lock is held ---- */

/* The queue of a database, or NULL. */
static MlLogQueue *
ml_log_queue_find(Oid database)
{
	MlLogQueue *queues = ml_log_ring->queues;

	if (queues[ml_log_mine].database == database)
		return &queues[ml_log_mine];
	for (uint32 i = 0; i < ml_log_ring->nblocks && OidIsValid(queues[i].database); i++)
		if (queues[i].database == database)
		{
			ml_log_mine = i;
			return &queues[i];
		}
	return NULL;
}

/* The same, or a queue that nobody has, or one that is empty; NULL only when every queue holds rows of others. */
static MlLogQueue *
ml_log_queue_take(Oid database)
{
	MlLogQueue *queue = ml_log_queue_find(database);
	uint32		empty = ML_LOG_NO_BLOCK;

	if (likely(queue != NULL))
		return queue;
	for (uint32 i = 0; i < ml_log_ring->nblocks; i++)
	{
		queue = &ml_log_ring->queues[i];
		if (queue->nblocks == 0)
			empty = i;
		if (!OidIsValid(queue->database))
			break;
	}
	if (empty == ML_LOG_NO_BLOCK)
		return NULL;
	queue = &ml_log_ring->queues[empty];
	memset(queue, 0, sizeof *queue);
	queue->database = database;
	queue->head = queue->tail = ML_LOG_NO_BLOCK;
	ml_log_mine = empty;
	return queue;
}

/* Adds the blocks that so many bytes more need; false where they may not be had. */
static bool
ml_log_queue_grow(MlLogQueue *queue, Size bytes)
{
	Size		left = queue->nblocks > 0 ? ML_LOG_BLOCK_DATA - queue->tail_used : 0;
	Size		needed = bytes > left ? (bytes - left + ML_LOG_BLOCK_DATA - 1) / ML_LOG_BLOCK_DATA : 0;

	if (needed > ml_log_ring->nfree ||
		(needed > 0 && queue->nblocks + needed > ML_LOG_GREED * (ml_log_ring->nfree - needed)))
		return false;
	for (uint32 last = queue->tail; needed > 0; needed--)
	{
		uint32		block = ml_log_ring->first_free;

		ml_log_ring->first_free = ml_log_block(block)->next;
		ml_log_ring->nfree--;
		ml_log_block(block)->next = ML_LOG_NO_BLOCK;
		if (queue->nblocks++ == 0)
		{
			queue->head = queue->tail = block;
			queue->head_offset = queue->tail_used = 0;
		}
		else
			ml_log_block(last)->next = block;
		last = block;
	}
	return true;
}

/* Gives the first block of a queue back. */
static void
ml_log_queue_shrink(MlLogQueue *queue)
{
	uint32		block = queue->head;

	queue->head = ml_log_block(block)->next;
	queue->nblocks--;
	ml_log_block(block)->next = ml_log_ring->first_free;
	ml_log_ring->first_free = block;
	ml_log_ring->nfree++;
}

/* Gives all blocks of a queue back. */
static void
ml_log_queue_clear(MlLogQueue *queue)
{
	while (queue->nblocks > 0)
		ml_log_queue_shrink(queue);
	queue->head = queue->tail = ML_LOG_NO_BLOCK;
	queue->head_offset = queue->tail_used = 0;
}

/* Copies bytes to a place, which moves behind them. */
static void
ml_log_copy_in(MlLogPlace *place, const void *from, Size bytes)
{
	const char *p = from;

	while (bytes > 0)
	{
		Size		n;

		if (place->offset == ML_LOG_BLOCK_DATA)
		{
			place->block = ml_log_block(place->block)->next;
			place->offset = 0;
		}
		n = Min(bytes, ML_LOG_BLOCK_DATA - place->offset);
		memcpy(ml_log_block(place->block)->data + place->offset, p, n);
		place->offset += n;
		p += n;
		bytes -= n;
	}
}

/* Copies bytes from a place, which moves behind them; without a target it only moves. */
static void
ml_log_copy_out(MlLogPlace *place, char *to, Size bytes)
{
	while (bytes > 0)
	{
		Size		n;

		if (place->offset == ML_LOG_BLOCK_DATA)
		{
			place->block = ml_log_block(place->block)->next;
			place->offset = 0;
		}
		n = Min(bytes, ML_LOG_BLOCK_DATA - place->offset);
		if (to != NULL)
		{
			memcpy(to, ml_log_block(place->block)->data + place->offset, n);
			to += n;
		}
		place->offset += n;
		bytes -= n;
	}
}

/* ---- writing ---- */

Size
ml_log_ring_largest(void)
{
	return (Size) ml_log_ring->nblocks * ML_LOG_BLOCK_DATA / (ML_LOG_GREED + 1) * ML_LOG_GREED;
}

void
ml_log_ring_put(const MlLogEntry *entry)
{
	static const char padding[MAXIMUM_ALIGNOF] = {0};
	MlLogRecord record;
	Size		bytes;
	Size		length;
	MlLogQueue *queue;

	memset(&record, 0, sizeof record);
	record.features_length = VARSIZE(entry->features);
	record.model_length = strlen(entry->model) + 1;
	record.prediction_length = strlen(entry->prediction) + 1;
	record.at = entry->at;
	record.row_key = entry->row_key;
	record.probability = entry->probability;
	memcpy(record.digest, entry->digest, ML_LOG_DIGEST_BYTES);
	record.version = entry->version;
	record.role = (int32) entry->role;
	bytes = sizeof record + (Size) record.features_length + record.model_length + record.prediction_length;
	length = MAXALIGN(bytes);
	record.length = (uint32) length;

	LWLockAcquire(ml_log_lock, LW_EXCLUSIVE);
	queue = ml_log_queue_take(MyDatabaseId);
	if (queue == NULL)
		ml_log_ring->homeless++;
	else if (length > PG_INT32_MAX || !ml_log_queue_grow(queue, length))
		queue->dropped++;
	else
	{
		MlLogPlace	place = {queue->tail, queue->tail_used};

		ml_log_copy_in(&place, &record, sizeof record);
		ml_log_copy_in(&place, entry->features, record.features_length);
		ml_log_copy_in(&place, entry->model, record.model_length);
		ml_log_copy_in(&place, entry->prediction, record.prediction_length);
		ml_log_copy_in(&place, padding, length - bytes);
		queue->tail = place.block;
		queue->tail_used = place.offset;
		queue->accepted++;
	}
	LWLockRelease(ml_log_lock);
}

void
ml_log_ring_drop(void)
{
	MlLogQueue *queue;

	LWLockAcquire(ml_log_lock, LW_EXCLUSIVE);
	queue = ml_log_queue_take(MyDatabaseId);
	if (queue == NULL)
		ml_log_ring->homeless++;
	else
		queue->dropped++;
	LWLockRelease(ml_log_lock);
}

/* ---- reading ---- */

/*
 * Copies rows from the head of the queue, as many as fit; returns the bytes.
 * If not even one does, *needed is its length.
 */
static Size
ml_log_ring_copy(const MlLogQueue *queue, char *buffer, Size room, MlLogMark *mark, Size *needed)
{
	MlLogPlace	place = {queue->head, queue->head_offset};
	Size		used = 0;

	mark->first = queue->taken;
	while (mark->rows < queue->accepted - queue->taken)
	{
		MlLogPlace	here = place;
		MlLogRecord record;

		ml_log_copy_out(&here, (char *) &record, sizeof record);
		if (record.length > room - used)
		{
			*needed = used == 0 ? record.length : 0;
			break;
		}
		ml_log_copy_out(&place, buffer + used, record.length);
		used += record.length;
		mark->rows++;
	}
	return used;
}

/* The rows (MlLogEntry *) in a buffer, which they point into. */
static List *
ml_log_ring_entries(char *buffer, Size used)
{
	List	   *entries = NIL;

	for (Size at = 0; at < used;)
	{
		const MlLogRecord *record = (const MlLogRecord *) (buffer + at);
		char	   *rest = buffer + at + sizeof(MlLogRecord);
		MlLogEntry *entry = palloc(sizeof(MlLogEntry));

		entry->at = record->at;
		entry->version = record->version;
		entry->role = (MlServingRole) record->role;
		memcpy(entry->digest, record->digest, ML_LOG_DIGEST_BYTES);
		entry->row_key = record->row_key;
		entry->probability = record->probability;
		entry->features = (Jsonb *) rest;
		entry->model = rest + record->features_length;
		entry->prediction = entry->model + record->model_length;
		entries = lappend(entries, entry);
		at += record->length;
	}
	return entries;
}

List *
ml_log_ring_read(MlLogMark *mark)
{
	Size		room = ML_LOG_READ_BYTES;

	for (;;)
	{
		/* memory is not to be had under a lock */
		char	   *buffer = palloc_extended(room, MCXT_ALLOC_HUGE);
		Size		used = 0;
		Size		needed = 0;
		const MlLogQueue *queue;

		memset(mark, 0, sizeof *mark);
		LWLockAcquire(ml_log_lock, LW_SHARED);
		queue = ml_log_queue_find(MyDatabaseId);
		if (queue != NULL)
			used = ml_log_ring_copy(queue, buffer, room, mark, &needed);
		LWLockRelease(ml_log_lock);
		if (needed == 0)
			return ml_log_ring_entries(buffer, used);
		pfree(buffer);
		room = needed;
	}
}

void
ml_log_ring_release(const MlLogMark *mark, int64 written)
{
	MlLogQueue *queue;

	LWLockAcquire(ml_log_lock, LW_EXCLUSIVE);
	queue = ml_log_queue_find(MyDatabaseId);
	if (queue != NULL && queue->taken == mark->first && queue->accepted - queue->taken >= mark->rows)
	{
		for (uint64 i = 0; i < mark->rows; i++)
		{
			MlLogPlace	place = {queue->head, queue->head_offset};
			MlLogPlace	here = place;
			MlLogRecord record;

			ml_log_copy_out(&here, (char *) &record, sizeof record);
			ml_log_copy_out(&place, NULL, record.length);
			while (queue->head != place.block)
				ml_log_queue_shrink(queue);
			queue->head_offset = place.offset;
		}
		queue->taken += mark->rows;
		queue->written += written;
		if (queue->taken == queue->accepted)
			ml_log_queue_clear(queue);
	}
	LWLockRelease(ml_log_lock);
}

void
ml_log_ring_forget(Oid database)
{
	MlLogQueue *queue;

	LWLockAcquire(ml_log_lock, LW_EXCLUSIVE);
	queue = ml_log_queue_find(database);
	if (queue != NULL)
	{
		ml_log_queue_clear(queue);
		queue->accepted = queue->taken = queue->written = queue->dropped = 0;
	}
	LWLockRelease(ml_log_lock);
}

bool
ml_log_ring_status(MlLogStatus *status)
{
	const MlLogQueue *queue;

	memset(status, 0, sizeof *status);
	if (!ml_shared_ready())
		return false;
	LWLockAcquire(ml_log_lock, LW_SHARED);
	queue = ml_log_queue_find(MyDatabaseId);
	if (queue != NULL)
	{
		status->accepted = queue->accepted;
		status->taken = queue->taken;
		status->written = queue->written;
		status->dropped = queue->dropped;
		status->used = (Size) queue->nblocks * ML_LOG_BLOCK_BYTES;
	}
	else
		status->dropped = ml_log_ring->homeless;
	status->memory = (Size) ml_log_ring->nblocks * ML_LOG_BLOCK_BYTES;
	status->since = ml_log_ring->since;
	LWLockRelease(ml_log_lock);
	return true;
}
