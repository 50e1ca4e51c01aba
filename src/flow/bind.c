/*
 * bind.c - from the features of a row to be scored to the cells the pipeline expects.
 *
 * What is bound lives in the binding's context; detoasted values are left to
 * the caller's per-row context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/bind_internal.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Finds the text search configurations of inputs of terms; one that is not there is an error of the first text. */
static void
ml_bind_configs(MlBinding *binding)
{
	const MlPipeline *pipeline = binding->model->pipeline;

	for (int i = 0; i < pipeline->ninputs; i++)
	{
		if (pipeline->inputs[i].encoding != ML_ENCODING_TERMS)
			continue;
		if (binding->configs == NULL)
			binding->configs = MemoryContextAllocZero(binding->context, sizeof(Oid) * pipeline->ninputs);
		binding->configs[i] = ml_terms_config(pipeline->inputs[i].config, true);
	}
}

MlBinding *
ml_bind_create(const MlModel *model, const char *ref, bool soft, MemoryContext context)
{
	MlBinding  *binding = MemoryContextAllocZero(context, sizeof(MlBinding));

	binding->model = model;
	binding->ref = ref;
	binding->soft = soft;
	binding->context = context;
	binding->numbers = true;
	for (int i = 0; i < model->pipeline->ninputs; i++)
		binding->numbers &= model->pipeline->inputs[i].class == ML_TYPE_NUMBER ||
			model->pipeline->inputs[i].class == ML_TYPE_ARRAY;
	if (!(model->learner->flags & ML_LEARNER_MISSING))
	{
		binding->needs = ml_pipeline_needs(model->pipeline, ml_cell_null(), context);
		binding->needs_seen = ml_pipeline_needs(model->pipeline, ml_cell_from_bits(ML_UNSEEN_BITS), context);
	}
	ml_bind_configs(binding);
	return binding;
}

static List *
ml_bind_names_of(TupleDesc desc)
{
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	return names;
}

/* The names that are not those of features: what a missing feature may have been misspelt as. */
static List *
ml_bind_other_names(const MlBinding *binding, List *names)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		bool		known = false;

		for (int i = 0; i < binding->model->pipeline->ninputs && !known; i++)
			known = strcmp(binding->model->pipeline->inputs[i].name, lfirst(lc)) == 0;
		if (!known)
			others = lappend(others, lfirst(lc));
	}
	return others;
}

void
ml_bind_missing(MlBinding *binding, const char *name, List *names)
{
	if (ml_bind_refuse(binding))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("feature column \"%s\" of model \"%s\" is missing", name, binding->ref),
			 errdetail("The row has: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, ml_bind_other_names(binding, names),
										"Score rows with the columns the model was trained on."))));
}

static void
ml_bind_mismatch(MlBinding *binding, const MlInput *input, Oid type)
{
	if (ml_bind_refuse(binding))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("feature \"%s\" of model \"%s\" cannot be of type %s", input->name, binding->ref,
					format_type_be(type)),
			 errdetail("It was %s in training, which needs %s.", input->type_name,
					   ml_type_class_name(input->class)),
			 errhint("Cast it to %s.", input->type_name)));
}

static void
ml_bind_wrong_count(MlBinding *binding, const char *what, int given, int expected)
{
	List	   *names = NIL;

	if (ml_bind_refuse(binding))
		return;
	for (int i = 0; i < binding->model->pipeline->ninputs; i++)
		names = lappend(names, binding->model->pipeline->inputs[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			 errmsg("%s has %d features, but model \"%s\" has %d", what, given, binding->ref, expected),
			 errdetail("The features in order are: %s.", ml_text_list(names, 50)),
			 errhint("Give one value for each, in this order, or score a row with column names.")));
}

/* Whether an input can take values of a type class. */
static bool
ml_bind_fits(const MlInput *input, MlTypeClass class)
{
	if (input->class == ML_TYPE_TEXT)
		return class != ML_TYPE_UNSUPPORTED && class != ML_TYPE_ARRAY;
	return input->class == class;
}

/* Whether a row type is that of ROW(...): its columns are f1, f2 and so on. */
static bool
ml_bind_anonymous(TupleDesc desc)
{
	if (desc->tdtypeid != RECORDOID)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		char		name[16];

		snprintf(name, sizeof name, "f%d", i + 1);
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			return false;
	}
	return true;
}

