/*
 * catalog_approvals.c - approvals: how many a role needs, and who has given them.
 *
 * An approval is of one version for one role, and stays good for it: versions
 * do not change. One person counts once, whichever role he acts as: neither an
 * approver nor a login occurs twice. Rules and approvals are read under the
 * lock on the model's row when a version enters a role, so a withdrawal either
 * comes before and counts, or waits.
 */
#include "postgres.h"

#include "base/compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"

/*
 * The name of the role that logged in. A superuser who acts as another role
 * is that role: he could log in as it.
 */
static char *
ml_login(void)
{
	return GetUserNameFromId(superuser_arg(GetSessionUserId()) ? GetUserId() : GetSessionUserId(), false);
}

/* How many approvals a version needs to enter a role; 0 where no rule says so. */
int32
ml_catalog_approvers(const char *model, const char *role)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	ml_bind_arg_text(&args, role);
	if (ml_catalog_execute("SELECT a.approvers FROM ml.approval_rules a WHERE a.model = $1 AND a.role = $2",
						   &args, &row) == 0)
		return 0;
	return (int32) ml_row_int64(&row, 0);
}

/* Raises an error when the version lacks approvals for the role. */
void
ml_catalog_check_approvals(const MlModelRow *model, int32 version, const char *role)
{
	int32		needed = ml_catalog_approvers(model->model, role);
	int32		given;
	MlArgs		args = {0};
	MlRow		row;

	if (needed == 0)
		return;
	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, role);
	ml_catalog_execute("SELECT count(*), pg_catalog.string_agg('\"' || a.approver || '\"', ', ' ORDER BY a.approver) "
					   "FROM ml.approvals a WHERE a.model = $1 AND a.version = $2 AND a.role = $3", &args, &row);
	given = (int32) ml_row_int64(&row, 0);
	if (given < needed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of model \"%s\" lacks approval for role %s", version, model->model, role),
				 errdetail("Approvals: %d of %d%s%s.", given, needed, given > 0 ? ", by " : "",
						   given > 0 ? row.column[1] : ""),
				 errhint("Ask somebody with the privilege deploy who did not train it: SELECT ml.approve(%s, %d, %s);",
						 quote_literal_cstr(model->model), version, quote_literal_cstr(role))));
}

/* Sets how many approvals a role of a model needs; 0 removes the rule. */
void
ml_catalog_require_approval(const char *model_name, const char *role, int32 approvers)
{
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;
	int32		before;

	ml_catalog_lock(model_name, &model);
	before = ml_catalog_approvers(model.model, role);
	if (before == approvers)
	{
		ereport(NOTICE,
				(errmsg("the number of approvals for role %s of model \"%s\" is already %d",
						role, model.model, approvers)));
		return;
	}
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_text(&args, role);
	if (approvers == 0)
		ml_catalog_execute("DELETE FROM ml.approval_rules WHERE model = $1 AND role = $2", &args, NULL);
	else
	{
		ml_bind_arg_int4(&args, approvers);
		ml_bind_arg_text(&args, model.actor);
		ml_catalog_execute("INSERT INTO ml.approval_rules (model, role, approvers, set_by) VALUES ($1, $2, $3, $4) "
						   "ON CONFLICT (model, role) DO UPDATE SET approvers = excluded.approvers, "
						   "set_by = excluded.set_by, set_at = pg_catalog.clock_timestamp()", &args, NULL);
	}
	initStringInfo(&detail);
	ml_detail_text(&detail, "role", role);
	ml_detail_json(&detail, "approvers", psprintf("%d", approvers));
	ml_detail_json(&detail, "before", psprintf("%d", before));
	ml_catalog_event("require_approval", &model, 0, &detail);
}

/* Raises an error when the current user or who logged in trained the version. */
static void
ml_refuse_trainer(const MlModelRow *model, int32 version, const char *login)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, model->actor);
	ml_bind_arg_text(&args, login);
	if (ml_catalog_execute("SELECT u.name FROM ml.versions v JOIN ml.runs r ON r.run_id = v.run_id, "
						   "pg_catalog.unnest(ARRAY[v.created_by::text, r.environment ->> 'session_user']) AS u (name) "
						   "WHERE v.model = $1 AND v.version = $2 AND u.name IN ($3, $4) AND (u.name = v.created_by "
						   "OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolname = u.name AND s.rolsuper))",
						   &args, &row) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot approve version %d of model \"%s\"", version, model->model),
				 errdetail("It was trained by \"%s\".", row.column[0]),
				 errhint("Somebody else has to approve it.")));
}

