/*
 * judge.c - duty "judge": looks at windows that are due, and says by alerts what has drifted.
 *
 * An open window is looked at when its rows reach the minimum, twice that, and
 * so on, so that what drifts is seen long before a window of a day is over;
 * each look spends a part of the window's alpha (monitor/judge.h), and the
 * last one, when it is over, the greater part. What is due costs a transaction
 * each: an error ends one window's look, is written down with it, and leaves
 * the others alone. Slices of versions that came into service after
 * ml.set_monitor are counted here.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/passing.h"
#include "base/text.h"
#include "flow/watch.h"
#include "monitor/judge.h"
#include "store/alerts.h"
#include "store/catalog.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/duty.h"

/* A window while it is looked at. */
typedef struct MlLookAt
{
	const MlWindow *window;
	MlMonitor	monitor;
	MlBaseline *baseline;
	MlCounts	current;
	MlCounts	sliced;			/* the training rows by slice */
	bool		has_sliced;
	List	   *slices;			/* columns (char *) that the window is cut by */
	List	   *rows;			/* MlDriftRow * */
} MlLookAt;

/* ---- a look ---- */

/* Reads the training rows by slice, if they are cut as the window is. */
static void
ml_look_read_slices(MlLookAt *look)
{
	bytea	   *bytes = ml_catalog_slice_baseline(look->window->model, look->window->version, look->monitor.slices, NULL);
	List	   *known = NIL;
	ListCell   *lc;

	foreach(lc, look->monitor.slices)
		if (ml_baseline_find(look->baseline, lfirst(lc)) >= 0)
			known = lappend(known, lfirst(lc));
	if (bytes == NULL || !ml_text_same_list(known, look->slices))
		return;
	ml_counts_decode(bytes, &look->sliced);
	look->has_sliced = ml_counts_same_shape(&look->sliced.shape, &look->current.shape);
}

/* Compares with the training rows and the window before. */
static void
ml_look_compare(MlLookAt *look, MlJudgement *judgement)
{
	MlCounts	before;
	bytea	   *bytes;
	List	   *slices;

	look->rows = ml_judge_drift(judgement, ML_DRIFT_BASELINE, &look->baseline->counts,
								look->has_sliced ? &look->sliced : NULL);
	if (!ml_catalog_window_before(look->window, &bytes, &slices))
		return;
	ml_counts_decode(bytes, &before);
	/* a window that was cut otherwise still compares as a whole */
	if (before.shape.ncolumns != look->current.shape.ncolumns ||
		memcmp(before.shape.nbins, look->current.shape.nbins, sizeof(uint16) * before.shape.ncolumns) != 0)
		return;
	look->rows = list_concat(look->rows,
							 ml_judge_drift(judgement, ML_DRIFT_CONSECUTIVE, &before,
											ml_text_same_list(slices, look->slices) &&
											ml_counts_same_shape(&before.shape, &look->current.shape) ? &before : NULL));
}

/* ---- alerts ---- */

