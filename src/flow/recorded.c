/*
 * recorded.c - reading again the rows that a version was trained on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "flow/call.h"
#include "flow/recorded.h"
#include "flow/split.h"
#include "utils/guc.h"
#include "utils/memutils.h"

MlLoad *
ml_recorded_load(const MlVersionRef *version, const char *target, const char *hint, MlTrainingRecord *record)
{
	MlLoad	   *load = palloc0(sizeof(MlLoad));
	MlIdentity *identity = palloc(sizeof(MlIdentity));

	if (!ml_catalog_training(version->model, version->version, record))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not recorded which rows version %d of model \"%s\" was trained on", version->version,
						version->model),
				 errdetail("Its training recorded no snapshot."),
				 errhint("%s", hint)));
	identity->model = version->model;
	identity->role = record->trainer;
	identity->search_path = record->search_path;
	load->context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops load", ALLOCSET_DEFAULT_SIZES);
	load->identity = identity;
	load->source = record->source;
	load->target = target;
	load->weight = ml_call_text(record->params, "weight");
	load->features = ml_call_list(record->params, "features");
	load->exclude = ml_call_list(record->params, "exclude");
	load->seed = record->seed;
	ml_split_parse(ml_call_json(record->params, "split"), load);
	/* the stored model has learned from the rows that were held out for a while */
	if (load->refit)
		load->split = ML_SPLIT_NONE;
	return load;
}

void
ml_recorded_settings_write(StringInfo out)
{
	appendStringInfoString(out, ", \"settings\": {");
	for (int i = 0; i < ML_SOURCE_SETTINGS; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		ml_json_text(out, ml_source_settings[i]);
		appendStringInfoString(out, ": ");
		ml_json_text(out, GetConfigOption(ml_source_settings[i], false, false));
	}
	appendStringInfoChar(out, '}');
}

static void
ml_recorded_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

int
ml_recorded_settings_enter(Jsonb *environment)
{
	int			nest_level = NewGUCNestLevel();
	Jsonb	   *settings = ml_call_json(environment, "settings");
	int64		categories = ml_call_int64(environment, "max_categories", 0);

	for (int i = 0; settings && i < ML_SOURCE_SETTINGS; i++)
	{
		char	   *value = ml_call_text(settings, ml_source_settings[i]);

		if (value)
			ml_recorded_set(ml_source_settings[i], value);
	}
	if (categories > 0)
		ml_recorded_set("pg_mlops.max_categories", psprintf("%lld", (long long) categories));
	return nest_level;
}
