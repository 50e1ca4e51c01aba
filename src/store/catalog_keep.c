/*
 * catalog_keep.c - keeps the register: descriptions, tags, policies, archiving and drops.
 *
 * Each function locks the model row first and writes one event. Rights are
 * already checked.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"

#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"

/* Sets the description of a model, or removes it (NULL). */
void
ml_catalog_describe(const char *model_name, const char *description)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, description);
	ml_catalog_execute("UPDATE ml.models SET description = $2 WHERE model = $1", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "description", description);
	ml_catalog_event("describe", &model, 0, &detail);
}

/* Sets a tag of a model to a JSON text, or removes it (NULL). */
void
ml_catalog_tag(const char *model_name, const char *key, const char *value)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, key);
	ml_bind_arg_json(&args, value);
	ml_catalog_execute("UPDATE ml.models SET tags = CASE WHEN $3 IS NULL THEN tags - $2 "
					   "ELSE tags || pg_catalog.jsonb_build_object($2, $3) END WHERE model = $1", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "key", key);
	ml_detail_json(&detail, "value", value);
	ml_catalog_event("tag", &model, 0, &detail);
}

/* Sets what becomes of rows that fail the model's checks when they are to be scored; NULL: they are not judged. */
void
ml_catalog_set_invalid_policy(const char *model_name, const char *policy)
{
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	StringInfoData detail;

	ml_catalog_lock(model_name, &model);
	ml_bind_arg_text(&args, model.model);
	ml_catalog_execute("SELECT m.invalid_policy FROM ml.models m WHERE m.model = $1", &args, &row);
	ml_bind_arg_text(&args, policy);
	ml_catalog_execute("UPDATE ml.models SET invalid_policy = $2 WHERE model = $1", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "action", policy);
	ml_detail_text(&detail, "before", row.column[0]);
	ml_catalog_event("set_invalid_policy", &model, 0, &detail);
}

/* Raises an error when the version is in production; doing says what was tried. */
static void
ml_refuse_in_production(const MlModelRow *model, int32 version, const char *role, const char *doing)
{
	if (role != NULL && strcmp(role, "production") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot %s version %d of model \"%s\"", doing, version, model->model),
				 errdetail("The version is in production."),
				 errhint("Deploy another version first, or use ml.undeploy.")));
}

/* Ends whatever role the version has. */
static void
ml_end_deployment(const MlModelRow *model, int32 version)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	ml_catalog_execute("UPDATE ml.deployments SET ended_at = greatest(pg_catalog.clock_timestamp(), deployed_at) "
					   "WHERE model = $1 AND version = $2 AND ended_at IS NULL", &args, NULL);
}

/* Takes a version out of the choice for service; one that is archived already is left with a NOTICE. */
void
ml_catalog_archive(const char *model_name, int32 version)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;
	bool		archived;
	char	   *role;

	ml_catalog_lock(model_name, &model);
	ml_catalog_version_state(&model, version, &archived, &role);
	if (archived)
	{
		ereport(NOTICE,
				(errmsg("version %d of model \"%s\" is already archived", version, model.model)));
		return;
	}
	ml_refuse_in_production(&model, version, role, "archive");
	ml_catalog_refuse_aliased(&model, version, "archive");

	/* A retired version stays so; another role ends here. */
	if (role != NULL && strcmp(role, "retired") != 0)
		ml_end_deployment(&model, version);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_int4(&args, version);
	ml_catalog_execute("UPDATE ml.versions SET archived_at = pg_catalog.clock_timestamp() "
					   "WHERE model = $1 AND version = $2", &args, NULL);
	ml_attachments_refresh(&model);
	initStringInfo(&detail);
	ml_detail_text(&detail, "from_role", role);
	ml_catalog_event("archive", &model, version, &detail);
}

