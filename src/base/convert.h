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
	ML_TYPE_ARRAY				/* float4[], float8[] */
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
	ML_CONVERT_FLOAT4_ARRAY
} MlConvertKind;

typedef struct MlConvert
{
	Oid			type;			/* the base type, domains looked through */
	MlTypeClass class;
	MlConvertKind kind;
	MemoryContext context;		/* of what the output function keeps */
	FmgrInfo	output;			/* looked up when a value's text is asked for and comes from there */
} MlConvert;

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
