/*
 * file.c - ml.check_file.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "flow/file_check.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

static MlFileBound
ml_file_arg_bound(FunctionCallInfo fcinfo, int n)
{
	MlFileBound bound = {false, 0};

	if (!PG_ARGISNULL(n))
	{
		bound.given = true;
		bound.value = PG_GETARG_INT64(n);
	}
	return bound;
}

static void
ml_file_put_json(Datum *values, bool *nulls, int i, const char *json)
{
	nulls[i] = json == NULL;
	values[i] = json != NULL ? DirectFunctionCall1(jsonb_in, CStringGetDatum(json)) : (Datum) 0;
}

static void
ml_file_put_count(Datum *values, bool *nulls, int i, int64 n)
{
	nulls[i] = n < 0;
	values[i] = Int64GetDatum(n);
}

/*
 * ml.check_file(path, format, min_bytes, max_bytes, columns, encoding, min_lines, max_lines, delimiter, header, target,
 * quote, escape): what a file on the server holds.
 */
ML_FUNCTION(ml_check_file)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MlFileAsk	ask = {0};
	ListCell   *lc;

	ask.path = ml_arg_required(fcinfo, 0, "path");
	ask.format = ml_arg_text(fcinfo, 1);
	ask.min_bytes = ml_file_arg_bound(fcinfo, 2);
	ask.max_bytes = ml_file_arg_bound(fcinfo, 3);
	ask.has_columns = !PG_ARGISNULL(4);
	ask.columns = ml_arg_list(fcinfo, 4, "columns");
	ask.encoding = ml_arg_text(fcinfo, 5);
	ask.min_lines = ml_file_arg_bound(fcinfo, 6);
	ask.max_lines = ml_file_arg_bound(fcinfo, 7);
	ask.delimiter = ml_arg_text(fcinfo, 8);
	ask.has_header = !PG_ARGISNULL(9);
	ask.header = ask.has_header && PG_GETARG_BOOL(9);
	ask.target = PG_ARGISNULL(10) ? InvalidOid : PG_GETARG_OID(10);
	ask.quote = ml_arg_text(fcinfo, 11);
	ask.escape = ml_arg_text(fcinfo, 12);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_file_check(&ask))
	{
		const MlFileRow *row = lfirst(lc);
		bool		skipped = strcmp(row->status, "skipped") == 0;
		Datum		values[10] = {0};
		bool		nulls[10] = {false};

		ml_put_text(values, nulls, 0, row->name);
		ml_put_text(values, nulls, 1, "file");
		ml_put_text(values, nulls, 2, row->column_name);
		ml_put_text(values, nulls, 3, row->severity);
		nulls[4] = skipped;
		values[4] = BoolGetDatum(strcmp(row->status, "pass") == 0);
		ml_put_text(values, nulls, 5, row->status);
		ml_file_put_json(values, nulls, 6, row->observed);
		ml_file_put_json(values, nulls, 7, row->expected);
		ml_file_put_count(values, nulls, 8, row->n);
		ml_file_put_count(values, nulls, 9, row->n_failed);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
