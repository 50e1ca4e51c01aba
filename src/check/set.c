/*
 * set.c - a set of values of a column's type, given as JSON.
 *
 * A few values are compared one after the other; more go into a hash table with
 * linear probing, at most half full.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "check/set.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Up to so many values are looked at one by one. */
#define ML_SET_FEW	8

/* A value on its way into a set, or looked for in it. */
typedef union MlSetKey
{
	int64		whole;
	double		real;
	MlSetText	text;
	Datum		other;
} MlSetKey;

/* Whether two doubles are equal as the server says: NaN is NaN, and 0 is -0. */
static inline bool
ml_set_same_real(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static inline bool
ml_set_same(const MlSet *set, int i, const MlSetKey *key)
{
	switch (set->kind)
	{
		case ML_SET_WHOLE:
			return set->whole[i] == key->whole;
		case ML_SET_REAL:
			return ml_set_same_real(set->real[i], key->real);
		case ML_SET_TEXT:
			return set->text[i].length == key->text.length &&
				memcmp(set->text[i].s, key->text.s, key->text.length) == 0;
		case ML_SET_OTHER:
			break;
	}
	return DatumGetBool(FunctionCall2Coll(unconstify(FmgrInfo *, &set->equal), set->collation, set->other[i], key->other));
}

static uint32
ml_set_hash(const MlSet *set, const MlSetKey *key)
{
	switch (set->kind)
	{
		case ML_SET_WHOLE:
			return murmurhash32((uint32) key->whole ^ murmurhash32((uint32) ((uint64) key->whole >> 32)));
		case ML_SET_REAL:
			{
				double		x = isnan(key->real) ? get_float8_nan() : key->real == 0 ? 0 : key->real;

				return hash_bytes((const unsigned char *) &x, sizeof x);
			}
		case ML_SET_TEXT:
			return hash_bytes((const unsigned char *) key->text.s, key->text.length);
		case ML_SET_OTHER:
			break;
	}
	return DatumGetUInt32(FunctionCall1Coll(unconstify(FmgrInfo *, &set->hash), set->collation, key->other));
}

static int
ml_set_look(const MlSet *set, const MlSetKey *key)
{
	uint32		hash;

	if (set->mask == 0)
	{
		for (int i = 0; i < set->n; i++)
			if (ml_set_same(set, i, key))
				return i;
		return -1;
	}
	hash = ml_set_hash(set, key);
	for (uint32 slot = hash & set->mask;; slot = (slot + 1) & set->mask)
	{
		int			i = set->slots[slot];

		if (i < 0)
			return -1;
		if (set->hashes[i] == hash && ml_set_same(set, i, key))
			return i;
	}
}

/* The value of a row as a key. */
static inline void
ml_set_key(const MlSet *set, MlCheckColumn *column, Datum value, MlSetKey *key)
{
	switch (set->kind)
	{
		case ML_SET_WHOLE:
			switch (column->convert.type)
			{
				case INT4OID:
				case DATEOID:
					key->whole = DatumGetInt32(value);
					break;
				case INT2OID:
					key->whole = DatumGetInt16(value);
					break;
				case BOOLOID:
					key->whole = DatumGetBool(value);
					break;
				case INT8OID:
				case TIMESTAMPOID:
				case TIMESTAMPTZOID:
					key->whole = DatumGetInt64(value);
					break;
				default:
					key->whole = DatumGetObjectId(value);
			}
			break;
		case ML_SET_REAL:
			key->real = column->convert.type == FLOAT8OID ? DatumGetFloat8(value) : DatumGetFloat4(value);
			break;
		case ML_SET_TEXT:
			key->text.s = ml_convert_text(&column->convert, value, &key->text.length);
			break;
		case ML_SET_OTHER:
			key->other = value;
	}
}

int
ml_set_find(const MlSet *set, MlCheckColumn *column, Datum value)
{
	MlSetKey	key;

	ml_set_key(set, column, value, &key);
	return ml_set_look(set, &key);
}

/* ---- making ---- */

/* Settles the kind by the column's type. */
static void
ml_set_begin(MlSet *set, const MlCheck *check, const MlCheckColumn *column)
{
	Oid			type = column->convert.type;
	TypeCacheEntry *entry;

	set->collation = OidIsValid(column->collation) ? column->collation : DEFAULT_COLLATION_OID;
	if (type == INT2OID || type == INT4OID || type == INT8OID || type == DATEOID || type == TIMESTAMPOID ||
		type == TIMESTAMPTZOID || type == BOOLOID || type_is_enum(type))
		set->kind = ML_SET_WHOLE;
	else if (type == FLOAT4OID || type == FLOAT8OID)
		set->kind = ML_SET_REAL;
	else if (type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == UNKNOWNOID)
		set->kind = ML_SET_TEXT;
	else
	{
		entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);
		if (!OidIsValid(entry->eq_opr))
			ml_check_refuse_type(check, column, "a type whose values can be equal");
		set->kind = ML_SET_OTHER;
		fmgr_info(get_opcode(entry->eq_opr), &set->equal);
		if (OidIsValid(entry->hash_proc))
			fmgr_info(entry->hash_proc, &set->hash);
	}
}

