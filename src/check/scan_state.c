/*
 * scan_state.c - the state of one process that scans rows for checks of data.
 *
 * Everything lives in one context of the state's own. Sums are exact and
 * counts are integers, so it makes no difference how rows were divided among
 * processes. (The third and fourth powers are double-double sums about a shift:
 * they differ in digits that nobody sees.)
 */
#include "postgres.h"

#include <math.h>

#include "base/bytes.h"
#include "base/cell.h"
#include "base/compat.h"
#include "check/scan.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* ---- keys ---- */

/* Bits that sort as the numbers do; equal numbers have the same, and all NaN. */
static inline uint64
ml_key_real(double x)
{
	return ml_cell_ordered(isnan(x) ? ml_cell_from_bits(ML_NAN_BITS) : x);
}

static inline uint64
ml_key_whole(int64 x)
{
	return (uint64) x ^ ML_CELL_SIGN;
}

/* The key of one value that is not NULL. */
static inline void
ml_key_value_of(const MlCheckColumn *column, FmgrInfo *hash, Datum value, uint64 *a, uint32 *b)
{
	*b = 0;
	switch (column->convert.kind)
	{
		case ML_CONVERT_FLOAT8:
			*a = ml_key_real(DatumGetFloat8(value));
			return;
		case ML_CONVERT_FLOAT4:
			*a = ml_key_real(DatumGetFloat4(value));
			return;
		case ML_CONVERT_INT2:
			*a = ml_key_whole(DatumGetInt16(value));
			return;
		case ML_CONVERT_INT4:
		case ML_CONVERT_DATE:
			*a = ml_key_whole(DatumGetInt32(value));
			return;
		case ML_CONVERT_INT8:
		case ML_CONVERT_TIMESTAMP:
			*a = ml_key_whole(DatumGetInt64(value));
			return;
		case ML_CONVERT_BOOL:
			*a = ml_key_whole(DatumGetBool(value));
			return;
		case ML_CONVERT_NUMERIC:
		case ML_CONVERT_INTERVAL:
			/* those that no double can tell apart are told apart by their hash */
			*a = ml_key_real(ml_convert_number(&column->convert, value));
			*b = (uint32) DatumGetUInt64(FunctionCall2Coll(hash, column->collation, value, Int64GetDatum(1)));
			return;
		case ML_CONVERT_VARLENA:
			if (hash == NULL || !OidIsValid(hash->fn_oid))
			{
				text	   *t = DatumGetTextPP(value);

				*a = hash_bytes_extended((unsigned char *) VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), 0);
				*b = hash_bytes((unsigned char *) VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
				return;
			}
			/* FALLTHROUGH */
		default:
			*a = DatumGetUInt64(FunctionCall2Coll(hash, column->collation, value, Int64GetDatum(0)));
			*b = (uint32) DatumGetUInt64(FunctionCall2Coll(hash, column->collation, value, Int64GetDatum(1)));
			return;
	}
}

double
ml_key_value(const MlCheckColumn *column, uint64 a)
{
	int64		whole = (int64) (a ^ ML_CELL_SIGN);

	switch (column->convert.kind)
	{
		case ML_CONVERT_FLOAT8:
		case ML_CONVERT_FLOAT4:
		case ML_CONVERT_NUMERIC:
		case ML_CONVERT_INTERVAL:
			return ml_cell_from_ordered(a);
		case ML_CONVERT_INT2:
		case ML_CONVERT_INT4:
		case ML_CONVERT_INT8:
		case ML_CONVERT_BOOL:
			return (double) whole;
		case ML_CONVERT_DATE:
			return ml_convert_number(&column->convert, DateADTGetDatum((DateADT) whole));
		case ML_CONVERT_TIMESTAMP:
			return ml_convert_number(&column->convert, TimestampGetDatum(whole));
		default:
			return get_float8_nan();
	}
}

/* A NULL where it is a value like any other; no exact key has anything in its second part. */
#define ML_KEY_NULL_A	UINT64CONST(0x4e554c4c)
#define ML_KEY_NULL_B	0x4e554c4c

