/*
 * recorded.c - reading again the rows that a version was trained on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/call.h"
#include "flow/recorded.h"
#include "flow/split.h"
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
