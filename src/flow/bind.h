/*
 * bind.h - from the features of a row to be scored to the cells the pipeline expects.
 *
 * A row with column names is bound by name, an anonymous row or an array by
 * position, jsonb by key. Types are compared once; errors name the column.
 *
 * A soft binding never raises an error for what the features are: it notes
 * the refusal instead, and what it leaves in the cells is no row then.
 */
#ifndef ML_BIND_H
#define ML_BIND_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "store/codec.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* Where one input comes from in a row. */
typedef struct MlBoundInput
{
	const MlInput *input;
	int			attribute;		/* from 0 */
	MlConvert	convert;
	int			offset;			/* in a tuple without NULLs, or -1 */
	int16		length;			/* attlen and attbyval */
	bool		by_value;
} MlBoundInput;

typedef struct MlBinding
{
	const MlModel *model;
	const char *ref;			/* for messages */
	MemoryContext context;
	bool	   *needs;			/* per input: its missing value would reach a learner that takes none; NULL: of no input */
	bool	   *needs_seen;		/* the same of a text that training did not see */
	Oid		   *configs;		/* per input: the text search configuration of terms; NULL where there are none */
	bool		soft;
	bool		unfit;			/* soft: the columns or the row type bound last cannot be bound */
	bool		refused;		/* soft: the row cannot be bound; whoever binds the next one clears it */
	int			nunseen;		/* texts of rows bound that training did not see; whoever reads them clears it */
	int		   *unseen;			/* the entrance cells of the latest ones, as many as there are cells */

	/* rows */
	Oid			row_type;
	int32		row_typmod;
	TupleDesc	desc;
	int			natts;
	Datum	   *values;
	bool	   *nulls;
	MlBoundInput *inputs;

	/* columns: every input is a number that comes as float8; the columns they come from */
	bool		plain;
	int		   *columns;

	/* arrays */
	bool		numbers;		/* every input is a number or an array of them */
	Oid			element_type;
	int16		element_length;
	bool		element_by_value;
	char		element_align;
	MlConvert	element;
} MlBinding;

/* A binding for a model, in the given context. */
extern MlBinding *ml_bind_create(const MlModel *model, const char *ref, bool soft, MemoryContext context);

/*
 * Whether a row is bound by position: it comes from ROW(...). A subquery whose
 * columns happen to be called f1, f2 and so on looks the same, and is bound by
 * name where the features have such names too.
 */
extern bool ml_bind_by_position(MlBinding *binding, TupleDesc desc);

/* Binds to a row type, by name, or by position where all names are those of an anonymous row. */
extern void ml_bind_desc(MlBinding *binding, TupleDesc desc);

/* The cells of a row already taken apart; the row type must have been bound. */
extern void ml_bind_values(MlBinding *binding, const Datum *values, const bool *nulls, double *cells);

/* Binds, by name, to columns that are given one by one. */
extern void ml_bind_names(MlBinding *binding, int ncolumns, const char *const *names, const Oid *types);

/* The cells of a row's columns; true if it is certain that none is missing. */
extern bool ml_bind_columns(MlBinding *binding, const NullableDatum *columns, double *cells);

/* The cells of a composite value; binds to its type as needed. */
extern void ml_bind_row(MlBinding *binding, HeapTupleHeader row, double *cells);

/* The cells of an array; true if it is certain that none is missing. */
extern bool ml_bind_array(MlBinding *binding, ArrayType *array, double *cells);

extern void ml_bind_jsonb(MlBinding *binding, Jsonb *json, double *cells);

#endif							/* ML_BIND_H */