/* The attribute of a name, looking first where the previous one makes it likely. */
static int
ml_bind_attribute(TupleDesc desc, const char *name, int guess)
{
	if (guess < desc->natts && strcmp(NameStr(TupleDescAttr(desc, guess)->attname), name) == 0)
		return guess;
	for (int i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0 &&
			!TupleDescAttr(desc, i)->attisdropped)
			return i;
	return -1;
}

bool
ml_bind_by_position(MlBinding *binding, TupleDesc desc)
{
	const MlPipeline *pipeline = binding->model->pipeline;
	bool		in_order = true;

	if (!ml_bind_anonymous(desc))
		return false;
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		int			attribute = ml_bind_attribute(desc, pipeline->inputs[i].name, i);

		if (attribute < 0)
			return true;
		in_order &= attribute == i;
	}
	if (!in_order && desc->natts == pipeline->ninputs && !ml_bind_refuse(binding))
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("the row can be bound to model \"%s\" by position and by name", binding->ref),
				 errdetail("The features of the model are called like the columns of ROW(...), in another order."),
				 errhint("Give the features as jsonb or as a row of a named type.")));
	return false;
}

/* The byte offsets of attributes in a tuple without NULLs, up to the first of variable length. */
static void
ml_bind_offsets(TupleDesc desc, int *offsets)
{
	int			offset = 0;
	bool		fixed = true;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		fixed &= att->attlen > 0;
		offsets[i] = -1;
		if (!fixed)
			continue;
		offset = att_align_nominal(offset, att->attalign);
		offsets[i] = offset;
		offset += att->attlen;
	}
}

/* Settles how values of a type become the cells of an input. */
static void
ml_bind_type(MlBinding *binding, MlBoundInput *bound, Oid type)
{
	ml_convert_init(&bound->convert, type);
	/* an untyped literal in ROW(...) may be NULL, which fits everywhere */
	if (!ml_bind_fits(bound->input, bound->convert.class) && type != UNKNOWNOID)
		ml_bind_mismatch(binding, bound->input, type);
}

/* Settles which attributes are the inputs; false if a soft binding cannot. */
static bool
ml_bind_attributes(MlBinding *binding, TupleDesc desc, bool by_position)
{
	const MlPipeline *pipeline = binding->model->pipeline;
	int		   *offsets = palloc(sizeof(int) * Max(desc->natts, 1));
	int			attribute = -1;

	ml_bind_offsets(desc, offsets);
	for (int i = 0; i < pipeline->ninputs && !binding->refused; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];
		Form_pg_attribute att;

		bound->input = &pipeline->inputs[i];
		attribute = by_position ? i : ml_bind_attribute(desc, bound->input->name, attribute + 1);
		if (attribute < 0)
		{
			ml_bind_missing(binding, bound->input->name, ml_bind_names_of(desc));
			break;
		}
		att = TupleDescAttr(desc, attribute);
		bound->attribute = attribute;
		bound->offset = offsets[attribute];
		bound->length = att->attlen;
		bound->by_value = att->attbyval;
		ml_bind_type(binding, bound, att->atttypid);
	}
	pfree(offsets);
	return !binding->refused;
}

void
ml_bind_desc(MlBinding *binding, TupleDesc desc)
{
	const MlPipeline *pipeline = binding->model->pipeline;
	bool		by_position = ml_bind_by_position(binding, desc);
	MemoryContext old = MemoryContextSwitchTo(binding->context);

	if (by_position && desc->natts != pipeline->ninputs)
		ml_bind_wrong_count(binding, "the row", desc->natts, pipeline->ninputs);
	binding->row_type = InvalidOid;
	if (binding->inputs == NULL)
		binding->inputs = palloc0(sizeof(MlBoundInput) * Max(pipeline->ninputs, 1));
	binding->unfit = binding->refused || !ml_bind_attributes(binding, desc, by_position);
	if (binding->desc)
	{
		FreeTupleDesc(binding->desc);
		pfree(binding->values);
		pfree(binding->nulls);
	}
	binding->desc = CreateTupleDescCopy(desc);
	binding->natts = desc->natts;
	binding->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	binding->nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	binding->row_type = desc->tdtypeid;
	binding->row_typmod = desc->tdtypmod;
	MemoryContextSwitchTo(old);
}

