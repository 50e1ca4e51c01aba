/*
 * serving.c - what this session has scored with deployed versions.
 *
 * One entry for each version and role that the session has scored with, in a
 * table of its own that is never emptied: whoever scores holds a pointer into
 * it, or a counter that adds to it, and a row costs one addition. Counts are of rows, not of transactions:
 * what is rolled back has been scored all the same. A parallel worker is a
 * session of its own here, whose counts go away with it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/serving.h"
#include "store/access.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct MlSessionKey
{
	char		model[ML_MODEL_NAME_BYTES_MAX + 1]; /* with zeros behind it */
	int32		version;
	int32		role;			/* MlServingRole */
} MlSessionKey;

typedef struct MlSessionEntry
{
	MlSessionKey key;
	MlServingCount count;
} MlSessionEntry;

static HTAB *ml_serving_table = NULL;

static void
ml_serving_init(void)
{
	HASHCTL		ctl;

	memset(&ctl, 0, sizeof ctl);
	ctl.keysize = sizeof(MlSessionKey);
	ctl.entrysize = sizeof(MlSessionEntry);
	ctl.hcxt = TopMemoryContext;
	ml_serving_table = hash_create("pg_mlops serving counts", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

MlServingCount *
ml_serving_count(const char *model, int32 version, MlServingRole role)
{
	MlSessionKey key;
	MlSessionEntry *entry;
	bool		found;

	if (ml_serving_table == NULL)
		ml_serving_init();
	memset(&key, 0, sizeof key);
	strlcpy(key.model, model, sizeof key.model);
	key.version = version;
	key.role = (int32) role;
	/* entries stay where they are when the table grows */
	entry = hash_search(ml_serving_table, &key, HASH_ENTER, &found);
	if (!found)
		memset(&entry->count, 0, sizeof entry->count);
	return &entry->count;
}

static int
ml_serving_compare(const ListCell *a, const ListCell *b)
{
	const MlSessionLine *x = lfirst(a);
	const MlSessionLine *y = lfirst(b);
	int			order = strcmp(x->model, y->model);

	if (order != 0)
		return order;
	return x->role != y->role ? (x->role > y->role) - (x->role < y->role) :
		(x->version > y->version) - (x->version < y->version);
}

List *
ml_serving_lines(void)
{
	List	   *all = NIL;
	List	   *lines = NIL;
	HASH_SEQ_STATUS status;
	MlSessionEntry *entry;
	ListCell   *lc;

	if (ml_serving_table == NULL)
		return NIL;
	/* counters keep what they have not handed over */
	ml_counters_hand_over();
	/* copied first: to ask for rights reads tables, and an error there would leave the table being scanned */
	hash_seq_init(&status, ml_serving_table);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		MlSessionLine *line = palloc(sizeof(MlSessionLine));

		line->model = pstrdup(entry->key.model);
		line->version = entry->key.version;
		line->role = (MlServingRole) entry->key.role;
		line->count = entry->count;
		all = lappend(all, line);
	}
	foreach(lc, all)
	{
		MlSessionLine *line = lfirst(lc);
		char	   *owner;

		if (ml_catalog_model_exists(line->model, &owner) && ml_access_allowed(line->model, owner, ML_PRIV_ANY))
			lines = lappend(lines, line);
	}
	list_sort(lines, ml_serving_compare);
	return lines;
}
