/*
 * frame.c - rows of cells, read back in canonical order as often as needed.
 *
 * All memory is in the frame's own context, a child of the one that was
 * current; temporary files belong to the budget's resource owner, or to the
 * current one.
 */
#include "postgres.h"

#include <limits.h>

#include "access/htup_details.h"
#include "base/column_file.h"
#include "base/compat.h"
#include "base/frame.h"
#include "base/pages.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

/* A chunk is at most this and at most a sixteenth of the budget. */
#define ML_CHUNK_BYTES		((Size) 8 * 1024 * 1024)
#define ML_ORDER_BITS		16

/* Rows fetched ahead of the one that is being moved. */
#define ML_PERMUTE_AHEAD	6

typedef struct MlSortItem
{
	uint64		key;
	uint32		index;
} MlSortItem;

/* What sorting takes for each row beside the row. */
#define ML_SORT_ROW_BYTES	sizeof(MlSortItem)

struct MlFrame
{
	MemoryContext context;
	MlBudget   *budget;
	int			ncells;
	Size		row_bytes;
	int64		nrows;
	bool		finished;

	/* in memory */
	int			chunk_shift;	/* a chunk has 1 << chunk_shift rows, and behind them their keys */
	Size		keys_offset;	/* in a chunk */
	char	  **chunks;
	int			nchunks;
	int			chunks_capacity;
	Size		reserved;		/* what this frame took from the budget */
	int64		next;

	MlColumnFile *columns;		/* filed: it has the rows */

	/* spilled */
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
	bytea	   *buffer;			/* the row being written */
	double	   *block;			/* the rows being read */
};

MlFrame *
ml_frame_create(int ncells, MlBudget *budget)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops frame",
												  ALLOCSET_DEFAULT_SIZES);
	MlFrame    *frame = MemoryContextAllocZero(context, sizeof(MlFrame));

	frame->context = context;
	frame->budget = budget;
	frame->ncells = ncells;
	frame->row_bytes = sizeof(double) * (Size) Max(ncells, 1);
	while (((Size) 2 << frame->chunk_shift) * frame->row_bytes <= Min(ML_CHUNK_BYTES, budget->limit / 16))
		frame->chunk_shift++;
	frame->keys_offset = ((Size) 1 << frame->chunk_shift) * frame->row_bytes;
	return frame;
}

MlFrame *
ml_frame_create_filed(int ncells, MlBudget *budget)
{
	MlFrame    *frame = ml_frame_create(ncells, budget);
	MemoryContext old = MemoryContextSwitchTo(frame->context);

	frame->columns = ml_column_file_create(ncells, budget->limit / 16, budget->owner);
	MemoryContextSwitchTo(old);
	return frame;
}

static inline char *
ml_frame_at(const MlFrame *frame, int64 index)
{
	return frame->chunks[index >> frame->chunk_shift] +
		(index & ((INT64CONST(1) << frame->chunk_shift) - 1)) * frame->row_bytes;
}

static inline uint64 *
ml_frame_key(const MlFrame *frame, int64 index)
{
	return (uint64 *) (frame->chunks[index >> frame->chunk_shift] + frame->keys_offset) +
		(index & ((INT64CONST(1) << frame->chunk_shift) - 1));
}

/* Lets the budget's owner have the files that come to be; returns who was current. */
static ResourceOwner
ml_frame_own(const MlFrame *frame)
{
	ResourceOwner current = CurrentResourceOwner;

	if (frame->budget->owner)
		CurrentResourceOwner = frame->budget->owner;
	return current;
}

/* Hands one row to the external sort. */
static void
ml_frame_sort_put(MlFrame *frame, uint64 key, const char *row)
{
	ResourceOwner owner;

	if (row != VARDATA(frame->buffer))
		memcpy(VARDATA(frame->buffer), row, frame->row_bytes);
	ExecClearTuple(frame->in);
	/* the sort compares signed integers; canonical order is that of unsigned ones */
	frame->in->tts_values[0] = Int64GetDatum((int64) (key ^ (UINT64CONST(1) << 63)));
	frame->in->tts_values[1] = PointerGetDatum(frame->buffer);
	frame->in->tts_isnull[0] = frame->in->tts_isnull[1] = false;
	ExecStoreVirtualTuple(frame->in);
	owner = ml_frame_own(frame);
	tuplesort_puttupleslot(frame->sort, frame->in);
	CurrentResourceOwner = owner;
}