/* Whether the current user has given the approval; raises an error when the same person did under another role. */
static bool
ml_approved_already(const MlModelRow *model, int32 version, const char *role, const char *login)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, role);
	ml_bind_arg_text(&args, model->actor);
	ml_bind_arg_text(&args, login);
	if (ml_catalog_execute("SELECT a.approver, a.login FROM ml.approvals a WHERE a.model = $1 AND a.version = $2 "
						   "AND a.role = $3 AND (a.approver = $4 OR a.login = $5) "
						   "ORDER BY a.approver = $4 AND a.login = $5 DESC", &args, &row) == 0)
		return false;
	if (strcmp(row.column[0], model->actor) != 0 || strcmp(row.column[1], login) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("version %d of model \"%s\" has this approval already", version, model->model),
				 errdetail("\"%s\" approved it, logged in as \"%s\"; the current user is \"%s\", logged in as \"%s\".",
						   row.column[0], row.column[1], model->actor, login),
				 errhint("One person counts once: somebody else has to approve it.")));
	return true;
}

/* Approves that a version enters a role; once more is left with a NOTICE. */
void
ml_catalog_approve(const char *model_name, int32 version, const char *role)
{
	char	   *login = ml_login();
	MlModelRow	model;
	MlArgs		args = {0};
	StringInfoData detail;
	bool		archived;
	char	   *held;

	ml_catalog_lock(model_name, &model);
	ml_catalog_version_state(&model, version, &archived, &held);
	ml_catalog_refuse_archived(&model, version, archived, "approve");
	ml_refuse_trainer(&model, version, login);
	if (ml_approved_already(&model, version, role, login))
	{
		ereport(NOTICE,
				(errmsg("version %d of model \"%s\" already has your approval for role %s", version, model.model, role)));
		return;
	}
	ml_bind_arg_text(&args, model.model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, role);
	ml_bind_arg_text(&args, model.actor);
	ml_bind_arg_text(&args, login);
	ml_catalog_execute("INSERT INTO ml.approvals (model, version, role, approver, login) VALUES ($1, $2, $3, $4, $5)",
					   &args, NULL);
	initStringInfo(&detail);
	ml_detail_text(&detail, "role", role);
	ml_detail_text(&detail, "login", login);
	ml_catalog_event("approve", &model, version, &detail);
}

/* Raises the error for an approval that the current user has not given. */
static ML_NORETURN void
ml_report_no_approval(const char *model, int32 version, const char *role, const char *login)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("version %d of model \"%s\" has no approval of yours for role %s", version, model, role),
			 errdetail("The current user is \"%s\", logged in as \"%s\".", GetUserNameFromId(GetUserId(), false), login),
			 errhint("Table ml.approvals shows the approvals; each is withdrawn by who gave it.")));
}

/*
 * Takes back the approval that the current user, or who logged in, has given.
 * No privilege is asked for, so it looks before it locks.
 */
void
ml_catalog_withdraw_approval(const char *model_name, int32 version, const char *role)
{
	char	   *login = ml_login();
	MlModelRow	model;
	MlArgs		args = {0};
	MlRow		row;
	StringInfoData detail;

	ml_bind_arg_text(&args, model_name);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, role);
	ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	ml_bind_arg_text(&args, login);
	if (ml_catalog_execute("SELECT FROM ml.approvals WHERE model = $1 AND version = $2 AND role = $3 "
						   "AND (approver = $4 OR login = $5)", &args, NULL) == 0)
		ml_report_no_approval(model_name, version, role, login);
	ml_catalog_lock(model_name, &model);
	if (ml_catalog_execute("DELETE FROM ml.approvals WHERE model = $1 AND version = $2 AND role = $3 "
						   "AND (approver = $4 OR login = $5) RETURNING approver", &args, &row) == 0)
		ml_report_no_approval(model_name, version, role, login);
	initStringInfo(&detail);
	ml_detail_text(&detail, "role", role);
	ml_detail_text(&detail, "approver", row.column[0]);
	ml_detail_text(&detail, "login", login);
	ml_catalog_event("withdraw_approval", &model, version, &detail);
}
