/*
 * record.c - what the catalog keeps of a training: artifact, call, signature, figures, snapshot.
 *
 * Everything is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/team.h"
#include "flow/call.h"
#include "flow/crossval.h"
#include "flow/environment.h"
#include "flow/load_profile.h"
#include "flow/reads.h"
#include "flow/recorded.h"
#include "flow/training.h"
#include "optimizer/cost.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Writes the artifact, reads it back and writes that again: the bytes must be the same. */
static bytea *
ml_record_encode(MlTraining *t)
{
	bytea	   *artifact = ml_codec_encode(t->model);
	MemoryContext check = AllocSetContextCreate(t->context, "pg_mlops artifact check", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(check);
	bytea	   *again = ml_codec_encode(ml_codec_decode(artifact));

	MemoryContextSwitchTo(old);
	if (VARSIZE(again) != VARSIZE(artifact) || memcmp(again, artifact, VARSIZE(artifact)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("model artifact did not read back as it was written"),
				 errhint("This is a fault of pg_mlops: please report it.")));
	MemoryContextDelete(check);
	return artifact;
}

/* Where and how: the settings of the session too that count, and who helped. */
static char *
ml_record_environment(const MlTraining *t)
{
	const MlRepeat *repeats = t->spec->repeats;
	StringInfoData out;

	initStringInfo(&out);
	ml_environment_begin(&out, t->spec->login, repeats ? repeats->identity.search_path : NULL);
	if (repeats)
	{
		/* whose source it is, now as before */
		appendStringInfoString(&out, ", \"reader\": ");
		ml_json_text(&out, repeats->identity.role);
	}
	ml_recorded_settings_write(&out);
	appendStringInfo(&out, ", \"max_categories\": %d, \"train_memory_kb\": %d, \"spilled\": %s, \"workers\": %d, "
					 "\"workers_allowed\": %d}", ml_max_categories, ml_train_memory_kb, t->spilled ? "true" : "false",
					 ml_team_helped(), max_parallel_workers_per_gather);
	return out.data;
}

/* The signature: what goes in, what comes out. */
static char *
ml_record_signature(const MlModel *model)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"inputs\": ");
	ml_pipeline_describe_inputs(model->pipeline, &out);
	appendStringInfoString(&out, ", \"output\": {\"name\": ");
	ml_json_text(&out, model->target);
	appendStringInfoString(&out, ", \"type\": ");
	ml_json_text(&out, model->target_type);
	if (model->task == ML_TASK_CLASSIFICATION)
	{
		appendStringInfoString(&out, ", \"classes\": [");
		for (int k = 0; k < model->nclasses; k++)
		{
			appendStringInfoString(&out, k > 0 ? ", " : "");
			ml_json_text(&out, model->classes[k]);
		}
		appendStringInfoChar(&out, ']');
		if (model->nclasses == 2)
		{
			appendStringInfoString(&out, ", \"positive_class\": ");
			ml_json_text(&out, model->classes[model->positive]);
		}
	}
	appendStringInfoString(&out, "}}");
	return out.data;
}

