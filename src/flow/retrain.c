/*
 * retrain.c - a model's newest training once more, on today's rows.
 *
 * The call is the recorded one. Its source stays that of who wrote it: it is
 * read with his rights, whoever retrains, and the new version says so, so that
 * the next retraining reads it the same way.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/aside.h"
#include "flow/call.h"
#include "flow/recorded.h"
#include "flow/retrain.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/guc.h"

static void
ml_retrain_read(const char *model, MlTrainSpec *spec, MlTrainingRecord *record)
{
	MlRepeat   *repeat = palloc0(sizeof(MlRepeat));

	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_TRAIN);
	repeat->version = ml_catalog_newest(model);
	if (repeat->version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no version whose training could be repeated", model),
				 errdetail("All of its versions are archived or dropped."),
				 errhint("Train it with ml.train.")));
	(void) ml_catalog_training(model, repeat->version, record);
	if (record->params == NULL || ml_call_text(record->params, "source") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the training of version %d of model \"%s\" cannot be repeated", repeat->version, model),
				 errdetail("Its call is not recorded: it was not trained by ml.train."),
				 errhint("Train a version with ml.train; later ones can repeat that.")));
	ml_call_read(record->params, spec);
	repeat->run_id = record->run_id;
	repeat->environment = record->environment;
	repeat->identity.model = model;
	repeat->identity.role = record->trainer;
	repeat->identity.search_path = record->search_path;
	spec->repeats = repeat;
}

void
ml_retrain_prepare(const char *model, const char *deploy, MlTrainSpec *spec)
{
	MlTrainingRecord record;

	ml_retrain_read(model, spec, &record);
	spec->model = pstrdup(model);
	spec->seed = record.seed;
	spec->experiment = record.experiment;
	spec->code = record.code;
	spec->deploy = pstrdup(deploy);
}

void
ml_retrain_run(const char *model, const char *deploy, const char *login, bool detached, MlTrainResult *result)
{
	MlTrainSpec spec;
	MlAside		aside;
	int			nest_level;

	ml_aside_begin(&aside, detached);
	ml_retrain_prepare(model, deploy, &spec);
	ml_aside_end(&aside);
	spec.login = login;
	spec.detached = detached;
	nest_level = ml_recorded_settings_enter(spec.repeats->environment);
	ml_train_run(&spec, result);
	AtEOXact_GUC(false, nest_level);
}
