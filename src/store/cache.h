/*
 * cache.h - decoded models of this backend, by the SHA-256 of their artifact.
 *
 * An artifact never changes, so a cached model cannot be stale. A model that
 * is pinned is not dropped; unpinned ones go, least recently used first, when
 * the cache outgrows pg_mlops.cache_memory.
 */
#ifndef ML_CACHE_H
#define ML_CACHE_H

#include "store/catalog.h"
#include "store/codec.h"

/*
 * The decoded model of a version, pinned until the given context is reset or
 * deleted. Reads the artifact from the catalog when it is not cached.
 */
extern const MlModel *ml_cache_pin(const MlVersionRef *ref, MemoryContext until);

#endif							/* ML_CACHE_H */
