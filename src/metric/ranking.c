/*
 * ranking.c - the tally of auc and average_precision: the scores of positives and of negatives.
 *
 * A ranking and its lists live in a memory context of their own, a child of
 * the context it was opened in. See ranking.h for the bytes.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "metric/ranking.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define ML_RANKING_CAPACITY_MIN	16

/* The flat form up to the keys. */
typedef struct MlFlatRanking
{
	MlTally		head;
	int64		positives;
} MlFlatRanking;

static Size ml_ranking_flat_size(ExpandedObjectHeader *header);
static void ml_ranking_flatten(ExpandedObjectHeader *header, void *result, Size allocated);

static const ExpandedObjectMethods ml_ranking_methods = {
	ml_ranking_flat_size,
	ml_ranking_flatten
};

/* ml_sort_keys: sorts integers, and can be cancelled. */
#define ST_SORT ml_sort_keys
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

/* Maps a score to an integer that sorts like it; -0 and 0 are equal. */
static uint64
ml_ranking_key(double score)
{
	uint64		bits;

	if (score == 0)
		score = 0;
	memcpy(&bits, &score, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64CONST(1) << 63;
}

static void
ml_key_list_open(MlKeyList *list, MemoryContext context)
{
	list->key = MemoryContextAlloc(context, ML_RANKING_CAPACITY_MIN * sizeof(uint64));
	list->count = 0;
	list->capacity = ML_RANKING_CAPACITY_MIN;
}

/* Makes an empty ranking in a new child of the context. */
static MlTally *
ml_ranking_open(const MlTallyKind *kind, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "pg_mlops ranking", ALLOCSET_START_SMALL_SIZES);
	MlRanking  *ranking = MemoryContextAlloc(own, kind->bytes);

	EOH_init_header(&ranking->header, &ml_ranking_methods, own);
	ml_key_list_open(&ranking->positives, own);
	ml_key_list_open(&ranking->negatives, own);
	return (MlTally *) ranking;
}

/* Makes room for more keys in a list. */
static void
ml_key_list_reserve(MlKeyList *list, int64 more)
{
	int64		capacity;

	if (more > ML_RANKING_ROWS_MAX - list->count)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows for ml.auc or ml.average_precision"),
				 errdetail("The limit is " INT64_FORMAT " rows of one class in a group; " INT64_FORMAT
						   " were read and " INT64_FORMAT " more are to be added.",
						   ML_RANKING_ROWS_MAX, list->count, more),
				 errhint("Measure a sample of the rows, for example with TABLESAMPLE, or group them.")));
	if (list->count + more <= list->capacity)
		return;
	capacity = Min(Max(list->capacity * 2, list->count + more), ML_RANKING_ROWS_MAX);
	list->key = repalloc_huge(list->key, capacity * sizeof(uint64));
	list->capacity = capacity;
}

void
ml_ranking_add(MlTally *tally, const MlMetricRow *row)
{
	MlRanking  *ranking = (MlRanking *) tally;
	MlKeyList  *list = row->label ? &ranking->positives : &ranking->negatives;

	if (isnan(row->score))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("score is NaN"),
				 errdetail("NaN has no place in the order of the scores."),
				 errhint("Leave such rows out with FILTER (WHERE score <> 'NaN'), or make the score NULL.")));
	if (list->count == list->capacity)
		ml_key_list_reserve(list, 1);
	list->key[list->count++] = ml_ranking_key(row->score);
}

/* Appends keys whose address need not be aligned. */
static void
ml_key_list_append(MlKeyList *list, const void *keys, int64 count)
{
	ml_key_list_reserve(list, count);
	memcpy(list->key + list->count, keys, count * sizeof(uint64));
	list->count += count;
}

/* Returns the ranking when the state is one in expanded form, else NULL. */
static MlRanking *
ml_ranking_expanded(Datum state)
{
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(state)))
	{
		ExpandedObjectHeader *header = DatumGetEOHP(state);

		if (header->eoh_methods == &ml_ranking_methods)
			return (MlRanking *) header;
	}
	return NULL;
}