static char *
ml_record_notes(const MlNotes *notes)
{
	StringInfoData out;
	ListCell   *lc;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	foreach(lc, notes->items)
	{
		appendStringInfoString(&out, lc == list_head(notes->items) ? "" : ", ");
		ml_json_text(&out, lfirst(lc));
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

/* A figure of the training: as JSON, where there is an object for it, and of the run. */
static void
ml_record_figure(MlRegistration *r, StringInfo json, const char *name, int step, double value)
{
	MlRunMetric *metric = unconstify(MlRunMetric *, &r->metrics[r->nmetrics++]);

	if (json)
	{
		appendStringInfoString(json, json->len > 1 ? ", " : "");
		ml_json_text(json, name);
		appendStringInfoString(json, ": ");
		ml_json_number(json, value);
	}
	metric->name = name;
	metric->step = step;
	metric->value = value;
}

/* Metrics over folds; where no rows were held out beside them, their means stand for the model's. */
static void
ml_record_folds(const MlCrossval *cv, bool stand_in, MlRegistration *r, StringInfo json)
{
	double		mean;
	double		stddev;

	for (int m = 0; stand_in && m < cv->nmetrics; m++)
		if (ml_crossval_mean(cv, m, &mean, &stddev) > 0)
			ml_record_figure(r, json, cv->metrics[m]->name, 0, mean);
	for (int m = 0; m < cv->nmetrics; m++)
	{
		char	   *name = psprintf("cv_%s", cv->metrics[m]->name);
		int			n = ml_crossval_mean(cv, m, &mean, &stddev);

		if (n > 0)
			ml_record_figure(r, json, name, 0, mean);
		if (n > 1)
			ml_record_figure(r, json, psprintf("%s_stddev", name), 0, stddev);
		for (int f = 0; f < cv->nfolds; f++)
			if (!isnan(cv->values[f * cv->nmetrics + m]))
				ml_record_figure(r, NULL, name, f + 1, cv->values[f * cv->nmetrics + m]);
	}
}

/* Collects held-out metrics and what the learner says of its fit and of its iterations. */
static void
ml_record_figures(MlTraining *t, MlRegistration *r)
{
	const MlLearner *learner = t->model->learner;
	MlFigure   *figures = NULL;
	int			nfigures = learner->figures ? learner->figures(t->model->state, &figures) : 0;
	int			nfolds = t->cv ? t->cv->nmetrics * (t->cv->nfolds + 3) : 0;
	int			points = ml_learning_curve_points(&t->curves);
	StringInfoData held_out;
	StringInfoData summary;

	r->metrics = palloc0(sizeof(MlRunMetric) * (t->quality->nmetrics + nfigures + nfolds + points + 1));
	initStringInfo(&held_out);
	initStringInfo(&summary);
	appendStringInfoChar(&held_out, '{');
	for (int m = 0; m < t->quality->nmetrics; m++)
	{
		double		value;

		if (t->quality->rows > 0 && ml_metric_value(t->quality->states[m], &value))
			ml_record_figure(r, &held_out, t->quality->metrics[m]->name, 0, value);
	}
	if (t->cv)
		ml_record_folds(t->cv, t->quality->rows == 0 && t->load->split == ML_SPLIT_NONE, r, &held_out);
	appendStringInfoChar(&held_out, '}');
	appendStringInfoChar(&summary, '{');
	for (int i = 0; i < nfigures; i++)
	{
		appendStringInfoString(&summary, i > 0 ? ", " : "");
		ml_json_text(&summary, figures[i].name);
		appendStringInfoString(&summary, ": ");
		ml_json_number(&summary, figures[i].value);
		ml_record_figure(r, NULL, psprintf("fit.%s", figures[i].name), 0, figures[i].value);
	}
	appendStringInfoChar(&summary, '}');
	r->nmetrics += ml_learning_curve_metrics(&t->curves, unconstify(MlRunMetric *, r->metrics) + r->nmetrics);
	r->metrics_json = held_out.data;
	r->summary_json = summary.data;
}

/* A column that is no input. */
static void
ml_record_other(StringInfo out, const char *name, const char *type, const char *role)
{
	appendStringInfoString(out, ", {\"column\": ");
	ml_json_text(out, name);
	appendStringInfoString(out, ", \"type\": ");
	ml_json_text(out, type);
	appendStringInfo(out, ", \"role\": \"%s\"", role);
}

/* What tells later whether a cell of a loaded column has changed, over all rows; and the middle of a number's training rows. */
static void
ml_record_cell(StringInfo out, const MlLoad *load, const MlLoadColumn *column, int element)
{
	int			cell = column->first_cell + element;
	char	   *mean;
	char	   *stddev;

	if (column->first_cell >= 0 && load->profile && ml_load_profile_moments(load->profile, cell, &mean, &stddev))
		appendStringInfo(out, ", \"mean\": %s, \"stddev\": %s", mean, stddev);
	appendStringInfo(out, ", \"fingerprint\": \"%s\"", ml_load_fingerprint(load, column, element));
	if (column->first_cell >= 0)
		appendStringInfo(out, ", \"place\": %d", cell);
	appendStringInfoChar(out, '}');
}

/* The columns of the source that are no inputs, so that a later look at it knows which of them are new. */
static void
ml_record_others(const MlDesign *design, StringInfo out)
{
	static const char *const roles[] = {"left out", "target", "weight", "split"};
	const MlLoad *load = design->load;
	const MlPipeline *pipeline = design->model->pipeline;
	ListCell   *lc;

	for (int i = 0; i < load->ncolumns; i++)
	{
		const MlLoadColumn *column = &load->columns[i];
		bool		input = false;

		for (int k = 0; k < pipeline->ninputs && column->role == ML_ROLE_FEATURE; k++)
			input |= strcmp(pipeline->inputs[k].name, column->name) == 0;
		for (int e = 0; e < column->ncells && !input; e++)
		{
			ml_record_other(out, ml_load_cell_name(column, e), ml_convert_type_name(&column->convert),
							roles[column->role]);
			ml_record_cell(out, load, column, e);
		}
	}
	foreach(lc, load->others)
	{
		const MlLoadOther *other = lfirst(lc);

		ml_record_other(out, other->name, other->type_name, roles[ML_ROLE_FEATURE]);
		appendStringInfoChar(out, '}');
	}
}

/* The column that an input was loaded from. */
static const MlLoadColumn *
ml_record_loaded(const MlLoad *load, const MlInput *input)
{
	for (int i = 0; i < load->nfeatures; i++)
		if (strcmp(load->columns[i].name, input->name) == 0)
			return &load->columns[i];
	elog(ERROR, "input \"%s\" was not loaded", input->name);
}

/* What the training rows hold, as JSON, per input; then the other columns of the source with their roles. */
static void
ml_record_profile(const MlDesign *design, StringInfo out)
{
	const MlPipeline *pipeline = design->model->pipeline;

	appendStringInfoChar(out, '[');
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		const MlLoadColumn *column = ml_record_loaded(design->load, input);

		/* terms are no columns of the source */
		for (int e = 0; e < (input->encoding == ML_ENCODING_TERMS ? 1 : input->ncells); e++)
		{
			const MlColumnStats *s = &design->stats[input->first_cell + e];

			appendStringInfoString(out, i + e > 0 ? ", {\"column\": " : "{\"column\": ");
			ml_json_text(out, input->encoding == ML_ENCODING_TERMS ? input->name :
						 pipeline->entrance.cols[input->first_cell + e].name);
			appendStringInfoString(out, ", \"type\": ");
			ml_json_text(out, input->type_name);
			appendStringInfo(out, ", \"values\": %lld, \"nulls\": %lld, \"nans\": %lld",
							 (long long) s->n, (long long) s->nulls, (long long) s->nans);
			if (input->class == ML_TYPE_TEXT)
			{
				bool		kept = input->encoding == ML_ENCODING_LEVELS;

				appendStringInfo(out, ", \"levels\": %d, \"most_frequent\": ", kept ? input->nlevels : input->different);
				ml_json_text(out, kept ? input->levels[s->mode] : input->commonest);
			}
			else
			{
				appendStringInfoString(out, ", \"min\": ");
				ml_json_number(out, s->n > 0 ? s->min : NAN);
				appendStringInfoString(out, ", \"max\": ");
				ml_json_number(out, s->n > 0 ? s->max : NAN);
			}
			ml_record_cell(out, design->load, column, e);
		}
	}
	ml_record_others(design, out);
	appendStringInfoChar(out, ']');
}

/*
 * What the source reads. Of a relation, which was asked for every column where
 * that is quicker, it is what the training used.
 */
static List *
ml_record_columns_asked(const MlTraining *t)
{
	const MlLoad *load = t->load;
	const MlPipeline *pipeline = t->model->pipeline;
	StringInfoData query;

	if (load->info.relation == NULL)
		return ml_reads_of(load->info.query);
	initStringInfo(&query);
	for (int i = 0; i < pipeline->ninputs; i++)
		appendStringInfo(&query, ", %s", quote_identifier(pipeline->inputs[i].name));
	if (load->target)
		appendStringInfo(&query, ", %s", quote_identifier(load->target));
	if (load->weight)
		appendStringInfo(&query, ", %s", quote_identifier(load->weight));
	if (load->split_column)
		appendStringInfo(&query, ", %s", quote_identifier(load->split_column));
	return ml_reads_of(psprintf("SELECT %s FROM %s", query.len > 0 ? query.data + 2 : "", load->info.relation));
}

/* The same, asked as whose source it is. */
static List *
ml_record_columns(const MlTraining *t)
{
	MlIdentitySaved saved;
	List	   *columns;

	if (t->spec->repeats == NULL)
		return ml_record_columns_asked(t);
	ml_identity_enter(&t->spec->repeats->identity, &saved);
	columns = ml_record_columns_asked(t);
	ml_identity_leave(&saved);
	return columns;
}

static void
ml_record_snapshot(const MlTraining *t, MlRegistration *r)
{
	const MlLoad *load = t->load;
	StringInfoData profile;
	ListCell   *lc;

	r->rows = load->rows_read - load->rows_null_target;
	if (strcmp(t->spec->snapshot, "none") == 0)
		return;
	initStringInfo(&profile);
	ml_record_profile(&t->design, &profile);
	r->source = t->spec->source;
	r->relations = palloc(sizeof(char *) * Max(list_length(load->info.relations), 1));
	foreach(lc, load->info.relations)
		r->relations[r->nrelations++] = lfirst(lc);
	r->fingerprint = ml_fingerprint_text(&load->fingerprint);
	r->profile = profile.data;
	r->wal_lsn = GetXLogInsertRecPtr();
	r->columns = ml_record_columns(t);
}

void
ml_record_outcome(MlTraining *t, MlRegistration *r)
{
	uint8	   *digest = palloc(ML_DIGEST_BYTES);

	memset(r, 0, sizeof *r);
	r->artifact = ml_record_encode(t);
	ml_codec_digest(r->artifact, digest);
	r->digest = digest;
	r->started_at = t->started_at;
	r->environment = ml_record_environment(t);
	ml_record_figures(t, r);
}

void
ml_record_fill(MlTraining *t, MlRegistration *r)
{
	const MlTrainSpec *spec = t->spec;
	StringInfoData json;

	ml_record_outcome(t, r);
	r->model = spec->model;
	r->task = ml_task_name(t->model->task);
	r->target = spec->target;
	r->experiment = spec->experiment;
	r->kind = spec->repeats ? "retrain" : "train";
	if (spec->repeats)
	{
		r->parent_run = spec->repeats->run_id;
		r->parent_version = spec->repeats->version;
	}
	initStringInfo(&json);
	ml_call_write(&json, spec, false);
	if (t->params_given != spec->params || t->pipeline_given != spec->pipeline)
		ml_call_write_learned(&json, t->model->learner->name, t->params_given, t->pipeline_given);
	r->run_params = json.data;
	r->seed = spec->seed;
	r->code = spec->code;
	r->tags = spec->tags ? JsonbToCString(NULL, &spec->tags->root, VARSIZE(spec->tags)) : "{}";
	r->algorithm = t->model->learner->name;
	initStringInfo(&json);
	ml_options_json(&json, t->model->learner->params, t->model->learner->nparams, t->params);
	r->params = json.data;
	initStringInfo(&json);
	ml_pipeline_describe(t->model->pipeline, &json);
	r->pipeline = json.data;
	r->signature = ml_record_signature(t->model);
	ml_record_snapshot(t, r);
	r->notes_json = ml_record_notes(&t->notes);
	r->checks = ml_load_profile_checks(t->load, t->model->pipeline);
	r->baseline = ml_baseline_encode(ml_baseline_make(t->load, t->model, t->held_out));
}
