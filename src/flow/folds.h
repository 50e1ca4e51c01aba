/*
 * folds.h - the training rows of a load in folds, and the rows of one fold for training and for judging.
 *
 * A fold depends on what the rows hold, on the seed and on the number of
 * folds, never on the order in which rows came. Equal rows are in one fold,
 * except where a column of the source says otherwise.
 */
#ifndef ML_FOLDS_H
#define ML_FOLDS_H

#include "flow/training.h"

typedef struct MlFolds
{
	int			count;
	int			first;			/* folds first..count - 1 are judged */
	bool		chained;		/* by a model of all folds before them; else by a model of all others */
	int64		nrows;
	uint16	   *fold;			/* of each row of load->train, in canonical order */
	const MlDesign *labels;		/* task and classes of all these rows, by which every fold is judged */
} MlFolds;

/*
 * Divides the training rows into k folds. load->folded has to have been set
 * before the rows were loaded, and the task of t->model to be known. With k = 1
 * one fold is judged: a fifth of the rows. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE where the rows do not allow it.
 */
extern MlFolds *ml_folds_make(MlTraining *t, int k, MlFoldMethod method);

/*
 * The training and the held-out rows of one fold, as a load of its own in the
 * current memory context. share below 1: that share of the training rows, by
 * hash; a greater share has all rows of a smaller one.
 */
extern MlLoad *ml_folds_part(const MlLoad *load, const MlFolds *folds, int fold, double share);
extern void ml_folds_end_part(MlLoad *part);

#endif							/* ML_FOLDS_H */
