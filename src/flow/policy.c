/*
 * policy.c - what a policy may be: triggers, actions and their parameters.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/cron.h"
#include "base/text.h"
#include "flow/deploy.h"
#include "flow/policy.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* More parameters than a trigger and an action have together. */
#define ML_POLICY_PARAMS_MAX	10

#define ML_POLICY_ACTIONS		5	/* where they begin in the table */

static const MlParam ml_policy_drift[] = {
	{"columns", ML_PARAM_VALUE, NULL, 0, 0, NULL,
	"The columns whose drift counts, as an array of texts; null: all, and the prediction."},
	{"min_columns", ML_PARAM_INTEGER, "1", 1, 100000, NULL, "How many different columns have to drift."},
	{"severity", ML_PARAM_TEXT, "warning", 0, 0, "warning|error", "The least severity of alerts that counts."},
};

static const MlParam ml_policy_quality[] = {
	{"metric", ML_PARAM_TEXT, NULL, 0, 0, NULL, "The metric that counts; null: any alert on quality or concept drift."},
	{"severity", ML_PARAM_TEXT, "warning", 0, 0, "warning|error", "The least severity of alerts that counts."},
};

static const MlParam ml_policy_age[] = {
	{"interval", ML_PARAM_TEXT, NULL, 0, 0, NULL, "How old the training of the version in production may be, such as \"30 days\"."},
};

static const MlParam ml_policy_new_rows[] = {
	{"count", ML_PARAM_INTEGER, NULL, 1, 9e15, NULL, "How many rows more the source has to have than at the training."},
	{"every", ML_PARAM_TEXT, "1 hour", 0, 0, NULL, "How often the rows are counted at most."},
};

static const MlParam ml_policy_schedule_params[] = {
	{"cron", ML_PARAM_TEXT, NULL, 0, 0, NULL, "Minute, hour, day of the month, month, day of the week, such as \"30 3 * * mon\"."},
	{"timezone", ML_PARAM_TEXT, "UTC", 0, 0, NULL, "The time zone of the expression."},
};

static const MlParam ml_policy_retrain[] = {
	{"deploy", ML_PARAM_TEXT, "if_gates_pass", 0, 0, "never|if_gates_pass|always", "Whether the new version goes into production, as in ml.train."},
};

const MlPolicyKind ml_policy_kinds[] = {
	{"drift", ml_policy_drift, lengthof(ml_policy_drift)},
	{"quality", ml_policy_quality, lengthof(ml_policy_quality)},
	{"age", ml_policy_age, lengthof(ml_policy_age)},
	{"new_rows", ml_policy_new_rows, lengthof(ml_policy_new_rows)},
	{"schedule", ml_policy_schedule_params, lengthof(ml_policy_schedule_params)},
	{"retrain", ml_policy_retrain, lengthof(ml_policy_retrain)},
	{"rollback", NULL, 0},
	{"notify", NULL, 0},
	{NULL, NULL, 0}
};

/* Finds a trigger or an action by its name. */
static const MlPolicyKind *
ml_policy_kind(const char *what, const char *name)
{
	int			first = strcmp(what, "action") == 0 ? ML_POLICY_ACTIONS : 0;
	int			end = first == 0 ? ML_POLICY_ACTIONS : (int) lengthof(ml_policy_kinds) - 1;
	List	   *names = NIL;

	for (int i = first; i < end; i++)
	{
		if (name != NULL && strcmp(ml_policy_kinds[i].name, name) == 0)
			return &ml_policy_kinds[i];
		names = lappend(names, unconstify(char *, ml_policy_kinds[i].name));
	}
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what),
				 errhint("There are %s.", ml_text_list(names, 10))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%s\"", what, name),
			 errdetail("There are %s.", ml_text_list(names, 10)),
			 errhint("%s", ml_text_hint(name, names, "Choose one of them."))));
}

/* The parameters of a trigger and an action together. */
static int
ml_policy_params(const char *trigger, const char *action, MlParam *params)
{
	const MlPolicyKind *kinds[] = {ml_policy_kind("trigger", trigger), ml_policy_kind("action", action)};
	int			n = 0;

	for (int k = 0; k < (int) lengthof(kinds); k++)
		for (int i = 0; i < kinds[k]->nparams; i++)
			params[n++] = kinds[k]->params[i];
	Assert(n <= ML_POLICY_PARAMS_MAX);
	return n;
}

const MlParamValue *
ml_policy_param(const MlPolicy *policy, const char *name)
{
	MlParam		params[ML_POLICY_PARAMS_MAX];
	int			n = ml_policy_params(policy->trigger, policy->action, params);

	return ml_option(params, n, ml_options_parse("policy", params, n, policy->params, NIL), name);
}

/* ---- what no table of parameters can check ---- */

/* A span of time that is longer than none. */
static void
ml_policy_check_span(const char *name, const char *text)
{
	Interval   *span = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
															 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	Interval	none = {0};

	if (DatumGetBool(DirectFunctionCall2(interval_le, IntervalPGetDatum(span), IntervalPGetDatum(&none))) ||
		ML_INTERVAL_NOT_FINITE(span))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be longer than nothing", name),
				 errdetail("It is \"%s\".", text),
				 errhint("Write it as \"1 day\".")));
}

