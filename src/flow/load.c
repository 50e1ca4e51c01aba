/*
 * load.c - from the rows of a source to cells: conversion, row hashes, dictionaries.
 *
 * Callbacks run inside the executor: whatever must stay is allocated in
 * load->context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/load_columns.h"
#include "flow/load_copy.h"
#include "flow/load_profile.h"
#include "flow/load_split.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* The progress of the reading is told every so many rows. */
#define ML_LOAD_TOLD_ROWS	4096

const MlLoadColumn *
ml_load_target(const MlLoad *load)
{
	return load->target_cell >= 0 ? &load->columns[load->nfeatures] : NULL;
}

/* Notices when every column is a number of fixed width, the case that is worth a short loop. */
static void
ml_load_plain(MlLoad *load)
{
	load->plain = true;
	load->attnos = palloc(sizeof(AttrNumber) * Max(load->ncolumns, 1));
	load->kinds = palloc(Max(load->ncolumns, 1));
	for (int i = 0; i < load->ncolumns; i++)
	{
		const MlLoadColumn *column = &load->columns[i];

		load->attnos[i] = column->attno;
		load->kinds[i] = column->convert.kind;
		load->plain &= column->role != ML_ROLE_SPLIT && column->convert.kind >= ML_CONVERT_FLOAT8 &&
			column->convert.kind <= ML_CONVERT_BOOL;
	}
}

/* Lays out the cells once the lengths of arrays are known. */
static void
ml_load_layout(MlLoad *load)
{
	int64		ncells = 0;

	load->target_cell = load->weight_cell = -1;
	for (int i = 0; i < load->ncolumns; i++)
	{
		MlLoadColumn *column = &load->columns[i];

		column->first_cell = -1;
		if (column->role == ML_ROLE_SPLIT)
			continue;
		column->first_cell = (int) ncells;
		ncells += column->ncells;
		if (ncells > (int64) (MaxAllocHugeSize / sizeof(double)) || ncells > PG_INT32_MAX / 16)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("source has too many values in a row")));
		if (column->role == ML_ROLE_FEATURE)
			load->feature_cells = (int) ncells;
		else if (column->role == ML_ROLE_TARGET)
			load->target_cell = column->first_cell;
		else
			load->weight_cell = column->first_cell;
	}
	load->ncells = (int) ncells;
	ml_load_split_layout(load);
	ml_load_plain(load);
	load->cells = MemoryContextAllocHuge(load->context, sizeof(double) * Max(load->ncells, 1));
	ml_load_keys(load);
	load->min = MemoryContextAllocHuge(load->context, sizeof(double) * Max(load->feature_cells, 1));
	load->max = MemoryContextAllocHuge(load->context, sizeof(double) * Max(load->feature_cells, 1));
	for (int i = 0; i < load->feature_cells; i++)
	{
		load->min[i] = INFINITY;
		load->max[i] = -INFINITY;
	}
	if (load->probing)
		return;
	/* a sink goes with a profile: it has the bounds of the rows that are not kept */
	if (load->profiled || load->sink)
		load->profile = ml_load_profile_create(load);
	if (load->sink == NULL)
		load->train = load->filed ? ml_frame_create_filed(load->ncells, &load->budget) :
			ml_frame_create(load->ncells, &load->budget);
	else
	{
		load->sink_x = MemoryContextAllocHuge(load->context,
											  sizeof(double) * ML_BLOCK_ROWS * Max(load->feature_cells, 1));
		load->sink_y = MemoryContextAlloc(load->context, sizeof(double) * ML_BLOCK_ROWS);
		load->sink_w = MemoryContextAlloc(load->context, sizeof(double) * ML_BLOCK_ROWS);
	}
	load->test = load->filed ? ml_frame_create_filed(load->ncells, &load->budget) :
		ml_frame_create(load->ncells, &load->budget);
}

static bool
ml_load_lengths_known(const MlLoad *load)
{
	for (int i = 0; i < load->ncolumns; i++)
		if (load->columns[i].ncells == 0)
			return false;
	return true;
}

static void
ml_load_describe(void *ctx, TupleDesc desc)
{
	MlLoad	   *load = ctx;
	MemoryContext old = MemoryContextSwitchTo(load->context);

	/* the second pass over a source with arrays knows its columns */
	if (load->columns == NULL)
	{
		ml_load_columns(load, desc);
		load->first_pass = !ml_load_lengths_known(load) || ml_load_split_counts(load);
	}
	if (!load->first_pass)
	{
		ml_load_layout(load);
		if (load->copied)
			load->copy = ml_load_copy_begin(load, desc);
	}
	MemoryContextSwitchTo(old);
}

