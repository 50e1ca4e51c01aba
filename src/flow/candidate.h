/*
 * candidate.h - what a learner with parameters and a pipeline is worth, judged on the held-out rows of a part.
 */
#ifndef ML_CANDIDATE_H
#define ML_CANDIDATE_H

#include "flow/folds.h"

typedef struct MlCandidateScore
{
	int			nmetrics;
	const MlMetric *const *metrics;
	double	   *values;			/* NaN where a metric is not defined for these rows */
	int64		rows;			/* that were judged */
	int			classes_missing;	/* classes of other rows that the training rows lack */
	char	   *left_out;		/* why there is no score, or NULL */
	bool		too_big;		/* that is for want of memory */
} MlCandidateScore;

/*
 * Is told every judged row, in canonical order: its truth is a number or a
 * class of part->labels (-1: none of them), out what is predicted, by the
 * same classes.
 */
typedef void (*MlCandidateRow) (void *ctx, double truth, const double *out);

/*
 * Fits on part->train and judges on part->test, in a memory context of its
 * own; the part's training rows are used up. params and pipeline are what the
 * caller of ml.train would have given, or NULL. Of t only spec, tick,
 * other_params (passed over in params) and optional (too little memory is no
 * error, but leaves the candidate out) are needed. row may be NULL. What the
 * fit cannot do raises its error.
 */
extern void ml_candidate_judge_rows(const MlTraining *t, const MlLearner *learner, Jsonb *params, Jsonb *pipeline,
									MlLoad *part, MlCandidateRow row, void *ctx, MlCandidateScore *out);

/* The same, for the score alone. */
extern void ml_candidate_judge(const MlTraining *t, const MlLearner *learner, Jsonb *params, Jsonb *pipeline,
							   MlLoad *part, MlCandidateScore *out);

#endif							/* ML_CANDIDATE_H */
