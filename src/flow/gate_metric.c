/*
 * gate_metric.c - what the metric of a gate names, and the tables of what it can.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/gate_metric.h"
#include "flow/quality.h"

/* A metric that is no figure of truth and prediction. */
typedef struct MlOwnMetric
{
	const char *name;			/* with a colon at its end: a column's name follows */
	MlGateKind	kind;
	const char *summary;
} MlOwnMetric;

static const MlOwnMetric ml_own_metrics[] = {
	{"latency_us", ML_GATE_LATENCY, "microseconds that one row takes on this server, from its columns to its prediction"},
	{"artifact_bytes", ML_GATE_ARTIFACT, "size of the version's artifact"},
	{"invariance:", ML_GATE_INVARIANCE, "invariance:column: how far the prediction moves at most when only the column changes"},
	{"increasing:", ML_GATE_INCREASING, "increasing:column: share of rows whose prediction falls somewhere while the column rises"},
	{"decreasing:", ML_GATE_DECREASING, "decreasing:column: share of rows whose prediction rises somewhere while the column rises"},
};

static const MlMetricTask ml_gate_tasks[] = {
	ML_METRIC_TASK_REGRESSION, ML_METRIC_TASK_TWO_CLASS, ML_METRIC_TASK_MULTI_CLASS
};

static const char *
ml_gate_task_name(MlMetricTask task)
{
	return task == ML_METRIC_TASK_REGRESSION ? "regression" : "classification";
}

static bool
ml_gate_is_behaviour(MlGateKind kind)
{
	return kind == ML_GATE_INVARIANCE || kind == ML_GATE_INCREASING || kind == ML_GATE_DECREASING;
}

/* Understands a metric by its name for a task; false when the task has none of that name. */
static bool
ml_gate_metric_parse(const char *name, MlMetricTask task, MlGateMetric *out)
{
	memset(out, 0, sizeof *out);
	if ((out->metric = ml_metric_find(task, name)) != NULL)
	{
		out->kind = ML_GATE_METRIC;
		out->larger_is_better = out->metric->larger_is_better;
		return true;
	}
	if (task == ML_METRIC_TASK_TWO_CLASS && (out->fairness = ml_fairness_find(name)) != NULL)
	{
		out->kind = ML_GATE_FAIRNESS;
		out->larger_is_better = out->fairness->larger_is_better;
		return true;
	}
	for (int i = 0; i < (int) lengthof(ml_own_metrics); i++)
	{
		const MlOwnMetric *own = &ml_own_metrics[i];
		int			length = strlen(own->name);
		bool		behaviour = ml_gate_is_behaviour(own->kind);

		if (behaviour ? strncmp(name, own->name, length) != 0 || name[length] == '\0' : strcmp(name, own->name) != 0)
			continue;
		if (task == ML_METRIC_TASK_MULTI_CLASS && (own->kind == ML_GATE_INCREASING || own->kind == ML_GATE_DECREASING))
			return false;
		out->kind = own->kind;
		out->column = behaviour ? name + length : NULL;
		return true;
	}
	return false;
}

bool
ml_gate_metric_for(const MlGate *gate, const MlModel *model, MlGateMetric *out)
{
	return ml_gate_metric_parse(gate->metric, ml_quality_task(model), out);
}

static MlGateMetricInfo *
ml_gate_info(const char *name, const char *summary, bool larger_is_better)
{
	MlGateMetricInfo *info = palloc0(sizeof(MlGateMetricInfo));

	info->name = name;
	info->summary = summary;
	info->larger_is_better = larger_is_better;
	return info;
}

/* Adds a task to the metric of that name, which is made when it is not listed yet. */
static List *
ml_gate_list_add(List *infos, const char *name, const char *summary, bool larger_is_better, MlMetricTask task)
{
	char	   *task_name = unconstify(char *, ml_gate_task_name(task));
	MlGateMetricInfo *info = NULL;
	ListCell   *lc;

	foreach(lc, infos)
	{
		if (strcmp(((MlGateMetricInfo *) lfirst(lc))->name, name) == 0)
			info = lfirst(lc);
	}
	if (info == NULL)
	{
		info = ml_gate_info(name, summary, larger_is_better);
		infos = lappend(infos, info);
	}
	if (!ml_text_listed(info->tasks, task_name))
		info->tasks = lappend(info->tasks, task_name);
	return infos;
}

