/*
 * convert.h - from a column's SQL type to a number or a text, the same way in training and in scoring.
 *
 * Units: numbers and booleans as they are; dates and timestamps in days since
 * 2000-01-01; intervals in seconds (as extract(epoch)); texts as their bytes.
 */
#ifndef ML_CONVERT_H
#define ML_CONVERT_H

typedef enum MlTypeClass
{
	ML_TYPE_UNSUPPORTED = 0,
	ML_TYPE_NUMBER,				/* int2/4/8, float4/8, numeric, boolean */
	ML_TYPE_TIME,				/* date, timestamp */
	ML_TYPE_TIMETZ,				/* timestamptz */
	ML_TYPE_INTERVAL,
	ML_TYPE_TEXT,				/* text, varchar, bpchar, enum, uuid, name, char, a literal in ROW(...) */
	ML_TYPE_ARRAY				/* of any number type but boolean; pgvector's vector and halfvec */
} MlTypeClass;

typedef enum MlConvertKind
{
	ML_CONVERT_FLOAT8 = 1,
	ML_CONVERT_FLOAT4,
	ML_CONVERT_INT2,
	ML_CONVERT_INT4,
	ML_CONVERT_INT8,
	ML_CONVERT_BOOL,
	ML_CONVERT_NUMERIC,
	ML_CONVERT_DATE,
	ML_CONVERT_TIMESTAMP,
	ML_CONVERT_INTERVAL,
	ML_CONVERT_VARLENA,			/* text, varchar */
	ML_CONVERT_BPCHAR,
	ML_CONVERT_OUTPUT,			/* through the type's output function */
	ML_CONVERT_FLOAT8_ARRAY,
	ML_CONVERT_FLOAT4_ARRAY,
	ML_CONVERT_INT2_ARRAY,
	ML_CONVERT_INT4_ARRAY,
	ML_CONVERT_INT8_ARRAY,
	ML_CONVERT_NUMERIC_ARRAY,
	ML_CONVERT_VECTOR			/* through its type's cast to float4[] */
} MlConvertKind;

typedef struct MlConvert
{
	Oid			type;			/* the base type, domains looked through */
	MlTypeClass class;
	MlConvertKind kind;
	MemoryContext context;		/* of what the output function keeps */
	FmgrInfo	output;			/* looked up when a value's text is asked for and comes from there */
	Oid			cast_function;	/* kind ML_CONVERT_VECTOR */
	FmgrInfo	cast;			/* looked up with the first value */
} MlConvert;

/* The elements of an array, in order. */
typedef struct MlArrayReader
{
	MlConvertKind kind;
	int			length;
	int			at;
	const bits8 *nulls;
	const char *data;
} MlArrayReader;

/* How values of a type become cells; class ML_TYPE_UNSUPPORTED when they do not. Lives in the current context. */
extern void ml_convert_init(MlConvert *convert, Oid type);

/* The class of a type alone. */
extern MlTypeClass ml_convert_class(Oid type);

/* The name of the base type, which does not depend on search_path: it is part of the artifact. Palloc'd. */
extern char *ml_convert_type_name(const MlConvert *convert);

/* "a number", "a timestamp with time zone", for messages. */
extern const char *ml_type_class_name(MlTypeClass class);

/* The number of a value of class NUMBER, TIME, TIMETZ or INTERVAL; may be NaN or infinite. */
extern double ml_convert_number(const MlConvert *convert, Datum value);

/* Begins to read a value of class ARRAY; what is detoasted or cast is palloc'd. */
extern void ml_convert_array(MlConvert *convert, Datum value, MlArrayReader *reader);

/* The number of an element of another type than float4 and float8. */
extern double ml_array_other(MlArrayReader *reader);

/* The next element; false if it is NULL. */
static inline bool
ml_array_next(MlArrayReader *reader, double *x)
{
	int			i = reader->at++;

	if (reader->nulls && !(reader->nulls[i / 8] & (1 << (i % 8))))
		return false;
	if (reader->kind == ML_CONVERT_FLOAT8_ARRAY)
	{
		*x = *(const float8 *) reader->data;
		reader->data += sizeof(float8);
	}
	else if (reader->kind == ML_CONVERT_FLOAT4_ARRAY)
	{
		*x = *(const float4 *) reader->data;
		reader->data += sizeof(float4);
	}
	else
		*x = ml_array_other(reader);
	return true;
}

/* Whether the numbers of a type, or of its elements, are those that float4 has; by its name. */
extern bool ml_convert_is_single(const char *type_name);

/* Whether a type is one of pgvector's, by its name. */
extern bool ml_convert_is_vector(const char *type_name);

/*
 * The text of a value of any class: its bytes and their length, not
 * terminated. May point into the value or be palloc'd.
 */
extern const char *ml_convert_text(MlConvert *convert, Datum value, int *length);

/*
 * The timestamp, timestamp with time zone or interval that a text says, as
 * the type's input function reads it; false where that raises an error. The
 * text may be written to.
 */
extern bool ml_convert_time_text(MlTypeClass class, char *text, Datum *value);

#endif							/* ML_CONVERT_H */
