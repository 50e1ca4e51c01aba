/*
 * watch.c - how a model is watched: its settings, checked before they are written.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/text.h"
#include "flow/deploy.h"
#include "flow/drift_source.h"
#include "flow/truth.h"
#include "flow/watch.h"
#include "miscadmin.h"
#include "monitor/judge.h"
#include "store/access.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* The longest window. */
#define ML_WATCH_WINDOW_MAX_US	(INT64CONST(366) * USECS_PER_DAY)

/* ---- what is asked for ---- */

/* Months have no length, and days are of 24 hours here: windows are multiples since 2000 in UTC. */
static void
ml_watch_check_window(const Interval *length)
{
	bool		endless = ML_INTERVAL_NOT_FINITE(length);
	char	   *text = DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(length)));
	double		us = (double) length->day * USECS_PER_DAY + (double) length->time;

	if (!endless && length->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window_length must not have months or years"),
				 errdetail("It is %s, which has no fixed length.", text),
				 errhint("Write days or hours, such as '30 days'.")));
	if (endless || us < USECS_PER_SEC || us > ML_WATCH_WINDOW_MAX_US)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window_length must be between 1 second and 366 days"),
				 errdetail("It is %s.", text),
				 errhint("Choose it so that a window has some hundreds of rows: '1 hour' is the default.")));
}

static void
ml_watch_check_numbers(const MlMonitor *m)
{
	if (!(m->log_fraction >= 0 && m->log_fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("log_fraction must be between 0 and 1"),
				 errdetail("It is %s.", ml_text_number(m->log_fraction)),
				 errhint("It is the share of scored rows that ml.prediction_log keeps: 0 keeps none.")));
	if (!(m->alpha > 0 && m->alpha <= 0.5))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("alpha must be greater than 0 and at most 0.5"),
				 errdetail("It is %s.", ml_text_number(m->alpha)),
				 errhint("It is the share of windows without drift that may raise an alarm: 0.01 is the default.")));
	if (m->alert_after < 1 || m->alert_of < m->alert_after || m->alert_of > ML_MONITOR_ALERT_OF_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an alert cannot be opened after %d of %d windows", m->alert_after, m->alert_of),
				 errdetail("alert_after must be 1 or more and at most alert_of, and that at most %d.",
						   ML_MONITOR_ALERT_OF_MAX),
				 errhint("Say alert_after => 2, alert_of => 3 for two of the last three windows.")));
}

/* ---- columns ---- */

/* The baseline of the version whose columns the model is watched by, or NULL. */
static MlBaseline *
ml_watch_baseline(const char *model, int32 *version)
{
	bytea	   *bytes;

	*version = ml_catalog_watched_version(model);
	bytes = *version > 0 ? ml_catalog_baseline(model, *version) : NULL;
	return bytes != NULL ? ml_baseline_decode(bytes) : NULL;
}

/* Refuses a column that is none of the version's inputs, or given twice; numbers: one that has no numbers. */
static void
ml_watch_check_columns(const char *model, int32 version, const MlBaseline *baseline, List *columns, const char *argument,
					   bool numbers)
{
	List	   *names = NIL;
	List	   *seen = NIL;
	ListCell   *lc;

	for (int i = 0; i < baseline->ncolumns; i++)
		if (baseline->bins[i].cell >= 0 && (baseline->bins[i].ordered || !numbers))
			names = lappend(names, baseline->bins[i].name);
	foreach(lc, columns)
	{
		char	   *name = lfirst(lc);

		if (!ml_text_listed(names, name))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("\"%s\" in %s is no %s of model \"%s\"", name, argument, numbers ? "input of numbers" : "input",
							model),
					 errdetail("Those of version %d are: %s.", version, ml_text_list(names, 50)),
					 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
		if (ml_text_listed(seen, name))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("\"%s\" is named twice in %s", name, argument),
					 errhint("Name each column once.")));
		seen = lappend(seen, name);
	}
}