bool
ml_key_of(const MlCollector *collector, int ncolumns, const NullableDatum *values, uint64 *a, uint32 *b)
{
	uint64		sum = 0;
	uint64		second = 0;

	for (int i = 0; i < ncolumns; i++)
	{
		const NullableDatum *v = &values[collector->columns[i].index];
		uint64		x;
		uint32		y;

		if (!v->isnull)
			ml_key_value_of(&collector->columns[i], collector->hashes ? &collector->hashes[i] : NULL, v->value, &x, &y);
		else if (collector->kind == ML_COLLECT_GROUPS)
			return false;
		else
		{
			x = ML_KEY_NULL_A;
			y = ML_KEY_NULL_B;
		}
		if (ncolumns == 1)
		{
			*a = x;
			*b = y;
			return true;
		}
		sum = ml_mix64(sum ^ x) + UINT64CONST(0x9e3779b97f4a7c15) * (y + 1);
		second = ml_mix64(second + x * UINT64CONST(0xd6e8feb86659fd93)) ^ y;
	}
	*a = sum;
	*b = (uint32) (second ^ (second >> 32));
	return true;
}

/* ---- making ---- */

void
ml_collector_state_init(MlScanState *state, MlCollectorState *c, MlCollectKind kind, int nbins)
{
	memset(c, 0, sizeof *c);
	c->finite = true;
	c->min = get_float8_infinity();
	c->max = -get_float8_infinity();
	switch (kind)
	{
		case ML_COLLECT_MOMENTS:
			c->sums = palloc0(sizeof(MlExactSum));
			c->products = palloc0(sizeof(MlExactProducts));
			break;
		case ML_COLLECT_PRODUCTS:
			c->sums = palloc0(sizeof(MlExactSum) * 2);
			c->products = palloc0(sizeof(MlExactProducts) * 3);
			break;
		case ML_COLLECT_GROUPS:
		case ML_COLLECT_COPIES:
		case ML_COLLECT_PAIRS:
			ml_counts_init(&c->values, state->context, &state->budget);
			break;
		case ML_COLLECT_LEVELS:
			c->texts = ml_dict_create();
			break;
		case ML_COLLECT_HISTOGRAM:
			c->histogram = ml_histogram_create(state->context);
			break;
		case ML_COLLECT_BINS:
			c->nbins = nbins;
			c->bins = palloc0(sizeof(int64) * nbins);
			break;
		default:
			break;
	}
}

MlScanState *
ml_scan_state_room(MemoryContext parent, Size bytes_max, int nchecks, int ncollectors)
{
	MemoryContext context = AllocSetContextCreate(parent, "pg_mlops check scan", ALLOCSET_DEFAULT_SIZES);
	MlScanState *state = MemoryContextAllocZero(context, sizeof(MlScanState));

	state->context = context;
	state->budget.bytes_max = bytes_max;
	state->nchecks = nchecks;
	state->looked_at = MemoryContextAllocZero(context, sizeof(int64) * Max(nchecks, 1));
	state->failed = MemoryContextAllocZero(context, sizeof(int64) * Max(nchecks, 1));
	state->ncollectors = ncollectors;
	state->kinds = MemoryContextAllocZero(context, Max(ncollectors, 1));
	state->collectors = MemoryContextAllocZero(context, sizeof(MlCollectorState) * Max(ncollectors, 1));
	return state;
}

MlScanState *
ml_scan_state_create(const MlScanProgram *program, MemoryContext context, Size bytes_max)
{
	MlScanState *state = ml_scan_state_room(context, bytes_max, program->nchecks, program->ncollectors);
	MemoryContext old = MemoryContextSwitchTo(state->context);

	for (int i = 0; i < program->ncollectors; i++)
	{
		const MlCollector *collector = &program->collectors[i];

		state->kinds[i] = collector->kind;
		/* below, between, above, NULL, NaN; or levels, others, NULL */
		ml_collector_state_init(state, &state->collectors[i], collector->kind,
								collector->nedges > 0 ? collector->nedges + 3 : collector->nlevels + 2);
	}
	MemoryContextSwitchTo(old);
	return state;
}

/* ---- rows ---- */

