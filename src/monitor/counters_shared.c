/*
 * counters_shared.c - what all backends have counted, in shared memory.
 *
 * Two tables. One has the service of each version and role since the server
 * started. The other has a window's counts, in a block of memory from an area
 * of fixed size, until the database's worker has written them; a window that
 * is over and written goes. Where a table or the area is full, the rows count
 * as dropped: the server's dshash would raise an error there, so these are
 * plain shared hash tables that do not.
 *
 * Locks: each table is divided into ML_PARTITIONS parts with a lock each; a
 * block belongs to the lock of its entry. A lock of one table is never held
 * while one of the other is taken. Whoever walks through a table takes all its
 * locks in order.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "monitor/counters_internal.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/dsa.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ML_PARTITIONS		16

/* What a version in a role takes in both tables, and beside it in the area. */
#define ML_ENTRY_BYTES		1024
#define ML_ENTRY_SHARE		8

/* A window's entry goes so long after its end, when there is nothing left to write. */
#define ML_WINDOW_LINGER_US	(INT64CONST(60) * USECS_PER_SEC)

/* Where the table of service is full, versions that have scored nothing for so long make room; looked for so often. */
#define ML_SERVICE_IDLE_US	(INT64CONST(3600) * USECS_PER_SEC)
#define ML_SERVICE_LOOK_US	(INT64CONST(1) * USECS_PER_SEC)

typedef struct MlCountersShared
{
	pg_atomic_uint64 lost;		/* rows that found no entry */
	pg_atomic_uint64 passes;	/* of workers, numbered from 1 on */
	pg_atomic_uint64 looked;	/* when somebody last looked for service that makes room */
	char		area[FLEXIBLE_ARRAY_MEMBER];
} MlCountersShared;

typedef struct MlServingEntry
{
	MlServingKey key;
	MlServingTotals totals;
} MlServingEntry;

typedef struct MlWindowKey
{
	MlServingKey version;
	TimestampTz start;
	int64		length_us;
	uint64		config;
} MlWindowKey;

typedef struct MlWindowEntry
{
	MlWindowKey key;
	dsa_pointer counts;			/* MlSharedCounts, or none */
	dsa_pointer taken;			/* the same, moved aside by the worker */
	uint64		pass;			/* the last in which it was */
} MlWindowEntry;

/* The head of a window's block; behind it the bins of each column, the names of the slices, the words. */
typedef struct MlSharedCounts
{
	uint32		nsets;
	uint32		ncolumns;
	uint32		nscores;
	uint32		nslices;
	uint32		slice_bytes;
	uint32		words_at;
	Size		words;
} MlSharedCounts;

static MlCountersShared *ml_counters_place = NULL;
static HTAB *ml_serving_entries = NULL;
static HTAB *ml_window_entries = NULL;
static dsa_area *ml_counters_area = NULL;

static const MlSharedPart ml_counters_part;

static Size
ml_counters_bytes(void)
{
	return (Size) ml_monitor_memory_kb * 1024;
}

static long
ml_counters_entries(void)
{
	return ml_counters_bytes() / ML_ENTRY_SHARE / ML_ENTRY_BYTES;
}

static Size
ml_counters_area_bytes(void)
{
	return MAXALIGN_DOWN(ml_counters_bytes() - ml_counters_bytes() / ML_ENTRY_SHARE);
}

static Size
ml_counters_size(void)
{
	return offsetof(MlCountersShared, area) + ml_counters_area_bytes();
}

static Size
ml_counters_extra(void)
{
	return add_size(hash_estimate_size(ml_counters_entries(), sizeof(MlServingEntry)),
					hash_estimate_size(ml_counters_entries(), sizeof(MlWindowEntry)));
}

static void
ml_counters_prepare(void *place)
{
	MlCountersShared *shared = place;
	dsa_area   *area;

	pg_atomic_init_u64(&shared->lost, 0);
	pg_atomic_init_u64(&shared->passes, 0);
	pg_atomic_init_u64(&shared->looked, 0);
	area = dsa_create_in_place(shared->area, ml_counters_area_bytes(),
							   ml_shared_locks(&ml_counters_part)->lock.tranche, NULL);
	dsa_pin(area);
	dsa_set_size_limit(area, ml_counters_area_bytes());
	dsa_detach(area);
}

