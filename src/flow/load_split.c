/*
 * load_split.c - which rows of a source are held out, and what folds are made by.
 *
 * A hash of a row decides by itself. Where a share of the rows is held out by
 * time or by group, a first pass over the source puts the keys of all rows in
 * order: times as they are, groups by a hash of the group and the seed. The
 * key at which the share ends is the cut. Neither depends on the order in
 * which rows come.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "common/hashfn.h"
#include "flow/load_split.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Whether the split column is what folds are made by. */
static bool
ml_split_keyed_folds(const MlLoad *load)
{
	return load->folded && load->fold_method != ML_FOLDS_PLAIN && load->fold_method != ML_FOLDS_STRATIFIED;
}

static bool
ml_split_by_group(const MlLoad *load)
{
	return load->split == ML_SPLIT_GROUP || load->fold_method == ML_FOLDS_GROUPED;
}

static bool
ml_split_by_time(const MlLoad *load)
{
	return load->split == ML_SPLIT_TIME || load->fold_method == ML_FOLDS_TIME;
}

static bool
ml_split_integer(const MlConvert *convert)
{
	return convert->kind == ML_CONVERT_INT2 || convert->kind == ML_CONVERT_INT4 || convert->kind == ML_CONVERT_INT8;
}

const char *
ml_load_split_word(const MlLoad *load)
{
	return ml_split_by_time(load) ? "time" : ml_split_by_group(load) ? "group" : "split";
}

const char *
ml_load_split_wanted(const MlLoad *load)
{
	if (ml_split_by_time(load))
		return "a date, a timestamp or a number";
	if (ml_split_by_group(load))
		return "a number, a boolean, a date, a timestamp, an interval, a text, an enum or a uuid";
	return load->folds > 0 ? "a boolean, which marks the rows held out, or an integer, which is the row's fold" : "a boolean";
}

bool
ml_load_split_fits(MlLoad *load, const MlConvert *convert)
{
	if (ml_split_by_time(load))
		return convert->class == ML_TYPE_TIME || convert->class == ML_TYPE_TIMETZ ||
			(convert->class == ML_TYPE_NUMBER && convert->kind != ML_CONVERT_BOOL);
	if (ml_split_by_group(load))
		return convert->class != ML_TYPE_ARRAY && convert->class != ML_TYPE_UNSUPPORTED;
	if (convert->kind == ML_CONVERT_BOOL)
		return true;
	if (load->folds == 0 || !ml_split_integer(convert))
		return false;
	if (load->fold_method == ML_FOLDS_STRATIFIED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("folds that a column gives cannot be stratified"),
				 errdetail("Column \"%s\" is an integer: it says which fold each row is in.", load->split_column),
				 errhint("Leave \"stratified\" out, or name a boolean column that marks the rows held out.")));
	load->split = ML_SPLIT_NONE;
	load->fold_method = ML_FOLDS_GIVEN;
	return true;
}

void
ml_load_split_layout(MlLoad *load)
{
	load->split_cell = ml_split_keyed_folds(load) ? load->ncells++ : -1;
}

bool
ml_load_split_counts(const MlLoad *load)
{
	return load->split == ML_SPLIT_TIME || load->split == ML_SPLIT_GROUP;
}

/* A value of the split column as bits: ordered as the values are where they are numbers or times. */
static uint64
ml_split_bits(MlConvert *convert, Datum value)
{
	const char *text;
	int			length;

	switch (convert->kind)
	{
		case ML_CONVERT_BOOL:
			return DatumGetBool(value);
		case ML_CONVERT_INT2:
			return (uint64) (int64) DatumGetInt16(value) ^ ML_CELL_SIGN;
		case ML_CONVERT_INT4:
			return (uint64) (int64) DatumGetInt32(value) ^ ML_CELL_SIGN;
		case ML_CONVERT_INT8:
			return (uint64) DatumGetInt64(value) ^ ML_CELL_SIGN;
		case ML_CONVERT_DATE:
			return (uint64) (int64) DatumGetDateADT(value) ^ ML_CELL_SIGN;
		case ML_CONVERT_TIMESTAMP:
			return (uint64) DatumGetTimestamp(value) ^ ML_CELL_SIGN;
		default:
			break;
	}
	if (convert->class != ML_TYPE_TEXT)
	{
		double		x = ml_convert_number(convert, value);

		return isnan(x) ? ML_NAN_BITS | ML_CELL_SIGN : ml_cell_ordered(x);
	}
	text = ml_convert_text(convert, value, &length);
	return hash_bytes_extended((const unsigned char *) text, length, 0);
}

/* The same as text, of a value that is a number or a time. */
static char *
ml_split_text(const MlConvert *convert, uint64 bits)
{
	int64		whole = (int64) (bits ^ ML_CELL_SIGN);
	Oid			output;
	bool		varlena;

	if (ml_split_integer(convert))
		return psprintf("%lld", (long long) whole);
	if (convert->kind != ML_CONVERT_DATE && convert->kind != ML_CONVERT_TIMESTAMP)
		return ml_text_number(ml_cell_from_ordered(bits));
	getTypeOutputInfo(convert->type, &output, &varlena);
	return OidOutputFunctionCall(output, convert->kind == ML_CONVERT_DATE ? DateADTGetDatum((DateADT) whole) :
								 TimestampGetDatum(whole));
}