void
ml_catalog_deploy_notes(const char *model_name, int32 version, const char *deploy, bool deployed, List *notes)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData json;
	StringInfoData detail;
	ListCell   *lc;

	ml_catalog_lock(model_name, &model);
	initStringInfo(&json);
	foreach(lc, notes)
	{
		appendStringInfoString(&json, json.len > 0 ? ", " : "[");
		ml_json_text(&json, lfirst(lc));
	}
	appendStringInfoChar(&json, ']');
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_json(&args, json.data);
	ml_catalog_execute("UPDATE ml.versions SET notes = coalesce(notes, '[]') || $3 WHERE model = $1 AND version = $2",
					   &args, NULL);
	if (deployed)
		return;
	initStringInfo(&detail);
	ml_detail_text(&detail, "deploy", deploy);
	ml_detail_json(&detail, "reasons", json.data);
	ml_catalog_event("not_deployed", &model, version, &detail);
}

/* Says which copies of rows stay behind: they belong to who trained. */
static void
ml_tell_copies(List *tables)
{
	ListCell   *lc;

	foreach(lc, tables)
		ereport(NOTICE,
				(errmsg("table %s keeps its copy of the rows of a training", (const char *) lfirst(lc)),
				 errhint("Drop it with DROP TABLE when it is not needed any more.")));
}

/* The tables (char *) of a statement that returns them, and whether they are there. */
static List *
ml_copies_of(const char *sql, MlArgs *args)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, ml_catalog_rows(sql, args))
	{
		const MlRow *row = lfirst(lc);

		if (row->column[0] != NULL && row->column[1][0] == 't')
			tables = lappend(tables, row->column[0]);
	}
	return tables;
}

/* Deletes a version and the snapshot that only it refers to; its run stays. */
void
ml_catalog_drop_version(const char *model_name, int32 version)
{
	static const char *const deletes[] = {
		"DELETE FROM ml.drift WHERE model = $1 AND version = $2",
		"DELETE FROM ml.slice_baselines WHERE model = $1 AND version = $2",
		"DELETE FROM ml.alerts WHERE model = $1 AND version = $2",
		"DELETE FROM ml.windows WHERE model = $1 AND version = $2",
		"DELETE FROM ml.prediction_log WHERE model = $1 AND version = $2",
		"DELETE FROM ml.detector_states WHERE model = $1 AND version = $2",
		"DELETE FROM ml.truth_windows WHERE model = $1 AND version = $2",
		"DELETE FROM ml.quality WHERE model = $1 AND version = $2",
		"DELETE FROM ml.gate_results WHERE model = $1 AND version = $2",
		"DELETE FROM ml.approvals WHERE model = $1 AND version = $2",
		"DELETE FROM ml.source_columns WHERE model = $1 AND version = $2",
		"DELETE FROM ml.checks c USING ml.suites s WHERE s.suite = c.suite AND s.model = $1 AND s.version = $2",
		"DELETE FROM ml.suites WHERE model = $1 AND version = $2",
	};
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	StringInfoData detail;
	bool		archived;
	char	   *role;
	List	   *copies = NIL;

	ml_catalog_lock(model_name, &model);
	ml_catalog_version_state(&model, version, &archived, &role);
	ml_refuse_in_production(&model, version, role, "drop");
	ml_catalog_refuse_aliased(&model, version, "drop");

	ml_end_deployment(&model, version);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_int4(&args, version);
	for (int i = 0; i < (int) lengthof(deletes); i++)
		ml_catalog_execute(deletes[i], &args, NULL);
	ml_catalog_execute("DELETE FROM ml.versions WHERE model = $1 AND version = $2 "
					   "RETURNING artifact_sha256, snapshot_id", &args, &row);
	initStringInfo(&detail);
	ml_detail_text(&detail, "artifact_sha256", row.column[0]);
	ml_detail_text(&detail, "from_role", role);
	if (row.column[1] != NULL)
	{
		args.n = 0;
		ml_bind_arg_int8(&args, ml_row_int64(&row, 1));
		copies = ml_copies_of("DELETE FROM ml.snapshots s WHERE s.snapshot_id = $1 AND NOT EXISTS ("
							  "SELECT FROM ml.versions v WHERE v.model = s.model AND v.snapshot_id = s.snapshot_id) "
							  "RETURNING s.stored_as, pg_catalog.to_regclass(s.stored_as) IS NOT NULL", &args);
	}
	ml_attachments_refresh(&model);
	ml_catalog_event("drop_version", &model, version, &detail);
	ml_tell_copies(copies);
}