void
ml_bind_wrong_length(MlBinding *binding, const MlInput *input, int length)
{
	if (ml_bind_refuse(binding))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			 errmsg("array feature \"%s\" of model \"%s\" has %d elements", input->name, binding->ref, length),
			 errdetail("It had %d in training.", input->ncells),
			 errhint("Give an array of the same length.")));
}

double
ml_bind_infinite(MlBinding *binding, const MlInput *input, double x)
{
	if (!ml_bind_refuse(binding))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("feature \"%s\" of model \"%s\" is infinite", input->name, binding->ref),
				 errdetail("A feature must be finite, NaN or NULL."),
				 errhint("Replace it, for instance by nullif(%s, '%s').", quote_identifier(input->name),
						 ml_text_number(x))));
	return ml_cell_null();
}

double
ml_bind_unseen(MlBinding *binding, const MlInput *input, const char *text, int length)
{
	if (!ml_bind_refuse(binding))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature \"%s\" of model \"%s\" has the value \"%s\", which no training row has", input->name,
						binding->ref, pnstrdup(text, pg_mbcliplen(text, length, 100))),
				 errdetail("The model's pipeline does not say what stands for it."),
				 errhint("Train with a step that says so, such as {\"step\": \"ordinal\", \"unseen\": -1}.")));
	return ml_cell_null();
}

void
ml_bind_terms(MlBinding *binding, const MlInput *input, const char *text, int length, double *cells)
{
	Oid			config = binding->configs[input - binding->model->pipeline->inputs];

	if (unlikely(!OidIsValid(config)))
	{
		if (!ml_bind_refuse(binding))
			ml_terms_no_config(input, binding->ref);
		return;
	}
	if (!ml_terms_cells(input, config, text, length, cells))
		ml_bind_note_unseen(binding, input);
}

double
ml_bind_valueless(MlBinding *binding, const MlInput *input)
{
	if (!ml_bind_refuse(binding))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("feature \"%s\" of model \"%s\" is missing its value", input->name, binding->ref),
				 errdetail("The model's pipeline does not say what stands for NULL or NaN."),
				 errhint("Train with the step \"impute\" in the pipeline, or replace the value.")));
	return ml_cell_null();
}

/* Spreads an array of numbers over the cells of an input of that length. */
static void
ml_bind_spread(MlBinding *binding, const MlInput *input, MlConvert *convert, Datum value, double *cells)
{
	MlArrayReader reader;

	ml_convert_array(convert, value, &reader);
	if (reader.length != input->ncells)
	{
		ml_bind_wrong_length(binding, input, reader.length);
		return;
	}
	for (int i = 0; i < reader.length; i++)
	{
		double		x;

		cells[i] = ml_array_next(&reader, &x) ? ml_bind_number(binding, input, x) : ml_bind_null(binding, input);
	}
}

static inline void
ml_bind_value(MlBinding *binding, MlBoundInput *bound, Datum value, double *cells)
{
	const MlInput *input = bound->input;
	double	   *cell = cells + input->first_cell;

	if (likely(bound->convert.kind == ML_CONVERT_FLOAT8 && input->class == ML_TYPE_NUMBER))
		*cell = ml_bind_number(binding, input, DatumGetFloat8(value));
	else if (input->class == ML_TYPE_TEXT)
	{
		int			length;
		const char *text = ml_convert_text(&bound->convert, value, &length);

		ml_bind_text(binding, input, text, length, cell);
	}
	else if (unlikely(bound->convert.class == ML_TYPE_TEXT))
		ml_bind_mismatch(binding, input, UNKNOWNOID);
	else if (input->class == ML_TYPE_ARRAY)
		ml_bind_spread(binding, input, &bound->convert, value, cell);
	else
		*cell = ml_bind_number(binding, input, ml_convert_number(&bound->convert, value));
}

void
ml_bind_values(MlBinding *binding, const Datum *values, const bool *nulls, double *cells)
{
	int			ninputs = binding->model->pipeline->ninputs;

	for (int i = 0; i < ninputs; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];

		if (nulls[bound->attribute])
			for (int e = 0; e < bound->input->ncells; e++)
				cells[bound->input->first_cell + e] = ml_bind_null(binding, bound->input);
		else
			ml_bind_value(binding, bound, values[bound->attribute], cells);
	}
}

