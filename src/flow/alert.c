/*
 * alert.c - the verbs on alerts, with their rights.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/alert.h"
#include "flow/deploy.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/timestamp.h"

/* Resolves a reference of the current user's model; with a version that serves unless it only clears. */
static void
ml_alert_version(const char *ref, bool serving, MlVersionRef *version)
{
	MlStanding	standing;

	ml_catalog_resolve(ref, version);
	ml_access_require(version->model, version->owner, ML_PRIV_OWNER);
	if (!serving)
		return;
	ml_catalog_standing(version->model, version->version, &standing);
	if (standing.role == NULL || strcmp(standing.role, "staging") == 0 || strcmp(standing.role, "retired") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of model \"%s\" does not serve", version->version, version->model),
				 errdetail("Alerts are on versions in production, canary and shadow; its role is %s.",
						   standing.role ? standing.role : "none"),
				 errhint("Deploy it first, or name a version that serves.")));
}

static void
ml_alert_check_rule(const char *rule)
{
	if (rule[0] == '\0' || strlen(rule) > ML_ALERT_RULE_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid rule \"%s\"", rule),
				 errdetail("It has %d bytes.", (int) strlen(rule)),
				 errhint("A rule has 1 to %d bytes, such as 'latency' or 'drift:age'.", ML_ALERT_RULE_BYTES_MAX)));
}

int64
ml_alert_report(const char *ref, const char *rule, const char *severity, const char *slice, const char *detail)
{
	MlVersionRef version;
	MlAlertSignal signal = {0};

	ml_deploy_begin("ml.raise_alert()");
	ml_alert_check_rule(rule);
	if (strcmp(severity, "warning") != 0 && strcmp(severity, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown severity \"%s\"", severity),
				 errhint("Severities are warning and error.")));
	if (slice != NULL && slice[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("slice must not be empty"),
				 errhint("Leave it out for all rows, or write it as 'column=value'.")));
	ml_alert_version(ref, true, &version);
	signal.model = version.model;
	signal.version = version.version;
	signal.rule = rule;
	signal.slice = slice;
	signal.severity = severity;
	signal.detail = detail;
	ml_alert_raise(&signal);
	return ml_alert_find(version.model, version.version, rule, slice);
}

bool
ml_alert_withdraw(const char *ref, const char *rule, const char *slice)
{
	MlVersionRef version;

	ml_deploy_begin("ml.clear_alert()");
	ml_alert_version(ref, false, &version);
	if (ml_alert_find(version.model, version.version, rule, slice) == 0)
		return false;
	ml_alert_clear(version.model, version.version, rule, slice);
	return true;
}

/* Checks that the transaction may write, that the alert exists, and the right to act on it. */
static void
ml_alert_authorize(int64 id, const char *command)
{
	MlAlertName alert;
	char	   *owner;

	ml_deploy_begin(command);
	ml_catalog_alert(id, &alert);
	owner = ml_catalog_owner(alert.model);
	if (!ml_access_allowed(alert.model, owner, ML_PRIV_TRAIN))
		ml_access_require(alert.model, owner, ML_PRIV_DEPLOY);
}

void
ml_alert_acknowledge(int64 id, const char *comment)
{
	ml_alert_authorize(id, "ml.acknowledge_alert()");
	ml_catalog_acknowledge_alert(id, comment);
}

void
ml_alert_mute(int64 id, TimestampTz until, const char *comment)
{
	if (until <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an alert cannot be muted until a time that is past"),
				 errdetail("It would be muted until %s.", timestamptz_to_str(until)),
				 errhint("Say for how long, such as '1 day', or end a mute with ml.unmute_alert.")));
	ml_alert_authorize(id, "ml.mute_alert()");
	ml_catalog_mute_alert(id, until, comment);
}

void
ml_alert_unmute(int64 id)
{
	ml_alert_authorize(id, "ml.unmute_alert()");
	ml_catalog_unmute_alert(id);
}

void
ml_alert_close(int64 id, const char *comment)
{
	ml_alert_authorize(id, "ml.close_alert()");
	ml_catalog_close_alert(id, comment);
}

void
ml_alert_reopen(int64 id, const char *comment)
{
	ml_alert_authorize(id, "ml.reopen_alert()");
	ml_catalog_reopen_alert(id, comment);
}
