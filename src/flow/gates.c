/*
 * gates.c - gates: rules that a version must pass before it enters a role.
 *
 * Rows are read and scored in a memory context of their own; results are
 * palloc'd in the caller's.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "flow/deploy.h"
#include "flow/environment.h"
#include "flow/gate_behaviour.h"
#include "flow/gate_judge.h"
#include "flow/gate_rows.h"
#include "flow/gates.h"
#include "flow/gates_internal.h"
#include "flow/quality.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A judgement under way. */
typedef struct MlJudging
{
	MlVersionRef version;
	MlVersionRef production;
	bool		has_production; /* there is a version in production */
	bool		itself;			/* it is the one that is judged */
	bool		comparable;		/* it answers the same question, and is scored too */
	const char *incomparable;	/* why not */
	List	   *gates;
	MlGateMetric *metrics;		/* one for each gate */
	bool	   *known;
	MlGateRows *rows;
	List	   *results;

	/* the trivial model, once it is asked for: what it says of every row */
	bool		trivial_known;
	double		mean;			/* of the target, or the share of positives */
	double	   *shares;			/* of many classes */
	int			most;			/* the most frequent one */
} MlJudging;

/* ---- the verbs on definitions ---- */

static void
ml_gates_check_choice(const char *what, const char *given, const char *const *choices, int n)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < n; i++)
	{
		if (given != NULL && strcmp(choices[i], given) == 0)
			return;
		appendStringInfo(&list, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ", choices[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s cannot be \"%s\"", what, given),
			 errhint("There are %s.", list.data)));
}

void
ml_gates_add(const char *model, MlGate *gate)
{
	static const char *const roles[] = {"staging", "shadow", "canary", "production"};
	static const char *const versus[] = {"production", "baseline", "trivial"};
	char	   *task;

	ml_deploy_begin("ml.add_gate()");
	if (gate->name[0] == '\0' || strlen(gate->name) > ML_MODEL_NAME_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid gate name \"%s\"", gate->name),
				 errhint("A gate's name has 1 to 63 bytes.")));
	ml_gates_check_choice("the role of a gate", gate->role, roles, lengthof(roles));
	if (gate->versus != NULL)
		ml_gates_check_choice("versus", gate->versus, versus, lengthof(versus));
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	task = ml_catalog_task(model);
	ml_gate_metric_check(gate, task);
	ml_catalog_add_gate(model, gate);
}

