/*
 * ranking.h - the tally of auc and average_precision: the scores of positives and of negatives.
 *
 * Each score is kept as an integer that sorts like it, eight bytes a row, in
 * one of two lists without order. In memory a ranking is an expanded object:
 * it grows in place and the executor takes it over without copying. Handed to
 * another process it becomes a bytea,
 *
 *     bytes 0-3    varlena header
 *           4-7    tag
 *           8-15   rows
 *          16-23   positives, at most rows
 *          24-     the keys of the positives, then those of the negatives
 *
 * in the server's byte order. Both forms are valid states at any time.
 */
#ifndef ML_RANKING_H
#define ML_RANKING_H

#include "utils/expandeddatum.h"

#include "metric/tally.h"

/* Of one class, 16 GB of keys: twice the product of two such counts still fits 64 bits. */
#define ML_RANKING_ROWS_MAX		((int64) 1 << 31)

/* One list of keys. */
typedef struct MlKeyList
{
	uint64	   *key;
	int64		count;
	int64		capacity;
} MlKeyList;

typedef struct MlRanking
{
	ExpandedObjectHeader header;
	MlKeyList	positives;
	MlKeyList	negatives;
} MlRanking;

extern const MlTallyKind ml_tally_ranking;

/* Counts one row (label, score). */
extern void ml_ranking_add(MlTally *tally, const MlMetricRow *row);

/* Adds the rows of a state of either form; raises an error for anything else. */
extern void ml_ranking_merge(MlRanking *into, Datum state);

/* The state of an aggregate that is to be changed in place; made anew in the context unless it is writable. */
extern MlRanking *ml_ranking_in_place(Datum state, MemoryContext context);

/* A state to read. */
extern MlRanking *ml_ranking_fetch(Datum state);

/* Sorts both lists, least score first. */
extern void ml_ranking_sort(MlRanking *ranking);

#endif							/* ML_RANKING_H */
