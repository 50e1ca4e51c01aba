/*
 * registry.c - the SQL door of the registry: reads arguments, calls flow/deploy, returns.
 *
 * The functions are not strict, so that a NULL is an error that says so
 * instead of a change that silently does not happen.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"

#include "commands/trigger.h"
#include "flow/deploy.h"
#include "flow/rights.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A text argument as a C string, or NULL. */
static char *
ml_getarg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The version argument; raises an error when it is null or no version number. */
static int32
ml_getarg_version(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("version must not be null"),
				 errhint("Give the number of a version; ml.versions lists them.")));
	if (PG_GETARG_INT32(n) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid version %d", PG_GETARG_INT32(n)),
				 errhint("Versions are numbered from 1.")));
	return PG_GETARG_INT32(n);
}

/* ml.deploy(model, version, role, traffic, reason, force) */
ML_FUNCTION(ml_deploy)
{
	double		traffic = PG_ARGISNULL(3) ? 0.0 : PG_GETARG_FLOAT8(3);

	ml_deploy_to_role(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1), ml_getarg_text(fcinfo, 2),
					  PG_ARGISNULL(3) ? NULL : &traffic, ml_getarg_text(fcinfo, 4),
					  !PG_ARGISNULL(5) && PG_GETARG_BOOL(5));
	PG_RETURN_VOID();
}

/* ml.promote(model, version, traffic) */
ML_FUNCTION(ml_promote)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("traffic must not be null"),
				 errhint("Leave it out for a tenth of the rows.")));
	PG_RETURN_TEXT_P(cstring_to_text(ml_deploy_promote(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1),
													   PG_GETARG_FLOAT8(2))));
}

/* ml.require_approval(model, role, approvers) */
ML_FUNCTION(ml_require_approval)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("approvers must not be null"),
				 errhint("Say how many people other than the trainer must approve; 0 removes the rule.")));
	ml_deploy_require_approval(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1), PG_GETARG_INT32(2));
	PG_RETURN_VOID();
}

