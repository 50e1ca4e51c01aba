/*
 * drift.h - what the catalog keeps of the watching of models: settings, windows to be judged, what was found.
 *
 * Settings and baselines are read by index scans, so that a source can be
 * judged on a standby too; windows are read and written by the database's
 * worker. Nothing here checks rights.
 */
#ifndef ML_STORE_DRIFT_H
#define ML_STORE_DRIFT_H

#include "datatype/timestamp.h"
#include "drift/profile.h"
#include "nodes/pg_list.h"

/* A window is not judged before it has so many rows, unless ml.set_monitor says otherwise. */
#define ML_MONITOR_MIN_ROWS		200
#define ML_MONITOR_ALPHA		0.01
#define ML_MONITOR_ALERT_OF_MAX	100

/* How a model is watched. */
typedef struct MlMonitor
{
	const Interval *window_length;	/* only to be set */
	List	   *slices;			/* columns: char * */
	List	   *methods;		/* names: char *; NIL: by the kind of column */
	int			min_rows;		/* 0: by the bins of the column */
	const char *truth_source;	/* NULL: none; only to be set */
	double		log_fraction;	/* only to be set */
	double		alpha;
	int			alert_after;
	int			alert_of;
	List	   *cyclic;			/* columns: char * */
} MlMonitor;

typedef enum MlDriftType
{
	ML_DRIFT_BASELINE,			/* against the training rows */
	ML_DRIFT_CONSECUTIVE		/* against the window before */
} MlDriftType;

typedef enum MlDriftVerdict
{
	ML_DRIFT_NONE,
	ML_DRIFT_FOUND,
	ML_DRIFT_INSUFFICIENT
} MlDriftVerdict;

/* One comparison. What is not known is NaN. */
typedef struct MlDriftRow
{
	int			set;			/* of the counts; 0: all rows */
	int			column;			/* of the baseline */
	const char *slice_key;		/* NULL for all rows */
	const char *slice_value;
	const char *column_name;
	MlDriftType type;
	const MlDriftMethod *method;
	MlDriftResult result;
	double		alpha;			/* what was left of the window's for this comparison */
	double		floor;			/* what the statistic has to exceed to matter */
	int64		n_reference;
	int64		n;
	MlDriftVerdict verdict;
} MlDriftRow;

/* A window that is to be judged. */
typedef struct MlWindow
{
	char	   *model;
	int32		version;
	char	   *role;
	TimestampTz start;
	TimestampTz end;
	int64		rows;
	int			looks;			/* so far */
	bool		over;			/* nothing more comes */
} MlWindow;

/* How often a column of a slice has drifted in the last windows. */
typedef struct MlDriftStreak
{
	char	   *column_name;
	char	   *slice_key;
	char	   *slice_value;
	int			drifted;
	int			windows;
} MlDriftStreak;

extern const char *ml_drift_type_name(MlDriftType type);
extern const char *ml_drift_verdict_name(MlDriftVerdict verdict);

/* ---- settings: catalog_monitor.c ---- */

/* How a model is watched, with defaults filled in, under the active snapshot. */
extern void ml_catalog_monitor(const char *model, MlMonitor *out);

/* Sets it, or sets it back to the defaults (NULL), with an event. Rights are already checked. */
extern void ml_catalog_set_monitor(const char *model, const MlMonitor *monitor);

/*
 * The same by slices, if it was made of these columns (char *); NULL without
 * counts, and problem (which may be NULL) then says why.
 */
extern bytea *ml_catalog_slice_baseline(const char *model, int32 version, List *slices, char **problem);

/* Writes it, with counts or the problem. */
extern void ml_catalog_put_slice_baseline(const char *model, int32 version, List *slices, bytea *counts,
										  const char *problem);

/* The versions (MlVersionRef *, without a digest) of a model, or of all (NULL), that serve and whose slices have no baseline. */
extern List *ml_catalog_slices_due(const char *model);

/* The version whose columns a model is watched by: that in production, or else the newest; 0 without any. */
extern int32 ml_catalog_watched_version(const char *model);

/* ---- windows: catalog_drift.c ---- */

/*
 * The windows (MlWindow *) that are to be judged: those that are over, and
 * open ones with enough rows for their next look, or with called any rows that
 * they did not have at the last one.
 */
extern List *ml_catalog_windows_due(bool called);

/* The counts of a window and the columns (char *) that cut them; false when it is gone. */
extern bool ml_catalog_window_counts(const MlWindow *window, bytea **counts, List **slices);

/* The counts of the last window before it of the same version and role, and their slices; false without any. */
extern bool ml_catalog_window_before(const MlWindow *window, bytea **counts, List **slices);

/*
 * Writes what a look at a window found (MlDriftRow *) in place of what was
 * found before, and that it was looked at; problem says why nothing could be
 * found, or is NULL.
 */
extern void ml_catalog_window_judged(const MlWindow *window, List *rows, const char *problem);

/* Whether a later window of the same version in the same role has been looked at already. */
extern bool ml_catalog_window_outdated(const MlWindow *window);

/*
 * How often each column drifted in the last windows up to this one
 * (MlDriftStreak *): against the training rows, and slices against the window
 * before if asked for.
 */
extern List *ml_catalog_drift_streaks(const MlWindow *window, int windows, bool slices_consecutive);

#endif							/* ML_STORE_DRIFT_H */
