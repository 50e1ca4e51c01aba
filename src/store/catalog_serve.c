/*
 * catalog_serve.c - moves what serves: deployments, their rollback, and aliases.
 *
 * Deployments and aliases are histories: a change ends the current row and
 * adds a new one, both at the same moment, taken under the model's row lock and
 * never before an earlier change of that model. Production rows are chained by
 * rollback_id: ml.deploy links its row to the production row before it, and
 * ml.rollback gives its own row the link of the row it went back to. So
 * deploy 1, 2, 3 and two rollbacks end at 1, never back at 3.
 *
 * A canary takes its rows from the version in production, so there is none
 * without one: whatever leaves a model without production ends its canary.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Raises an error unless the version exists; says whether it is archived and its current role. */
void
ml_catalog_version_state(const MlModelRow *model, int32 version, bool *archived, char **role)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	if (ml_catalog_execute("SELECT v.archived_at IS NOT NULL, d.role FROM ml.versions v LEFT JOIN ml.deployments d "
						   "ON d.model = v.model AND d.version = v.version AND d.ended_at IS NULL "
						   "WHERE v.model = $1 AND v.version = $2", &args, &row) == 0)
	{
		ml_report_as_of_now();
		ml_report_no_version(model->model, model->owner, version);
	}
	*archived = strcmp(row.column[0], "t") == 0;
	*role = row.column[1];
}

/* Raises an error when the version is archived; doing says what was tried. */
void
ml_catalog_refuse_archived(const MlModelRow *model, int32 version, bool archived, const char *doing)
{
	if (archived)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s version %d of model \"%s\"", doing, version, model->model),
				 errdetail("The version is archived."),
				 errhint("Choose a version that is not archived, or train a new one.")));
}

/* Raises an error when the version has an alias; doing says what was tried. */
void
ml_catalog_refuse_aliased(const MlModelRow *model, int32 version, const char *doing)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	if (ml_catalog_execute("SELECT a.alias FROM ml.aliases a WHERE a.model = $1 AND a.current_version = $2 "
						   "ORDER BY a.alias", &args, &row) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot %s version %d of model \"%s\"", doing, version, model->model),
				 errdetail("Alias \"%s\" points to it.", row.column[0]),
				 errhint("Move the alias with ml.set_alias, or drop it with ml.drop_alias.")));
}

/* The moment of a change: now, but not before the newest moment in the histories of the model. */
static Datum
ml_change_time(const MlModelRow *model)
{
	MlArgs		args = {0};
	MlRow		row;

	/* As microseconds of the server's own epoch: text would depend on DateStyle. */
	ml_bind_arg_text(&args, model->model);
	ml_catalog_execute("SELECT (extract(epoch FROM greatest(pg_catalog.clock_timestamp(), max(h.at)) "
					   "- timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint FROM ("
					   "SELECT greatest(d.deployed_at, d.ended_at) AS at FROM ml.deployments d WHERE d.model = $1 "
					   "UNION ALL "
					   "SELECT greatest(a.valid_from, a.valid_until) FROM ml.aliases a WHERE a.model = $1) h",
					   &args, &row);
	return TimestampTzGetDatum(ml_row_int64(&row, 0));
}

/* ---- deployments ---- */

/* The newest production row of a model, current or not. */
typedef struct MlProduction
{
	int64		id;				/* 0: never in production */
	int32		version;
	bool		current;
} MlProduction;

static MlProduction
ml_newest_production(const MlModelRow *model)
{
	MlArgs		args = {0};
	MlRow		row;
	MlProduction newest = {0};

	ml_bind_arg_text(&args, model->model);
	if (ml_catalog_execute("SELECT d.deployment_id, d.version, d.ended_at IS NULL FROM ml.deployments d "
						   "WHERE d.model = $1 AND d.role = 'production' "
						   "ORDER BY d.deployment_id DESC LIMIT 1", &args, &row) > 0)
	{
		newest.id = ml_row_int64(&row, 0);
		newest.version = (int32) ml_row_int64(&row, 1);
		newest.current = strcmp(row.column[2], "t") == 0;
	}
	return newest;
}

/* The current canary of a model; 0 when there is none. */
static int32
ml_current_canary(const MlModelRow *model)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	if (ml_catalog_execute("SELECT d.version FROM ml.deployments d "
						   "WHERE d.model = $1 AND d.role = 'canary' AND d.ended_at IS NULL", &args, &row) == 0)
		return 0;
	return (int32) ml_row_int64(&row, 0);
}

/*
 * Ends the version's current deployment and, for production and canary, the
 * one that holds the role; adds the new row. Returns the moment of both.
 */