/* ml.approve(model, version, role) */
ML_FUNCTION(ml_approve)
{
	ml_deploy_approve(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1), ml_getarg_text(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.withdraw_approval(model, version, role) */
ML_FUNCTION(ml_withdraw_approval)
{
	ml_deploy_withdraw_approval(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1), ml_getarg_text(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.rollback(model, reason) */
ML_FUNCTION(ml_rollback)
{
	ml_deploy_rollback(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.undeploy(model, role) */
ML_FUNCTION(ml_undeploy)
{
	ml_deploy_undeploy(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.set_alias(model, alias, version) */
ML_FUNCTION(ml_set_alias)
{
	ml_deploy_set_alias(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1), ml_getarg_version(fcinfo, 2));
	PG_RETURN_VOID();
}

/* ml.drop_alias(model, alias) */
ML_FUNCTION(ml_drop_alias)
{
	ml_deploy_drop_alias(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.describe(model, description) */
ML_FUNCTION(ml_describe)
{
	ml_deploy_describe(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.tag(model, key, value) */
ML_FUNCTION(ml_tag)
{
	char	   *value = NULL;

	if (!PG_ARGISNULL(2))
		value = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(2)));
	ml_deploy_tag(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1), value);
	PG_RETURN_VOID();
}

/* ml.set_invalid_policy(model, action) */
ML_FUNCTION(ml_set_invalid_policy)
{
	ml_deploy_set_invalid_policy(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.archive(model, version) */
ML_FUNCTION(ml_archive)
{
	ml_deploy_archive(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.drop_version(model, version) */
ML_FUNCTION(ml_drop_version)
{
	ml_deploy_drop_version(ml_getarg_text(fcinfo, 0), ml_getarg_version(fcinfo, 1));
	PG_RETURN_VOID();
}

/* ml.drop_model(model) */
ML_FUNCTION(ml_drop_model)
{
	ml_deploy_drop_model(ml_getarg_text(fcinfo, 0));
	PG_RETURN_VOID();
}

/* ml.grant(model, privilege, grantee) */
ML_FUNCTION(ml_grant)
{
	ml_deploy_grant(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1), ml_arg_role(fcinfo, 2, "grantee"));
	PG_RETURN_VOID();
}

/* ml.revoke(model, privilege, grantee) */
ML_FUNCTION(ml_revoke)
{
	ml_deploy_revoke(ml_getarg_text(fcinfo, 0), ml_getarg_text(fcinfo, 1), ml_arg_role(fcinfo, 2, "grantee"));
	PG_RETURN_VOID();
}

/* ml.attach(model, relation) */
ML_FUNCTION(ml_attach)
{
	ml_deploy_attach(ml_getarg_text(fcinfo, 0), PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* ml.detach(model, relation) */
ML_FUNCTION(ml_detach)
{
	ml_deploy_detach(ml_getarg_text(fcinfo, 0), PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* ml.set_owner(model, owner) */
ML_FUNCTION(ml_set_owner)
{
	(void) ml_arg_role(fcinfo, 1, "owner");
	ml_deploy_set_owner(ml_getarg_text(fcinfo, 0), PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* Adds one row of ml.my_rights. */
static void
ml_put_right(void *arg, const char *model, const char *privilege)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) arg;
	Datum		values[2] = {CStringGetTextDatum(model), CStringGetTextDatum(privilege)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.my_rights() */
ML_FUNCTION(ml_my_rights)
{
	InitMaterializedSRF(fcinfo, 0);
	ml_catalog_my_rights(ml_put_right, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ml.deployed_at(model, at): shows to whoever may see the model. */
ML_FUNCTION(ml_deployed_at)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *model = ml_getarg_text(fcinfo, 0);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_ANY);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("at must not be null"),
				 errhint("Give a moment, such as now().")));
	foreach(lc, ml_catalog_deployed_at(model, PG_GETARG_TIMESTAMPTZ(1)))
	{
		MlDeployment *d = (MlDeployment *) lfirst(lc);
		Datum		values[3] = {Int32GetDatum(d->version), CStringGetTextDatum(d->role), Float8GetDatum(d->traffic)};
		bool		nulls[3] = {false, false, !d->has_traffic};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Adds one row of ml.verify_events. */
static void
ml_put_problem(void *arg, int64 event_id, const char *problem)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) arg;
	Datum		values[2] = {Int64GetDatum(event_id), CStringGetTextDatum(problem)};
	bool		nulls[2] = {event_id == 0, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* ml.verify_events() */
ML_FUNCTION(ml_verify_events)
{
	InitMaterializedSRF(fcinfo, 0);
	ml_catalog_verify_events(ml_put_problem, fcinfo->resultinfo);
	return (Datum) 0;
}

/* ml.event_anchor() */
ML_FUNCTION(ml_event_anchor)
{
	PG_RETURN_TEXT_P(cstring_to_text(ml_catalog_event_anchor()));
}

/* ml.has_privilege(model, privilege): false for a model that does not exist; row security asks it of each row. */
ML_FUNCTION(ml_has_privilege)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MlPrivilege privilege;

	if (!ml_access_parse(name, &privilege))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown privilege \"%s\"", name),
				 errhint("The privileges are use, read, train and deploy; owner and any can be asked for too.")));
	PG_RETURN_BOOL(ml_rights_held(model, privilege));
}

/* ml.refuse_change(): lets a change of recorded history pass only inside the catalog's own writes. */
ML_FUNCTION(ml_refuse_change)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ml.refuse_change\" was not called by trigger manager")));
	if (!ml_catalog_writing())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ml.%s\" cannot be changed directly", RelationGetRelationName(trigger->tg_relation)),
				 errdetail("Its rows are recorded history."),
				 trigger->tg_trigger->tgnargs > 0 ? errhint("%s", trigger->tg_trigger->tgargs[0]) : 0));
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return PointerGetDatum(trigger->tg_newtuple);
	return PointerGetDatum(TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ? trigger->tg_trigtuple : NULL);
}
