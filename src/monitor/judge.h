/*
 * judge.h - whether rows that were counted have drifted: every column, slice and method of a window together.
 *
 * Effect and chance are kept apart. A statistic has to exceed the floor of its
 * method, so that it matters, and what chance makes of rows that did not
 * change. The more comparisons a window has, the less of its alpha is left for
 * each: Benjamini and Hochberg, "Controlling the false discovery rate" (Journal
 * of the Royal Statistical Society B 57, 1995). Without drift anywhere, a window
 * raises anything with a probability of alpha at most.
 */
#ifndef ML_JUDGE_DRIFT_H
#define ML_JUDGE_DRIFT_H

#include "store/drift.h"

/* One side that is judged, and by what. */
typedef struct MlJudgement
{
	const MlMonitor *monitor;
	const MlBaseline *baseline; /* whose bins they are */
	int			nslices;
	const int  *slices;			/* columns of the baseline */
	const MlCounts *current;
	double		alpha;			/* of this look */
} MlJudgement;

/*
 * Judges against a reference: its set 0 for all rows, and the sets of slices
 * for these; slices may be NULL. Returns a List of MlDriftRow * in the order
 * of sets, columns and methods.
 */
extern List *ml_judge_drift(const MlJudgement *judgement, MlDriftType type, const MlCounts *reference,
							const MlCounts *slices);

/* Whether a column is taken for a cyclic one. */
extern bool ml_judge_cyclic(const MlMonitor *monitor, const MlBins *bins);

/* The methods (const MlDriftMethod *) that a column is judged by. */
extern List *ml_judge_methods(const MlMonitor *monitor, const MlBins *bins);

/* The rows that a side needs to be judged by a method. */
extern int64 ml_judge_min_rows(const MlMonitor *monitor, const MlBins *bins, const MlDriftMethod *method);

/* What a look at a window may spend of alpha: the look-th at an open one, from 1 on, or the last one when it is over. */
extern double ml_judge_look_alpha(double alpha, int look, bool over);

/*
 * The share of windows without drift that open an alert: one of comparisons
 * columns of slices drifts by chance in alert_after of alert_of windows.
 */
extern double ml_judge_false_alarms(const MlMonitor *monitor, int columns);

/* The places of columns (char *) in a baseline; those that it does not have are left out. Returns how many. */
extern int	ml_judge_slices(const MlBaseline *baseline, List *names, int **slices);

/*
 * What has changed in a column most, in words: its mean, the bins that grew
 * and shrank most, NULLs. Palloc'd; "" where a side has no rows.
 */
extern char *ml_judge_words(const MlBins *bins, const MlColumnCounts *reference, const MlColumnCounts *current);

#endif							/* ML_JUDGE_DRIFT_H */
