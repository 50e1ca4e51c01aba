/*
 * row_log.c - which scored rows the prediction log gets, and what it gets of them.
 *
 * Cells keep of a text its code alone, and none where training never saw it.
 * So values come from the features in the form in which they were given, by
 * the binding that has just made cells of them: what cannot be bound does not
 * get here. What is made of a row is in a context of its own that is emptied
 * for the next one. Nothing is made of a row that could find no room.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/cell.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "flow/quality.h"
#include "flow/row_log.h"
#include "miscadmin.h"
#include "monitor/log_ring.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

struct MlRowLog
{
	double		fraction;
	MlRoute    *route;			/* of production; NULL where all rows are logged */
	MemoryContext context;
	MemoryContext row;
};

/* The features of a row on their way into JSON and its key. */
typedef struct MlRowWriter
{
	const MlPipeline *pipeline;
	const MlRoute *keys;
	const double *cells;
	JsonbParseState *state;		/* NULL: only the key is asked for */
	Size		room;			/* bytes that texts and JSON may have still */
	bool		full;			/* they have more */
	uint64		sum;
} MlRowWriter;

MlRowLog *
ml_row_log_create(const MlServing *serving, const MlLane *production, MemoryContext context)
{
	MemoryContext old;
	MlRowLog   *log;

	if (!serving->deployed || !(serving->log_fraction > 0) || !ml_shared_ready())
		return NULL;
	old = MemoryContextSwitchTo(context);
	log = palloc0(sizeof(MlRowLog));
	log->fraction = serving->log_fraction;
	if (log->fraction < 1)
		log->route = ml_route_create(production->model->pipeline);
	log->context = context;
	log->row = AllocSetContextCreate(context, "pg_mlops logged row", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(old);
	return log;
}

bool
ml_row_log_wants(const MlRowLog *log, const double *cells)
{
	return ml_monitor_on && (log->route == NULL || ml_route_log_share(log->route, cells) < log->fraction);
}

/* ---- values ---- */

static void
ml_row_json_text(JsonbValue *out, const char *text, int length)
{
	out->type = jbvString;
	out->val.string.val = unconstify(char *, text);
	out->val.string.len = length;
}

/* A finite number by its shortest text, NaN as a string; -0 is 0. A real has the digits of one. */
static void
ml_row_json_number(JsonbValue *out, double x, bool single)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(x))
	{
		ml_row_json_text(out, "NaN", 3);
		return;
	}
	out->type = jbvNumeric;
	if (x == floor(x) && fabs(x) < 1e15)
	{
		out->val.numeric = int64_to_numeric((int64) x);
		return;
	}
	/* not by the output functions, which do as extra_float_digits says */
	if (single)
		float_to_shortest_decimal_buf((float) x, text);
	else
		double_to_shortest_decimal_buf(x, text);
	out->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
														   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* A value of class NUMBER, which is bound to a cell. */
static void
ml_row_json_numeric(const MlConvert *convert, Datum value, double cell, JsonbValue *out)
{
	if (isnan(cell))
	{
		ml_row_json_number(out, cell, false);
		return;
	}
	switch (convert->kind)
	{
		case ML_CONVERT_BOOL:
			out->type = jbvBool;
			out->val.boolean = DatumGetBool(value);
			break;
		case ML_CONVERT_INT8:
			out->type = jbvNumeric;
			out->val.numeric = int64_to_numeric(DatumGetInt64(value));
			break;
		case ML_CONVERT_NUMERIC:
			out->type = jbvNumeric;
			out->val.numeric = DatumGetNumeric(PointerGetDatum(PG_DETOAST_DATUM(value)));
			break;
		default:
			ml_row_json_number(out, cell, convert->kind == ML_CONVERT_FLOAT4);
			break;
	}
}

