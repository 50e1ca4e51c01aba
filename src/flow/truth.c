/*
 * truth.c - where the truth of predictions is found: checked, and as the query that is read.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "drift/detector.h"
#include "flow/evaluate.h"
#include "flow/source.h"
#include "flow/truth.h"
#include "parser/parse_type.h"
#include "store/cache.h"
#include "store/catalog.h"
#include "utils/builtins.h"

/* Names of the column with the time of a prediction, the first that there is. */
static const char *const ml_truth_times[] = {"at", "predicted_at", "time"};

/* A source as something that can stand behind FROM in parentheses. */
static char *
ml_truth_body(const char *source)
{
	char	   *body = ml_source_is_query(source) ? pstrdup(source) : psprintf("SELECT * FROM %s", source);
	int			n = strlen(body);

	while (n > 0 && (isspace((unsigned char) body[n - 1]) || body[n - 1] == ';'))
		body[--n] = '\0';
	return body;
}

static void
ml_truth_take_desc(void *ctx, TupleDesc desc)
{
	*(TupleDesc *) ctx = CreateTupleDescCopy(desc);
}

static bool
ml_truth_no_row(void *ctx, TupleTableSlot *slot)
{
	return false;
}

static Form_pg_attribute
ml_truth_find(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return TupleDescAttr(desc, i);
	return NULL;
}

static ML_NORETURN void
ml_truth_lacks(const MlTruth *truth, TupleDesc desc, const char *what, const char *hint)
{
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
		names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("truth source of model \"%s\" has no %s", truth->at.model, what),
			 errdetail("Its columns are: %s.", ml_text_list(names, 50)),
			 errhint("%s", hint)));
}

void
ml_truth_open(MlTruth *truth)
{
	MlSourceReader reader = {0};
	TupleDesc	desc = NULL;
	MlVersionRef version;
	const char *target;

	ml_catalog_resolve(psprintf("%s/%d", truth->at.model, truth->at.production ? truth->at.production : truth->at.newest),
					   &version);
	target = ml_cache_pin(&version, CurrentMemoryContext)->target;
	truth->identity.model = truth->at.model;
	truth->identity.role = truth->at.owner;
	truth->identity.search_path = truth->at.search_path;
	reader.identity = &truth->identity;
	reader.describe = ml_truth_take_desc;
	reader.row = ml_truth_no_row;
	reader.ctx = &desc;
	(void) ml_source_read(psprintf("SELECT * FROM (%s\n) AS s LIMIT 0", ml_truth_body(truth->at.source)), &reader, NULL);
	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("model \"%s\" has no target", truth->at.model),
				 errhint("Only models that learn a target have a truth.")));
	truth->label = pstrdup(ml_truth_find(desc, target) != NULL ? target : "label");
	if (ml_truth_find(desc, truth->label) == NULL)
		ml_truth_lacks(truth, desc, psprintf("column \"%s\" or \"label\"", target), "Give the truth one of these names.");
	truth->time = NULL;
	if (ml_truth_find(desc, "row_key") != NULL)
		return;
	for (int i = 0; i < (int) lengthof(ml_truth_times) && truth->time == NULL; i++)
	{
		Form_pg_attribute att = ml_truth_find(desc, ml_truth_times[i]);

		if (att != NULL && att->atttypid == TIMESTAMPTZOID)
			truth->time = pstrdup(ml_truth_times[i]);
	}
	if (truth->time == NULL)
		ml_truth_lacks(truth, desc, "time of the prediction",
					   "Name it at, predicted_at or time, of type timestamp with time zone; or give row_key of ml.prediction_log.");
}

/* What a row of the log is taken apart into: all inputs of a model, and slices that are none. */
static char *
ml_truth_inputs(const MlTruth *truth, const MlPipeline *pipeline)
{
	StringInfoData out;
	List	   *names = NIL;
	ListCell   *lc;

	initStringInfo(&out);
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		appendStringInfo(&out, "%s%s %s", i > 0 ? ", " : "", quote_identifier(pipeline->inputs[i].name),
						 pipeline->inputs[i].type_name);
		names = lappend(names, pipeline->inputs[i].name);
	}
	foreach(lc, truth->at.slices)
		if (!ml_text_listed(names, lfirst(lc)))
			appendStringInfo(&out, "%s%s pg_catalog.text", out.len > 0 ? ", " : "", quote_identifier(lfirst(lc)));
	return out.data;
}