static ML_NORETURN void
ml_load_bad_value(const MlLoad *load, const MlLoadColumn *column, double x)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("column \"%s\" has the value %s in row %lld of the source", column->name,
					ml_text_number(x), (long long) load->rows_read),
			 errdetail("%s", column->role == ML_ROLE_FEATURE ? "A feature must be finite, NaN or NULL." :
					   column->role == ML_ROLE_TARGET ? "A target must be finite or NULL." :
					   "A weight must be finite and not negative."),
			 errhint("Filter the rows or replace the value in the source query, for instance by "
					 "%s(%s, '%s').", isfinite(x) ? "greatest" : "nullif", quote_identifier(column->name),
					 isfinite(x) ? "0" : ml_text_number(x))));
}

static double
ml_load_number(const MlLoad *load, const MlLoadColumn *column, double x)
{
	if (unlikely(!isfinite(x)))
	{
		if (!isnan(x) || column->role != ML_ROLE_FEATURE)
			ml_load_bad_value(load, column, x);
		return ml_cell_from_bits(ML_NAN_BITS);
	}
	/* adding zero turns -0 into 0, which equals it */
	return x + 0.0;
}

/* Spreads an array over its cells and adds them to the row's hash. */
static uint64
ml_load_array(MlLoad *load, MlLoadColumn *column, Datum value, bool isnull)
{
	double	   *cells = load->cells + column->first_cell;
	const uint64 *keys = load->keys + column->first_cell;
	uint64	   *sums = load->sums + column->first_cell;
	uint64		hash = 0;
	MlArrayReader reader;

	if (!isnull)
		ml_convert_array(&column->convert, value, &reader);
	if (!isnull && reader.length != column->ncells)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array column \"%s\" has %d elements in row %lld of the source", column->name,
						reader.length, (long long) load->rows_read),
				 errdetail("Rows before it have %d.", column->ncells),
				 errhint("All arrays of a feature column must have the same length.")));
	for (int i = 0; i < column->ncells; i++)
	{
		uint64		part;
		double		x;

		cells[i] = isnull || !ml_array_next(&reader, &x) ? ml_cell_null() : ml_load_number(load, column, x);
		part = ml_cell_hash(ml_cell_bits(cells[i]), keys[i]);
		hash += part;
		sums[i] += part;
	}
	return hash;
}

/* Remembers a numeric target while there are few different ones. */
static void
ml_load_target_value(MlLoad *load, double y)
{
	int			low = 0;
	int			high = load->ntargets;

	load->target_whole &= y == floor(y);
	if (load->ntargets > ML_CLASSES_MAX)
		return;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (load->targets[middle] < y)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < load->ntargets && load->targets[low] == y)
		return;
	if (load->ntargets < ML_CLASSES_MAX)
	{
		memmove(load->targets + low + 1, load->targets + low, sizeof(double) * (load->ntargets - low));
		load->targets[low] = y;
	}
	load->ntargets++;
}

static void
ml_load_flush(MlLoad *load)
{
	MlBlock		block;

	if (load->sink_rows == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	block.rows = load->sink_rows;
	block.x = load->sink_x;
	block.stride = load->feature_cells;
	block.y = load->sink_y;
	block.w = load->weight_cell >= 0 ? load->sink_w : NULL;
	ml_load_profile_block(load->profile, 0, load->feature_cells, block.rows, block.x, block.stride);
	ml_load_profile_block(load->profile, load->target_cell, 1, block.rows, block.y, 1);
	load->sink(load->sink_ctx, &block);
	load->sink_rows = 0;
}

/* Routes the row in load->cells to the training or the held-out part; false ends the reading. */
static bool
ml_load_route(MlLoad *load, uint64 hash)
{
	uint64		key = ml_mix64(hash ^ load->seed_mix);
	bool		test = ml_load_split_held_out(load, key);

	if (load->probing)
	{
		load->side = test ? ML_SIDE_TEST : ML_SIDE_TRAIN;
		return true;
	}
	if (test)
	{
		memcpy(ml_frame_row(load->test), load->cells, sizeof(double) * load->ncells);
		ml_frame_commit(load->test, key);
		return true;
	}
	load->rows_train++;
	if (load->weight_cell >= 0)
		load->weight_sum += load->cells[load->weight_cell];
	if (load->only_test)
		return true;
	if (load->sink == NULL)
	{
		if (load->profile)
			ml_load_profile_row(load->profile, load->cells);
		memcpy(ml_frame_row(load->train), load->cells, sizeof(double) * load->ncells);
		ml_frame_commit(load->train, key);
		return true;
	}
	for (int j = 0; j < load->feature_cells; j++)
		if (ml_cell_is_missing(load->cells[j]))
		{
			load->sink_refused = true;
			return false;
		}
	memcpy(load->sink_x + (Size) load->sink_rows * load->feature_cells, load->cells,
		   sizeof(double) * load->feature_cells);
	load->sink_y[load->sink_rows] = load->cells[load->target_cell];
	if (load->weight_cell >= 0)
		load->sink_w[load->sink_rows] = load->cells[load->weight_cell];
	if (++load->sink_rows == ML_BLOCK_ROWS)
		ml_load_flush(load);
	return true;
}

/* The cell of a column that is neither a number from a fixed-width type nor an array. */
static double
ml_load_cell(MlLoad *load, MlLoadColumn *column, Datum value, uint64 *bits)
{
	const char *text;
	int			length;
	int			code;

	if (column->convert.class != ML_TYPE_TEXT)
	{
		double		x = ml_load_number(load, column, ml_convert_number(&column->convert, value));

		*bits = ml_cell_bits(x);
		return x;
	}
	text = ml_convert_text(&column->convert, value, &length);
	code = ml_dict_add(column->dict, text, length);
	*bits = column->dict->texts[code].hash;
	if (column->dict->text_bytes > load->budget.limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the different texts of column \"%s\" do not fit in memory", column->name),
				 errdetail("They take more than %s, which is pg_mlops.train_memory.",
						   ml_text_bytes(load->budget.limit)),
				 errhint("Leave the column out with exclude, or raise pg_mlops.train_memory.")));
	return code;
}