/* A date, timestamp or interval as text that no setting has a part in. */
static void
ml_row_json_time(const MlConvert *convert, Datum value, JsonbValue *out)
{
	static const int utc = 0;
	char	   *text = palloc(MAXDATELEN + 1);

	if (convert->kind == ML_CONVERT_INTERVAL)
	{
		struct pg_itm span;

		interval2itm(*DatumGetIntervalP(value), &span);
		EncodeInterval(&span, INTSTYLE_POSTGRES, text);
	}
	else if (convert->kind == ML_CONVERT_DATE)
		JsonEncodeDateTime(text, value, DATEOID, NULL);
	else if (convert->class == ML_TYPE_TIME)
		JsonEncodeDateTime(text, value, TIMESTAMPOID, NULL);
	else
		JsonEncodeDateTime(text, value, TIMESTAMPTZOID, &utc);
	ml_row_json_text(out, text, strlen(text));
}

/* ---- inputs ---- */

/* Whether so many bytes more find room. */
static bool
ml_row_fits(MlRowWriter *w, Size bytes)
{
	w->full |= bytes > w->room;
	w->room -= w->full ? w->room : bytes;
	return !w->full;
}

/* Adds a member to the object. */
static void
ml_row_push(MlRowWriter *w, const MlInput *input, JsonbValue *value)
{
	JsonbValue	name;

	if (w->state == NULL || w->full)
		return;
	ml_row_json_text(&name, input->name, strlen(input->name));
	(void) pushJsonbValue(&w->state, WJB_KEY, &name);
	(void) pushJsonbValue(&w->state, WJB_VALUE, value);
}

/* Adds the cells of an input to the key. */
static void
ml_row_sum_cells(MlRowWriter *w, const MlInput *input)
{
	for (int cell = input->first_cell; cell < input->first_cell + input->ncells; cell++)
		w->sum += ml_route_cell(w->keys, cell, w->cells[cell]);
}

/* An input of class TEXT that has a value. */
static void
ml_row_text(MlRowWriter *w, const MlInput *input, const char *text, int length)
{
	JsonbValue	value;

	w->sum += ml_route_text_cell(w->keys, input->first_cell, text, length);
	if (!ml_row_fits(w, length))
		return;
	ml_row_json_text(&value, text, length);
	ml_row_push(w, input, &value);
}

/* An input that is NULL. */
static void
ml_row_null(MlRowWriter *w, const MlInput *input)
{
	JsonbValue	value;
	int			ncells = input->class == ML_TYPE_TEXT ? 1 : input->ncells;

	for (int cell = input->first_cell; cell < input->first_cell + ncells; cell++)
		w->sum += ml_route_cell(w->keys, cell, ml_cell_null());
	value.type = jbvNull;
	ml_row_push(w, input, &value);
}

/* An array of numbers: its elements are the cells. */
static void
ml_row_array(MlRowWriter *w, const MlInput *input, bool single)
{
	JsonbValue	value;

	ml_row_sum_cells(w, input);
	if (w->state == NULL || !ml_row_fits(w, sizeof(double) * input->ncells))
		return;
	ml_row_json_text(&value, input->name, strlen(input->name));
	(void) pushJsonbValue(&w->state, WJB_KEY, &value);
	(void) pushJsonbValue(&w->state, WJB_BEGIN_ARRAY, NULL);
	for (int e = 0; e < input->ncells; e++)
	{
		double		x = w->cells[input->first_cell + e];

		if (ml_cell_is_null(x))
			value.type = jbvNull;
		else
			ml_row_json_number(&value, x, single);
		(void) pushJsonbValue(&w->state, WJB_ELEM, &value);
	}
	(void) pushJsonbValue(&w->state, WJB_END_ARRAY, NULL);
}