static inline void
ml_collect_rows(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	const MlCheckColumn *column = &collector->columns[0];
	const NullableDatum *v;
	double		x;

	c->counts.rows++;
	if (collector->ncolumns == 0)
		return;
	v = &values[column->index];
	if (v->isnull)
	{
		c->counts.nulls++;
		return;
	}
	if (column->convert.class != ML_TYPE_NUMBER)
		return;
	x = ml_convert_number(&column->convert, v->value);
	c->counts.nans += isnan(x) != 0;
	c->counts.infinities += isinf(x) != 0;
	c->counts.zeros += x == 0;
}

static inline void
ml_collect_moments(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	const NullableDatum *v = &values[collector->columns[0].index];
	double		x;

	if (v->isnull)
		return;
	x = ml_convert_number(&collector->columns[0].convert, v->value);
	if (isnan(x))
		return;
	c->counts.rows++;
	if (x < c->min)
		c->min = x;
	if (x > c->max)
		c->max = x;
	if (unlikely(isinf(x)))
	{
		c->finite = false;
		return;
	}
	ml_exact_add(&c->sums[0], x);
	ml_exact_products_add(&c->products[0], x, x);
}

static inline void
ml_collect_shape(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	const NullableDatum *v = &values[collector->columns[0].index];
	MlDd		d;
	MlDd		power;
	double		x;

	if (v->isnull)
		return;
	x = ml_convert_number(&collector->columns[0].convert, v->value);
	if (!isfinite(x))
		return;
	if (c->counts.rows++ == 0)
		c->shift = x;
	d = ml_dd_two_sum(x, -c->shift);
	power = d;
	for (int k = 0; k < 4; k++)
	{
		c->powers[k] = ml_dd_add(c->powers[k], power);
		power = ml_dd_mul(power, d);
	}
}

static inline void
ml_collect_products(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	const NullableDatum *vx = &values[collector->columns[0].index];
	const NullableDatum *vy = &values[collector->columns[1].index];
	double		x;
	double		y;

	if (vx->isnull || vy->isnull)
		return;
	x = ml_convert_number(&collector->columns[0].convert, vx->value);
	y = ml_convert_number(&collector->columns[1].convert, vy->value);
	if (!isfinite(x) || !isfinite(y))
		return;
	c->counts.rows++;
	ml_exact_add(&c->sums[0], x);
	ml_exact_add(&c->sums[1], y);
	ml_exact_products_add(&c->products[0], x, x);
	ml_exact_products_add(&c->products[1], y, y);
	ml_exact_products_add(&c->products[2], x, y);
}

/* An entry of the dictionary's own, of its table and of the counts, beside the bytes. */
#define ML_LEVEL_BYTES	80

void
ml_levels_lose(MlScanState *state, MlCollectorState *c)
{
	state->budget.bytes -= c->texts->text_bytes + (Size) c->texts->count * ML_LEVEL_BYTES;
	ml_dict_free(c->texts);
	if (c->text_counts)
		pfree(c->text_counts);
	c->texts = NULL;
	c->text_counts = NULL;
	c->lost = true;
}

void
ml_levels_add(MlScanState *state, MlCollectorState *c, const char *bytes, int length, int64 count, int64 nulls)
{
	int			before;
	int			code;

	if (c->lost)
		return;
	before = c->texts->count;
	code = ml_dict_add(c->texts, bytes, length);
	if (code >= c->text_capacity)
	{
		int			capacity = Max(16, c->text_capacity * 2);

		c->text_counts = c->text_counts == NULL ?
			MemoryContextAllocZero(state->context, sizeof(int64) * 2 * capacity) :
			repalloc_huge(c->text_counts, sizeof(int64) * 2 * capacity);
		memset(c->text_counts + 2 * c->text_capacity, 0, sizeof(int64) * 2 * (capacity - c->text_capacity));
		c->text_capacity = capacity;
	}
	c->text_counts[2 * code] += count;
	c->text_counts[2 * code + 1] += nulls;
	if (c->texts->count > before)
		state->budget.bytes += length + ML_LEVEL_BYTES;
	if (state->budget.bytes > state->budget.bytes_max)
		ml_levels_lose(state, c);
}

static inline void
ml_collect_levels(const MlCollector *collector, MlScanState *state, MlCollectorState *c, const NullableDatum *values)
{
	const NullableDatum *v = &values[collector->columns[0].index];
	bool		null_beside = collector->ncolumns > 1 && values[collector->columns[1].index].isnull;
	const char *bytes;
	int			length;

	if (v->isnull)
		return;
	bytes = ml_convert_text(&collector->columns[0].convert, v->value, &length);
	ml_levels_add(state, c, bytes, length, 1, null_beside);
}