static void
ml_policy_check_columns(const MlParamValue *columns)
{
	Jsonb	   *json = columns->json;
	bool		texts = columns->isnull || (JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json) && JB_ROOT_COUNT(json) > 0);

	for (uint32 i = 0; texts && !columns->isnull && i < JB_ROOT_COUNT(json); i++)
		texts = getIthJsonbValueFromContainer(&json->root, i)->type == jbvString;
	if (!texts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"columns\" must be an array of names of columns"),
				 errdetail("It is %s.", columns->text),
				 errhint("Write it as [\"age\", \":prediction\"], or leave it out for all.")));
}

/* Raises an error for a parameter that has to be given. */
static void
ml_policy_require(const char *trigger, const char *name, const MlParamValue *value, const char *example)
{
	if (value->isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("trigger %s needs parameter \"%s\"", trigger, name),
				 errhint("Pass params => '{\"%s\": %s}'.", name, example)));
}

/* Checks the parameters; returns when the policy is due for the first time, 0 for the next round. */
static TimestampTz
ml_policy_check(const char *trigger, const MlParam *params, int n, const MlParamValue *values)
{
	const MlParamValue *value;
	TimestampTz due;

	if (strcmp(trigger, "drift") == 0)
		ml_policy_check_columns(ml_option(params, n, values, "columns"));
	else if (strcmp(trigger, "age") == 0)
	{
		value = ml_option(params, n, values, "interval");
		ml_policy_require(trigger, "interval", value, "\"30 days\"");
		ml_policy_check_span("interval", value->text);
	}
	else if (strcmp(trigger, "new_rows") == 0)
	{
		ml_policy_require(trigger, "count", ml_option(params, n, values, "count"), "10000");
		ml_policy_check_span("every", ml_option(params, n, values, "every")->text);
	}
	else if (strcmp(trigger, "schedule") == 0)
	{
		value = ml_option(params, n, values, "cron");
		ml_policy_require(trigger, "cron", value, "\"0 3 * * mon\"");
		due = ml_policy_schedule(value->text, ml_option(params, n, values, "timezone")->text, GetCurrentTimestamp());
		if (due == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cron expression \"%s\" names no day", value->text),
					 errhint("Months differ in length: the 31st of February does not come.")));
		return due;
	}
	return 0;
}

TimestampTz
ml_policy_schedule(const char *cron, const char *zone, TimestampTz after)
{
	MlCron		parsed;
	TimestampTz due;

	ml_cron_parse(cron, &parsed);
	return ml_cron_next(&parsed, after, ml_cron_zone(zone), &due) ? due : 0;
}

/* ---- the verbs ---- */

static void
ml_policy_authorize(const char *model)
{
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
}

/* Refuses an action that would not answer the trigger. */
static void
ml_policy_check_pair(const char *trigger, const char *action)
{
	if (strcmp(action, "rollback") == 0 && strcmp(trigger, "drift") != 0 && strcmp(trigger, "quality") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger %s cannot roll back", trigger),
				 errdetail("The version before is older still: only drift and quality roll back."),
				 errhint("Choose retrain or notify.")));
}

/* A schedule paces itself; what answers alerts rests a day and fires twice a week, unless it is told otherwise. */
static void
ml_policy_brakes(MlPolicyDefinition *d)
{
	bool		paced = strcmp(d->trigger, "schedule") == 0;
	Interval	least = {0};

	if (d->cooldown == NULL)
	{
		d->cooldown = palloc0(sizeof(Interval));
		d->cooldown->day = paced ? 0 : 1;
	}
	else if (ML_INTERVAL_NOT_FINITE(d->cooldown) ||
			 DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(d->cooldown), IntervalPGetDatum(&least))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cooldown must be a span of time that is not negative"),
				 errhint("Say how long the policy rests after it has fired, such as '1 day'.")));
	if (d->budget < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("budget must be at least 1"),
				 errdetail("It is %d.", d->budget),
				 errhint("Say how often the policy may fire in seven days.")));
	if (d->budget == 0 && !paced)
		d->budget = 2;
}

int64
ml_policy_set(const char *model, const char *trigger, const char *action, Jsonb *given, Interval *cooldown, int32 budget)
{
	MlPolicyDefinition d = {0};
	MlParam		params[ML_POLICY_PARAMS_MAX];
	MlParamValue *values;
	StringInfoData json;
	int			n;

	ml_deploy_begin("ml.set_policy()");
	n = ml_policy_params(trigger, action, params);
	ml_policy_check_pair(trigger, action);
	values = ml_options_parse(psprintf("trigger %s with action %s", trigger, action), params, n, given, NIL);
	d.model = model;
	d.trigger = trigger;
	d.action = action;
	d.cooldown = cooldown;
	d.budget = budget;
	d.due = ml_policy_check(trigger, params, n, values);
	ml_policy_brakes(&d);
	ml_policy_authorize(model);
	initStringInfo(&json);
	ml_options_json(&json, params, n, values);
	d.params = json.data;
	return ml_catalog_set_policy(&d);
}

void
ml_policy_enable(int64 id, bool enabled)
{
	ml_deploy_begin("ml.enable_policy()");
	ml_policy_authorize(ml_catalog_policy_model(id));
	ml_catalog_enable_policy(id, enabled);
}

void
ml_policy_drop(int64 id)
{
	ml_deploy_begin("ml.drop_policy()");
	ml_policy_authorize(ml_catalog_policy_model(id));
	ml_catalog_drop_policy(id);
}

void
ml_policy_drop_named(const char *model, const char *trigger, const char *action)
{
	ml_deploy_begin("ml.drop_policy()");
	(void) ml_policy_kind("trigger", trigger);
	(void) ml_policy_kind("action", action);
	ml_policy_authorize(model);
	ml_catalog_drop_policy(ml_catalog_policy_find(model, trigger, action));
}