static Datum
ml_switch_role(const MlModelRow *model, int32 version, const char *role, const double *traffic,
			   int64 rollback_id, const char *reason)
{
	MlArgs		args = {0};
	Datum		at = ml_change_time(model);

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, role);
	ml_arg(&args, TIMESTAMPTZOID, at, false);
	ml_catalog_execute("UPDATE ml.deployments SET ended_at = $4 WHERE model = $1 AND ended_at IS NULL "
					   "AND (version = $2 OR ($3 IN ('production', 'canary') AND role = $3))", &args, NULL);
	ml_bind_arg_text(&args, model->actor);
	ml_bind_arg_text(&args, reason);
	ml_arg(&args, INT8OID, Int64GetDatum(rollback_id), rollback_id == 0);
	ml_arg(&args, FLOAT8OID, traffic != NULL ? Float8GetDatum(*traffic) : (Datum) 0, traffic == NULL);
	ml_catalog_execute("INSERT INTO ml.deployments (model, version, role, deployed_at, actor, reason, rollback_id, traffic) "
					   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", &args, NULL);
	return at;
}

/* Ends the canary of a model that is left without production, with an event of its own. */
static void
ml_end_canary(const MlModelRow *model, Datum at)
{
	int32		canary = ml_current_canary(model);
	MlArgs		args = {0};
	StringInfoData detail;

	if (canary == 0)
		return;
	ml_bind_arg_text(&args, model->model);
	ml_arg(&args, TIMESTAMPTZOID, at, false);
	ml_catalog_execute("UPDATE ml.deployments SET ended_at = $2 "
					   "WHERE model = $1 AND role = 'canary' AND ended_at IS NULL", &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "role", "canary");
	ml_detail_json(&detail, "versions", psprintf("[%d]", canary));
	ml_detail_text(&detail, "reason", "no version is in production");
	ml_catalog_event("undeploy", model, canary, &detail);
}

/* Writes the event of a version that came into a role; from_version is the one that held production or canary, or 0. */
static void
ml_role_event(const char *kind, const MlModelRow *model, const MlRoleChange *change, const char *from_role,
			  int32 from_version)
{
	StringInfoData detail;

	initStringInfo(&detail);
	ml_detail_text(&detail, "role", change->role);
	ml_detail_json(&detail, "traffic", change->traffic != NULL ? ml_text_number(*change->traffic) : NULL);
	ml_detail_text(&detail, "from_role", from_role);
	ml_detail_json(&detail, "from_version", from_version > 0 ? psprintf("%d", from_version) : NULL);
	ml_detail_text(&detail, "reason", change->reason);
	ml_detail_json(&detail, "force", change->force ? "true" : NULL);
	ml_catalog_event(kind, model, change->version, &detail);
}

/* Writes the event of gates that were overruled. */
static void
ml_force_event(const MlModelRow *model, const MlRoleChange *change)
{
	StringInfoData detail;

	initStringInfo(&detail);
	ml_detail_text(&detail, "role", change->role);
	ml_detail_text(&detail, "reason", change->reason);
	ml_detail_json(&detail, "gates", change->gates->overruled);
	ml_catalog_event("force", model, change->version, &detail);
}

/* Whether a role has the given name; a version without a role (NULL) has none. */
static bool
ml_role_is(const char *role, const char *name)
{
	return role != NULL && strcmp(role, name) == 0;
}

/* Whether the version is the canary with this share of traffic already. */
static bool
ml_same_traffic(const MlRoleChange *change)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, change->model);
	ml_bind_arg_int4(&args, change->version);
	ml_arg(&args, FLOAT8OID, Float8GetDatum(*change->traffic), false);
	return ml_catalog_execute("SELECT FROM ml.deployments d WHERE d.model = $1 AND d.version = $2 "
							  "AND d.role = 'canary' AND d.traffic = $3 AND d.ended_at IS NULL", &args, NULL) > 0;
}

/* Raises an error when the roles of the model do not allow the change. */
static void
ml_refuse_role(const MlRoleChange *change, const char *from_role, bool in_production)
{
	const MlStanding *standing = change->standing;

	if (standing != NULL &&
		(standing->in_production != in_production || !ml_text_same(standing->role, from_role)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not promote version %d of model \"%s\" due to a concurrent change",
						change->version, change->model),
				 errdetail("The step to role %s was decided for roles that have changed since.", change->role),
				 errhint("Promote it again.")));
	if (ml_role_is(from_role, "production") && strcmp(change->role, "retired") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot move version %d of model \"%s\" to role %s", change->version, change->model, change->role),
				 errdetail("The version is in production, and the model would be left without one."),
				 errhint("Deploy another version to production first, or use ml.undeploy.")));
	if (strcmp(change->role, "canary") == 0 && !in_production)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot move version %d of model \"%s\" to role canary", change->version, change->model),
				 errdetail("A canary takes a share of the rows of the version in production, and no version is."),
				 errhint("Put a version into production with ml.deploy.")));
}

