/*
 * call.c - the arguments of ml.train as JSON, for the catalog and for jobs.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/call.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* ---- writing ---- */

static void
ml_call_put_key(StringInfo out, const char *key)
{
	appendStringInfoString(out, out->data[out->len - 1] == '{' ? "" : ", ");
	ml_json_text(out, key);
	appendStringInfoString(out, ": ");
}

static void
ml_call_put_text(StringInfo out, const char *key, const char *value)
{
	ml_call_put_key(out, key);
	ml_json_text(out, value);
}

static void
ml_call_put_json(StringInfo out, const char *key, Jsonb *value)
{
	ml_call_put_key(out, key);
	appendStringInfoString(out, value ? JsonbToCString(NULL, &value->root, VARSIZE(value)) : "null");
}

static void
ml_call_put_list(StringInfo out, const char *key, const List *items)
{
	ListCell   *lc;

	ml_call_put_key(out, key);
	appendStringInfoChar(out, '[');
	foreach(lc, items)
	{
		appendStringInfoString(out, lc == list_head(items) ? "" : ", ");
		ml_json_text(out, lfirst(lc));
	}
	appendStringInfoChar(out, ']');
}

void
ml_call_write(StringInfo out, const MlTrainSpec *spec, bool whole)
{
	appendStringInfoChar(out, '{');
	ml_call_put_text(out, "source", spec->source);
	ml_call_put_text(out, "target", spec->target);
	ml_call_put_text(out, "algorithm", spec->algorithm);
	ml_call_put_text(out, "task", spec->task);
	ml_call_put_text(out, "weight", spec->weight);
	if (spec->features == NIL)
		ml_call_put_json(out, "features", NULL);
	else
		ml_call_put_list(out, "features", spec->features);
	ml_call_put_list(out, "exclude", spec->exclude);
	ml_call_put_json(out, "params", spec->params);
	ml_call_put_json(out, "pipeline", spec->pipeline);
	ml_call_put_json(out, "split", spec->split);
	ml_call_put_json(out, "search", spec->search);
	ml_call_put_key(out, "seed");
	appendStringInfo(out, "%lld", (long long) spec->seed);
	ml_call_put_text(out, "snapshot", spec->snapshot);
	ml_call_put_text(out, "deploy", spec->deploy);
	if (whole)
	{
		ml_call_put_text(out, "model", spec->model);
		ml_call_put_text(out, "experiment", spec->experiment);
		ml_call_put_json(out, "tags", spec->tags);
		ml_call_put_text(out, "code", spec->code);
	}
	appendStringInfoChar(out, '}');
}

void
ml_call_write_learned(StringInfo out, const char *algorithm, Jsonb *params, Jsonb *pipeline)
{
	/* the call is open again */
	out->data[--out->len] = '\0';
	ml_call_put_key(out, "learned_with");
	appendStringInfoChar(out, '{');
	ml_call_put_text(out, "algorithm", algorithm);
	ml_call_put_json(out, "params", params);
	ml_call_put_json(out, "pipeline", pipeline);
	appendStringInfoString(out, "}}");
}

/* ---- reading ---- */

static JsonbValue *
ml_call_member(Jsonb *call, const char *key, JsonbValue *buffer)
{
	return getKeyJsonValueFromContainer(&call->root, key, strlen(key), buffer);
}

char *
ml_call_text(Jsonb *call, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = ml_call_member(call, key, &buffer);

	return v && v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : NULL;
}

List *
ml_call_list(Jsonb *call, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = ml_call_member(call, key, &buffer);
	List	   *items = NIL;

	if (v == NULL || v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		return NIL;
	for (uint32 i = 0; i < JsonContainerSize(v->val.binary.data); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(v->val.binary.data, i);

		if (item->type == jbvString)
			items = lappend(items, pnstrdup(item->val.string.val, item->val.string.len));
	}
	return items;
}

int64
ml_call_int64(Jsonb *call, const char *key, int64 otherwise)
{
	JsonbValue	buffer;
	JsonbValue *v = ml_call_member(call, key, &buffer);

	return v && v->type == jbvNumeric ?
		DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(v->val.numeric))) : otherwise;
}

Jsonb *
ml_call_json(Jsonb *call, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = ml_call_member(call, key, &buffer);

	return v && v->type != jbvNull ? JsonbValueToJsonb(v) : NULL;
}

void
ml_call_read(Jsonb *call, MlTrainSpec *spec)
{
	memset(spec, 0, sizeof *spec);
	spec->model = ml_call_text(call, "model");
	spec->source = ml_call_text(call, "source");
	spec->target = ml_call_text(call, "target");
	spec->algorithm = ml_call_text(call, "algorithm");
	spec->features = ml_call_list(call, "features");
	spec->exclude = ml_call_list(call, "exclude");
	spec->task = ml_call_text(call, "task");
	spec->params = ml_call_json(call, "params");
	spec->pipeline = ml_call_json(call, "pipeline");
	spec->split = ml_call_json(call, "split");
	spec->search = ml_call_json(call, "search");
	spec->weight = ml_call_text(call, "weight");
	spec->seed = ml_call_int64(call, "seed", 0);
	spec->snapshot = ml_call_text(call, "snapshot");
	spec->deploy = ml_call_text(call, "deploy");
	spec->experiment = ml_call_text(call, "experiment");
	spec->tags = ml_call_json(call, "tags");
	spec->code = ml_call_text(call, "code");
}