/* A table that takes no more of the server's memory than was asked for. */
static HTAB *
ml_counters_table(const char *name, Size key, Size entry)
{
	HASHCTL		ctl;

	memset(&ctl, 0, sizeof ctl);
	ctl.keysize = key;
	ctl.entrysize = entry;
	ctl.num_partitions = ML_PARTITIONS;
	return ShmemInitHash(name, ml_counters_entries(), ml_counters_entries(), &ctl,
						 HASH_ELEM | HASH_BLOBS | HASH_PARTITION | HASH_FIXED_SIZE);
}

static void
ml_counters_place_set(void *place)
{
	ml_counters_place = place;
	ml_serving_entries = ml_counters_table("pg_mlops service", sizeof(MlServingKey), sizeof(MlServingEntry));
	ml_window_entries = ml_counters_table("pg_mlops windows", sizeof(MlWindowKey), sizeof(MlWindowEntry));
}

static const MlSharedPart ml_counters_part = {
	.name = "pg_mlops counters",
	.size = ml_counters_size,
	.init = ml_counters_prepare,
	.attach = ml_counters_place_set,
	.nlocks = 2 * ML_PARTITIONS,
	.extra = ml_counters_extra
};

void
ml_counters_announce(void)
{
	ml_shared_add(&ml_counters_part);
}

void
ml_counters_attach(void)
{
	MemoryContext old;

	if (ml_counters_area != NULL)
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	ml_counters_area = dsa_attach_in_place(ml_counters_place->area, NULL);
	dsa_pin_mapping(ml_counters_area);
	/* else the area would count this process for ever */
	on_shmem_exit(dsa_on_shmem_exit_release_in_place, PointerGetDatum(ml_counters_place->area));
	MemoryContextSwitchTo(old);
}

/* ---- locks ---- */

static LWLock *
ml_serving_lock(uint32 hash)
{
	return &ml_shared_locks(&ml_counters_part)[hash % ML_PARTITIONS].lock;
}

static LWLock *
ml_window_lock(uint32 hash)
{
	return &ml_shared_locks(&ml_counters_part)[ML_PARTITIONS + hash % ML_PARTITIONS].lock;
}

/* Takes all locks of a table, for who walks through it. */
static void
ml_counters_lock_all(LWLock *(*lock) (uint32), LWLockMode mode)
{
	for (uint32 i = 0; i < ML_PARTITIONS; i++)
		LWLockAcquire(lock(i), mode);
}

static void
ml_counters_unlock_all(LWLock *(*lock) (uint32))
{
	for (uint32 i = ML_PARTITIONS; i-- > 0;)
		LWLockRelease(lock(i));
}

/* ---- blocks ---- */

static MlSharedCounts *
ml_shared_counts(dsa_pointer pointer)
{
	return dsa_get_address(ml_counters_area, pointer);
}

static int64 *
ml_shared_words(MlSharedCounts *shared)
{
	return (int64 *) ((char *) shared + shared->words_at);
}