void
ml_bind_names(MlBinding *binding, int ncolumns, const char *const *names, const Oid *types)
{
	const MlPipeline *pipeline = binding->model->pipeline;
	MemoryContext old = MemoryContextSwitchTo(binding->context);
	int			column = -1;

	binding->inputs = palloc0(sizeof(MlBoundInput) * Max(pipeline->ninputs, 1));
	binding->columns = palloc(sizeof(int) * Max(pipeline->ninputs, 1));
	/* where float8 is passed by reference, a NULL has nothing to look at */
	binding->plain = FLOAT8PASSBYVAL;
	for (int i = 0; i < pipeline->ninputs && !binding->refused; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];

		bound->input = &pipeline->inputs[i];
		column++;
		if (column >= ncolumns || strcmp(names[column], bound->input->name) != 0)
			for (column = 0; column < ncolumns && strcmp(names[column], bound->input->name) != 0; column++)
				;
		if (column >= ncolumns)
		{
			List	   *given = NIL;

			for (int j = 0; j < ncolumns; j++)
				given = lappend(given, unconstify(char *, names[j]));
			ml_bind_missing(binding, bound->input->name, given);
			break;
		}
		bound->attribute = binding->columns[i] = column;
		ml_bind_type(binding, bound, types[column]);
		binding->plain &= bound->input->class == ML_TYPE_NUMBER && bound->convert.kind == ML_CONVERT_FLOAT8;
	}
	binding->unfit = binding->refused;
	binding->plain &= !binding->unfit;
	MemoryContextSwitchTo(old);
}

/* Whether a float8 is infinite or NaN, as the sign of what is returned: the exponent's ones carry into it. */
static inline uint64
ml_bind_odd(uint64 bits)
{
	return (bits & UINT64CONST(0x7FF0000000000000)) + UINT64CONST(0x0010000000000000);
}

/* The cells of plain inputs, as long as all are finite; else false, and another has to say what is wrong. */
static inline bool
ml_bind_plain(const MlBinding *binding, const NullableDatum *columns, double *cells)
{
	const int  *from = binding->columns;
	int			ninputs = binding->model->pipeline->ninputs;
	uint64		odd = 0;
	bool		null = false;

	for (int i = 0; i < ninputs; i++)
	{
		const NullableDatum *column = &columns[from[i]];
		uint64		bits = (uint64) column->value;

		odd |= ml_bind_odd(bits);
		null |= column->isnull;
		cells[i] = ml_cell_from_bits(bits);
	}
	return !null && (odd >> 63) == 0;
}

bool
ml_bind_columns(MlBinding *binding, const NullableDatum *columns, double *cells)
{
	int			ninputs = binding->model->pipeline->ninputs;

	if (binding->plain && likely(ml_bind_plain(binding, columns, cells)))
		return true;
	if (unlikely(binding->unfit))
	{
		binding->refused = true;
		return false;
	}
	for (int i = 0; i < ninputs; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];
		const NullableDatum *column = &columns[bound->attribute];

		if (column->isnull)
			for (int e = 0; e < bound->input->ncells; e++)
				cells[bound->input->first_cell + e] = ml_bind_null(binding, bound->input);
		else
			ml_bind_value(binding, bound, column->value, cells);
	}
	return false;
}

