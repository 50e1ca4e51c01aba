/*
 * reproduce.c - a version's training once more, and whether the same comes of it.
 *
 * The training runs in a subtransaction, so that one that fails, because its
 * source has gone, is a finding and no error. What differs is looked for where
 * bytes can come from: the rows, the settings and names (which are those of
 * then), the environment.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/passing.h"
#include "flow/call.h"
#include "flow/changed.h"
#include "flow/recorded.h"
#include "flow/reproduce.h"
#include "flow/stored.h"
#include "flow/training.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/runs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/resowner.h"

/* Metrics that differ by no more than this share of the greater one are called equal. */
#define ML_REPRODUCE_TOLERANCE	1e-6

typedef struct MlReproduce
{
	MlVersionRef version;
	MlVersionFacts facts;
	MlTrainingRecord record;
	MlStored	stored;
	bool		from_copy;
	MlTrainSpec spec;
	MlRepeat	repeat;
	MlReproduction *out;
	MlNotes		notes;
	MemoryContext context;

	/* what came of it */
	MlTraining *training;
	MlRegistration outcome;
	char	   *fingerprint;	/* of the rows it read */
	int64		rows;

	/* how the source differs */
	bool		differs;		/* in its rows */
	bool		noted;			/* in anything */
	StringInfoData words;
	char	   *column;			/* the one that words are of; NULL: the whole source */
} MlReproduce;

/* ---- the call ---- */

/* What the model learned with: as the caller gave it, or what auto or a search found. */
static void
ml_reproduce_learner(MlReproduce *r)
{
	Jsonb	   *learned = ml_call_json(r->record.params, "learned_with");
	MlTrainSpec *spec = &r->spec;

	if (strcmp(spec->algorithm, r->facts.algorithm) != 0)
		ml_note(&r->notes, "algorithm \"%s\" had chosen %s: that was trained, and the choice was not repeated", spec->algorithm,
				r->facts.algorithm);
	if (learned || ml_call_json(r->record.params, "search"))
		ml_note(&r->notes, "the search was not repeated: the model was trained with what it had found");
	if (learned)
	{
		spec->params = ml_call_json(learned, "params");
		spec->pipeline = ml_call_json(learned, "pipeline");
	}
	spec->algorithm = r->facts.algorithm;
	spec->params = ml_train_params_of(spec->params, ml_learner_by_name(spec->algorithm));
	spec->search = NULL;
}

/* The rows: from the copy where it can be read, and all of what is in it. */
static void
ml_reproduce_source(MlReproduce *r)
{
	char	   *problem;

	if (!ml_catalog_stored_of(r->version.model, r->version.version, &r->stored) || r->stored.table == NULL)
		return;
	problem = ml_stored_problem(&r->stored, r->record.trainer);
	if (problem)
	{
		ml_note(&r->notes, "the copy of the rows was not read: %s", problem);
		return;
	}
	r->from_copy = true;
	r->spec.source = r->stored.query;
	r->spec.exclude = NIL;
}

static void
ml_reproduce_prepare(MlReproduce *r, const char *ref)
{
	MlTrainSpec *spec = &r->spec;

	ml_catalog_resolve(ref, &r->version);
	ml_access_require(r->version.model, r->version.owner, ML_PRIV_READ);
	(void) ml_catalog_training(r->version.model, r->version.version, &r->record);
	if (!ml_catalog_version_facts(r->version.model, r->version.version, &r->facts) || r->record.params == NULL ||
		ml_call_text(r->record.params, "source") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the training of version %d of model \"%s\" cannot be repeated", r->version.version,
						r->version.model),
				 errdetail("Its call is not recorded: it was not trained by ml.train."),
				 errhint("Train a version with ml.train; later ones can be reproduced.")));
	ml_call_read(r->record.params, spec);
	spec->model = r->version.model;
	spec->seed = r->record.seed;
	spec->snapshot = "none";
	spec->deploy = "never";
	spec->reproduces = true;
	r->repeat.run_id = r->record.run_id;
	r->repeat.version = r->version.version;
	r->repeat.identity.model = r->version.model;
	r->repeat.identity.role = r->record.trainer;
	r->repeat.identity.search_path = r->record.search_path;
	spec->repeats = &r->repeat;
	ml_reproduce_learner(r);
	ml_reproduce_source(r);
}

/* ---- the training ---- */

static char *
ml_reproduce_hex(const uint8 *digest)
{
	char	   *hex = palloc(2 * ML_DIGEST_BYTES + 1);

	hex[hex_encode((const char *) digest, ML_DIGEST_BYTES, hex)] = '\0';
	return hex;
}