void
ml_gates_drop(const char *model, const char *name)
{
	ml_deploy_begin("ml.drop_gate()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	ml_catalog_drop_gate(model, name);
}

/* ---- what a gate compares with ---- */

/* Names production; true when there is nothing more to know. */
static bool
ml_gates_production_settled(const MlJudging *j, MlGateReference *out)
{
	out->name = psprintf("version %d in production", j->production.version);
	out->none = !j->has_production || j->itself;
	if (out->none)
		out->missing = j->itself ? "the version is the one in production" : "nothing is in production";
	else
		out->missing = j->incomparable;
	return out->none || !j->comparable;
}

/* Compares the first predictor of a sample with the second; true when that gave the figure of the first, too. */
static bool
ml_gates_beside(const MlSample *sample, const MlGateMetric *metric, MlGateReference *out, MlInterval *figure)
{
	MlBeside	beside;

	out->known = ml_sample_beside(sample, metric->metric, ML_GATE_CANDIDATE, ML_GATE_PRODUCTION, &beside);
	if (!out->known)
		return false;
	out->value = beside.other;
	out->paired = true;
	out->difference = beside.difference;
	*figure = beside.figure;
	return true;
}

static bool
ml_gates_versus_production(const MlJudging *j, const MlSample *sample, const MlGateMetric *metric,
						   MlGateReference *out, MlInterval *figure)
{
	if (ml_gates_production_settled(j, out))
		return false;
	out->missing = "it is not defined for the version in production on these rows";
	return ml_gates_beside(sample, metric, out, figure);
}

/* Learns the trivial model: the mean, or the shares of the classes. */
static void
ml_gates_learn_trivial(MlJudging *j)
{
	const MlEvaluation *e = j->rows->evaluation;
	int64		n = ml_sample_rows(j->rows->all);
	double		sum = 0;
	MlMetricRow row;

	if (j->trivial_known)
		return;
	j->shares = palloc0(sizeof(double) * (e->nclasses + 1));
	memset(&row, 0, sizeof row);
	for (int64 i = 0; i < n; i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(j->rows->all, i, ML_GATE_CANDIDATE, &row);
		sum += e->task == ML_METRIC_TASK_REGRESSION ? row.y : row.label;
		if (e->task == ML_METRIC_TASK_MULTI_CLASS)
			j->shares[row.actual] += 1;
	}
	j->mean = sum / n;
	for (int k = 0; k <= e->nclasses; k++)
	{
		j->shares[k] /= n;
		j->most = j->shares[k] > j->shares[j->most] ? k : j->most;
	}
	j->trivial_known = true;
}

/* The rows of a sample as the candidate and the trivial model have them. */
static MlSample *
ml_gates_with_trivial(const MlJudging *j, const MlSample *sample)
{
	const MlEvaluation *e = j->rows->evaluation;
	MlSample   *out = ml_sample_begin(e->task, e->nclasses, e->positive, 2, CurrentMemoryContext);
	MlMetricRow rows[2];

	memset(rows, 0, sizeof rows);
	for (int64 i = 0; i < ml_sample_rows(sample); i++)
	{
		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		ml_sample_row(sample, i, ML_GATE_CANDIDATE, &rows[0]);
		rows[1] = rows[0];
		rows[1].y_hat = rows[1].score = rows[1].p = j->mean;
		rows[1].predicted = j->mean > 0.5;
		if (e->task == ML_METRIC_TASK_MULTI_CLASS)
		{
			rows[1].chosen = j->most;
			rows[1].p_actual = j->shares[rows[0].actual];
		}
		ml_sample_add(out, rows);
	}
	ml_sample_close(out);
	return out;
}

static bool
ml_gates_versus_trivial(MlJudging *j, const MlSample *sample, const MlGateMetric *metric,
						MlGateReference *out, MlInterval *figure)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context;
	bool		known;

	ml_gates_learn_trivial(j);
	out->name = "the trivial model";
	out->missing = "it is not defined for the trivial model on these rows";
	context = AllocSetContextCreate(old, "pg_mlops trivial model", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	known = ml_gates_beside(ml_gates_with_trivial(j, sample), metric, out, figure);
	MemoryContextSwitchTo(old);
	if (known && figure->how != NULL)
		figure->how = pstrdup(figure->how);
	if (known && out->difference.how != NULL)
		out->difference.how = pstrdup(out->difference.how);
	MemoryContextDelete(context);
	return known;
}

/* Finds what a gate compares with; true when that gave the figure of the version, too. */
static bool
ml_gates_reference(MlJudging *j, const MlGate *gate, const MlSample *sample, const MlGateMetric *metric,
				   MlGateReference *out, MlInterval *figure)
{
	memset(out, 0, sizeof *out);
	if (strcmp(gate->versus, "production") == 0)
		return ml_gates_versus_production(j, sample, metric, out, figure);
	else if (strcmp(gate->versus, "trivial") == 0)
		return ml_gates_versus_trivial(j, sample, metric, out, figure);
	else
	{
		out->name = "its training";
		out->known = ml_catalog_recorded_metric(j->version.model, j->version.version, gate->metric, &out->value);
		out->missing = "its training recorded no such metric";
		return false;
	}
}

/* ---- judging ---- */

/* Why so many rows decide nothing, or NULL. */
static const char *
ml_gates_too_few(const MlGate *gate, int64 n)
{
	return n >= gate->min_rows ? NULL :
		psprintf("%lld rows, and the gate asks for at least %lld", (long long) n, (long long) gate->min_rows);
}

/* Judges one sample by a metric of rows. */
static MlGateResult *
ml_gates_judge_sample(MlJudging *j, const MlGate *gate, const MlGateMetric *metric, const char *key,
					  const char *value, const MlSample *sample)
{
	int64		n = sample ? ml_sample_rows(sample) : 0;
	const char *problem = ml_gates_too_few(gate, n);
	MlGateReference reference;
	MlInterval	figure;

	if (problem != NULL)
		return ml_gate_undecided(gate, key, value, n, problem);
	if (!(gate->versus != NULL && ml_gates_reference(j, gate, sample, metric, &reference, &figure)) &&
		!ml_sample_interval(sample, metric->metric, ML_GATE_CANDIDATE, &figure))
		return ml_gate_undecided(gate, key, value, n, psprintf("%s is not defined for these rows", gate->metric));
	return ml_gate_judge(gate, metric, key, value, n, &figure, gate->versus ? &reference : NULL);
}

static MlGateSlice *
ml_gates_slice(const MlJudging *j, const char *column)
{
	for (int s = 0; s < j->rows->nslices; s++)
		if (strcmp(j->rows->slices[s].column, column) == 0)
			return &j->rows->slices[s];
	elog(ERROR, "slice \"%s\" was not read", column);
}

static void
ml_gates_judge_metric(MlJudging *j, const MlGate *gate, const MlGateMetric *metric)
{
	ListCell   *lc;

	j->results = lappend(j->results, ml_gates_judge_sample(j, gate, metric, NULL, NULL, j->rows->all));
	foreach(lc, gate->slices)
	{
		const MlGateSlice *slice = ml_gates_slice(j, lfirst(lc));

		for (int g = 0; g < slice->ngroups; g++)
		{
			CHECK_FOR_INTERRUPTS();
			j->results = lappend(j->results, ml_gates_judge_sample(j, gate, metric, slice->column,
																   slice->groups[g].value, slice->groups[g].sample));
		}
	}
}

/* A predictor's decisions by group, counted when they are first asked for. */
static const MlFairnessGroup *
ml_gates_fairness_groups(MlGateSlice *slice, int predictor)
{
	MlFairnessGroup *groups = slice->decisions[predictor];
	MlMetricRow row;

	if (groups != NULL)
		return groups;
	groups = palloc_extended(sizeof(MlFairnessGroup) * Max(slice->ngroups, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int g = 0; g < slice->ngroups; g++)
		for (int64 i = 0; i < ml_sample_rows(slice->groups[g].sample); i++)
		{
			if (i % ML_SAMPLE_BREATH == 0)
				CHECK_FOR_INTERRUPTS();
			ml_sample_row(slice->groups[g].sample, i, predictor, &row);
			ml_fairness_add(&groups[g], &row);
		}
	slice->decisions[predictor] = groups;
	return groups;
}

static const char *
ml_gates_fairness_problem(MlFairnessState state, const MlGateSlice *slice, int culprit)
{
	const char *group = culprit >= 0 ? slice->groups[culprit].value : NULL;

	switch (state)
	{
		case ML_FAIRNESS_ONE_GROUP:
			return psprintf("column \"%s\" has fewer than two groups in these rows", slice->column);
		case ML_FAIRNESS_NO_POSITIVES:
			return psprintf("group %s of \"%s\" has no positive row", group ? group : "NULL", slice->column);
		case ML_FAIRNESS_NO_NEGATIVES:
			return psprintf("group %s of \"%s\" has no negative row", group ? group : "NULL", slice->column);
		case ML_FAIRNESS_NOBODY:
			return "no row was predicted to be positive";
		case ML_FAIRNESS_DEFINED:
			break;
	}
	return NULL;
}

/* Compares the fairness with that of production, by the figures alone: the groups are not paired. */
static void
ml_gates_fairness_reference(const MlJudging *j, const MlGateMetric *metric, MlGateSlice *slice,
							MlGateReference *out)
{
	MlInterval	figure;

	memset(out, 0, sizeof *out);
	if (ml_gates_production_settled(j, out))
		return;
	out->known = ml_fairness_interval(metric->fairness, ml_gates_fairness_groups(slice, ML_GATE_PRODUCTION),
									  slice->ngroups, &figure, NULL) == ML_FAIRNESS_DEFINED;
	out->missing = "it is not defined for the version in production on these rows";
	out->value = figure.value;
}

static void
ml_gates_judge_fairness(MlJudging *j, const MlGate *gate, const MlGateMetric *metric)
{
	ListCell   *lc;

	foreach(lc, gate->slices)
	{
		MlGateSlice *slice = ml_gates_slice(j, lfirst(lc));
		int64		n = ml_sample_rows(j->rows->all);
		const char *problem = NULL;
		MlGateReference reference;
		MlInterval	figure;
		int			culprit = -1;

		for (int g = 0; g < slice->ngroups && problem == NULL; g++)
			if (ml_sample_rows(slice->groups[g].sample) < gate->min_rows)
				problem = psprintf("group %s of \"%s\" has %lld rows, and the gate asks for at least %lld",
								   slice->groups[g].value ? slice->groups[g].value : "NULL", slice->column,
								   (long long) ml_sample_rows(slice->groups[g].sample), (long long) gate->min_rows);
		if (problem == NULL)
			problem = ml_gates_fairness_problem(ml_fairness_interval(metric->fairness,
																	 ml_gates_fairness_groups(slice, ML_GATE_CANDIDATE),
																	 slice->ngroups, &figure, &culprit),
												slice, culprit);
		if (problem == NULL && gate->versus != NULL)
			ml_gates_fairness_reference(j, metric, slice, &reference);
		j->results = lappend(j->results, problem != NULL
							 ? ml_gate_undecided(gate, slice->column, NULL, n, problem)
							 : ml_gate_judge(gate, metric, slice->column, NULL, n, &figure,
											 gate->versus ? &reference : NULL));
	}
}

/* Judges a figure of the version itself, without an interval. */
static void
ml_gates_judge_figure(MlJudging *j, const MlGate *gate, const MlGateMetric *metric, double value, double production)
{
	MlGateReference reference = {0};
	MlInterval	figure = {0};

	figure.value = value;
	figure.low = figure.high = NAN;
	(void) ml_gates_production_settled(j, &reference);
	reference.known = j->has_production && !isnan(production);
	reference.value = production;
	j->results = lappend(j->results, ml_gate_judge(gate, metric, NULL, NULL, ml_sample_rows(j->rows->all), &figure,
												   gate->versus ? &reference : NULL));
}

static void
ml_gates_judge_latency(MlJudging *j, const MlGate *gate, const MlGateMetric *metric)
{
	int64		n = ml_sample_rows(j->rows->all);
	const char *problem = ml_gates_too_few(gate, n);

	if (problem != NULL)
		j->results = lappend(j->results, ml_gate_undecided(gate, NULL, NULL, n, problem));
	else
		ml_gates_judge_figure(j, gate, metric, j->rows->microseconds[ML_GATE_CANDIDATE],
							  j->comparable ? j->rows->microseconds[ML_GATE_PRODUCTION] : NAN);
}

static void
ml_gates_judge_behaviour(MlJudging *j, const MlGate *gate, const MlGateMetric *metric)
{
	int64		n = ml_frame_count(j->rows->cells);
	double		value = 0;
	bool		read = false;
	const char *problem = ml_gates_too_few(gate, n);

	if (problem == NULL)
		problem = ml_gate_behaviour(j->rows->model, metric, j->rows->cells, &value, &read);
	/* a column that the version does not read moves nothing; one that nobody knows may be misspelt */
	if (problem == NULL && !read && !ml_gate_rows_have(j->rows, metric->column))
		problem = psprintf("neither the version nor the source has a column \"%s\"", metric->column);
	if (problem != NULL)
		j->results = lappend(j->results, ml_gate_undecided(gate, NULL, NULL, n, problem));
	else
		ml_gates_judge_figure(j, gate, metric, value, NAN);
}

static void
ml_gates_judge_one(MlJudging *j, const MlGate *gate, const MlGateMetric *metric, bool known)
{
	if (!known)
	{
		j->results = lappend(j->results,
							 ml_gate_undecided(gate, NULL, NULL, ml_sample_rows(j->rows->all),
											   psprintf("a version of %d classes has no metric %s",
														j->rows->model->nclasses, gate->metric)));
		return;
	}
	switch (metric->kind)
	{
		case ML_GATE_METRIC:
			ml_gates_judge_metric(j, gate, metric);
			break;
		case ML_GATE_FAIRNESS:
			ml_gates_judge_fairness(j, gate, metric);
			break;
		case ML_GATE_LATENCY:
			ml_gates_judge_latency(j, gate, metric);
			break;
		case ML_GATE_ARTIFACT:
			ml_gates_judge_figure(j, gate, metric, ml_catalog_artifact_bytes(j->version.model, j->version.version),
								  j->has_production
								  ? ml_catalog_artifact_bytes(j->version.model, j->production.version) : NAN);
			break;
		case ML_GATE_INVARIANCE:
		case ML_GATE_INCREASING:
		case ML_GATE_DECREASING:
			ml_gates_judge_behaviour(j, gate, metric);
			break;
	}
}

/* ---- a judgement ---- */

/* Whether production can be scored beside the version: the same task, and of two classes the same. */
static void
ml_gates_find_production(MlJudging *j, const MlModel *model, MemoryContext context)
{
	const MlModel *production;
	int32		version = ml_catalog_production(j->version.model);
	bool		compared = false;
	ListCell   *lc;

	j->has_production = version > 0;
	j->itself = version == j->version.version;
	if (!j->has_production)
		return;
	ml_gates_resolve(j->version.model, version, &j->production);
	foreach(lc, j->gates)
	{
		const char *versus = ((MlGate *) lfirst(lc))->versus;

		compared |= versus != NULL && strcmp(versus, "production") == 0;
	}
	if (j->itself || !compared)
		return;
	production = ml_cache_pin(&j->production, context);
	j->comparable = ml_quality_task(production) == ml_quality_task(model);
	if (j->comparable && ml_quality_task(model) == ML_METRIC_TASK_TWO_CLASS)
		j->comparable = strcmp(production->classes[0], model->classes[0]) == 0 &&
			strcmp(production->classes[1], model->classes[1]) == 0;
	j->incomparable = psprintf("version %d in production has other classes", j->production.version);
}

/* Understands the gates, and says what rows they need. */
static void
ml_gates_wish(MlJudging *j, const MlModel *model, MlGateWish *wish)
{
	ListCell   *lc;
	ListCell   *column;
	int			n = 0;

	memset(wish, 0, sizeof *wish);
	j->metrics = palloc0(sizeof(MlGateMetric) * Max(list_length(j->gates), 1));
	j->known = palloc0(sizeof(bool) * Max(list_length(j->gates), 1));
	wish->version = &j->version;
	foreach(lc, j->gates)
	{
		const MlGate *gate = lfirst(lc);
		MlGateMetric *metric = &j->metrics[n];

		j->known[n] = ml_gate_metric_for(gate, model, metric);
		if (!j->known[n++])
			continue;
		foreach(column, gate->slices)
			if (!ml_text_listed(wish->slices, lfirst(column)))
				wish->slices = lappend(wish->slices, lfirst(column));
		wish->timed |= metric->kind == ML_GATE_LATENCY;
		wish->cells |= metric->column != NULL;
		if (gate->versus != NULL && strcmp(gate->versus, "production") == 0 && j->comparable)
			wish->production = &j->production;
	}
}

/* What the run of a judgement records. */
static char *
ml_gates_params(const MlJudging *j, const MlGateSource *source)
{
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"source\": ");
	ml_json_text(&out, source->text);
	appendStringInfo(&out, ", \"held_out\": %s, \"gates\": [", source->training != NULL ? "true" : "false");
	foreach(lc, j->gates)
	{
		appendStringInfoString(&out, lc == list_head(j->gates) ? "" : ", ");
		ml_json_text(&out, ((MlGate *) lfirst(lc))->name);
	}
	appendStringInfo(&out, "], \"production\": %s}",
					 j->has_production ? psprintf("%d", j->production.version) : "null");
	return out.data;
}

/* Results that outlive the judgement, in the current memory context. */
static List *
ml_gates_keep(const List *results)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, results)
	{
		MlGateResult *result = palloc(sizeof(MlGateResult));

		*result = *(const MlGateResult *) lfirst(lc);
		result->slice_key = result->slice_key ? pstrdup(result->slice_key) : NULL;
		result->slice_value = result->slice_value ? pstrdup(result->slice_value) : NULL;
		result->reason = pstrdup(result->reason);
		kept = lappend(kept, result);
	}
	return kept;
}

