/*
 * dict.c - a dictionary of texts: each distinct text gets the next code.
 *
 * Everything is in the dictionary's own context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/dict.h"
#include "common/hashfn.h"
#include "utils/memutils.h"

typedef struct MlDictKey
{
	const char *bytes;
	int			length;
	uint64		hash;
} MlDictKey;

typedef struct MlDictEntry
{
	MlDictKey	key;
	int			code;
	char		status;
} MlDictEntry;

static inline bool
ml_dict_equal(const MlDictKey *a, const MlDictKey *b)
{
	return a->hash == b->hash && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

#define SH_PREFIX ml_dicthash
#define SH_ELEMENT_TYPE MlDictEntry
#define SH_KEY_TYPE MlDictKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) ((uint32) (k).hash)
#define SH_EQUAL(tb, a, b) ml_dict_equal(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

MlDict *
ml_dict_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops dictionary",
												  ALLOCSET_DEFAULT_SIZES);
	MlDict	   *dict = MemoryContextAllocZero(context, sizeof(MlDict));

	dict->context = context;
	dict->table = ml_dicthash_create(context, 16, NULL);
	dict->capacity = 16;
	dict->texts = MemoryContextAlloc(context, sizeof(MlDictText) * dict->capacity);
	return dict;
}

static MlDictKey
ml_dict_key(const char *bytes, int length)
{
	MlDictKey	key;

	key.bytes = bytes;
	key.length = length;
	key.hash = hash_bytes_extended((const unsigned char *) bytes, length, 0);
	return key;
}

int
ml_dict_add(MlDict *dict, const char *bytes, int length)
{
	MlDictKey	key = ml_dict_key(bytes, length);
	bool		found;
	MlDictEntry *entry = ml_dicthash_insert(dict->table, key, &found);
	char	   *copy;

	if (found)
		return entry->code;
	copy = MemoryContextAllocHuge(dict->context, (Size) length + 1);
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	entry->key.bytes = copy;
	entry->code = dict->count;
	if (dict->count == dict->capacity)
	{
		dict->capacity *= 2;
		dict->texts = repalloc_huge(dict->texts, sizeof(MlDictText) * dict->capacity);
	}
	dict->texts[dict->count].bytes = copy;
	dict->texts[dict->count].length = length;
	dict->texts[dict->count].hash = key.hash;
	dict->text_bytes += length;
	return dict->count++;
}

int
ml_dict_find(const MlDict *dict, const char *bytes, int length)
{
	MlDictEntry *entry = ml_dicthash_lookup(dict->table, ml_dict_key(bytes, length));

	return entry ? entry->code : -1;
}

void
ml_dict_free(MlDict *dict)
{
	MemoryContextDelete(dict->context);
}

int
ml_text_compare(const char *a, int na, const char *b, int nb)
{
	int			order = memcmp(a, b, Min(na, nb));

	return order != 0 ? order : (na > nb) - (na < nb);
}