static void
ml_watch_check_lists(const char *model, const MlMonitor *m)
{
	int32		version;
	MlBaseline *baseline;

	if (list_length(m->slices) > ML_WATCH_SLICES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("slices has too many columns"),
				 errdetail("It has %d, and there can be %d.", list_length(m->slices), ML_WATCH_SLICES_MAX),
				 errhint("Each column multiplies what is counted by its bins: name those by which people are treated "
						 "differently.")));
	if (m->slices == NIL && m->cyclic == NIL)
		return;
	baseline = ml_watch_baseline(model, &version);
	if (baseline == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no version with a baseline", model),
				 errdetail("Columns in slices and cyclic are inputs of a version, in its bins."),
				 errhint("Train a version first, with snapshot => 'fingerprint'.")));
	ml_watch_check_columns(model, version, baseline, m->slices, "slices", false);
	ml_watch_check_columns(model, version, baseline, m->cyclic, "cyclic", true);
}

/* ---- the verbs ---- */

void
ml_watch_set(const char *model, const MlMonitor *monitor)
{
	ListCell   *lc;

	ml_deploy_begin("ml.set_monitor()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	ml_watch_check_window(monitor->window_length);
	ml_drift_check_methods(monitor->methods);
	ml_watch_check_numbers(monitor);
	if (monitor->truth_source != NULL && strspn(monitor->truth_source, " \t\r\n") == strlen(monitor->truth_source))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("truth_source is empty"),
				 errhint("Give one SELECT of the rows whose truth has become known, or leave it out.")));
	ml_watch_check_lists(model, monitor);
	ml_catalog_set_monitor(model, monitor);
	ml_truth_check(model, monitor->truth_source);
	if (monitor->slices == NIL)
		return;
	CommandCounterIncrement();
	foreach(lc, ml_catalog_slices_due(model))
	{
		const MlVersionRef *version = lfirst(lc);
		char	   *problem = ml_watch_count_slices(version->model, version->version, monitor->slices);

		if (problem != NULL)
			ereport(NOTICE,
					(errmsg("slices of version %d of model \"%s\" are judged against the window before only",
							version->version, model),
					 errdetail("%s", problem)));
	}
}

void
ml_watch_drop(const char *model)
{
	ml_deploy_begin("ml.drop_monitor()");
	ml_access_require(model, ml_catalog_owner(model), ML_PRIV_OWNER);
	ml_catalog_set_monitor(model, NULL);
	ml_truth_check(model, NULL);
}

/* ---- what comes of it ---- */

/* How many columns of how many slices are judged. */
static int
ml_watch_comparisons(const MlBaseline *baseline, const MlMonitor *monitor, int watched)
{
	int		   *slices;
	int			n = ml_judge_slices(baseline, monitor->slices, &slices);
	int			sets = 1;

	for (int i = 0; i < n; i++)
		sets += baseline->bins[slices[i]].nbins;
	return watched * sets;
}

void
ml_watch_describe(const char *model, MlWatched *out)
{
	MlMonitor	monitor;
	MlBaseline *baseline;
	int			watched = 0;

	memset(out, 0, sizeof *out);
	ml_catalog_monitor(model, &monitor);
	out->min_rows = monitor.min_rows > 0 ? monitor.min_rows : ML_MONITOR_MIN_ROWS;
	baseline = ml_watch_baseline(model, &out->version);
	if (baseline == NULL)
	{
		out->problem = out->version > 0 ? psprintf("Version %d has no baseline: it was trained before there were any.",
												   out->version) : pstrdup("There is no version.");
		out->version = 0;
		return;
	}
	for (int i = 0; i < baseline->ncolumns; i++)
	{
		List	   *methods = ml_judge_methods(&monitor, &baseline->bins[i]);
		ListCell   *lc;

		if (methods == NIL)
			continue;
		watched++;
		out->columns = lappend(out->columns, baseline->bins[i].name);
		foreach(lc, methods)
		{
			const char *name = ((const MlDriftMethod *) lfirst(lc))->name;

			if (!ml_text_listed(out->methods, name))
				out->methods = lappend(out->methods, unconstify(char *, name));
		}
	}
	out->false_alarms = ml_judge_false_alarms(&monitor, ml_watch_comparisons(baseline, &monitor, watched));
	if (ml_catalog_slice_baseline(model, out->version, monitor.slices, &out->problem) == NULL && out->problem != NULL)
		out->problem = psprintf("Slices are judged against the window before only. %s", out->problem);
}