static inline void
ml_collect_pairs(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	int			last = collector->ncolumns - 1;
	const NullableDatum *label = &values[collector->columns[last].index];
	uint64		a;
	uint64		label_a;
	uint32		b;
	uint32		label_b;

	if (c->values.lost || label->isnull || !ml_key_of(collector, last, values, &a, &b))
		return;
	ml_key_value_of(&collector->columns[last], collector->hashes ? &collector->hashes[last] : NULL, label->value,
					&label_a, &label_b);
	label_a = ml_mix64(label_a ^ ((uint64) label_b << 17));
	ml_counts_add(&c->values, a ^ ml_mix64(b), (uint32) (label_a ^ (label_a >> 32)), 1);
}

static inline void
ml_collect_in_bins(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	MlCheckColumn *column = &collector->columns[0];
	const NullableDatum *v = &values[column->index];

	if (collector->nedges > 0)
	{
		double		x;
		int			bin = 0;

		if (v->isnull)
		{
			c->bins[collector->nedges + 1]++;
			return;
		}
		x = ml_convert_number(&column->convert, v->value);
		if (isnan(x))
			bin = collector->nedges + 2;
		else
			for (int i = 0; i < collector->nedges; i++)
				bin += x >= collector->edges[i];
		c->bins[bin]++;
	}
	else
	{
		int			code = -1;

		if (v->isnull)
			code = collector->nlevels + 1;
		else
		{
			int			length;
			const char *bytes = ml_convert_text(&column->convert, v->value, &length);

			code = ml_dict_find(collector->level_codes, bytes, length);
			if (code < 0)
				code = collector->nlevels;
		}
		c->bins[code]++;
	}
}

static inline void
ml_collect_histogram(const MlCollector *collector, MlCollectorState *c, const NullableDatum *values)
{
	const NullableDatum *v = &values[collector->columns[0].index];

	if (!v->isnull)
		ml_histogram_add(c->histogram, ml_convert_number(&collector->columns[0].convert, v->value));
}

static inline void
ml_collect_row(const MlCollector *collector, MlScanState *state, MlCollectorState *c, const NullableDatum *values)
{
	uint64		a;
	uint32		b;

	switch (collector->kind)
	{
		case ML_COLLECT_ROWS:
			ml_collect_rows(collector, c, values);
			break;
		case ML_COLLECT_MOMENTS:
			ml_collect_moments(collector, c, values);
			break;
		case ML_COLLECT_SHAPE:
			ml_collect_shape(collector, c, values);
			break;
		case ML_COLLECT_PRODUCTS:
			ml_collect_products(collector, c, values);
			break;
		case ML_COLLECT_GROUPS:
		case ML_COLLECT_COPIES:
			if (!c->values.lost && ml_key_of(collector, collector->ncolumns, values, &a, &b))
				ml_counts_add(&c->values, a, b, 1);
			break;
		case ML_COLLECT_LEVELS:
			ml_collect_levels(collector, state, c, values);
			break;
		case ML_COLLECT_PAIRS:
			ml_collect_pairs(collector, c, values);
			break;
		case ML_COLLECT_BINS:
			ml_collect_in_bins(collector, c, values);
			break;
		case ML_COLLECT_HISTOGRAM:
			ml_collect_histogram(collector, c, values);
			break;
	}
}

void
ml_scan_state_row(const MlScanProgram *program, MlScanState *state, const NullableDatum *values, const bool *conditions)
{
	state->rows++;
	for (int i = 0; i < program->nchecks; i++)
	{
		const MlScanCheck *check = &program->checks[i];

		if (check->where >= 0 && !conditions[check->where])
			continue;
		state->looked_at[i]++;
		state->failed[i] += check->condition >= 0 ? !conditions[check->condition] :
			!check->row.passes(&check->row, values);
	}
	for (int i = 0; i < program->ncollectors; i++)
	{
		const MlCollector *collector = &program->collectors[i];

		if (collector->where < 0 || conditions[collector->where])
			ml_collect_row(collector, state, &state->collectors[i], values);
	}
}