/* Reads where a version stands, without a lock. */
void
ml_catalog_standing(const char *model_name, int32 version, MlStanding *out)
{
	MlModelRow	model = {0};
	bool		archived;
	char	   *role;

	model.model = pstrdup(model_name);
	model.owner = ml_catalog_owner(model_name);
	ml_catalog_version_state(&model, version, &archived, &role);
	out->role = role;
	out->in_production = ml_newest_production(&model).current;
}

/* Puts a version into a role; one that is in it already is left with a NOTICE. */
void
ml_catalog_set_role(const MlRoleChange *change)
{
	const char *role = change->role;
	bool		to_production = strcmp(role, "production") == 0;
	bool		to_canary = strcmp(role, "canary") == 0;
	MlModelRow	model;
	MlProduction production;
	int32		canary;
	bool		archived;
	char	   *from_role;
	Datum		at;

	ml_catalog_lock(change->model, &model);
	ml_catalog_version_state(&model, change->version, &archived, &from_role);
	if (ml_role_is(from_role, role) && !(to_canary && !ml_same_traffic(change)))
	{
		ereport(NOTICE,
				(errmsg("version %d of model \"%s\" is already in role %s", change->version, model.model, role)));
		return;
	}
	if (strcmp(role, "retired") != 0)
		ml_catalog_refuse_archived(&model, change->version, archived, "deploy");
	production = ml_newest_production(&model);
	canary = ml_current_canary(&model);
	ml_refuse_role(change, from_role, production.current);

	/* who found the version in the role asked no gates; it has left it since */
	if (change->gates == NULL && !ml_role_is(from_role, role))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("version %d of model \"%s\" left role %s in the meantime", change->version, model.model, role),
				 errhint("Try again.")));
	if (change->gates != NULL)
	{
		if (!change->force)
			ml_catalog_gates_confirm(&model, role, change->gates);
		if (change->gates->overruled != NULL)
			ml_force_event(&model, change);
	}
	/*
	 * What has to hold under the lock, for ml.deploy, ml.promote and ml.train
	 * alike: the roles cannot change any more until the transaction ends.
	 */
	ml_catalog_check_approvals(&model, change->version, role);

	at = ml_switch_role(&model, change->version, role, change->traffic, to_production ? production.id : 0,
						change->reason);
	ml_role_event("deploy", &model, change, from_role,
				  to_production && production.current ? production.version :
				  to_canary && canary != change->version ? canary : 0);
	if (ml_role_is(from_role, "production"))
		ml_end_canary(&model, at);
}

/* Puts a version into role production. */
void
ml_catalog_deploy(const char *model, int32 version, const char *reason, const MlGatePass *gates)
{
	MlRoleChange change = {0};

	change.model = model;
	change.version = version;
	change.role = "production";
	change.reason = reason;
	change.gates = gates;
	ml_catalog_set_role(&change);
}

/*
 * Finds the version before the one in production, and the link of its row.
 * Versions that were dropped, archived or retired since are passed over. After
 * an undeploy, the version before is the one that was taken out.
 */
static bool
ml_rollback_target(const MlProduction *from, MlRow *row)
{
	MlArgs		args = {0};

	ml_bind_arg_int8(&args, from->id);
	ml_arg(&args, INT4OID, Int32GetDatum(from->version), !from->current);
	return ml_catalog_execute("WITH RECURSIVE back AS ("
							  "SELECT d.model, d.version, d.rollback_id, d.deployment_id "
							  "FROM ml.deployments d WHERE d.deployment_id = $1 "
							  "UNION ALL "
							  "SELECT d.model, d.version, d.rollback_id, d.deployment_id "
							  "FROM back b JOIN ml.deployments d ON d.deployment_id = b.rollback_id) "
							  "SELECT b.version, b.rollback_id FROM back b "
							  "JOIN ml.versions v ON v.model = b.model AND v.version = b.version "
							  "WHERE b.version IS DISTINCT FROM $2 AND v.archived_at IS NULL AND NOT EXISTS ("
							  "SELECT FROM ml.deployments r WHERE r.model = b.model AND r.version = b.version "
							  "AND r.role = 'retired' AND r.ended_at IS NULL) "
							  "ORDER BY b.deployment_id DESC LIMIT 1", &args, row) > 0;
}

/* Whether ml.rollback would find a version. */
bool
ml_catalog_can_roll_back(const char *model_name)
{
	MlModelRow	model = {0};
	MlProduction from;
	MlRow		row;

	model.model = pstrdup(model_name);
	from = ml_newest_production(&model);
	return ml_rollback_target(&from, &row);
}

