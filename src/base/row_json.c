/*
 * row_json.c - a row of a table as jsonb, and back, without any loss.
 *
 * Everything is palloc'd in the current context. Values of most types go
 * through the type's own output and input functions, under settings that are
 * the same in every session. Most rows have only types of the server's whose
 * text depends on settings that a session seldom changes: then nothing is set.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/row_json.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

typedef enum MlRowJsonForm
{
	ML_ROW_JSON_BOOL,
	ML_ROW_JSON_INT2,
	ML_ROW_JSON_INT4,
	ML_ROW_JSON_INT8,
	ML_ROW_JSON_NUMERIC,
	ML_ROW_JSON_FLOAT4,
	ML_ROW_JSON_FLOAT8,
	ML_ROW_JSON_VARLENA,		/* its bytes are its text */
	ML_ROW_JSON_JSONB,
	ML_ROW_JSON_OUTPUT
} MlRowJsonForm;

typedef struct MlRowJsonColumn
{
	MlRowJsonForm form;
	FmgrInfo	output;
} MlRowJsonColumn;

struct MlRowJson
{
	TupleDesc	desc;
	bool		plain;			/* no value's text depends on search_path, locale or a type that is not the server's */
	MlRowJsonColumn *columns;
};

/* ---- settings ---- */

static const char *const ml_row_json_settings[][2] = {
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmloption", "content"},
	{"lc_monetary", "C"},
	{"search_path", "pg_catalog, pg_temp"},
};

int
ml_row_json_pin(void)
{
	int			level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(ml_row_json_settings); i++)
		(void) set_config_option(ml_row_json_settings[i][0], ml_row_json_settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
ml_row_json_unpin(int level)
{
	AtEOXact_GUC(true, level);
}

/* Whether the settings that a plain row's text depends on are what they would be set to. */
static bool
ml_row_json_pinned(void)
{
	return DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES && extra_float_digits > 0 &&
		bytea_output == BYTEA_OUTPUT_HEX;
}

/* ---- writing ---- */

static MlRowJsonForm
ml_row_json_form(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ML_ROW_JSON_BOOL;
		case INT2OID:
			return ML_ROW_JSON_INT2;
		case INT4OID:
			return ML_ROW_JSON_INT4;
		case INT8OID:
			return ML_ROW_JSON_INT8;
		case NUMERICOID:
			return ML_ROW_JSON_NUMERIC;
		case FLOAT4OID:
			return ML_ROW_JSON_FLOAT4;
		case FLOAT8OID:
			return ML_ROW_JSON_FLOAT8;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
			return ML_ROW_JSON_VARLENA;
		case JSONBOID:
			return ML_ROW_JSON_JSONB;
		default:
			return ML_ROW_JSON_OUTPUT;
	}
}

/* Whether the text of a type written by its output function depends only on what ml_row_json_pinned looks at. */
static bool
ml_row_json_plain(Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case BYTEAOID:
		case UUIDOID:
		case OIDOID:
		case NAMEOID:
		case CHAROID:
			return true;
		default:
			return false;
	}
}