/* An input of one value that is not NULL. */
static void
ml_row_value(MlRowWriter *w, const MlInput *input, MlConvert *convert, Datum value)
{
	JsonbValue	json;

	if (input->class == ML_TYPE_TEXT)
	{
		int			length;
		const char *text = ml_convert_text(convert, value, &length);

		ml_row_text(w, input, text, length);
		return;
	}
	if (input->class == ML_TYPE_ARRAY)
	{
		ml_row_array(w, input, convert->kind == ML_CONVERT_FLOAT4_ARRAY || convert->kind == ML_CONVERT_VECTOR);
		return;
	}
	ml_row_sum_cells(w, input);
	if (w->state == NULL)
		return;
	if (input->class == ML_TYPE_NUMBER)
		ml_row_json_numeric(convert, value, w->cells[input->first_cell], &json);
	else
		ml_row_json_time(convert, value, &json);
	ml_row_push(w, input, &json);
}

/* ---- forms ---- */

static void
ml_row_write_columns(MlRowWriter *w, const MlBinding *binding, const NullableDatum *columns)
{
	for (int i = 0; i < w->pipeline->ninputs; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];

		if (columns[bound->attribute].isnull)
			ml_row_null(w, bound->input);
		else
			ml_row_value(w, bound->input, &bound->convert, columns[bound->attribute].value);
	}
}

static void
ml_row_write_tuple(MlRowWriter *w, const MlBinding *binding, HeapTupleHeader row)
{
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, binding->desc, binding->values, binding->nulls);
	for (int i = 0; i < w->pipeline->ninputs; i++)
	{
		MlBoundInput *bound = &binding->inputs[i];

		if (binding->nulls[bound->attribute])
			ml_row_null(w, bound->input);
		else
			ml_row_value(w, bound->input, &bound->convert, binding->values[bound->attribute]);
	}
}

static void
ml_row_write_array(MlRowWriter *w, MlBinding *binding, ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, binding->element_type, binding->element_length, binding->element_by_value,
					  binding->element_align, &values, &nulls, &n);
	for (int i = 0; i < w->pipeline->ninputs; i++)
	{
		const MlInput *input = &w->pipeline->inputs[i];

		if (input->class == ML_TYPE_ARRAY)
			ml_row_array(w, input, binding->element.kind == ML_CONVERT_FLOAT4);
		else if (nulls[input->first_element])
			ml_row_null(w, input);
		else
			ml_row_value(w, input, &binding->element, values[input->first_element]);
	}
}

/* The text that a JSON value is to an input of class TEXT, as when it is bound. */
static const char *
ml_row_json_level(const MlInput *input, const JsonbValue *v, int *length)
{
	const char *text = v->val.string.val;

	if (v->type == jbvString)
	{
		*length = strcmp(input->type_name, "character") == 0 ? bpchartruelen(v->val.string.val, v->val.string.len) :
			v->val.string.len;
		return text;
	}
	text = v->type == jbvBool ? (v->val.boolean ? "true" : "false") :
		DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	*length = strlen(text);
	return text;
}

/* A date, timestamp or interval that came as text, which may mean something else in another session. */
static void
ml_row_json_moment(const MlInput *input, double cell, const JsonbValue *v, JsonbValue *out)
{
	MlConvert	convert;
	Datum		value;

	*out = *v;
	memset(&convert, 0, sizeof convert);
	convert.class = input->class;
	convert.kind = input->class == ML_TYPE_INTERVAL ? ML_CONVERT_INTERVAL : ML_CONVERT_TIMESTAMP;
	if (!ml_convert_time_text(input->class, pnstrdup(v->val.string.val, v->val.string.len), &value))
		return;
	if (strcmp(input->type_name, "date") == 0 && cell == floor(cell))
	{
		convert.kind = ML_CONVERT_DATE;
		value = DateADTGetDatum((DateADT) cell);
	}
	ml_row_json_time(&convert, value, out);
}

