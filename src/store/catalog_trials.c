/*
 * catalog_trials.c - writes what was tried for a training: child runs of the training's run.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/trials.h"
#include "utils/timestamp.h"

void
ml_catalog_trial(int64 run, const MlTrialRecord *trial)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_int8(&args, run);
	ml_bind_arg_json(&args, trial->params);
	ml_bind_arg_text(&args, trial->status);
	ml_bind_arg_text(&args, trial->error);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(trial->started_at), false);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(trial->finished_at), false);
	ml_catalog_execute("INSERT INTO ml.runs (experiment, kind, model, parent_run_id, status, params, seed, code, actor, "
					   "started_at, finished_at, environment, error) "
					   "SELECT r.experiment, 'trial', r.model, r.run_id, $3, $2, r.seed, r.code, r.actor, "
					   "$5, greatest($5, $6), r.environment, $4 FROM ml.runs r WHERE r.run_id = $1 RETURNING run_id",
					   &args, &row);
	ml_catalog_run_metrics(ml_row_int64(&row, 0), trial->metrics, trial->nmetrics);
}
