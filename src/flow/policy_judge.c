/*
 * policy_judge.c - what the triggers of policies find.
 *
 * Drift and quality are judged elsewhere: their policies answer open alerts of
 * the version in production that are not muted. The others look for themselves.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/cron.h"
#include "base/text.h"
#include "executor/tuptable.h"
#include "flow/policy.h"
#include "flow/source.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static Interval *
ml_policy_span(const MlPolicy *policy, const char *name)
{
	return DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(ml_policy_param(policy, name)->text),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* ---- drift and quality ---- */

static List *
ml_policy_columns(const MlPolicy *policy)
{
	const MlParamValue *value = ml_policy_param(policy, "columns");
	List	   *columns = NIL;

	for (uint32 i = 0; !value->isnull && i < JB_ROOT_COUNT(value->json); i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(&value->json->root, i);

		columns = lappend(columns, pnstrdup(v->val.string.val, v->val.string.len));
	}
	return columns;
}

/* What the alerts that a policy answers give. */
static void
ml_policy_take_alerts(const MlPolicyAlerts *alerts, const char *what, MlPolicyFinding *out)
{
	StringInfoData json;
	ListCell   *lc;

	out->found = true;
	out->why = psprintf("%s: %s", what, alerts->columns);
	out->alerts = alerts->ids;
	out->since = alerts->since;
	initStringInfo(&json);
	appendStringInfo(&json, "{\"rules\": %s, \"alerts\": [", alerts->rules);
	foreach(lc, alerts->ids)
		appendStringInfo(&json, "%s" INT64_FORMAT, foreach_current_index(lc) > 0 ? ", " : "", *(int64 *) lfirst(lc));
	appendStringInfoString(&json, "]}");
	out->evidence = json.data;
}

static void
ml_policy_judge_drift(const MlPolicy *policy, MlPolicyFinding *out)
{
	static char *const kinds[] = {"drift"};
	MlPolicyAlerts alerts;

	if (ml_policy_alerts(policy, lengthof(kinds), kinds, ml_policy_columns(policy),
						 strcmp(ml_policy_param(policy, "severity")->text, "error") == 0, &alerts) &&
		alerts.ncolumns >= (int32) ml_policy_param(policy, "min_columns")->number)
		ml_policy_take_alerts(&alerts, psprintf("drift of %d column%s", alerts.ncolumns, alerts.ncolumns == 1 ? "" : "s"),
							  out);
}

static void
ml_policy_judge_quality(const MlPolicy *policy, MlPolicyFinding *out)
{
	static char *const kinds[] = {"quality", "concept_drift"};
	const MlParamValue *metric = ml_policy_param(policy, "metric");
	MlPolicyAlerts alerts;

	if (ml_policy_alerts(policy, lengthof(kinds), kinds, metric->isnull ? NIL : list_make1(metric->text),
						 strcmp(ml_policy_param(policy, "severity")->text, "error") == 0, &alerts))
		ml_policy_take_alerts(&alerts, "quality", out);
}

/* ---- age, rows, schedule ---- */

static void
ml_policy_judge_age(const MlPolicy *policy, MlPolicyFinding *out)
{
	int64		rows;
	TimestampTz trained = ml_policy_trained(policy->model, policy->version, &rows);
	TimestampTz due = ml_policy_later(trained, ml_policy_span(policy, "interval"));
	TimestampTz now = GetCurrentTimestamp();

	if (due > now)
	{
		/* a rollback may put an older version into production meanwhile */
		out->due = Min(due, TimestampTzPlusMilliseconds(now, SECS_PER_HOUR * INT64CONST(1000)));
		return;
	}
	out->found = true;
	out->why = psprintf("version %d was trained at %s, and may be %s old", policy->version, timestamptz_to_str(trained),
						ml_policy_param(policy, "interval")->text);
	out->evidence = psprintf("{\"version\": %d}", policy->version);
}

/* The query is ours: its one column is known. */
static void
ml_policy_take_columns(void *ctx, TupleDesc desc)
{
	Assert(desc->natts == 1);
}

static bool
ml_policy_take_count(void *ctx, TupleTableSlot *slot)
{
	bool		isnull;

	*(int64 *) ctx = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	return true;
}

/* Counts the rows that a training of the version would read today, with the rights of who trained. */
static int64
ml_policy_count_rows(const MlPolicy *policy, const MlTrainingRecord *record)
{
	MlIdentity	identity = {policy->model, record->trainer, record->search_path};
	MlSourceReader reader = {0};
	char	   *source = pstrdup(record->source);
	int			length = strlen(source);
	int64		rows = 0;

	while (length > 0 && strchr("; \t\r\n", source[length - 1]) != NULL)
		source[--length] = '\0';
	reader.identity = &identity;
	reader.describe = ml_policy_take_columns;
	reader.row = ml_policy_take_count;
	reader.ctx = &rows;
	/* rows without a target do not train; the line ends behind a comment */
	ml_source_read(psprintf("SELECT pg_catalog.count(%s) FROM %s%s\n%s AS source",
							policy->target ? quote_identifier(policy->target) : "*",
							ml_source_is_query(source) ? "(" : "", source, ml_source_is_query(source) ? ")" : ""),
				   &reader, NULL);
	return rows;
}

static void
ml_policy_judge_new_rows(const MlPolicy *policy, MlPolicyFinding *out)
{
	int64		wanted = (int64) ml_policy_param(policy, "count")->number;
	MlTrainingRecord record;
	int64		today;

	out->due = ml_policy_later(GetCurrentTimestamp(), ml_policy_span(policy, "every"));
	if (!ml_catalog_training(policy->model, policy->version, &record))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not recorded which rows version %d of model \"%s\" was trained on", policy->version,
						policy->model),
				 errdetail("Its training recorded no snapshot."),
				 errhint("Train with snapshot => 'fingerprint', or drop the policy.")));
	today = ml_policy_count_rows(policy, &record);
	if (today - record.rows < wanted)
		return;
	out->found = true;
	out->why = psprintf("the source has " INT64_FORMAT " rows, " INT64_FORMAT " more than at the training of version %d",
						today, today - record.rows, policy->version);
	out->evidence = psprintf("{\"version\": %d, \"rows\": " INT64_FORMAT ", \"trained_rows\": " INT64_FORMAT "}",
							 policy->version, today, record.rows);
}

static void
ml_policy_judge_schedule(const MlPolicy *policy, MlPolicyFinding *out)
{
	const char *cron = ml_policy_param(policy, "cron")->text;

	/* moments that went by while nobody looked are made up for once */
	out->found = policy->due != 0;
	out->due = ml_policy_schedule(cron, ml_policy_param(policy, "timezone")->text, GetCurrentTimestamp());
	out->why = psprintf("\"%s\" was due at %s", cron, timestamptz_to_str(policy->due));
	out->evidence = pstrdup("{}");
}

void
ml_policy_judge(const MlPolicy *policy, MlPolicyFinding *out)
{
	memset(out, 0, sizeof *out);
	if (strcmp(policy->trigger, "schedule") == 0)
		ml_policy_judge_schedule(policy, out);
	else if (policy->version == 0)
		out->due = 0;
	else if (strcmp(policy->trigger, "drift") == 0)
		ml_policy_judge_drift(policy, out);
	else if (strcmp(policy->trigger, "quality") == 0)
		ml_policy_judge_quality(policy, out);
	else if (strcmp(policy->trigger, "age") == 0)
		ml_policy_judge_age(policy, out);
	else
		ml_policy_judge_new_rows(policy, out);
}
