/*
 * column_file.c - rows of cells that are kept column by column, mostly in a temporary file.
 *
 * All memory is in a context of its own, a child of the one that was current.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/column_file.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#define ML_BLOCK_ROWS_MAX	2048
#define ML_BLOCK_ROWS_MIN	64

/* Blocks up to this many bytes together stay in memory. */
#define ML_RESIDENT_BYTES	((Size) 2 * 1024 * 1024)

struct MlColumnFile
{
	MemoryContext context;
	ResourceOwner owner;		/* of the file; NULL: whoever is current when it is made */
	int			ncells;
	int			block_rows;
	Size		block_bytes;
	int64		nrows;
	uint64	   *keys;			/* while rows are written */
	int64		keys_capacity;
	uint32	   *rank;			/* place in canonical order, afterwards */

	double	   *rows;			/* the block that is written or read, row by row */
	double	   *columns;		/* a block column by column */
	int64		block_read;		/* in rows, or -1 */
	double	  **resident;
	int			nresident;
	int			resident_max;
	BufFile    *file;
};

MlColumnFile *
ml_column_file_create(int ncells, Size block_bytes, ResourceOwner owner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops columns",
												  ALLOCSET_DEFAULT_SIZES);
	MlColumnFile *file = MemoryContextAllocZero(context, sizeof(MlColumnFile));
	Size		row_bytes = sizeof(double) * Max(ncells, 1);

	file->context = context;
	file->owner = owner;
	file->ncells = ncells;
	file->block_rows = ML_BLOCK_ROWS_MAX;
	while (file->block_rows > ML_BLOCK_ROWS_MIN && row_bytes * file->block_rows > block_bytes)
		file->block_rows /= 2;
	file->block_bytes = row_bytes * file->block_rows;
	file->resident_max = (int) (ML_RESIDENT_BYTES / file->block_bytes);
	file->resident = MemoryContextAllocZero(context, sizeof(double *) * Max(file->resident_max, 1));
	file->rows = MemoryContextAllocHuge(context, file->block_bytes);
	file->columns = MemoryContextAllocHuge(context, file->block_bytes);
	file->block_read = -1;
	return file;
}

/* Stores the rows gathered so far as a block, column by column. */
static void
ml_column_file_store(MlColumnFile *file)
{
	int			n = file->block_rows;
	double	   *columns = file->columns;

	CHECK_FOR_INTERRUPTS();
	if (file->nresident < file->resident_max)
	{
		columns = MemoryContextAllocHuge(file->context, file->block_bytes);
		file->resident[file->nresident++] = columns;
	}
	for (int from = 0; from < n; from += 8)
		for (int c = 0; c < file->ncells; c++)
			for (int i = from; i < from + 8; i++)
				columns[(Size) c * n + i] = file->rows[(Size) i * file->ncells + c];
	if (columns != file->columns)
		return;
	if (file->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(file->context);
		ResourceOwner current = CurrentResourceOwner;

		if (file->owner)
			CurrentResourceOwner = file->owner;
		file->file = BufFileCreateTemp(false);
		CurrentResourceOwner = current;
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(file->file, columns, file->block_bytes);
}

double *
ml_column_file_row(MlColumnFile *file)
{
	return file->rows + (file->nrows % file->block_rows) * (Size) file->ncells;
}

void
ml_column_file_commit(MlColumnFile *file, uint64 key)
{
	if (file->nrows == file->keys_capacity)
	{
		file->keys_capacity = Max(1024, file->keys_capacity * 2);
		if (file->keys == NULL)
			file->keys = MemoryContextAllocHuge(file->context, sizeof(uint64) * file->keys_capacity);
		else
			file->keys = repalloc_huge(file->keys, sizeof(uint64) * file->keys_capacity);
	}
	file->keys[file->nrows++] = key;
	if (file->nrows % file->block_rows == 0)
		ml_column_file_store(file);
}

typedef struct MlRankItem
{
	uint64		key;
	uint32		index;
} MlRankItem;

#define ST_SORT ml_rank_sort
#define ST_ELEMENT_TYPE MlRankItem
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ML_RANK_BITS	12

/*
 * Places in canonical order: keys go to buckets by their leading bits, each
 * bucket is sorted. Equal keys belong to equal rows, whose order does not
 * matter.
 */
static void
ml_column_file_rank(MlColumnFile *file)
{
	int64		n = file->nrows;
	int			nbuckets = 1 << ML_RANK_BITS;
	int64	   *start = palloc0(sizeof(int64) * (nbuckets + 1));
	MlRankItem *items;

	if (n > (int64) UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("source has too many rows for a learner that reads columns"),
				 errdetail("It has %lld rows; at most %u are possible.", (long long) n, UINT32_MAX),
				 errhint("Train on a part of the rows.")));
	items = MemoryContextAllocHuge(file->context, sizeof(MlRankItem) * Max(n, 1));
	for (int64 i = 0; i < n; i++)
		start[(file->keys[i] >> (64 - ML_RANK_BITS)) + 1]++;
	for (int b = 0; b < nbuckets; b++)
		start[b + 1] += start[b];
	for (int64 i = 0; i < n; i++)
	{
		MlRankItem *item = &items[start[file->keys[i] >> (64 - ML_RANK_BITS)]++];

		item->key = file->keys[i];
		item->index = (uint32) i;
	}
	/* start[b] is now where bucket b ends */
	for (int b = 0; b < nbuckets; b++)
	{
		int64		from = b > 0 ? start[b - 1] : 0;

		if (start[b] - from > 1)
			ml_rank_sort(items + from, start[b] - from);
	}
	if (file->keys)
		pfree(file->keys);
	file->keys = NULL;
	file->rank = MemoryContextAllocHuge(file->context, sizeof(uint32) * Max(n, 1));
	for (int64 i = 0; i < n; i++)
		file->rank[items[i].index] = (uint32) i;
	pfree(items);
	pfree(start);
}