void
ml_bind_row(MlBinding *binding, HeapTupleHeader row, double *cells)
{
	int			ninputs = binding->model->pipeline->ninputs;
	Oid			type = HeapTupleHeaderGetTypeId(row);
	int32		typmod = HeapTupleHeaderGetTypMod(row);
	HeapTupleData tuple;
	bool		deformed = false;
	bool		direct;

	if (unlikely(binding->row_type != type || binding->row_typmod != typmod))
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(type, typmod);

		ml_bind_desc(binding, desc);
		ReleaseTupleDesc(desc);
		/* a table's row type names itself with typmod -1 whatever its descriptor says */
		binding->row_type = type;
		binding->row_typmod = typmod;
	}
	if (unlikely(binding->unfit))
	{
		binding->refused = true;
		return;
	}
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	/* without NULLs, what stands before the first value of variable length stands at a known place */
	direct = !HeapTupleHasNulls(&tuple) && HeapTupleHeaderGetNatts(row) >= binding->natts;
	for (int i = 0; i < ninputs; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];

		if (direct && bound->offset >= 0)
		{
			ml_bind_value(binding, bound,
						  fetch_att((char *) row + row->t_hoff + bound->offset, bound->by_value, bound->length),
						  cells);
			continue;
		}
		if (!deformed)
			heap_deform_tuple(&tuple, binding->desc, binding->values, binding->nulls);
		deformed = true;
		if (binding->nulls[bound->attribute])
			for (int e = 0; e < bound->input->ncells; e++)
				cells[bound->input->first_cell + e] = ml_bind_null(binding, bound->input);
		else
			ml_bind_value(binding, bound, binding->values[bound->attribute], cells);
	}
}

/* The input an element of an array of all features belongs to. */
static const MlInput *
ml_bind_input_of(const MlPipeline *pipeline, int element, int *input)
{
	while (*input + 1 < pipeline->ninputs && element >= pipeline->inputs[*input + 1].first_element)
		(*input)++;
	return &pipeline->inputs[*input];
}

/* The cells of an element of an array of all features. */
static void
ml_bind_element(MlBinding *binding, const MlInput *input, int element, Datum value, bool isnull, double *cells)
{
	double	   *cell = cells + input->first_cell + (element - input->first_element);

	if (isnull && input->class == ML_TYPE_ARRAY)
		*cell = ml_bind_null(binding, input);
	else if (isnull)
		for (int e = 0; e < input->ncells; e++)
			cell[e] = ml_bind_null(binding, input);
	else if (input->class == ML_TYPE_TEXT && ml_bind_fits(input, binding->element.class))
	{
		int			bytes;
		const char *text = ml_convert_text(&binding->element, value, &bytes);

		ml_bind_text(binding, input, text, bytes, cell);
	}
	else if (input->class == binding->element.class ||
			 (input->class == ML_TYPE_ARRAY && binding->element.class == ML_TYPE_NUMBER))
		*cell = ml_bind_number(binding, input, ml_convert_number(&binding->element, value));
	else
	{
		ml_bind_mismatch(binding, input, binding->element_type);
		binding->refused = true;
	}
}

/* The cells of an array of float8, as long as all are finite. */
static inline bool
ml_bind_plain_array(const char *data, int length, double *cells)
{
	uint64		odd = 0;

	for (int i = 0; i < length; i++)
	{
		uint64		bits;

		memcpy(&bits, data + sizeof(float8) * i, sizeof bits);
		odd |= ml_bind_odd(bits);
		cells[i] = ml_cell_from_bits(bits);
	}
	return (odd >> 63) == 0;
}

bool
ml_bind_array(MlBinding *binding, ArrayType *array, double *cells)
{
	const MlPipeline *pipeline = binding->model->pipeline;
	int			length = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	Datum	   *values;
	bool	   *nulls;
	int			at = 0;

	if (binding->element_type != ARR_ELEMTYPE(array))
	{
		MemoryContext old = MemoryContextSwitchTo(binding->context);

		ml_convert_init(&binding->element, ARR_ELEMTYPE(array));
		get_typlenbyvalalign(ARR_ELEMTYPE(array), &binding->element_length, &binding->element_by_value,
							 &binding->element_align);
		binding->element_type = ARR_ELEMTYPE(array);
		MemoryContextSwitchTo(old);
	}
	if (length != pipeline->nelements)
	{
		ml_bind_wrong_count(binding, "the array", length, pipeline->nelements);
		return false;
	}
	if (binding->numbers && binding->element_type == FLOAT8OID && !ARR_HASNULL(array) &&
		ml_bind_plain_array((const char *) ARR_DATA_PTR(array), length, cells))
		return true;
	deconstruct_array(array, binding->element_type, binding->element_length, binding->element_by_value,
					  binding->element_align, &values, &nulls, &length);
	for (int i = 0; i < length && !binding->refused; i++)
		ml_bind_element(binding, ml_bind_input_of(pipeline, i, &at), i, values[i], nulls[i], cells);
	pfree(values);
	pfree(nulls);
	return false;
}