/* Trains, and keeps what came of it. */
static void
ml_reproduce_train(MlReproduce *r)
{
	int			nest_level = ml_recorded_settings_enter(r->record.environment);
	MlTraining *t = r->training = ml_train_begin(&r->spec);
	MlRegistration made;
	MlRunMetric *metrics;

	MemoryContextSwitchTo(t->context);
	ml_train_make(t);
	ml_record_outcome(t, &made);
	MemoryContextSwitchTo(r->context);
	r->outcome = made;
	metrics = palloc(sizeof(MlRunMetric) * Max(made.nmetrics, 1));
	for (int i = 0; i < made.nmetrics; i++)
	{
		metrics[i] = made.metrics[i];
		metrics[i].name = pstrdup(metrics[i].name);
	}
	r->outcome.metrics = metrics;
	r->outcome.metrics_json = pstrdup(made.metrics_json);
	r->outcome.environment = pstrdup(made.environment);
	r->out->actual = ml_reproduce_hex(made.digest);
	r->fingerprint = ml_fingerprint_text(&t->load->fingerprint);
	r->rows = t->load->rows_read - t->load->rows_null_target;
	ml_train_end(t);
	AtEOXact_GUC(false, nest_level);
}

/* Receives one difference of the source. */
static void ml_reproduce_difference(void *ctx, const char *column, const char *statistic, const char *recorded,
									const char *today);

/* Compares the source of today with the snapshot. */
static void
ml_reproduce_compare(MlReproduce *r)
{
	ml_changed_run(psprintf("%s/%d", r->version.model, r->version.version), ml_reproduce_difference, r);
}

/* Does a part of the work in a subtransaction; returns the error that ended it, or NULL. */
static ErrorData *
ml_reproduce_try(MlReproduce *r, void (*work) (MlReproduce *r))
{
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(r->context);
	PG_TRY();
	{
		work(r);
		MemoryContextSwitchTo(r->context);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(r->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(r->context);
	CurrentResourceOwner = owner;
	if (error && ml_error_of_moment(error->sqlerrcode))
		ReThrowError(error);
	return error;
}

/* ---- what differs ---- */

/* Ends the note on a column, or on the whole source. */
static void
ml_reproduce_end_column(MlReproduce *r)
{
	if (r->words.len == 0)
		return;
	if (r->column)
		ml_note(&r->notes, "the source has changed: column \"%s\": %s", r->column, r->words.data);
	else
		ml_note(&r->notes, "the source has changed: %s", r->words.data);
	resetStringInfo(&r->words);
}

static void
ml_reproduce_difference(void *ctx, const char *column, const char *statistic, const char *recorded, const char *today)
{
	MlReproduce *r = ctx;
	MemoryContext old = MemoryContextSwitchTo(r->context);
	StringInfo	out = &r->words;

	if (!ml_text_same(column, r->column))
	{
		ml_reproduce_end_column(r);
		r->column = column ? pstrdup(column) : NULL;
	}
	r->differs |= column == NULL;
	r->noted = true;
	appendStringInfoString(out, out->len > 0 ? ", " : "");
	if (strcmp(statistic, "fingerprint") == 0)
		appendStringInfoString(out, column ? "other values" : "other rows");
	else if (strcmp(statistic, "rows") == 0)
		appendStringInfo(out, "%s rows in place of %s", today, recorded);
	else if (strcmp(statistic, "unmatched") == 0)
		appendStringInfo(out, "it lacks %s rows of the copy, and has %s that the copy lacks", recorded, today);
	else if (strcmp(statistic, "type") == 0 && recorded == NULL)
		appendStringInfo(out, "it is new, of type %s", today);
	else if (strcmp(statistic, "type") == 0 && today == NULL)
		appendStringInfo(out, "it is gone, and was of type %s", recorded);
	else
		appendStringInfo(out, "%s was %s and is %s", statistic, recorded ? recorded : "none", today ? today : "none");
	MemoryContextSwitchTo(old);
}

/* Compares today's source with what was recorded, and notes each difference. */
static void
ml_reproduce_look(MlReproduce *r)
{
	ErrorData  *error;

	if (r->record.fingerprint == NULL)
	{
		ml_note(&r->notes, "whether the source has changed is not known: its training recorded no snapshot");
		return;
	}
	initStringInfo(&r->words);
	error = ml_reproduce_try(r, ml_reproduce_compare);
	if (error)
		ml_note(&r->notes, "whether the source has changed is not known: %s", error->message);
	else
		ml_reproduce_end_column(r);
	r->out->source_known = error == NULL;
	r->out->source_unchanged = error == NULL && !r->differs;
}

/* Notes where the environment is another; returns whether it is. */
static bool
ml_reproduce_environment(MlReproduce *r)
{
	static const char *const names[] = {
		"extension_version", "server_version", "platform", "compiler", "c_library", "blas"
	};
	Jsonb	   *now = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(r->outcome.environment)));
	bool		other = false;

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		char	   *then = ml_call_text(r->record.environment, names[i]);
		char	   *today = ml_call_text(now, names[i]);

		if (then == NULL || today == NULL || strcmp(then, today) == 0)
			continue;
		ml_note(&r->notes, "the environment is another: %s was \"%s\" and is \"%s\"", names[i], then, today);
		other = true;
	}
	return other;
}