void
ml_load_split_value(MlLoad *load, MlLoadColumn *column, Datum value)
{
	uint64		bits = ml_split_bits(&column->convert, value);

	if (load->split == ML_SPLIT_COLUMN)
		load->split_test = bits != 0;
	if (ml_split_by_time(load) && bits == (ML_NAN_BITS | ML_CELL_SIGN) && column->convert.class == ML_TYPE_NUMBER &&
		!ml_split_integer(&column->convert))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("column \"%s\" has the value NaN in row %lld of the source", column->name,
						(long long) load->rows_read),
				 errdetail("A time must be a number that comes before or after others."),
				 errhint("Filter these rows in the source query.")));
	load->split_key = ml_split_by_group(load) ? ml_mix64(ml_mix64(bits) ^ load->seed_mix) : bits;
	if (load->split_cell >= 0)
		load->cells[load->split_cell] = ml_cell_from_bits(load->split_key);
}

bool
ml_load_split_held_out(const MlLoad *load, uint64 key)
{
	switch (load->split)
	{
		case ML_SPLIT_NONE:
			break;
		case ML_SPLIT_HASH:
			return (double) (ml_mix64(key + UINT64CONST(0x9e3779b97f4a7c15)) >> 11) * 0x1.0p-53 < load->test_fraction;
		case ML_SPLIT_TIME:
			return load->cut_known && load->split_key >= load->cut;
		case ML_SPLIT_GROUP:
			return load->cut_known && load->split_key < load->cut;
		case ML_SPLIT_COLUMN:
			return load->split_test;
	}
	return false;
}

void
ml_load_split_count(MlLoad *load, const TupleTableSlot *slot)
{
	for (int i = 0; i < load->ncolumns; i++)
	{
		MlLoadColumn *column = &load->columns[i];
		bool		isnull = slot->tts_isnull[column->attno - 1];

		if (column->role == ML_ROLE_TARGET && isnull)
			return;
		if (column->role != ML_ROLE_SPLIT)
			continue;
		if (isnull)
			ml_load_missing(load, column);
		ml_load_split_value(load, column, slot->tts_values[column->attno - 1]);
		if (load->cut_keys == NULL)
		{
			MemoryContext row = MemoryContextSwitchTo(load->context);

			load->cut_keys = ml_frame_create(1, &load->budget);
			MemoryContextSwitchTo(row);
		}
		*ml_frame_row(load->cut_keys) = ml_cell_from_bits(load->split_key);
		ml_frame_commit(load->cut_keys, load->split_key);
	}
}

/* Nothing can be held out: all rows have one key. */
static ML_NORETURN void
ml_split_one_key(const MlLoad *load)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" has one value only: no rows can be held out by it", load->split_column),
			 errdetail("All rows with one value are on the same side, and both sides need rows."),
			 errhint("Name another column, or use the method \"hash\".")));
}

void
ml_load_split_cut(MlLoad *load)
{
	const double *rows[ML_BLOCK_ROWS];
	MlFrame    *keys = load->cut_keys;
	double		goal;
	double		best = INFINITY;
	int64		seen = 0;
	uint64		last = 0;
	int			n;

	if (keys == NULL)
		return;
	ml_frame_finish(keys);
	load->cut_rows = ml_frame_count(keys);
	goal = (load->split == ML_SPLIT_GROUP ? load->test_fraction : 1 - load->test_fraction) * (double) load->cut_rows;
	ml_frame_rewind(keys);
	while ((n = ml_frame_read(keys, rows)) > 0)
		for (int i = 0; i < n; i++, seen++)
		{
			uint64		key = ml_cell_bits(rows[i][0]);

			load->cut_values += seen == 0 || key != last;
			/* the boundary that is nearest to the share asked for; of two, the one that holds out fewer rows */
			if (seen > 0 && key != last &&
				(fabs((double) seen - goal) < best ||
				 (fabs((double) seen - goal) == best && load->split == ML_SPLIT_TIME)))
			{
				best = fabs((double) seen - goal);
				load->cut = key;
				load->cut_known = true;
				load->cut_values_before = load->cut_values - 1;
			}
			last = key;
		}
	ml_frame_free(keys);
	load->cut_keys = NULL;
	if (!load->cut_known && !load->lenient && !load->probing)
		ml_split_one_key(load);
}

void
ml_load_split_note(const MlLoad *load)
{
	const MlLoadColumn *column = &load->columns[load->ncolumns - 1];
	int64		test = ml_frame_count(load->test);

	if (!load->cut_known)
		return;
	if (load->split == ML_SPLIT_TIME)
		ml_note(load->notes, "%lld of %lld rows were held out: those from \"%s\" = %s on", (long long) test,
				(long long) load->cut_rows, column->name, ml_split_text(&column->convert, load->cut));
	else
		ml_note(load->notes, "%lld of %lld rows were held out: those of %lld of the %lld groups of \"%s\"",
				(long long) test, (long long) load->cut_rows, (long long) load->cut_values_before,
				(long long) load->cut_values, column->name);
}