/* A block for a counter's rows, without any; 0 when there is no room. */
static dsa_pointer
ml_shared_create(const MlHeldCounter *held)
{
	const MlCountsShape *shape = &held->counter.counts.shape;
	Size		bins = sizeof(uint16) * shape->ncolumns;
	Size		words_at = MAXALIGN(sizeof(MlSharedCounts) + bins + held->slice_bytes);
	dsa_pointer pointer = dsa_allocate_extended(ml_counters_area, words_at + sizeof(int64) * shape->words,
												DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
	MlSharedCounts *shared;

	if (!DsaPointerIsValid(pointer))
		return InvalidDsaPointer;
	shared = ml_shared_counts(pointer);
	shared->nsets = shape->nsets;
	shared->ncolumns = shape->ncolumns;
	shared->nscores = shape->nscores;
	shared->nslices = held->nslices;
	shared->slice_bytes = held->slice_bytes;
	shared->words_at = words_at;
	shared->words = shape->words;
	if (bins > 0)
		memcpy(shared + 1, shape->nbins, bins);
	if (held->slice_bytes > 0)
		memcpy((char *) (shared + 1) + bins, held->slice_names, held->slice_bytes);
	ml_counts_clear(shape, ml_shared_words(shared));
	return pointer;
}

/* ---- handing over ---- */

/* The beginning of the window of a moment: a multiple of its length since 2000. */
static TimestampTz
ml_window_start(TimestampTz at, int64 length_us)
{
	int64		into = at % length_us;

	return at - (into < 0 ? into + length_us : into);
}

static void
ml_count_add(MlServingCount *into, const MlServingCount *from)
{
	into->rows += from->rows;
	into->errors += from->errors;
	into->invalid += from->invalid;
	into->rejected += from->rejected;
}

/* Makes room in the table of service; false if there is none to be made. */
static bool
ml_counters_make_room(TimestampTz now)
{
	uint64		looked = pg_atomic_read_u64(&ml_counters_place->looked);
	HASH_SEQ_STATUS status;
	MlServingEntry *entry;
	bool		room = false;

	if ((uint64) now - looked < ML_SERVICE_LOOK_US ||
		!pg_atomic_compare_exchange_u64(&ml_counters_place->looked, &looked, (uint64) now))
		return false;
	ml_counters_lock_all(ml_serving_lock, LW_EXCLUSIVE);
	hash_seq_init(&status, ml_serving_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->totals.last + ML_SERVICE_IDLE_US < now)
		{
			(void) hash_search(ml_serving_entries, &entry->key, HASH_REMOVE, NULL);
			room = true;
		}
	ml_counters_unlock_all(ml_serving_lock);
	return room;
}

/* The entry of a service, with its lock held; NULL, without the lock, when there is no room. */
static MlServingEntry *
ml_counters_service(const MlServingKey *key, TimestampTz now, LWLock **lock)
{
	uint32		hash = get_hash_value(ml_serving_entries, key);
	MlServingEntry *entry;
	bool		found;

	*lock = ml_serving_lock(hash);
	do
	{
		LWLockAcquire(*lock, LW_EXCLUSIVE);
		entry = hash_search_with_hash_value(ml_serving_entries, key, hash, HASH_ENTER_NULL, &found);
		if (entry == NULL)
			LWLockRelease(*lock);
	}
	while (entry == NULL && ml_counters_make_room(now));
	if (entry != NULL && !found)
	{
		memset(&entry->totals, 0, sizeof entry->totals);
		entry->totals.since = now;
	}
	return entry;
}

/* Adds the service of a counter, and rows that were dropped. */
static void
ml_counters_give_service(MlHeldCounter *held, const MlServingCount *new, uint64 dropped)
{
	const int64 *words = held->counter.counts.words;
	TimestampTz now = GetCurrentTimestamp();
	LWLock	   *lock;
	MlServingEntry *entry = ml_counters_service(&held->key, now, &lock);

	if (entry == NULL)
	{
		pg_atomic_fetch_add_u64(&ml_counters_place->lost, dropped);
		return;
	}
	ml_count_add(&entry->totals.count, new);
	entry->totals.dropped += dropped;
	entry->totals.samples += words[ML_SERVICE_SAMPLES];
	entry->totals.ns += words[ML_SERVICE_NS];
	for (int b = 0; b < ML_LATENCY_BINS; b++)
		entry->totals.latency[b] += words[ML_SERVICE_LATENCY + b];
	entry->totals.last = now;
	LWLockRelease(lock);
}

/* Adds the counts of a counter to its window; false when there is no room. */
static bool
ml_counters_give_window(MlHeldCounter *held)
{
	MlCounts   *counts = &held->counter.counts;
	MlWindowKey key;
	uint32		hash;
	LWLock	   *lock;
	MlWindowEntry *entry;
	bool		found;
	bool		room = false;

	memset(&key, 0, sizeof key);
	key.version = held->key;
	key.start = ml_window_start(GetCurrentTimestamp(), held->window_us);
	key.length_us = held->window_us;
	key.config = held->config;
	hash = get_hash_value(ml_window_entries, &key);
	lock = ml_window_lock(hash);
	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry = hash_search_with_hash_value(ml_window_entries, &key, hash, HASH_ENTER_NULL, &found);
	if (entry != NULL && !found)
	{
		entry->counts = entry->taken = InvalidDsaPointer;
		entry->pass = 0;
	}
	if (entry != NULL && !DsaPointerIsValid(entry->counts))
		entry->counts = ml_shared_create(held);
	if (entry != NULL && DsaPointerIsValid(entry->counts))
	{
		MlSharedCounts *shared = ml_shared_counts(entry->counts);

		room = true;
		ml_counts_add(&counts->shape, ml_shared_words(shared), counts->words);
	}
	LWLockRelease(lock);
	return room;
}

void
ml_counters_give(MlHeldCounter *held)
{
	MlCounter  *c = &held->counter;
	MlServingCount new = c->count;
	int64	   *words = c->counts.words;
	bool		kept;

	if ((new.rows | new.errors | new.invalid | new.rejected) == 0)
		return;
	ml_counter_count(held, words);
	words[ML_SERVICE_ROWS] = (int64) new.rows;
	words[ML_SERVICE_ERRORS] = (int64) new.errors;
	words[ML_SERVICE_INVALID] = (int64) new.invalid;
	words[ML_SERVICE_REJECTED] = (int64) new.rejected;
	ml_count_add(c->session, &new);
	memset(&c->count, 0, sizeof c->count);
	held->key.database = MyDatabaseId;
	kept = ml_counters_give_window(held);
	ml_counters_give_service(held, &new, kept ? 0 : new.rows);
	ml_counts_clear(&c->counts.shape, words);
}

/* ---- reading ---- */

uint64
ml_counters_lost(void)
{
	return pg_atomic_read_u64(&ml_counters_place->lost);
}

List *
ml_counters_serving(void)
{
	List	   *lines = NIL;
	HASH_SEQ_STATUS status;
	MlServingEntry *entry;

	ml_counters_lock_all(ml_serving_lock, LW_SHARED);
	hash_seq_init(&status, ml_serving_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.database == MyDatabaseId)
		{
			MlServingLine *line = palloc(sizeof(MlServingLine));

			line->key = entry->key;
			line->totals = entry->totals;
			lines = lappend(lines, line);
		}
	ml_counters_unlock_all(ml_serving_lock);
	return lines;
}

/* A copy of a window's block; add is another to be added, or NULL. */
static MlWindowCounts *
ml_window_copy(const MlWindowKey *key, MlSharedCounts *shared, MlSharedCounts *add)
{
	MlWindowCounts *window = palloc0(sizeof(MlWindowCounts));
	MlCountsShape *shape = &window->counts.shape;
	uint16	   *nbins = palloc(sizeof(uint16) * Max(shared->ncolumns, 1));
	const char *name = (const char *) (shared + 1) + sizeof(uint16) * shared->ncolumns;

	window->key = key->version;
	window->start = key->start;
	window->end = key->start + key->length_us;
	window->config = key->config;
	memcpy(nbins, shared + 1, sizeof(uint16) * shared->ncolumns);
	shape->nsets = (int) shared->nsets;
	shape->ncolumns = (int) shared->ncolumns;
	shape->nscores = (int) shared->nscores;
	shape->nbins = nbins;
	ml_counts_measure(shape);
	for (uint32 i = 0; i < shared->nslices; i++, name += strlen(name) + 1)
		window->slices = lappend(window->slices, pstrdup(name));
	window->counts.words = palloc_extended(sizeof(int64) * shape->words, MCXT_ALLOC_HUGE);
	memcpy(window->counts.words, ml_shared_words(shared), sizeof(int64) * shape->words);
	if (add != NULL)
		ml_counts_add(shape, window->counts.words, ml_shared_words(add));
	return window;
}

/* The keys (MlWindowKey *) of this database's windows, of one model or of all. */
static List *
ml_window_keys(const char *model)
{
	List	   *keys = NIL;
	HASH_SEQ_STATUS status;
	MlWindowEntry *entry;

	ml_counters_lock_all(ml_window_lock, LW_SHARED);
	hash_seq_init(&status, ml_window_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.version.database == MyDatabaseId &&
			(model == NULL || strcmp(entry->key.version.model, model) == 0))
			keys = lappend(keys, memcpy(palloc(sizeof(MlWindowKey)), &entry->key, sizeof(MlWindowKey)));
	ml_counters_unlock_all(ml_window_lock);
	return keys;
}

/* Finds a window and takes its lock; NULL, without the lock, when it is gone. */
static MlWindowEntry *
ml_window_find(const MlWindowKey *key, LWLockMode mode, LWLock **lock)
{
	uint32		hash = get_hash_value(ml_window_entries, key);
	MlWindowEntry *entry;

	*lock = ml_window_lock(hash);
	LWLockAcquire(*lock, mode);
	entry = hash_search_with_hash_value(ml_window_entries, key, hash, HASH_FIND, NULL);
	if (entry == NULL)
		LWLockRelease(*lock);
	return entry;
}

List *
ml_counters_windows(const char *model)
{
	List	   *windows = NIL;
	ListCell   *lc;

	ml_counters_attach();
	foreach(lc, ml_window_keys(model))
	{
		LWLock	   *lock;
		MlWindowEntry *entry = ml_window_find(lfirst(lc), LW_SHARED, &lock);
		dsa_pointer first;

		if (entry == NULL)
			continue;
		first = DsaPointerIsValid(entry->counts) ? entry->counts : entry->taken;
		if (DsaPointerIsValid(first))
			windows = lappend(windows, ml_window_copy(&entry->key, ml_shared_counts(first),
													  first != entry->taken && DsaPointerIsValid(entry->taken) ?
													  ml_shared_counts(entry->taken) : NULL));
		LWLockRelease(lock);
	}
	return windows;
}

/* ---- for the worker ---- */

List *
ml_counters_take(uint64 pass, int max, bool *more)
{
	List	   *windows = NIL;
	ListCell   *lc;

	ml_counters_attach();
	*more = false;
	foreach(lc, ml_window_keys(NULL))
	{
		LWLock	   *lock;
		MlWindowEntry *entry = ml_window_find(lfirst(lc), LW_EXCLUSIVE, &lock);

		if (entry == NULL)
			continue;
		/* what is counted meanwhile waits for the next pass, or there might be no end to this one */
		if (DsaPointerIsValid(entry->counts) && entry->pass != pass && list_length(windows) >= max)
			*more = true;
		else if (DsaPointerIsValid(entry->counts) && entry->pass != pass)
		{
			/* copied before it is moved: an error leaves it where it was */
			windows = lappend(windows, ml_window_copy(&entry->key, ml_shared_counts(entry->counts), NULL));
			entry->taken = entry->counts;
			entry->counts = InvalidDsaPointer;
			entry->pass = pass;
		}
		else if (!DsaPointerIsValid(entry->counts) && !DsaPointerIsValid(entry->taken) &&
				 entry->key.start + entry->key.length_us + ML_WINDOW_LINGER_US < GetCurrentTimestamp())
			(void) hash_search(ml_window_entries, lfirst(lc), HASH_REMOVE, NULL);
		LWLockRelease(lock);
	}
	return windows;
}

void
ml_counters_written(List *windows)
{
	ListCell   *lc;

	foreach(lc, windows)
	{
		const MlWindowCounts *window = lfirst(lc);
		MlWindowKey key;
		LWLock	   *lock;
		MlWindowEntry *entry;

		memset(&key, 0, sizeof key);
		key.version = window->key;
		key.start = window->start;
		key.length_us = window->end - window->start;
		key.config = window->config;
		entry = ml_window_find(&key, LW_EXCLUSIVE, &lock);
		if (entry == NULL)
			continue;
		if (DsaPointerIsValid(entry->taken))
			dsa_free(ml_counters_area, entry->taken);
		entry->taken = InvalidDsaPointer;
		LWLockRelease(lock);
	}
}

/* Puts back what was moved aside. */
static void
ml_counters_restore(void)
{
	ListCell   *lc;

	foreach(lc, ml_window_keys(NULL))
	{
		LWLock	   *lock;
		MlWindowEntry *entry = ml_window_find(lfirst(lc), LW_EXCLUSIVE, &lock);

		if (entry == NULL)
			continue;
		if (DsaPointerIsValid(entry->taken))
		{
			if (DsaPointerIsValid(entry->counts))
			{
				MlWindowCounts *window = ml_window_copy(&entry->key, ml_shared_counts(entry->taken), NULL);

				ml_counts_add(&window->counts.shape, ml_shared_words(ml_shared_counts(entry->counts)),
							  window->counts.words);
				dsa_free(ml_counters_area, entry->taken);
			}
			else
				entry->counts = entry->taken;
			entry->taken = InvalidDsaPointer;
		}
		LWLockRelease(lock);
	}
}

uint64
ml_counters_begin(void)
{
	ml_counters_attach();
	ml_counters_restore();
	return pg_atomic_add_fetch_u64(&ml_counters_place->passes, 1);
}

/* Forgets the windows of a database. */
static void
ml_counters_forget_windows(Oid database)
{
	HASH_SEQ_STATUS status;
	MlWindowEntry *entry;

	ml_counters_lock_all(ml_window_lock, LW_EXCLUSIVE);
	hash_seq_init(&status, ml_window_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.version.database == database)
		{
			if (DsaPointerIsValid(entry->counts))
				dsa_free(ml_counters_area, entry->counts);
			if (DsaPointerIsValid(entry->taken))
				dsa_free(ml_counters_area, entry->taken);
			(void) hash_search(ml_window_entries, &entry->key, HASH_REMOVE, NULL);
		}
	ml_counters_unlock_all(ml_window_lock);
}

void
ml_counters_forget(Oid database)
{
	HASH_SEQ_STATUS status;
	MlServingEntry *entry;

	ml_counters_attach();
	ml_counters_forget_windows(database);
	ml_counters_lock_all(ml_serving_lock, LW_EXCLUSIVE);
	hash_seq_init(&status, ml_serving_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.database == database)
			(void) hash_search(ml_serving_entries, &entry->key, HASH_REMOVE, NULL);
	ml_counters_unlock_all(ml_serving_lock);
}