List *
ml_gates_judge(const MlVersionRef *version, List *gates, const char *text, const MlIdentity *identity,
			   MlGateJudgement *judgement)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_mlops gates", ALLOCSET_DEFAULT_SIZES);
	MlJudging  *j;
	const MlModel *model;
	MlGateSource source;
	MlGateWish	wish;
	const char *user;
	const char *path;
	List	   *results;
	int			n = 0;
	ListCell   *lc;

	MemoryContextSwitchTo(context);
	/* as they are before the source runs, which may set them */
	user = GetUserNameFromId(GetUserId(), false);
	path = identity != NULL ? identity->search_path : pstrdup(GetConfigOption("search_path", false, false));
	j = palloc0(sizeof(MlJudging));
	memset(judgement, 0, sizeof *judgement);
	judgement->started_at = GetCurrentTimestamp();
	judgement->environment = MemoryContextStrdup(caller, ml_environment_of_session());
	j->version = *version;
	j->gates = gates;
	model = ml_cache_pin(version, CurrentMemoryContext);
	ml_gates_find_production(j, model, CurrentMemoryContext);
	ml_gates_wish(j, model, &wish);
	memset(&source, 0, sizeof source);
	source.text = text;
	source.identity = identity;
	if (text == NULL)
		ml_gate_source_recorded(version, model, &source);
	j->rows = ml_gate_rows_read(&wish, &source);
	foreach(lc, gates)
	{
		CHECK_FOR_INTERRUPTS();
		ml_gates_judge_one(j, lfirst(lc), &j->metrics[n], j->known[n]);
		n++;
	}
	MemoryContextSwitchTo(caller);
	results = ml_gates_keep(j->results);
	judgement->version = version->version;
	judgement->versus_version = j->has_production ? j->production.version : 0;
	judgement->source = text ? pstrdup(text) : NULL;
	judgement->search_path = text == NULL ? NULL : pstrdup(path);
	judgement->reader = pstrdup(source.identity ? source.identity->role : user);
	judgement->source_digest = pstrdup(j->rows->source_digest);
	judgement->fingerprint = pstrdup(j->rows->fingerprint);
	judgement->params = ml_gates_params(j, &source);
	ml_gate_rows_end(j->rows);
	MemoryContextDelete(context);
	return results;
}

void
ml_gates_resolve(const char *model, int32 version, MlVersionRef *out)
{
	ml_catalog_resolve(psprintf("%s/%d", model, version), out);
}

List *
ml_gates_run(const char *model, int32 version, const char *source)
{
	MlGateJudgement judgement;
	MlVersionRef ref;
	List	   *gates;
	List	   *results;

	ml_deploy_begin("ml.run_gates()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_DEPLOY);
	ml_gates_resolve(model, version, &ref);
	gates = ml_catalog_gates(model, NULL);
	if (gates == NIL)
		return NIL;
	results = ml_gates_judge(&ref, gates, source, NULL, &judgement);
	ml_catalog_gate_results(model, &judgement, results);
	return results;
}