/* Moves every row into the server's external sort. */
static void
ml_frame_spill(MlFrame *frame)
{
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	column = 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	Size		sort_kb = Max(frame->budget->limit / 4 / 1024, 64);
	int64		row = 0;

	TupleDescInitEntry(desc, 1, "key", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "row", BYTEAOID, -1, 0);
	frame->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	frame->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	/* four bytes in, so that what follows the length word is aligned for numbers */
	frame->buffer = (bytea *) ((char *) MemoryContextAllocHuge(frame->context, 2 * VARHDRSZ + frame->row_bytes) +
							   VARHDRSZ);
	SET_VARSIZE(frame->buffer, VARHDRSZ + frame->row_bytes);
	frame->sort = tuplesort_begin_heap(desc, 1, &column, &less, &collation, &nulls_first,
									   (int) Min(sort_kb, MAX_KILOBYTES), NULL,
									   TUPLESORT_RANDOMACCESS);
	for (int c = 0; c < frame->nchunks; c++)
	{
		for (; row < frame->nrows && (row >> frame->chunk_shift) == c; row++)
			ml_frame_sort_put(frame, *ml_frame_key(frame, row), ml_frame_at(frame, row));
		pfree(frame->chunks[c]);
		CHECK_FOR_INTERRUPTS();
	}
	frame->nchunks = 0;
	frame->budget->used -= frame->reserved;
	frame->reserved = 0;
	MemoryContextSwitchTo(old);
}

/* Adds a chunk, or spills when the budget does not allow one. */
static void
ml_frame_grow(MlFrame *frame)
{
	Size		rows = (Size) 1 << frame->chunk_shift;
	Size		chunk = rows * (frame->row_bytes + sizeof(uint64));
	Size		cost = chunk + rows * ML_SORT_ROW_BYTES;

	/* a quarter of the budget is kept for the external sort */
	if (frame->budget->used + cost > frame->budget->limit / 4 * 3 && frame->nrows > 0)
	{
		ml_frame_spill(frame);
		return;
	}
	if (frame->nchunks == frame->chunks_capacity)
	{
		frame->chunks_capacity = Max(8, frame->chunks_capacity * 2);
		if (frame->chunks == NULL)
			frame->chunks = MemoryContextAlloc(frame->context, sizeof(char *) * frame->chunks_capacity);
		else
			frame->chunks = repalloc(frame->chunks, sizeof(char *) * frame->chunks_capacity);
	}
	frame->chunks[frame->nchunks] = MemoryContextAllocHuge(frame->context, chunk);
	if (frame->nchunks > 0)
		ml_pages_advise(frame->chunks[frame->nchunks], chunk);
	frame->nchunks++;
	frame->budget->used += cost;
	frame->reserved += cost;
}

double *
ml_frame_row(MlFrame *frame)
{
	Assert(!frame->finished);
	if (frame->columns != NULL)
		return ml_column_file_row(frame->columns);
	if (frame->sort == NULL && (frame->nrows >> frame->chunk_shift) >= frame->nchunks)
		ml_frame_grow(frame);
	if (frame->sort != NULL)
		return (double *) VARDATA(frame->buffer);
	return (double *) ml_frame_at(frame, frame->nrows);
}

void
ml_frame_commit(MlFrame *frame, uint64 key)
{
	if (frame->columns != NULL)
		ml_column_file_commit(frame->columns, key);
	else if (frame->sort != NULL)
		ml_frame_sort_put(frame, key, VARDATA(frame->buffer));
	else
		*ml_frame_key(frame, frame->nrows) = key;
	frame->nrows++;
}

#define ST_SORT ml_frame_sort_items
#define ST_ELEMENT_TYPE MlSortItem
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline void
ml_frame_prefetch(const MlFrame *frame, int64 index)
{
	const char *row = ml_frame_at(frame, index);

	for (Size at = 0; at < frame->row_bytes; at += 64)
		__builtin_prefetch(row + at);
}

/*
 * Moves every row to its place, following the cycles of the permutation, so
 * that reading afterwards runs through memory. The indexes of items are used
 * up as marks.
 */
static void
ml_frame_permute(MlFrame *frame, MlSortItem *items)
{
	char	   *spare = MemoryContextAllocHuge(CurrentMemoryContext, frame->row_bytes);

	for (int64 i = 0; i < frame->nrows; i++)
	{
		int64		at = i;
		int64		ahead = i;

		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (items[i].index == i)
			continue;
		for (int step = 0; step < ML_PERMUTE_AHEAD; step++)
		{
			ahead = items[ahead].index;
			ml_frame_prefetch(frame, ahead);
		}
		memcpy(spare, ml_frame_at(frame, i), frame->row_bytes);
		while (items[at].index != i)
		{
			int64		from = items[at].index;

			ahead = items[ahead].index;
			ml_frame_prefetch(frame, ahead);
			memcpy(ml_frame_at(frame, at), ml_frame_at(frame, from), frame->row_bytes);
			items[at].index = (uint32) at;
			at = from;
		}
		memcpy(ml_frame_at(frame, at), spare, frame->row_bytes);
		items[at].index = (uint32) at;
	}
	pfree(spare);
}