char *
ml_truth_query(const MlTruth *truth, const MlVersionRef *version, TimestampTz since)
{
	char	   *body = ml_truth_body(truth->at.source);
	char	   *rows;

	if (truth->time == NULL)
		rows = ml_catalog_logged_truth(truth->at.model, body, quote_identifier(truth->label),
									   ml_truth_inputs(truth, ml_cache_pin(version, CurrentMemoryContext)->pipeline));
	else
		rows = psprintf("(SELECT t.*, t.%s AS \":at\" FROM (%s\n) AS t)", quote_identifier(truth->time), body);
	return psprintf("SELECT * FROM %s AS s WHERE s.\":at\" OPERATOR(pg_catalog.>=) %s::pg_catalog.timestamptz "
					"AND s.\":at\" OPERATOR(pg_catalog.<=) pg_catalog.now() "
					"ORDER BY s.\":at\" USING OPERATOR(pg_catalog.<)",
					rows, quote_literal_cstr(timestamptz_to_str(since)));
}

/* ---- setting it ---- */

static bool
ml_truth_skip_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	return false;
}

static bool
ml_truth_want_none(void *ctx, TupleTableSlot *slot)
{
	return false;
}

/* Binds the version that would be judged to the source's columns. */
static void
ml_truth_try(MlTruth *truth)
{
	MlEvaluation *e;
	MlVersionRef version;
	char	   *ref;

	ml_truth_open(truth);
	ref = psprintf("%s/%d", truth->at.model, truth->at.production ? truth->at.production : truth->at.newest);
	ml_catalog_resolve(ref, &version);
	e = ml_evaluation_begin(truth->at.slices, truth->label);
	ml_evaluation_add(e, ref, &version);
	e->identity = &truth->identity;
	e->wants = ml_truth_want_none;
	ml_evaluation_scan(e, psprintf("%s LIMIT 0", ml_truth_query(truth, &version, truth->at.since)), ml_truth_skip_row, NULL,
					   NULL);
	ml_evaluation_end(e);
}

/* Refuses detectors that there are not, and parameters that they do not have. */
static void
ml_truth_check_detectors(const char *model, Jsonb *detectors)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (detectors == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(detectors))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"detectors\" must be a JSON object"),
				 errhint("Write detectors with their parameters, such as {\"adwin\": {}}.")));
	it = JsonbIteratorInit(&detectors->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *name;
		const MlDetector *detector;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(v.val.string.val, v.val.string.len);
		detector = ml_detector_find(name);
		(void) JsonbIteratorNext(&it, &v, true);
		if (detector == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("detector \"%s\" does not exist", name),
					 errdetail("The detectors are: %s.", ml_text_list(ml_detectors_list(), 20)),
					 errhint("%s", ml_text_hint(name, ml_detectors_list(), "See ml.detectors."))));
		if (detector->input == ML_DETECTOR_ERROR && strcmp(ml_catalog_task(model), "classification") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("detector \"%s\" needs errors that are 0 or 1", name),
					 errdetail("Model \"%s\" predicts numbers.", model),
					 errhint("Choose another of ml.detectors.")));
		(void) ml_detection_begin(detector, JsonbValueToJsonb(&v), CurrentMemoryContext);
	}
}

void
ml_truth_set(const char *model, const char *source, const Interval *wait, Jsonb *detectors)
{
	MlTruth		truth;
	char	   *path = NULL;

	memset(&truth, 0, sizeof truth);
	if (source != NULL)
	{
		ml_truth_check_detectors(model, detectors);
		path = pstrdup(namespace_search_path);
		if (!ml_catalog_truth(model, &truth.at))
			(void) ml_catalog_owner(model);
		truth.at.source = pstrdup(source);
		truth.at.search_path = path;
		ml_truth_try(&truth);
	}
	ml_catalog_set_truth(model, source, path, wait, detectors);
}

void
ml_truth_check(const char *model, const char *source)
{
	ml_truth_set(model, source, NULL, NULL);
}