static void
ml_row_write_jsonb(MlRowWriter *w, Jsonb *json)
{
	for (int i = 0; i < w->pipeline->ninputs; i++)
	{
		const MlInput *input = &w->pipeline->inputs[i];
		JsonbValue	buffer;
		JsonbValue *v = getKeyJsonValueFromContainer(&json->root, input->name, strlen(input->name), &buffer);
		int			length;
		const char *text;

		if (v == NULL || v->type == jbvNull)
			ml_row_null(w, input);
		else if (input->class == ML_TYPE_TEXT)
		{
			text = ml_row_json_level(input, v, &length);
			ml_row_text(w, input, text, length);
		}
		else
		{
			JsonbValue	moment;

			ml_row_sum_cells(w, input);
			if (v->type == jbvString && input->class != ML_TYPE_NUMBER)
			{
				ml_row_json_moment(input, w->cells[input->first_cell], v, &moment);
				v = &moment;
			}
			/* numbers and arrays have the form that they are bound in again */
			if (ml_row_fits(w, v->type == jbvBinary ? v->val.binary.len : 0))
				ml_row_push(w, input, v);
		}
	}
}

/* Goes through the inputs of a row that a lane has bound. */
static void
ml_row_write(MlRowWriter *w, const MlLane *lane, const MlGiven *given)
{
	switch (given->form)
	{
		case ML_GIVEN_COLUMNS:
			ml_row_write_columns(w, lane->binding, given->columns);
			break;
		case ML_GIVEN_ROW:
			ml_row_write_tuple(w, lane->binding, DatumGetHeapTupleHeader(given->value));
			break;
		case ML_GIVEN_ARRAY:
			ml_row_write_array(w, lane->binding, DatumGetArrayTypeP(given->value));
			break;
		case ML_GIVEN_JSONB:
			ml_row_write_jsonb(w, DatumGetJsonbP(given->value));
			break;
	}
}

static void
ml_row_writer_init(MlRowWriter *w, MlLane *lane, MemoryContext context)
{
	memset(w, 0, sizeof *w);
	if (lane->keys == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		lane->keys = ml_route_create_keys(lane->model->pipeline);
		MemoryContextSwitchTo(old);
	}
	w->pipeline = lane->model->pipeline;
	w->keys = lane->keys;
	w->cells = lane->cells;
}

uint64
ml_row_log_key(MlLane *lane, const MlGiven *given)
{
	MlRowWriter w;

	ml_row_writer_init(&w, lane, lane->binding->context);
	w.room = SIZE_MAX;
	ml_row_write(&w, lane, given);
	return ml_route_row_key(w.sum);
}

/* Completes what the log gets of a row, and hands it over. */
static void
ml_row_log_put(const MlLane *lane, const MlRowWriter *w, Jsonb *features)
{
	MlLogEntry	entry;

	memset(&entry, 0, sizeof entry);
	entry.at = GetCurrentTimestamp();
	entry.model = lane->served->version.model;
	entry.version = lane->served->version.version;
	entry.role = lane->served->role;
	memcpy(entry.digest, lane->served->version.digest, ML_LOG_DIGEST_BYTES);
	entry.row_key = ml_route_row_key(w->sum);
	entry.features = features;
	if (lane->model->task == ML_TASK_CLASSIFICATION)
	{
		int			class = ml_quality_choice(lane->model, lane->out);

		entry.prediction = lane->model->classes[class];
		entry.probability = lane->out[class];
	}
	else
	{
		entry.prediction = ml_text_number(lane->out[0]);
		entry.probability = NAN;
	}
	ml_log_ring_put(&entry);
}

void
ml_row_log_add(MlRowLog *log, MlLane *lane, const MlGiven *given)
{
	MemoryContext old;
	MlRowWriter w;

	MemoryContextReset(log->row);
	old = MemoryContextSwitchTo(log->row);
	ml_row_writer_init(&w, lane, log->context);
	w.room = ml_log_ring_largest();
	(void) pushJsonbValue(&w.state, WJB_BEGIN_OBJECT, NULL);
	ml_row_write(&w, lane, given);
	if (w.full)
		ml_log_ring_drop();
	else
		ml_row_log_put(lane, &w, JsonbValueToJsonb(pushJsonbValue(&w.state, WJB_END_OBJECT, NULL)));
	MemoryContextSwitchTo(old);
}