/* What an alert tells of the comparison that stands out most, as JSON. */
static char *
ml_look_detail(const MlLookAt *look, const MlDriftRow *row, int drifted, int windows)
{
	const MlBins *bins = &look->baseline->bins[row->column];
	const MlCounts *reference = row->set > 0 ? &look->sliced : &look->baseline->counts;
	MlColumnCounts current;
	MlColumnCounts then;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"column\": ");
	ml_json_text(&json, row->column_name);
	appendStringInfo(&json, ", \"role\": \"%s\", \"drift_type\": \"%s\", \"method\": \"%s\", \"statistic\": ",
					 look->window->role, ml_drift_type_name(row->type), row->method->name);
	ml_json_number(&json, row->result.statistic);
	appendStringInfoString(&json, ", \"limit\": ");
	ml_json_number(&json, row->result.limit);
	appendStringInfoString(&json, ", \"p_value\": ");
	if (isnan(row->result.p_value))
		appendStringInfoString(&json, "null");
	else
		ml_json_number(&json, row->result.p_value);
	appendStringInfo(&json, ", \"n\": %lld, \"n_reference\": %lld, \"drifted\": %d, \"windows\": %d, \"window_start\": ",
					 (long long) row->n, (long long) row->n_reference, drifted, windows);
	ml_json_text(&json, timestamptz_to_str(look->window->start));
	/* the window before is not at hand any more */
	if (row->type == ML_DRIFT_BASELINE)
	{
		ml_counts_read(reference, row->set, row->column, bins, &then);
		ml_counts_read(&look->current, row->set, row->column, bins, &current);
		appendStringInfoString(&json, ", \"change\": ");
		ml_json_text(&json, ml_judge_words(bins, &then, &current));
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* In how many of the last windows a column has drifted. */
static void
ml_look_streak(List *streaks, const MlDriftRow *row, int *drifted, int *windows)
{
	ListCell   *lc;

	foreach(lc, streaks)
	{
		const MlDriftStreak *streak = lfirst(lc);

		if (strcmp(streak->column_name, row->column_name) != 0 || !ml_text_same(streak->slice_key, row->slice_key) ||
			!ml_text_same(streak->slice_value, row->slice_value))
			continue;
		*drifted = streak->drifted;
		*windows = streak->windows;
	}
}

/* Opens or closes the alert of a column of a slice: rows are its comparisons, most what stands out, or NULL. */
static void
ml_look_alert(const MlLookAt *look, List *streaks, const MlDriftRow *row, const MlDriftRow *most)
{
	MlAlertSignal signal = {0};
	int			drifted = most != NULL;
	int			windows = 1;

	ml_look_streak(streaks, row, &drifted, &windows);
	signal.model = look->window->model;
	signal.version = look->window->version;
	signal.rule = psprintf("drift:%s", row->column_name);
	signal.slice = row->slice_key != NULL ? psprintf("%s=%s", row->slice_key, row->slice_value) : NULL;
	signal.severity = "warning";
	if (drifted >= look->monitor.alert_after)
	{
		signal.detail = ml_look_detail(look, most != NULL ? most : row, drifted, windows);
		ml_alert_raise(&signal);
	}
	else
		ml_alert_clear(signal.model, signal.version, signal.rule, signal.slice);
}

/*
 * Brings the alerts up to date with a look. What counts is the comparison with
 * the training rows; of slices that have none, that with the window before. The
 * last look at a window may come after the first at the next one, which knows
 * better how things stand.
 */
static void
ml_look_alerts(const MlLookAt *look)
{
	List	   *streaks = look->monitor.alert_of > 1 ?
		ml_catalog_drift_streaks(look->window, look->monitor.alert_of, !look->has_sliced) : NIL;
	int			n = list_length(look->rows);

	for (int i = 0; i < n;)
	{
		const MlDriftRow *first = list_nth(look->rows, i);
		const MlDriftRow *decided = NULL;
		const MlDriftRow *most = NULL;

		for (; i < n; i++)
		{
			const MlDriftRow *row = list_nth(look->rows, i);

			if (row->type != first->type || row->set != first->set || row->column != first->column)
				break;
			if (row->verdict != ML_DRIFT_INSUFFICIENT)
				decided = row;
			if (row->verdict == ML_DRIFT_FOUND &&
				(most == NULL || row->result.statistic / row->result.limit > most->result.statistic / most->result.limit))
				most = row;
		}
		if (decided != NULL &&
			first->type == (first->set > 0 && !look->has_sliced ? ML_DRIFT_CONSECUTIVE : ML_DRIFT_BASELINE))
			ml_look_alert(look, streaks, decided, most);
	}
}

/* Looks at a window. */
static void
ml_look_at(const MlWindow *window)
{
	MlLookAt	look = {window};
	MlJudgement judgement = {0};
	MlCountsShape shape;
	bytea	   *baseline = ml_catalog_baseline(window->model, window->version);
	bytea	   *counts;
	int		   *slices;

	/* the version was dropped, or was trained before there were baselines */
	if (!ml_catalog_window_counts(window, &counts, &look.slices))
		return;
	if (baseline == NULL)
	{
		ml_catalog_window_judged(window, NIL, "The version has no baseline.");
		return;
	}
	ml_catalog_monitor(window->model, &look.monitor);
	look.baseline = ml_baseline_decode(baseline);
	ml_counts_decode(counts, &look.current);
	judgement.nslices = ml_judge_slices(look.baseline, look.slices, &slices);
	ml_counts_shape(&shape, look.baseline, judgement.nslices, slices);
	if (!ml_counts_same_shape(&shape, &look.current.shape))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the counts of a window of version %d of model \"%s\" do not fit its baseline", window->version,
						window->model)));
	ml_look_read_slices(&look);
	judgement.monitor = &look.monitor;
	judgement.baseline = look.baseline;
	judgement.slices = slices;
	judgement.current = &look.current;
	judgement.alpha = ml_judge_look_alpha(look.monitor.alpha, window->looks + 1, window->over);
	ml_look_compare(&look, &judgement);
	ml_catalog_window_judged(window, look.rows, NULL);
	CommandCounterIncrement();
	if (!ml_catalog_window_outdated(window))
		ml_look_alerts(&look);
}

/* ---- the duty ---- */

/* Looks at a window in a transaction of its own; what goes wrong is written down, so that it is said once. */
static void
ml_look_try(const MlWindow *window)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		ml_duty_begin("judging windows");
		ml_look_at(window);
		ml_duty_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ml_error_of_moment(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	if (error == NULL)
		return;
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("a window of version %d of model \"%s\" cannot be judged: %s", window->version, window->model,
					error->message)));
	ml_duty_begin("judging windows");
	ml_catalog_window_judged(window, NIL, error->message);
	ml_duty_commit();
	MemoryContextSwitchTo(context);
}

/* Counts the slices of versions that have come into service. */
static void
ml_look_count_slices(List *versions)
{
	MemoryContext context = CurrentMemoryContext;
	ListCell   *lc;

	foreach(lc, versions)
	{
		const MlVersionRef *version = lfirst(lc);
		MlMonitor	monitor;

		ml_duty_begin("counting slices");
		ml_catalog_monitor(version->model, &monitor);
		(void) ml_watch_count_slices(version->model, version->version, monitor.slices);
		ml_duty_commit();
		MemoryContextSwitchTo(context);
	}
}

static TimestampTz
ml_judge_run(void)
{
	MemoryContext round = CurrentMemoryContext;
	List	   *versions;
	List	   *windows;
	ListCell   *lc;

	ml_duty_begin("judging windows");
	MemoryContextSwitchTo(round);
	versions = ml_catalog_slices_due(NULL);
	windows = ml_catalog_windows_due(ml_duty_asked());
	ml_duty_commit();
	MemoryContextSwitchTo(round);
	ml_look_count_slices(versions);
	foreach(lc, windows)
		ml_look_try(lfirst(lc));
	return DT_NOEND;
}

const MlDuty ml_duty_judge = {
	.name = "judging",
	.run = ml_judge_run
};