void
ml_load_missing(MlLoad *load, const MlLoadColumn *column)
{
	if (column->role == ML_ROLE_WEIGHT || column->role == ML_ROLE_SPLIT)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" is NULL in row %lld of the source", column->name,
						(long long) load->rows_read),
				 errdetail("The %s column must not be NULL.", column->role == ML_ROLE_WEIGHT ? "weight" : ml_load_split_word(load)),
				 errhint("Filter these rows or use coalesce() in the source query.")));
}

/* Takes the first cells of a row of numbers out of the sums again; false, for the caller to return. */
static bool
ml_load_plain_undo(MlLoad *load, int n)
{
	while (n-- > 0)
		load->sums[n] -= ml_cell_hash(ml_cell_bits(load->cells[n]), load->keys[n]);
	return false;
}

/*
 * Converts a row of numbers of fixed width; false when a value is NULL or
 * not finite, which is for the long way to judge.
 */
static bool
ml_load_plain_row(MlLoad *load, const TupleTableSlot *slot, uint64 *hash)
{
	uint64		sum = 0;

	for (int i = 0; i < load->ncolumns; i++)
	{
		int			a = load->attnos[i] - 1;
		Datum		value = slot->tts_values[a];
		double		x;
		uint64		part;

		if (unlikely(slot->tts_isnull[a]))
			return ml_load_plain_undo(load, i);
		switch (load->kinds[i])
		{
			case ML_CONVERT_FLOAT8:
				x = DatumGetFloat8(value);
				break;
			case ML_CONVERT_FLOAT4:
				x = DatumGetFloat4(value);
				break;
			case ML_CONVERT_INT2:
				x = DatumGetInt16(value);
				break;
			case ML_CONVERT_INT4:
				x = DatumGetInt32(value);
				break;
			case ML_CONVERT_INT8:
				x = (double) DatumGetInt64(value);
				break;
			default:
				x = DatumGetBool(value);
				break;
		}
		if (unlikely(!isfinite(x)))
			return ml_load_plain_undo(load, i);
		/* adding zero turns -0 into 0, which equals it */
		x += 0.0;
		load->cells[i] = x;
		part = ml_cell_hash(ml_cell_bits(x), load->keys[i]);
		sum += part;
		load->sums[i] += part;
	}
	*hash = sum;
	return true;
}

/* Converts a row of any columns; false when it has no target. */
static bool
ml_load_any_row(MlLoad *load, const TupleTableSlot *slot, uint64 *hash)
{
	const MlLoadColumn *target = ml_load_target(load);

	*hash = 0;
	/* before anything of it is counted */
	if (target && slot->tts_isnull[target->attno - 1])
		return false;
	for (int i = 0; i < load->ncolumns; i++)
	{
		MlLoadColumn *column = &load->columns[i];
		Datum		value = slot->tts_values[column->attno - 1];
		bool		isnull = slot->tts_isnull[column->attno - 1];
		uint64		bits;
		uint64		part;
		double		x;

		if (column->role == ML_ROLE_SPLIT)
		{
			if (isnull)
				ml_load_missing(load, column);
			ml_load_split_value(load, column, value);
			load->split_sum += ml_cell_hash(load->split_key, ml_cell_key(PG_INT32_MAX));
			continue;
		}
		if (column->convert.class == ML_TYPE_ARRAY)
		{
			*hash += ml_load_array(load, column, value, isnull);
			continue;
		}
		if (isnull)
		{
			ml_load_missing(load, column);
			x = ml_cell_null();
			bits = ML_NULL_BITS;
		}
		else
			x = ml_load_cell(load, column, value, &bits);
		part = ml_cell_hash(bits, load->keys[column->first_cell]);
		load->cells[column->first_cell] = x;
		*hash += part;
		load->sums[column->first_cell] += part;
	}
	return true;
}