void
ml_ranking_merge(MlRanking *into, Datum state)
{
	MlRanking  *from = ml_ranking_expanded(state);
	struct varlena *bytes;
	MlFlatRanking flat;
	const char *keys;

	if (from == into)
		ml_tally_reject();
	if (from)
	{
		ml_key_list_append(&into->positives, from->positives.key, from->positives.count);
		ml_key_list_append(&into->negatives, from->negatives.key, from->negatives.count);
		return;
	}

	bytes = PG_DETOAST_DATUM(state);
	if (VARSIZE(bytes) < sizeof(flat))
		ml_tally_reject();
	memcpy(&flat, bytes, sizeof(flat));
	if (flat.head.tag != ml_tally_ranking.tag || flat.positives < 0 || flat.positives > flat.head.rows ||
		flat.head.rows > (int64) (VARSIZE(bytes) / sizeof(uint64)) ||
		VARSIZE(bytes) != sizeof(flat) + flat.head.rows * sizeof(uint64))
		ml_tally_reject();
	keys = (const char *) bytes + sizeof(flat);
	ml_key_list_append(&into->positives, keys, flat.positives);
	ml_key_list_append(&into->negatives, keys + flat.positives * sizeof(uint64),
					   flat.head.rows - flat.positives);
}

MlRanking *
ml_ranking_in_place(Datum state, MemoryContext context)
{
	MlRanking  *ranking = ml_ranking_expanded(state);

	if (!ranking || !VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state)))
	{
		ranking = (MlRanking *) ml_ranking_open(&ml_tally_ranking, context);
		ml_ranking_merge(ranking, state);
	}
	return ranking;
}

MlRanking *
ml_ranking_fetch(Datum state)
{
	MlRanking  *ranking = ml_ranking_expanded(state);

	if (!ranking)
	{
		ranking = (MlRanking *) ml_ranking_open(&ml_tally_ranking, CurrentMemoryContext);
		ml_ranking_merge(ranking, state);
	}
	return ranking;
}

/* Returns the size of the flat form, which a datum limits to 1 GB. */
static Size
ml_ranking_flat_size(ExpandedObjectHeader *header)
{
	MlRanking  *ranking = (MlRanking *) header;
	int64		rows = ranking->positives.count + ranking->negatives.count;
	int64		rows_max = (MaxAllocSize - BLCKSZ - sizeof(MlFlatRanking)) / sizeof(uint64);

	/* A block less than the allocator's limit, for the header of the tuple around it. */
	if (rows > rows_max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows for ml.auc or ml.average_precision in a parallel plan"),
				 errdetail("A worker has read " INT64_FORMAT " rows of one group and can pass on " INT64_FORMAT ".",
						   rows, rows_max),
				 errhint("Use more workers, or none: SET max_parallel_workers_per_gather = 0.")));
	return sizeof(MlFlatRanking) + rows * sizeof(uint64);
}

static void
ml_ranking_flatten(ExpandedObjectHeader *header, void *result, Size allocated)
{
	MlRanking  *ranking = (MlRanking *) header;
	MlFlatRanking flat;
	char	   *keys = (char *) result + sizeof(flat);
	Size		positives_bytes = ranking->positives.count * sizeof(uint64);

	SET_VARSIZE(&flat, allocated);
	flat.head.tag = ml_tally_ranking.tag;
	flat.head.rows = ranking->positives.count + ranking->negatives.count;
	flat.positives = ranking->positives.count;
	memcpy(result, &flat, sizeof(flat));
	memcpy(keys, ranking->positives.key, positives_bytes);
	memcpy(keys + positives_bytes, ranking->negatives.key, ranking->negatives.count * sizeof(uint64));
}

void
ml_ranking_sort(MlRanking *ranking)
{
	ml_sort_keys(ranking->positives.key, ranking->positives.count);
	ml_sort_keys(ranking->negatives.key, ranking->negatives.count);
}

const MlTallyKind ml_tally_ranking = {
	.tag = ML_TALLY_TAG(7),
	.bytes = sizeof(MlRanking),
	.open = ml_ranking_open
};
