/*
 * cache.c - decoded models of this backend, by the SHA-256 of their artifact.
 *
 * The table lives in CacheMemoryContext; each model has a context of its own,
 * built under the current one and re-parented when complete, so that an error
 * half way leaves nothing.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "lib/ilist.h"
#include "store/cache.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct MlCacheEntry
{
	uint8		digest[ML_DIGEST_BYTES];	/* the key */
	MemoryContext context;
	MlModel    *model;
	Size		bytes;
	int			pins;
	dlist_node	recent;
} MlCacheEntry;

typedef struct MlCachePin
{
	MemoryContextCallback callback;
	uint8		digest[ML_DIGEST_BYTES];
} MlCachePin;

static HTAB *ml_cache_table = NULL;
static dlist_head ml_cache_recent = DLIST_STATIC_INIT(ml_cache_recent); /* most recently used first */
static Size ml_cache_bytes = 0;

static void
ml_cache_drop(MlCacheEntry *entry)
{
	MemoryContext context = entry->context;

	dlist_delete(&entry->recent);
	ml_cache_bytes -= entry->bytes;
	hash_search(ml_cache_table, entry->digest, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/* Drops unpinned models, oldest first, until the setting is met. */
static void
ml_cache_trim(void)
{
	Size		limit = (Size) ml_cache_memory_kb * 1024;
	dlist_node *node;

	if (ml_cache_bytes <= limit || dlist_is_empty(&ml_cache_recent))
		return;
	node = dlist_tail_node(&ml_cache_recent);
	while (node != NULL && ml_cache_bytes > limit)
	{
		MlCacheEntry *entry = dlist_container(MlCacheEntry, recent, node);

		node = dlist_has_prev(&ml_cache_recent, node) ? dlist_prev_node(&ml_cache_recent, node) : NULL;
		if (entry->pins == 0)
			ml_cache_drop(entry);
	}
}

static void
ml_cache_unpin(void *arg)
{
	MlCachePin *pin = arg;
	MlCacheEntry *entry = hash_search(ml_cache_table, pin->digest, HASH_FIND, NULL);

	Assert(entry != NULL && entry->pins > 0);
	if (--entry->pins == 0)
		ml_cache_trim();
}

static void
ml_cache_init(void)
{
	HASHCTL		ctl;

	if (CacheMemoryContext == NULL)
		CreateCacheMemoryContext();
	memset(&ctl, 0, sizeof ctl);
	ctl.keysize = ML_DIGEST_BYTES;
	ctl.entrysize = sizeof(MlCacheEntry);
	ctl.hcxt = CacheMemoryContext;
	ml_cache_table = hash_create("pg_mlops models", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Reads and decodes a version into a context of its own. */
static MlCacheEntry *
ml_cache_load(const MlVersionRef *ref)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops model",
												  ALLOCSET_START_SMALL_SIZES);
	MemoryContext old;
	bytea	   *artifact = ml_catalog_artifact(ref->model, ref->version);
	uint8		digest[ML_DIGEST_BYTES];
	MlModel    *model;
	MlCacheEntry *entry;

	ml_codec_digest(artifact, digest);
	if (memcmp(digest, ref->digest, ML_DIGEST_BYTES) != 0)
		ml_read_corrupted("its SHA-256 is not the one its version records");
	old = MemoryContextSwitchTo(context);
	model = ml_codec_decode(artifact);
	MemoryContextSwitchTo(old);
	pfree(artifact);

	entry = hash_search(ml_cache_table, ref->digest, HASH_ENTER, NULL);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->model = model;
	entry->bytes = MemoryContextMemAllocated(context, true);
	entry->pins = 0;
	dlist_push_head(&ml_cache_recent, &entry->recent);
	ml_cache_bytes += entry->bytes;
	return entry;
}

const MlModel *
ml_cache_pin(const MlVersionRef *ref, MemoryContext until)
{
	MlCachePin *pin = MemoryContextAllocZero(until, sizeof(MlCachePin));
	MlCacheEntry *entry;

	if (ml_cache_table == NULL)
		ml_cache_init();
	entry = hash_search(ml_cache_table, ref->digest, HASH_FIND, NULL);
	if (entry == NULL)
		entry = ml_cache_load(ref);
	else
		dlist_move_head(&ml_cache_recent, &entry->recent);
	entry->pins++;
	memcpy(pin->digest, ref->digest, ML_DIGEST_BYTES);
	pin->callback.func = ml_cache_unpin;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(until, &pin->callback);
	ml_cache_trim();
	return entry->model;
}
