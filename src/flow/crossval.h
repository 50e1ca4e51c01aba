/*
 * crossval.h - the metrics of a learner over the folds of the training rows.
 */
#ifndef ML_CROSSVAL_H
#define ML_CROSSVAL_H

#include "flow/candidate.h"

typedef struct MlCrossval
{
	int			nfolds;			/* that were to be judged */
	int			nmetrics;
	const MlMetric *const *metrics;
	double	   *values;			/* [fold * nmetrics + metric]; NaN where it is not defined */
	int64		nrows;			/* training rows in folds */
	int64		rows;			/* that were judged */
	int			judged;			/* folds */
	MlHeldOut  *held_out;		/* what the judged rows were predicted */
	double	   *losses;			/* of each judged row, in the order of the folds; NULL unless asked for */
	const char *left_out;		/* the learner may be left out and does not fit into memory; or NULL */
} MlCrossval;

/* The loss of a prediction, by the task and classes of labels. */
typedef double (*MlCrossvalLoss) (const MlModel *labels, double truth, const double *out);

/*
 * Judges a learner, with what the training was given, on every fold. notes
 * get what went otherwise than asked. Everything is palloc'd in the current
 * context.
 */
extern MlCrossval *ml_crossval_run(const MlTraining *t, const MlLearner *learner, const MlFolds *folds,
								   MlCrossvalLoss loss, MlNotes *notes);

/* Makes the folds that the split asks for. */
extern MlFolds *ml_crossval_folds(MlTraining *t);

/* Notes what the figures are of. */
extern void ml_crossval_note(const MlCrossval *cv, const MlLoad *load, MlNotes *notes);

/* The mean of a metric over the folds where it is defined, and their sample standard deviation; returns how many they are. */
extern int	ml_crossval_mean(const MlCrossval *cv, int metric, double *mean, double *stddev);

#endif							/* ML_CROSSVAL_H */