/* Puts production back to the version before. */
void
ml_catalog_rollback(const char *model_name, const char *reason)
{
	MlModelRow	model;
	MlProduction from;
	MlRow		row;
	MlRoleChange change = {0};
	int64		rollback_id;
	bool		archived;
	char	   *from_role;

	ml_catalog_lock(model_name, &model);
	from = ml_newest_production(&model);
	if (!ml_rollback_target(&from, &row))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no earlier version in production to roll back to", model.model),
				 from.current
				 ? errdetail("Version %d is in production, and no version before it can serve.", from.version)
				 : errdetail("No version that was in production can serve."),
				 errhint("Put a version into production with ml.deploy.")));

	change.model = model.model;
	change.version = (int32) ml_row_int64(&row, 0);
	change.role = "production";
	change.reason = reason;
	rollback_id = row.column[1] != NULL ? ml_row_int64(&row, 1) : 0;
	ml_catalog_version_state(&model, change.version, &archived, &from_role);
	ml_switch_role(&model, change.version, change.role, NULL, rollback_id, reason);
	ml_role_event("rollback", &model, &change, from_role, from.current ? from.version : 0);
}

/* Ends the current deployments in a role, with one event for all; a canary ends with production. */
void
ml_catalog_end_role(const char *model_name, const char *role)
{
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	StringInfoData detail;
	Datum		at;

	ml_catalog_lock(model_name, &model);
	at = ml_change_time(&model);
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, role);
	ml_arg(&args, TIMESTAMPTZOID, at, false);
	ml_catalog_execute("WITH ended AS (UPDATE ml.deployments SET ended_at = $3 "
					   "WHERE model = $1 AND role = $2 AND ended_at IS NULL RETURNING version) "
					   "SELECT pg_catalog.jsonb_agg(e.version ORDER BY e.version), max(e.version), count(*) FROM ended e",
					   &args, &row);
	if (row.column[0] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version in role %s", model.model, role),
				 errhint("Table ml.deployments shows the current roles: the rows without ended_at.")));

	initStringInfo(&detail);
	ml_detail_text(&detail, "role", role);
	ml_detail_json(&detail, "versions", row.column[0]);
	ml_catalog_event("undeploy", &model, ml_row_int64(&row, 2) == 1 ? (int32) ml_row_int64(&row, 1) : 0, &detail);
	if (strcmp(role, "production") == 0)
		ml_end_canary(&model, at);
}

/* ---- aliases ---- */

/* Ends the current row of an alias and returns the version it pointed to, or 0. */
static int32
ml_end_alias(const MlModelRow *model, const char *alias, Datum at)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_text(&args, alias);
	ml_arg(&args, TIMESTAMPTZOID, at, false);
	if (ml_catalog_execute("UPDATE ml.aliases SET valid_until = $3 "
						   "WHERE model = $1 AND alias = $2 AND valid_until IS NULL RETURNING version",
						   &args, &row) == 0)
		return 0;
	return (int32) ml_row_int64(&row, 0);
}

/* Points an alias to a version; one that points to it already is left with a NOTICE. */
void
ml_catalog_set_alias(const char *model_name, const char *alias, int32 version)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;
	bool		archived;
	char	   *role;
	Datum		at;
	int32		from;

	ml_catalog_lock(model_name, &model);
	ml_catalog_version_state(&model, version, &archived, &role);
	ml_catalog_refuse_archived(&model, version, archived, "set an alias to");
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, alias);
	ml_bind_arg_int4(&args, version);
	if (ml_catalog_execute("SELECT FROM ml.aliases a WHERE a.model = $1 AND a.alias = $2 AND a.current_version = $3",
						   &args, NULL) > 0)
	{
		ereport(NOTICE,
				(errmsg("alias \"%s\" of model \"%s\" already points to version %d", alias, model.model, version)));
		return;
	}

	at = ml_change_time(&model);
	from = ml_end_alias(&model, alias, at);
	ml_bind_arg_text(&args, model.actor);
	ml_arg(&args, TIMESTAMPTZOID, at, false);
	ml_catalog_execute("INSERT INTO ml.aliases (model, alias, version, actor, valid_from) "
					   "VALUES ($1, $2, $3, $4, $5)", &args, NULL);

	initStringInfo(&detail);
	ml_detail_text(&detail, "alias", alias);
	ml_detail_json(&detail, "from_version", from > 0 ? psprintf("%d", from) : NULL);
	ml_catalog_event("set_alias", &model, version, &detail);
}

/* Ends an alias. */
void
ml_catalog_drop_alias(const char *model_name, const char *alias)
{
	MlModelRow	model;
	StringInfoData detail;
	int32		version;

	ml_catalog_lock(model_name, &model);
	version = ml_end_alias(&model, alias, ml_change_time(&model));
	if (version == 0)
	{
		ml_report_as_of_now();
		ml_report_no_alias(model.model, model.owner, alias);
	}
	initStringInfo(&detail);
	ml_detail_text(&detail, "alias", alias);
	ml_catalog_event("drop_alias", &model, version, &detail);
}
