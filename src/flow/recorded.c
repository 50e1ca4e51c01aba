/*
 * recorded.c - reading again the rows that a version was trained on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/recorded.h"
#include "flow/split.h"
#include "utils/memutils.h"

static char *
ml_recorded_text(Jsonb *json, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = getKeyJsonValueFromContainer(&json->root, key, strlen(key), &buffer);

	return v && v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : NULL;
}

static List *
ml_recorded_list(Jsonb *json, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *v = getKeyJsonValueFromContainer(&json->root, key, strlen(key), &buffer);
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

MlLoad *
ml_recorded_load(const MlVersionRef *version, const char *target, const char *hint, MlTrainingRecord *record)
{
	MlLoad	   *load = palloc0(sizeof(MlLoad));
	MlIdentity *identity = palloc(sizeof(MlIdentity));
	JsonbValue	buffer;
	JsonbValue *split;

	if (!ml_catalog_training(version->model, version->version, record))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not recorded which rows version %d of model \"%s\" was trained on", version->version,
						version->model),
				 errdetail("Its training recorded no snapshot."),
				 errhint("%s", hint)));
	split = getKeyJsonValueFromContainer(&record->params->root, "split", 5, &buffer);
	identity->model = version->model;
	identity->role = record->trainer;
	identity->search_path = record->search_path;
	load->context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops load", ALLOCSET_DEFAULT_SIZES);
	load->identity = identity;
	load->source = record->source;
	load->target = target;
	load->weight = ml_recorded_text(record->params, "weight");
	load->features = ml_recorded_list(record->params, "features");
	load->exclude = ml_recorded_list(record->params, "exclude");
	load->seed = record->seed;
	ml_split_parse(split && split->type != jbvNull ? JsonbValueToJsonb(split) : NULL, load);
	return load;
}