/* Learns the lengths of arrays; false once all are known. */
static bool
ml_load_length_row(MlLoad *load, const TupleTableSlot *slot)
{
	for (int i = 0; i < load->ncolumns; i++)
	{
		MlLoadColumn *column = &load->columns[i];
		MlArrayReader reader;

		if (column->ncells > 0 || slot->tts_isnull[column->attno - 1])
			continue;
		ml_convert_array(&column->convert, slot->tts_values[column->attno - 1], &reader);
		column->ncells = Max(reader.length, 1);
	}
	return !ml_load_lengths_known(load);
}

/* Looks at a row before rows are loaded; false once no more are needed. */
static bool
ml_load_first_row(MlLoad *load, const TupleTableSlot *slot)
{
	bool		lengths = ml_load_length_row(load, slot);

	if (!ml_load_split_counts(load))
		return lengths;
	load->rows_read++;
	ml_load_split_count(load, slot);
	return true;
}

static bool
ml_load_row(void *ctx, TupleTableSlot *slot)
{
	MlLoad	   *load = ctx;
	uint64		hash;

	slot_getsomeattrs(slot, load->last_attno);
	if (load->first_pass)
		return ml_load_first_row(load, slot);
	if ((++load->rows_read & (ML_LOAD_TOLD_ROWS - 1)) == 0)
		ml_progress_rows(load->rows_read, ML_PROGRESS_UNKNOWN);
	if (!(load->plain && ml_load_plain_row(load, slot, &hash)) && !ml_load_any_row(load, slot, &hash))
	{
		load->rows_null_target++;
		load->side = ML_SIDE_DROPPED;
		return true;
	}
	if (load->weight_cell >= 0 && !(load->cells[load->weight_cell] >= 0))
		ml_load_bad_value(load, &load->columns[load->nfeatures + (load->target_cell >= 0)],
						  load->cells[load->weight_cell]);
	if (load->targets != NULL && load->target_cell >= 0)
		ml_load_target_value(load, load->cells[load->target_cell]);
	hash = ml_mix64(hash);
	ml_fingerprint_add(&load->fingerprint, hash);
	if (load->copy)
		ml_load_copy_row(load->copy, slot);
	return ml_load_route(load, hash);
}

static void
ml_load_prepare(MlLoad *load)
{
	load->budget.limit = ML_TRAIN_MEMORY_BYTES;
	load->seed_mix = ml_mix64((uint64) load->seed + UINT64CONST(0x6a09e667f3bcc909));
	load->target_whole = true;
	/* there are no cells before the layout */
	load->split_cell = -1;
}

void
ml_load_end_first(MlLoad *load)
{
	/* an array that is NULL in every row has no length: one missing cell stands for it */
	for (int i = 0; i < load->ncolumns; i++)
		load->columns[i].ncells = Max(load->columns[i].ncells, 1);
	ml_load_split_cut(load);
	load->rows_read = 0;
	load->first_pass = false;
}

void
ml_load_probe_begin(MlLoad *load)
{
	load->probing = true;
	ml_load_prepare(load);
}

void
ml_load_probe_describe(MlLoad *load, TupleDesc desc)
{
	ml_load_describe(load, desc);
}

bool
ml_load_probe_first(MlLoad *load, TupleTableSlot *slot)
{
	return ml_load_row(load, slot);
}

MlSide
ml_load_probe_side(MlLoad *load, TupleTableSlot *slot)
{
	(void) ml_load_row(load, slot);
	return load->side;
}

void
ml_load_read(MlLoad *load)
{
	MemoryContext old = MemoryContextSwitchTo(load->context);
	MlSourceReader reader;

	ml_load_prepare(load);
	memset(&reader, 0, sizeof reader);
	reader.columns = ml_load_wanted(load);
	reader.exclude = load->exclude;
	reader.identity = load->identity;
	reader.describe = ml_load_describe;
	reader.row = ml_load_row;
	reader.ctx = load;
	if (load->target)
		load->targets = palloc(sizeof(double) * ML_CLASSES_MAX);
	(void) ml_source_read(load->source, &reader, &load->info);
	if (load->first_pass)
	{
		ml_load_end_first(load);
		(void) ml_source_read(load->source, &reader, &load->info);
	}
	if (!load->sink_refused)
	{
		ml_load_flush(load);
		if (load->profile)
			ml_load_profile_finish(load->profile);
		for (int i = 0; load->sink && i < load->feature_cells; i++)
			ml_load_profile_bounds(load->profile, i, &load->min[i], &load->max[i]);
		if (load->train)
			ml_frame_finish(load->train);
		ml_frame_finish(load->test);
	}
	MemoryContextSwitchTo(old);
}