/* Deletes a model with everything but its events; refused while a version is in production. */
void
ml_catalog_drop_model(const char *model_name)
{
	/* Rows that refer come before the rows they refer to. */
	static const char *const deletes[] = {
		"DELETE FROM ml.drift WHERE model = $1",
		"DELETE FROM ml.slice_baselines WHERE model = $1",
		"DELETE FROM ml.monitor_options WHERE model = $1",
		"DELETE FROM ml.alerts WHERE model = $1",
		"DELETE FROM ml.policy_firings WHERE model = $1",
		"DELETE FROM ml.policies WHERE model = $1",
		"DELETE FROM ml.job_queue WHERE model = $1",
		"DELETE FROM ml.windows WHERE model = $1",
		"DELETE FROM ml.prediction_log WHERE model = $1",
		"DELETE FROM ml.truth_sources WHERE model = $1",
		"DELETE FROM ml.detector_states WHERE model = $1",
		"DELETE FROM ml.truth_windows WHERE model = $1",
		"DELETE FROM ml.quality WHERE model = $1",
		"DELETE FROM ml.attachments WHERE model = $1",
		"DELETE FROM ml.gate_results WHERE model = $1",
		"DELETE FROM ml.gates WHERE model = $1",
		"DELETE FROM ml.approvals WHERE model = $1",
		"DELETE FROM ml.approval_rules WHERE model = $1",
		"DELETE FROM ml.source_columns WHERE model = $1",
		"DELETE FROM ml.checks c USING ml.suites s WHERE s.suite = c.suite AND s.model = $1",
		"DELETE FROM ml.suites WHERE model = $1",
		"DELETE FROM ml.aliases WHERE model = $1",
		"DELETE FROM ml.deployments WHERE model = $1",
		"DELETE FROM ml.versions WHERE model = $1",
		"DELETE FROM ml.snapshots WHERE model = $1",
		"DELETE FROM ml.run_metrics m USING ml.runs r WHERE r.run_id = m.run_id AND r.model = $1",
		"DELETE FROM ml.runs WHERE model = $1",
		"DELETE FROM ml.grants WHERE model = $1",
		"DELETE FROM ml.models WHERE model = $1",
	};
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	StringInfoData detail;
	List	   *holders;
	List	   *copies;
	ListCell   *lc;

	ml_bind_arg_text(&args, model_name);
	/* nobody may write rows that refer to the model any more; that it is there is checked below */
	ml_catalog_execute("SELECT FROM ml.models m WHERE m.model = $1 FOR UPDATE", &args, NULL);
	ml_catalog_lock(model_name, &model);
	holders = ml_rights_holders(&model);
	if (ml_catalog_execute("SELECT d.version FROM ml.deployments d "
						   "WHERE d.model = $1 AND d.role = 'production' AND d.ended_at IS NULL", &args, &row) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop model \"%s\"", model.model),
				 errdetail("Its version %s is in production.", row.column[0]),
				 errhint("Take it out of service first: SELECT ml.undeploy(%s, 'production');",
						 quote_literal_cstr(model.model))));

	ml_catalog_execute("SELECT coalesce(pg_catalog.jsonb_agg(v.version ORDER BY v.version), '[]') "
					   "FROM ml.versions v WHERE v.model = $1", &args, &row);
	initStringInfo(&detail);
	ml_detail_text(&detail, "owner", model.owner);
	ml_detail_json(&detail, "versions", row.column[0]);
	copies = ml_copies_of("SELECT s.stored_as, pg_catalog.to_regclass(s.stored_as) IS NOT NULL FROM ml.snapshots s "
						  "WHERE s.model = $1 ORDER BY s.snapshot_id", &args);
	ml_attachments_drop_guards(&model);
	for (int i = 0; i < (int) lengthof(deletes); i++)
		ml_catalog_execute(deletes[i], &args, NULL);
	ml_catalog_event("drop_model", &model, 0, &detail);
	ml_tell_copies(copies);
	foreach(lc, holders)
		ml_rights_lose((const char *) lfirst(lc));
}
