/*
 * train_register.c - the end of a training: the version is registered, and deployed as asked for and allowed.
 *
 * All of it is one transaction with the caller's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "flow/gates.h"
#include "flow/load_copy.h"
#include "flow/search.h"
#include "flow/training.h"
#include "store/access.h"
#include "store/suites.h"

/* Whether only a first version was to be deployed, and there is one in production. */
static bool
ml_train_comes_late(const MlTraining *t)
{
	return strcmp(t->spec->deploy, "first") == 0 && ml_catalog_in_production(t->spec->model);
}

/* Decides whether the version is to be deployed, as far as asked for and allowed. */
static bool
ml_train_deploys(MlTraining *t)
{
	int32		approvers;
	char	   *owner;

	if (strcmp(t->spec->deploy, "never") == 0 || ml_train_comes_late(t))
		return false;
	if (ml_catalog_model_exists(t->spec->model, &owner) &&
		!ml_access_allowed(t->spec->model, owner, ML_PRIV_DEPLOY))
	{
		ml_note(&t->notes, "the version was not deployed: that needs the privilege deploy");
		return false;
	}
	approvers = ml_catalog_approvers(t->spec->model, "production");
	if (approvers > 0)
	{
		ml_note(&t->notes, "the version was not deployed: role production needs the approval of %d other %s",
				approvers, approvers == 1 ? "person" : "people");
		return false;
	}
	return true;
}

/* Deploys the version that was just registered, unless its gates or a want of approvals forbid it; notes say so. */
static bool
ml_train_deploy(MlTraining *t, int32 version)
{
	const char *caller = t->spec->repeats ? "ml.retrain" : "ml.train";
	MlGatePass *pass;
	List	   *refusals;
	ListCell   *lc;

	/* the model is locked since: another first training may have been faster */
	if (ml_train_comes_late(t))
		return false;
	refusals = ml_gates_refusals(t->spec->model, version, "production", false, &pass);
	foreach(lc, refusals)
		ml_note(&t->notes, "the version was not deployed: %s", (char *) lfirst(lc));
	if (refusals != NIL)
		return false;
	if (strcmp(t->spec->deploy, "if_gates_pass") == 0 && pass->gate_ids == NIL)
		ml_note(&t->notes, "the version was deployed: the model has no gates for role production");
	ml_catalog_deploy(t->spec->model, version, psprintf("%s with deploy => '%s'", caller, t->spec->deploy), pass);
	return true;
}

/*
 * A retraining has nobody who reads its result: what was decided of deploying
 * stays with the version, all notes but so many, and an event says why not.
 */
static void
ml_train_keep_reasons(MlTraining *t, const MlTrainResult *result, int before)
{
	if (t->spec->repeats == NULL)
		return;
	if (!result->deployed && list_length(t->notes.items) == before)
		ml_note(&t->notes, "the version was not deployed: deploy is '%s'%s", t->spec->deploy,
				strcmp(t->spec->deploy, "first") == 0 ? ", and another version is in production" : "");
	if (list_length(t->notes.items) > before)
		ml_catalog_deploy_notes(t->spec->model, result->version, t->spec->deploy, result->deployed,
								list_copy_tail(t->notes.items, before));
}

/*
 * Writes the rows that were read to a table of whose source they come from:
 * who may retrain a model need not be allowed to see them.
 */
static void
ml_train_store_copy(const MlTraining *t, MlRegistration *r)
{
	MlIdentitySaved saved;
	MlStoredCopy stored;

	if (t->load->copy == NULL)
		return;
	r->snapshot_id = ml_catalog_snapshot_number();
	if (t->spec->repeats)
		ml_identity_enter(&t->spec->repeats->identity, &saved);
	ml_load_copy_write(t->load->copy, t->spec->model, r->snapshot_id, &stored);
	if (t->spec->repeats)
		ml_identity_leave(&saved);
	r->stored_as = stored.table;
	r->stored_query = stored.query;
}

void
ml_train_register(MlTraining *t, MlTrainResult *result)
{
	MlRegistration r;
	int64		run_id;
	int			before = list_length(t->notes.items);
	bool		deploys = ml_train_deploys(t);
	List	   *notes = t->notes.items;

	/* of a retraining, what follows is written when all of it is known */
	if (t->spec->repeats)
		t->notes.items = list_truncate(list_copy(notes), before);
	ml_record_fill(t, &r);
	ml_train_store_copy(t, &r);
	t->notes.items = notes;
	result->version = ml_catalog_register(&r, &run_id);
	ml_search_record(t, run_id);
	CommandCounterIncrement();
	if (t->checked != NIL)
		(void) ml_catalog_check_results(t->spec->model, t->spec->source, t->checked);
	result->deployed = deploys && ml_train_deploy(t, result->version);
	ml_train_keep_reasons(t, result, before);
	result->metrics = unconstify(char *, r.metrics_json);
	result->rows = r.rows;
	result->features = t->model->pipeline->ninputs;
	result->algorithm = r.algorithm;
	result->task = r.task;
}