MlRowJson *
ml_row_json_create(TupleDesc desc)
{
	MlRowJson  *json = palloc0(sizeof(MlRowJson));

	json->desc = desc;
	json->plain = true;
	json->columns = palloc0(sizeof(MlRowJsonColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Oid			base;
		Oid			output;
		bool		varlena;

		if (att->attisdropped)
			continue;
		base = getBaseType(att->atttypid);
		json->columns[i].form = ml_row_json_form(base);
		if (json->columns[i].form != ML_ROW_JSON_OUTPUT)
			continue;
		json->plain = json->plain && ml_row_json_plain(base);
		getTypeOutputInfo(base, &output, &varlena);
		fmgr_info(output, &json->columns[i].output);
	}
	return json;
}

static void
ml_row_json_string(JsonbValue *out, const char *text, int length)
{
	out->type = jbvString;
	out->val.string.val = unconstify(char *, text);
	out->val.string.len = length;
}

static void
ml_row_json_number(JsonbValue *out, Datum numeric)
{
	out->type = jbvNumeric;
	out->val.numeric = DatumGetNumeric(numeric);
}

/* A floating point number: its shortest text, which says it exactly. */
static void
ml_row_json_float(JsonbValue *out, double x, char *text)
{
	if (isfinite(x) && !(x == 0 && signbit(x)))
		ml_row_json_number(out, DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
	else
		ml_row_json_string(out, text, strlen(text));
}

/* Nested as it is, but for a null, which would be SQL's, and a string, which would be JSON text. */
static void
ml_row_json_nest(JsonbValue *out, Jsonb *jsonb)
{
	char	   *text;

	if (!JB_ROOT_IS_SCALAR(jsonb))
	{
		out->type = jbvBinary;
		out->val.binary.data = &jsonb->root;
		out->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
		return;
	}
	(void) JsonbExtractScalar(&jsonb->root, out);
	if (out->type != jbvNull && out->type != jbvString)
		return;
	text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	ml_row_json_string(out, text, strlen(text));
}

static void
ml_row_json_value(const MlRowJsonColumn *column, Datum value, JsonbValue *out)
{
	char	   *text;

	switch (column->form)
	{
		case ML_ROW_JSON_BOOL:
			out->type = jbvBool;
			out->val.boolean = DatumGetBool(value);
			break;
		case ML_ROW_JSON_INT2:
			ml_row_json_number(out, NumericGetDatum(int64_to_numeric(DatumGetInt16(value))));
			break;
		case ML_ROW_JSON_INT4:
			ml_row_json_number(out, NumericGetDatum(int64_to_numeric(DatumGetInt32(value))));
			break;
		case ML_ROW_JSON_INT8:
			ml_row_json_number(out, NumericGetDatum(int64_to_numeric(DatumGetInt64(value))));
			break;
		case ML_ROW_JSON_NUMERIC:
			if (!numeric_is_nan(DatumGetNumeric(value)) && !numeric_is_inf(DatumGetNumeric(value)))
				ml_row_json_number(out, value);
			else
			{
				text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
				ml_row_json_string(out, text, strlen(text));
			}
			break;
		case ML_ROW_JSON_FLOAT4:
			ml_row_json_float(out, DatumGetFloat4(value), DatumGetCString(DirectFunctionCall1(float4out, value)));
			break;
		case ML_ROW_JSON_FLOAT8:
			ml_row_json_float(out, DatumGetFloat8(value), float8out_internal(DatumGetFloat8(value)));
			break;
		case ML_ROW_JSON_VARLENA:
			ml_row_json_string(out, VARDATA_ANY(DatumGetPointer(value)), VARSIZE_ANY_EXHDR(DatumGetPointer(value)));
			break;
		case ML_ROW_JSON_JSONB:
			ml_row_json_nest(out, DatumGetJsonbP(value));
			break;
		case ML_ROW_JSON_OUTPUT:
			text = OutputFunctionCall(unconstify(FmgrInfo *, &column->output), value);
			ml_row_json_string(out, text, strlen(text));
			break;
	}
}

/* A value that may be compressed or stored elsewhere, as it is in memory. */
static Datum
ml_row_json_detoast(MlRowJsonForm form, Datum value)
{
	if (form == ML_ROW_JSON_VARLENA)
		return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	if (form == ML_ROW_JSON_NUMERIC)
		return PointerGetDatum(PG_DETOAST_DATUM(value));
	return value;
}

Jsonb *
ml_row_json_write(const MlRowJson *json, const NullableDatum *values, const bool *wanted)
{
	bool		pinned = json->plain && ml_row_json_pinned();
	int			level = pinned ? 0 : ml_row_json_pin();
	JsonbParseState *state = NULL;
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < json->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(json->desc, i);
		JsonbValue	item;

		if (att->attisdropped || (wanted ? !wanted[i] : att->attgenerated != '\0'))
			continue;
		ml_row_json_string(&item, NameStr(att->attname), strlen(NameStr(att->attname)));
		pushJsonbValue(&state, WJB_KEY, &item);
		if (values[i].isnull)
			item.type = jbvNull;
		else
			ml_row_json_value(&json->columns[i], ml_row_json_detoast(json->columns[i].form, values[i].value), &item);
		pushJsonbValue(&state, WJB_VALUE, &item);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	if (!pinned)
		ml_row_json_unpin(level);
	return JsonbValueToJsonb(object);
}

/* ---- reading ---- */

/* The text that the input function reads. */
static char *
ml_row_json_text(Form_pg_attribute att, const JsonbValue *field)
{
	Oid			base = getBaseType(att->atttypid);

	switch (field->type)
	{
		case jbvString:
			return pnstrdup(field->val.string.val, field->val.string.len);
		case jbvBool:
			return pstrdup(field->val.boolean ? "true" : "false");
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(field->val.numeric)));
		default:
			break;
	}
	if (field->type == jbvBinary && (base == JSONOID || base == JSONBOID))
		return JsonbToCString(NULL, field->val.binary.data, field->val.binary.len);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" cannot take a JSON object or array", NameStr(att->attname)),
			 errdetail("Its type is %s.", format_type_be(att->atttypid)),
			 errhint("Write the value as a string, in the form in which the table shows it.")));
	return NULL;
}

static void
ml_row_json_context(void *arg)
{
	errcontext("column \"%s\"", NameStr(((Form_pg_attribute) arg)->attname));
}

Datum
ml_row_json_read(Form_pg_attribute att, const JsonbValue *field, bool *isnull)
{
	ErrorContextCallback context = {error_context_stack, ml_row_json_context, att};
	char	   *text = NULL;
	Oid			input;
	Oid			argument;
	Datum		value;

	error_context_stack = &context;
	*isnull = field->type == jbvNull;
	if (!*isnull)
		text = ml_row_json_text(att, field);
	getTypeInputInfo(att->atttypid, &input, &argument);
	value = OidInputFunctionCall(input, text, argument, att->atttypmod);
	error_context_stack = context.previous;
	return value;
}