/* Sorts the rows in memory: by the key's leading bits into buckets of a few rows, then each bucket. */
static void
ml_frame_order(MlFrame *frame)
{
	int64		n = frame->nrows;
	int			nbuckets = 1 << ML_ORDER_BITS;
	int64	   *start = palloc0(sizeof(int64) * (nbuckets + 1));
	MlSortItem *items = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlSortItem) * Max(n, 1));

	for (int64 i = 0; i < n; i++)
		start[(*ml_frame_key(frame, i) >> (64 - ML_ORDER_BITS)) + 1]++;
	for (int b = 0; b < nbuckets; b++)
		start[b + 1] += start[b];
	for (int64 i = 0; i < n; i++)
	{
		uint64		key = *ml_frame_key(frame, i);
		MlSortItem *item = &items[start[key >> (64 - ML_ORDER_BITS)]++];

		item->key = key;
		item->index = (uint32) i;
	}
	CHECK_FOR_INTERRUPTS();
	/* start[b] is now where bucket b ends */
	for (int b = 0; b < nbuckets; b++)
	{
		int64		from = b > 0 ? start[b - 1] : 0;

		if (start[b] - from > 1)
			ml_frame_sort_items(items + from, start[b] - from);
	}
	ml_frame_permute(frame, items);
	pfree(items);
	pfree(start);
}

void
ml_frame_finish(MlFrame *frame)
{
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	ResourceOwner owner;

	Assert(!frame->finished);
	if (frame->nrows > (int64) UINT32_MAX && frame->sort == NULL && frame->columns == NULL)
		ml_frame_spill(frame);
	if (frame->columns != NULL)
		ml_column_file_finish(frame->columns);
	else if (frame->sort != NULL)
	{
		owner = ml_frame_own(frame);
		tuplesort_performsort(frame->sort);
		CurrentResourceOwner = owner;
		frame->block = MemoryContextAllocHuge(frame->context, frame->row_bytes * ML_BLOCK_ROWS);
	}
	else
		ml_frame_order(frame);
	frame->finished = true;
	MemoryContextSwitchTo(old);
}

int64
ml_frame_count(const MlFrame *frame)
{
	return frame->nrows;
}

bool
ml_frame_spilled(const MlFrame *frame)
{
	return frame->sort != NULL;
}

void
ml_frame_rewind(MlFrame *frame)
{
	Assert(frame->finished);
	if (frame->sort != NULL && frame->next > 0)
		tuplesort_rescan(frame->sort);
	frame->next = 0;
}

int
ml_frame_read(MlFrame *frame, const double **rows)
{
	int			n = (int) Min(frame->nrows - frame->next, ML_BLOCK_ROWS);

	CHECK_FOR_INTERRUPTS();
	if (frame->columns != NULL)
		n = ml_column_file_read(frame->columns, frame->next, ML_BLOCK_ROWS, rows);
	else if (frame->sort == NULL)
	{
		for (int i = 0; i < n; i++)
		{
			rows[i] = (const double *) ml_frame_at(frame, frame->next + i);
			ml_frame_prefetch(frame, frame->next + i);
		}
	}
	else
	{
		for (int i = 0; i < n; i++)
		{
			char	   *copy = (char *) frame->block + frame->row_bytes * i;
			bytea	   *row;
			bool		isnull;

			if (!tuplesort_gettupleslot(frame->sort, true, false, frame->out, NULL))
				elog(ERROR, "external sort lost rows");
			row = DatumGetByteaPP(slot_getattr(frame->out, 2, &isnull));
			memcpy(copy, VARDATA_ANY(row), frame->row_bytes);
			rows[i] = (const double *) copy;
		}
	}
	frame->next += n;
	return n;
}

bool
ml_frame_rewrite(MlFrame *frame, int ncells, void (*rewrite) (void *ctx, const double *row, double *out), void *ctx)
{
	Size		narrow = sizeof(double) * ncells;
	char	   *spare;

	Assert(frame->finished);
	if (frame->sort != NULL || frame->columns != NULL || narrow > frame->row_bytes)
		return false;
	spare = MemoryContextAllocHuge(CurrentMemoryContext, frame->row_bytes);
	for (int c = 0; c < frame->nchunks; c++)
	{
		int64		first = (int64) c << frame->chunk_shift;
		int64		n = Min(frame->nrows - first, INT64CONST(1) << frame->chunk_shift);

		CHECK_FOR_INTERRUPTS();
		for (int64 i = 0; i < n; i++)
		{
			memcpy(spare, frame->chunks[c] + i * frame->row_bytes, frame->row_bytes);
			rewrite(ctx, (const double *) spare, (double *) (frame->chunks[c] + i * narrow));
		}
	}
	pfree(spare);
	frame->ncells = ncells;
	frame->row_bytes = narrow;
	return true;
}

Size
ml_frame_stride(const MlFrame *frame)
{
	if (frame->columns != NULL || (frame->sort == NULL && (1 << frame->chunk_shift) < ML_BLOCK_ROWS))
		return 0;
	return frame->row_bytes / sizeof(double);
}

void
ml_frame_column(MlFrame *frame, int cell, double *out)
{
	ml_column_file_column(frame->columns, cell, out);
}

void
ml_frame_free(MlFrame *frame)
{
	if (frame->columns != NULL)
		ml_column_file_free(frame->columns);
	if (frame->sort != NULL)
	{
		tuplesort_end(frame->sort);
		ExecDropSingleTupleTableSlot(frame->in);
		ExecDropSingleTupleTableSlot(frame->out);
	}
	frame->budget->used -= frame->reserved;
	MemoryContextDelete(frame->context);
}
