/*
 * quality.h - what is known of the quality of deployed versions: truth sources, metrics of windows, detectors.
 *
 * Reads see the active snapshot. Nothing here checks rights.
 */
#ifndef ML_STORE_QUALITY_H
#define ML_STORE_QUALITY_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* Where a model's truth is found. */
typedef struct MlTruthSource
{
	char	   *model;
	char	   *owner;
	char	   *source;			/* NULL: nowhere; the rest but window_length and slices is not set */
	char	   *search_path;
	Jsonb	   *detectors;
	TimestampTz since;			/* labels of predictions before this are not waited for */
	int64		window_length;	/* microseconds */
	List	   *slices;			/* char * */
	int32		production;		/* version, or 0 */
	int32		newest;
} MlTruthSource;

/* A time in which a version answered. */
typedef struct MlAnswering
{
	int32		version;
	bool		canary;
	double		traffic;		/* of a canary */
	TimestampTz from;
	TimestampTz until;			/* DT_NOEND: still */
} MlAnswering;

/* A metric of a window. */
typedef struct MlQualityRow
{
	const char *slice_key;
	const char *slice_value;
	const char *metric;
	double		value;
	double		low;			/* NaN, as high is, where there is no interval */
	double		high;
	int64		n;
	const char *note;
} MlQualityRow;

/* A window of a version in a role. */
typedef struct MlQualityWindow
{
	const char *model;
	int32		version;
	const char *role;
	TimestampTz start;
	TimestampTz end;
} MlQualityWindow;

/* Counts of a window that has not been estimated from since they were written. */
typedef struct MlScoredWindow
{
	MlQualityWindow window;
	List	   *slices;			/* char * */
	bytea	   *counts;
} MlScoredWindow;

/* A detector of a version. */
typedef struct MlDetectorRow
{
	char	   *detector;
	TimestampTz consumed_until;
	int64		n;
	int64		drifts;
	TimestampTz last_drift_at;	/* DT_NOBEGIN: never */
	double		level;
	Jsonb	   *params;
	bytea	   *state;
} MlDetectorRow;

/* Writes where the truth of a model is found; NULL: nowhere. wait and detectors may be NULL: they stay, or are the defaults. */
extern void ml_catalog_set_truth(const char *model, const char *source, const char *search_path, const Interval *wait,
								 Jsonb *detectors);

/* Reads it; false when there is no such model. */
extern bool ml_catalog_truth(const char *model, MlTruthSource *out);

/* The models (char *) whose quality is to be looked at: those with a truth that is due, and with windows not estimated from. */
extern List *ml_catalog_quality_due(bool asked);

/* Keeps two from judging a model at a time, until the transaction ends; false: somebody does. */
extern bool ml_catalog_quality_claim(const char *model, bool wait);

/* Notes a reading, with its error or NULL; returns whether the error is new. */
extern bool ml_catalog_truth_read(const char *model, int64 ms, int64 labelled, int64 unanswered, const char *error);

/* The times in which versions answered since a moment: MlAnswering *. */
extern List *ml_catalog_answering(const char *model, TimestampTz since);

/* The query that joins labels by row_key to the log: inputs is a column definition list, label a quoted name. */
extern char *ml_catalog_logged_truth(const char *model, const char *source, const char *label, const char *inputs);

/* The digest and rows of a window when its figures were written; false: never. */
extern bool ml_catalog_truth_window(const MlQualityWindow *window, int64 *rows, int64 *digest);
extern void ml_catalog_truth_window_write(const MlQualityWindow *window, int64 rows, int64 digest, int64 late);

/* Replaces the figures of a window. */
extern void ml_catalog_quality_write(const MlQualityWindow *window, const char *kind, int nrows, const MlQualityRow *rows);

/* Windows (MlScoredWindow *) whose counts are newer than what was estimated from them. */
extern List *ml_catalog_scored_windows(const char *model);

/* The newest window of a version in production with a metric of at least n rows; realised before estimated. */
typedef struct MlQualityNow
{
	TimestampTz start;
	double		value;
	double		low;
	double		high;
	int64		n;
	char	   *kind;
} MlQualityNow;

extern bool ml_catalog_quality_now(const char *model, int32 version, const char *metric, const char *kind, int64 n,
								   MlQualityNow *out);

/* The detectors (MlDetectorRow *) of a version; and writes one. */
extern List *ml_catalog_detectors(const char *model, int32 version);
extern void ml_catalog_detector_write(const char *model, int32 version, const MlDetectorRow *row);

#endif							/* ML_STORE_QUALITY_H */