void
ml_column_file_finish(MlColumnFile *file)
{
	/* the last block has as many rows as any, some of them of no meaning */
	if (file->nrows % file->block_rows != 0)
	{
		Size		used = (file->nrows % file->block_rows) * (Size) file->ncells;

		memset(file->rows + used, 0, file->block_bytes - used * sizeof(double));
		ml_column_file_store(file);
	}
	ml_column_file_rank(file);
}

/* Some cells' values of one block, column by column; valid until the next call. */
static const double *
ml_column_file_fetch(MlColumnFile *file, int64 block, int cell, int ncells)
{
	Size		from = (Size) cell * file->block_rows;
	Size		bytes = sizeof(double) * (Size) ncells * file->block_rows;

	if (block < file->nresident)
		return file->resident[block] + from;
	if (BufFileSeek(file->file, 0, (off_t) ((block - file->nresident) * file->block_bytes + from * sizeof(double)),
					SEEK_SET) != 0 ||
		BufFileRead(file->file, file->columns, bytes) != bytes)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the rows of a training from their temporary file")));
	return file->columns;
}

int
ml_column_file_read(MlColumnFile *file, int64 first, int max, const double **rows)
{
	int64		block = first / file->block_rows;
	int			at = (int) (first % file->block_rows);
	int			n = (int) Min(Min((int64) max, file->nrows - first), file->block_rows - at);

	CHECK_FOR_INTERRUPTS();
	if (n <= 0)
		return 0;
	if (block != file->block_read)
	{
		const double *columns = ml_column_file_fetch(file, block, 0, file->ncells);

		for (int from = 0; from < file->block_rows; from += 8)
			for (int c = 0; c < file->ncells; c++)
				for (int i = from; i < from + 8; i++)
					file->rows[(Size) i * file->ncells + c] = columns[(Size) c * file->block_rows + i];
		file->block_read = block;
	}
	for (int i = 0; i < n; i++)
		rows[i] = file->rows + (Size) (at + i) * file->ncells;
	return n;
}

void
ml_column_file_column(MlColumnFile *file, int cell, double *out)
{
	const uint32 *rank = file->rank;

	for (int64 first = 0; first < file->nrows; first += file->block_rows)
	{
		const double *values = ml_column_file_fetch(file, first / file->block_rows, cell, 1);
		int			n = (int) Min(file->nrows - first, file->block_rows);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			out[rank[first + i]] = values[i];
	}
}

void
ml_column_file_free(MlColumnFile *file)
{
	if (file->file)
		BufFileClose(file->file);
	MemoryContextDelete(file->context);
}