List *
ml_gate_metric_list(void)
{
	const MlFairness *fairness;
	List	   *infos = NIL;
	int			n;

	for (int t = 0; t < (int) lengthof(ml_gate_tasks); t++)
	{
		const MlMetric *const *metrics = ml_metrics_for(ml_gate_tasks[t], &n);

		for (int i = 0; i < n; i++)
			infos = ml_gate_list_add(infos, metrics[i]->name, metrics[i]->summary, metrics[i]->larger_is_better,
									 ml_gate_tasks[t]);
	}
	fairness = ml_fairness_all(&n);
	for (int i = 0; i < n; i++)
		infos = ml_gate_list_add(infos, fairness[i].name, fairness[i].summary, fairness[i].larger_is_better,
								 ML_METRIC_TASK_TWO_CLASS);
	for (int i = 0; i < (int) lengthof(ml_own_metrics); i++)
		for (int t = 0; t < (int) lengthof(ml_gate_tasks); t++)
			infos = ml_gate_list_add(infos, ml_own_metrics[i].name, ml_own_metrics[i].summary, false, ml_gate_tasks[t]);
	return infos;
}

static ML_NORETURN void
ml_gate_unknown_metric(const MlGate *gate, const char *task)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, ml_gate_metric_list())
	{
		MlGateMetricInfo *info = lfirst(lc);

		if (ml_text_listed(info->tasks, task))
			names = lappend(names, unconstify(char *, info->name));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a model of task %s has no metric \"%s\"", task, gate->metric),
			 errdetail("The metrics are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(gate->metric, names,
										"View ml.gate_metrics lists them; after a colon comes a column."))));
}

static ML_NORETURN void
ml_gate_bad_rule(const MlGate *gate, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("gate \"%s\" cannot be judged", gate->name),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
ml_gate_check_slices(const MlGate *gate)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, gate->slices)
	{
		char	   *column = lfirst(lc);

		if (column[0] == '\0')
			ml_gate_bad_rule(gate, "One of its slices is empty.", "Name columns in slices, such as '{gender}'.");
		if (ml_text_listed(seen, column))
			ml_gate_bad_rule(gate, psprintf("Its slices name column \"%s\" twice.", column), "Name it once.");
		seen = lappend(seen, column);
	}
}

/* What a kind of metric can and cannot be asked for. */
static void
ml_gate_check_kind(MlGate *gate, const MlGateMetric *metric)
{
	bool		of_rows = metric->kind == ML_GATE_METRIC;

	if (metric->kind == ML_GATE_FAIRNESS && gate->slices == NIL)
		ml_gate_bad_rule(gate, psprintf("Metric %s compares the groups of a protected column.", gate->metric),
						 "Name the column in slices, such as '{gender}'.");
	if (!of_rows && metric->kind != ML_GATE_FAIRNESS && gate->slices != NIL)
		ml_gate_bad_rule(gate, psprintf("Metric %s is not taken by slice.", gate->metric), "Leave slices out.");
	if (ml_gate_is_behaviour(metric->kind) && gate->versus != NULL)
		ml_gate_bad_rule(gate, psprintf("Metric %s is not compared with another model.", gate->metric),
						 "Give its limit as max.");
	if (gate->versus != NULL && strcmp(gate->versus, "production") != 0 && !of_rows)
		ml_gate_bad_rule(gate, psprintf("Metric %s can be compared with production only.", gate->metric),
						 "Pass versus => 'production', or give its limit as min or max.");
	/* what must hold for every row needs no limit to be said */
	if ((metric->kind == ML_GATE_INCREASING || metric->kind == ML_GATE_DECREASING) && !gate->has_max && !gate->has_min)
	{
		gate->has_max = true;
		gate->max = 0;
	}
}

void
ml_gate_metric_check(MlGate *gate, const char *task)
{
	MlGateMetric metric;
	bool		known = false;

	for (int t = 0; t < (int) lengthof(ml_gate_tasks) && !known; t++)
		known = strcmp(ml_gate_task_name(ml_gate_tasks[t]), task) == 0 &&
			ml_gate_metric_parse(gate->metric, ml_gate_tasks[t], &metric);
	if (!known)
		ml_gate_unknown_metric(gate, task);
	ml_gate_check_kind(gate, &metric);
	ml_gate_check_slices(gate);
	if (gate->versus == NULL && !gate->has_min && !gate->has_max)
		ml_gate_bad_rule(gate, "It has neither a limit nor a model to be compared with.",
						 "Pass min, max, or versus.");
	if (gate->has_min && gate->has_max && gate->min > gate->max)
		ml_gate_bad_rule(gate, psprintf("Its min is %s and its max is %s.", ml_text_number(gate->min),
										ml_text_number(gate->max)), "Pass a min that is not above max.");
	if (gate->min_rows < 1)
		ml_gate_bad_rule(gate, psprintf("Its min_rows is %lld.", (long long) gate->min_rows), "Pass 1 or more.");
}
