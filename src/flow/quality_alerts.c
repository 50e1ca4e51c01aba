/*
 * quality_alerts.c - quality of a model's windows judged against the held-out rows of training; the whole round of a model.
 *
 * A window is bad where a metric is worse than that of the held-out rows by
 * more than chance (one-sided, 1 in 1000, with the held-out rows no surer than
 * they are many) and by enough to matter.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "drift/profile.h"
#include "flow/truth.h"
#include "portability/instr_time.h"
#include "store/alerts.h"
#include "store/catalog.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define ML_QUALITY_Z		3.0902323061678132
#define ML_QUALITY_WIDTH	(2 * 1.959963984540054)
#define ML_QUALITY_ROWS_MIN	50

/* What is judged of a task. */
typedef struct MlQualityRule
{
	const char *task;
	const char *metric;
	bool		larger_is_better;
	bool		relative;
	double		floor;			/* what matters: of the metric, or of its held-out value */
} MlQualityRule;

static const MlQualityRule ml_quality_rules[] = {
	{"regression", "mae", false, true, 0.05},
	{"classification", "accuracy", true, false, 0.01},
	{"classification", "auc", true, false, 0.01}
};

/* How many rows were held out in a version's training; 0: not known. */
static double
ml_quality_held_out(const char *model, int32 version)
{
	bytea	   *bytes = ml_catalog_baseline(model, version);
	MlBaseline *baseline = bytes == NULL ? NULL : ml_baseline_decode(bytes);
	double		rows = 0;

	for (int b = 0; baseline != NULL && b < baseline->nscores; b++)
		rows += (double) ml_counts_scores(&baseline->counts, 0)[2 * b];
	return rows;
}

/* Whether a window's figure is bad. */
static bool
ml_quality_bad(const MlQualityRule *rule, const MlQualityNow *now, double held_out, double rows)
{
	double		worse = rule->larger_is_better ? held_out - now->value : now->value - held_out;
	double		error = (now->high - now->low) / ML_QUALITY_WIDTH;

	if (rows > 0)
		error *= sqrt(1 + (double) now->n / rows);
	return worse > ML_QUALITY_Z * error && worse > rule->floor * (rule->relative ? fabs(held_out) : 1);
}

static void
ml_quality_raise(const MlTruthSource *at, const MlQualityRule *rule, const char *name, const MlQualityNow *now,
				 double held_out)
{
	MlAlertSignal signal = {0};
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"metric\": \"%s\", \"kind\": \"%s\", \"value\": ", rule->metric, now->kind);
	ml_json_number(&detail, now->value);
	appendStringInfoString(&detail, ", \"low\": ");
	ml_json_number(&detail, now->low);
	appendStringInfoString(&detail, ", \"high\": ");
	ml_json_number(&detail, now->high);
	appendStringInfoString(&detail, ", \"held_out\": ");
	ml_json_number(&detail, held_out);
	appendStringInfo(&detail, ", \"n\": " INT64_FORMAT ", \"window_start\": ", now->n);
	ml_json_text(&detail, timestamptz_to_str(now->start));
	appendStringInfoChar(&detail, '}');
	signal.model = at->model;
	signal.version = at->production;
	signal.rule = name;
	signal.severity = "warning";
	signal.detail = detail.data;
	ml_alert_raise(&signal);
}

/* Closes alerts on concept drift once a realised window that began after it is good. */
static void
ml_quality_clear_drift(const MlTruthSource *at, TimestampTz good_since)
{
	ListCell   *lc;

	foreach(lc, ml_catalog_detectors(at->model, at->production))
	{
		const MlDetectorRow *d = lfirst(lc);

		if (d->last_drift_at != DT_NOBEGIN && d->last_drift_at < good_since)
			ml_alert_clear(at->model, at->production, psprintf("concept_drift:%s", d->detector), NULL);
	}
}

void
ml_quality_alerts(const MlTruthSource *at)
{
	char	   *task = ml_catalog_task(at->model);
	TimestampTz good_since = DT_NOBEGIN;
	bool		bad_realised = false;
	double		rows;

	if (at->production == 0)
		return;
	rows = ml_quality_held_out(at->model, at->production);
	for (int i = 0; i < (int) lengthof(ml_quality_rules); i++)
	{
		const MlQualityRule *rule = &ml_quality_rules[i];
		char	   *name = psprintf("quality:%s", rule->metric);
		MlQualityNow now;
		double		held_out;
		bool		realised;

		if (strcmp(rule->task, task) != 0 ||
			!ml_catalog_recorded_metric(at->model, at->production, rule->metric, &held_out))
			continue;
		realised = ml_catalog_quality_now(at->model, at->production, rule->metric, "realised", ML_QUALITY_ROWS_MIN, &now);
		if (!realised && !ml_catalog_quality_now(at->model, at->production, rule->metric, "estimated", ML_QUALITY_ROWS_MIN,
												 &now))
			continue;
		if (ml_quality_bad(rule, &now, held_out, rows))
		{
			ml_quality_raise(at, rule, name, &now, held_out);
			bad_realised |= realised;
		}
		else
		{
			ml_alert_clear(at->model, at->production, name, NULL);
			if (realised)
				good_since = Max(good_since, now.start);
		}
	}
	if (!bad_realised && good_since != DT_NOBEGIN)
		ml_quality_clear_drift(at, good_since);
}

/* ---- a round ---- */

/* Reads the truth in a subtransaction; its error is raised, or noted and logged once. */
static int
ml_quality_realised(MlTruth *truth, bool raise)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	instr_time	begin;
	instr_time	end;
	int64		labelled = 0;
	int64		unanswered = 0;
	volatile int written = 0;
	ErrorData  *error = NULL;

	INSTR_TIME_SET_CURRENT(begin);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		written = ml_realised_judge(truth, &labelled, &unanswered);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL &&
		(raise || error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN))
		ReThrowError(error);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	if (ml_catalog_truth_read(truth->at.model, (int64) INSTR_TIME_GET_MILLISEC(end), labelled, unanswered,
							  error == NULL ? NULL : error->message))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("truth source of model \"%s\" cannot be read: %s", truth->at.model, error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 errhint("Mend it with ml.set_truth; column error of ml.truth_sources has the message.")));
	return written;
}

int
ml_quality_run(const char *model, bool raise)
{
	MlTruth		truth;
	int			written;

	memset(&truth, 0, sizeof truth);
	if (!ml_catalog_quality_claim(model, raise) || !ml_catalog_truth(model, &truth.at))
		return 0;
	written = ml_estimated_judge(model);
	if (truth.at.source != NULL)
		written += ml_quality_realised(&truth, raise);
	ml_quality_alerts(&truth.at);
	return written;
}