/* A number for a column of whole numbers; false where none equals it. */
static bool
ml_set_whole(Oid type, Numeric number, int64 *whole)
{
	Datum		datum = NumericGetDatum(number);
	int64		least = type == INT2OID ? PG_INT16_MIN : type == INT4OID ? PG_INT32_MIN : PG_INT64_MIN;
	int64		greatest = type == INT2OID ? PG_INT16_MAX : type == INT4OID ? PG_INT32_MAX : PG_INT64_MAX;

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, datum, DirectFunctionCall1(numeric_floor, datum))) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, datum, DirectFunctionCall1(int8_numeric, Int64GetDatum(least)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, datum, DirectFunctionCall1(int8_numeric, Int64GetDatum(greatest)))))
		return false;
	*whole = DatumGetInt64(DirectFunctionCall1(numeric_int8, datum));
	return true;
}

/* A JSON value as a key; false where no value of the column equals it. */
static bool
ml_set_read(const MlSet *set, const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json, MlSetKey *key)
{
	Oid			type = column->convert.type;
	MlCheckColumn plain = *column;

	if (set->kind == ML_SET_WHOLE && json->type == jbvNumeric && (type == INT2OID || type == INT4OID || type == INT8OID))
		return ml_set_whole(type, json->val.numeric, &key->whole);
	if (set->kind == ML_SET_TEXT && json->type == jbvString)
	{
		key->text.s = json->val.string.val;
		key->text.length = json->val.string.len;
		if (type == BPCHAROID)
			key->text.length = bpchartruelen(unconstify(char *, key->text.s), key->text.length);
		return true;
	}
	/* other scalars in a set of texts are their text */
	if (set->kind == ML_SET_TEXT)
		plain.convert.type = TEXTOID;
	if (type == JSONBOID)
		key->other = JsonbPGetDatum(JsonbValueToJsonb(unconstify(JsonbValue *, json)));
	else
		ml_set_key(set, &plain, ml_check_datum(check, &plain, json), key);
	return true;
}

static void
ml_set_put(MlSet *set, int i, const MlSetKey *key)
{
	switch (set->kind)
	{
		case ML_SET_WHOLE:
			set->whole[i] = key->whole;
			break;
		case ML_SET_REAL:
			set->real[i] = key->real;
			break;
		case ML_SET_TEXT:
			set->text[i] = key->text;
			break;
		case ML_SET_OTHER:
			set->other[i] = key->other;
	}
}

/* Room for n values, and for a table where they are many. */
static void
ml_set_room(MlSet *set, int n)
{
	Size		size = set->kind == ML_SET_TEXT ? sizeof(MlSetText) : sizeof(int64);
	void	   *values = palloc_extended(size * Max(n, 1), MCXT_ALLOC_HUGE);
	int64		slots = 16;

	set->whole = values;
	set->real = values;
	set->text = values;
	set->other = values;
	if (n <= ML_SET_FEW || (set->kind == ML_SET_OTHER && !OidIsValid(set->hash.fn_oid)))
		return;
	while (slots < (int64) n * 2)
		slots *= 2;
	set->mask = (uint32) (slots - 1);
	set->hashes = palloc_extended(sizeof(uint32) * (Size) n, MCXT_ALLOC_HUGE);
	set->slots = palloc_extended(sizeof(int32) * (Size) slots, MCXT_ALLOC_HUGE);
	memset(set->slots, 0xff, sizeof(int32) * (Size) slots);
}

MlSet *
ml_set_create(const MlCheck *check, const MlCheckColumn *column, int n, const JsonbValue *values, int *ids)
{
	MlSet	   *set = palloc0(sizeof(MlSet));

	ml_set_begin(set, check, column);
	ml_set_room(set, n);
	for (int i = 0; i < n; i++)
	{
		MlSetKey	key;
		bool		known = ml_set_read(set, check, column, &values[i], &key);
		int			place = known ? ml_set_look(set, &key) : -1;

		CHECK_FOR_INTERRUPTS();
		if (known && place < 0)
		{
			place = set->n++;
			ml_set_put(set, place, &key);
			if (set->mask != 0)
			{
				uint32		hash = ml_set_hash(set, &key);
				uint32		slot = hash & set->mask;

				while (set->slots[slot] >= 0)
					slot = (slot + 1) & set->mask;
				set->slots[slot] = place;
				set->hashes[place] = hash;
			}
		}
		if (ids)
			ids[i] = place;
	}
	return set;
}

void
ml_set_check_scalars(const MlCheck *check, const char *param, int n, const JsonbValue *values)
{
	for (int i = 0; i < n; i++)
	{
		if (values[i].type == jbvNull)
			ml_check_refuse(check, psprintf("parameter \"%s\" has a null in it", param),
							psprintf("It is value %d.", i + 1), "NULL passes by itself; kind not_null is about it.");
		if (values[i].type == jbvBinary)
			ml_check_refuse(check, psprintf("parameter \"%s\" has an array or object in it", param),
							psprintf("It is value %d.", i + 1), "Write numbers, texts, true or false.");
	}
}