static double
ml_reproduce_number(const JsonbValue *v)
{
	return v && v->type == jbvNumeric ?
		DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric))) : NAN;
}

/* Where bytes differ: whether the metrics do. */
static void
ml_reproduce_metrics(MlReproduce *r)
{
	Jsonb	   *today = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(r->outcome.metrics_json)));
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	JsonbValue	buffer;
	char	   *name = NULL;
	int			n = 0;
	int			equal = 0;

	it = r->facts.metrics ? JsonbIteratorInit(&r->facts.metrics->root) : NULL;
	while (it && (token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		double		a;
		double		b;

		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE || v.type != jbvNumeric)
			continue;
		a = ml_reproduce_number(&v);
		b = ml_reproduce_number(getKeyJsonValueFromContainer(&today->root, name, strlen(name), &buffer));
		n++;
		if (fabs(a - b) <= ML_REPRODUCE_TOLERANCE * Max(fabs(a), fabs(b)))
			equal++;
		else
			ml_note(&r->notes, "metric %s was %s and is %s", name, ml_text_number(a), isnan(b) ? "not there" : ml_text_number(b));
	}
	if (n == 0)
		ml_note(&r->notes, "there are no metrics to compare");
	else
		ml_note(&r->notes, "%d of %d metrics are equal within a relative tolerance of %s", equal, n,
				ml_text_number(ML_REPRODUCE_TOLERANCE));
}

/* Whether the rows that were trained on are those that were recorded; notes if not. */
static bool
ml_reproduce_same_rows(MlReproduce *r)
{
	bool		same = r->record.fingerprint == NULL ||
		(strcmp(r->fingerprint, r->record.fingerprint) == 0 && r->rows == r->record.rows);

	if (!same && r->from_copy && r->rows != r->record.rows)
		ml_note(&r->notes, "the copy of the rows, table %s, has changed since: it has %lld rows, and %lld were recorded",
				r->stored.table, (long long) r->rows, (long long) r->record.rows);
	else if (!same && r->from_copy)
		ml_note(&r->notes, "the copy of the rows, table %s, has changed since: its rows are not those that were recorded",
				r->stored.table);
	return same;
}

static void
ml_reproduce_judge(MlReproduce *r)
{
	bool		same_rows = ml_reproduce_same_rows(r);
	bool		known = r->record.fingerprint != NULL;
	bool		other;

	r->out->identical = strcmp(r->out->actual, r->out->expected) == 0;
	/* the rows of the source have just been seen; a type that is another one may be why bytes are */
	if (!r->from_copy && known && same_rows && r->out->identical)
		r->out->source_known = r->out->source_unchanged = true;
	else
		ml_reproduce_look(r);
	other = ml_reproduce_environment(r);
	if (r->out->identical)
		return;
	ml_reproduce_metrics(r);
	if (known && same_rows && !other && (r->from_copy || !r->noted))
		ml_note(&r->notes, "rows, settings and environment are as they were: please report this as a fault of pg_mlops");
}

/* ---- the record ---- */

static void
ml_reproduce_record(MlReproduce *r)
{
	MlRunRecord run = {0};
	StringInfoData params;

	if (XactReadOnly)
	{
		ml_note(&r->notes, "no run was recorded: the transaction is read-only");
		return;
	}
	initStringInfo(&params);
	appendStringInfo(&params, "{\"from\": \"%s\", \"identical\": %s, \"expected_sha256\": \"%s\", \"actual_sha256\": \"%s\"}",
					 r->from_copy ? "copy" : "source", r->out->identical ? "true" : "false", r->out->expected,
					 r->out->actual);
	run.kind = "reproduce";
	run.model = r->version.model;
	run.version = r->version.version;
	run.params = params.data;
	run.environment = r->outcome.environment;
	run.started_at = r->outcome.started_at;
	run.nmetrics = r->outcome.nmetrics;
	run.metrics = r->outcome.metrics;
	if (ml_catalog_record_run(&run) == 0)
		ml_note(&r->notes, "no run was recorded: the model was dropped meanwhile");
}

void
ml_reproduce_run(const char *ref, MlReproduction *out)
{
	MlReproduce *r = palloc0(sizeof(MlReproduce));
	ErrorData  *error;

	memset(out, 0, sizeof *out);
	r->context = CurrentMemoryContext;
	r->out = out;
	ml_reproduce_prepare(r, ref);
	out->expected = ml_reproduce_hex(r->version.digest);
	error = ml_reproduce_try(r, ml_reproduce_train);
	if (error)
	{
		if (r->training)
			MemoryContextDelete(r->training->context);
		/* what the one who asks is not allowed is his error, not a finding */
		if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
			ReThrowError(error);
		ml_note(&r->notes, "the training could not be repeated: %s", error->message);
		ml_reproduce_look(r);
	}
	else
	{
		ml_reproduce_judge(r);
		ml_reproduce_record(r);
	}
	out->notes = r->notes.items;
}
