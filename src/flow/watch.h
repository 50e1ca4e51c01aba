/*
 * watch.h - how a model is watched: its settings, and what its versions were trained on by slice.
 */
#ifndef ML_WATCH_H
#define ML_WATCH_H

#include "store/drift.h"

#define ML_WATCH_SLICES_MAX	8

/* Checks the settings and writes them, and counts the slices of the versions that serve; the owner's business. */
extern void ml_watch_set(const char *model, const MlMonitor *monitor);

/* Sets them back to the defaults. */
extern void ml_watch_drop(const char *model);

/*
 * Counts by slice what a version was trained on, with the rights of who
 * trained it, and writes that down, or why it could not be; returns the reason
 * or NULL. An error of the source's ends a subtransaction of its own.
 */
extern char *ml_watch_count_slices(const char *model, int32 version, List *slices);

/* What is known of a model's watching beside its settings. */
typedef struct MlWatched
{
	int32		version;		/* 0: none has a baseline */
	List	   *columns;		/* char * */
	List	   *methods;		/* names (char *) that are used on any of them */
	int			min_rows;		/* of a window, for its first look */
	double		false_alarms;
	char	   *problem;		/* of slices, or NULL */
} MlWatched;

/* Reads it of the version in production, or else the newest. */
extern void ml_watch_describe(const char *model, MlWatched *out);

#endif							/* ML_WATCH_H */
