/*
 * cbpe.h - the performance of a classifier estimated from its scores alone, in bins of the score.
 *
 * Where scores are calibrated, rows with a score of p are positive with
 * chance p. So the expected counts of a confusion matrix are sums of scores
 * (confidence-based performance estimation, CBPE). Held-out rows say what
 * scores of a bin are worth. None of this sees that the relation between
 * features and class has changed.
 */
#ifndef ML_CBPE_H
#define ML_CBPE_H

#include "math/math.h"

#define ML_CBPE_BINS	20

/* Rows in bins of the score, and the sums of their scores. */
typedef struct MlCbpeRows
{
	double		rows[ML_CBPE_BINS];
	double		scores[ML_CBPE_BINS];
} MlCbpeRows;

/* What held-out rows say of scores. */
typedef struct MlCbpe
{
	bool		isotonic;		/* scores are replaced by these shares; false: they are as good as they are */
	double		share[ML_CBPE_BINS];	/* ascending: of positive rows */
	double		rows[ML_CBPE_BINS];	/* held-out rows behind the share of the bin */
	int			block[ML_CBPE_BINS];	/* bins of one share have one number */
	double		error_raw;		/* expected calibration error in cross-fit; NaN where it was not done */
	double		error_isotonic;
} MlCbpe;

typedef enum MlCbpeMetric
{
	ML_CBPE_ACCURACY,			/* of two classes */
	ML_CBPE_PRECISION,
	ML_CBPE_RECALL,
	ML_CBPE_F1,
	ML_CBPE_SPECIFICITY,
	ML_CBPE_AUC,				/* rows of one bin are ties */
	ML_CBPE_SHARE				/* of all rows: accuracy where scores are chances of being right */
} MlCbpeMetric;

/*
 * Learns from held-out rows and how many of each bin were positive: shares
 * that ascend (pool adjacent violators; Barlow et al., "Statistical Inference
 * under Order Restrictions", 1972), and whether they serve better than the
 * scores, by the expected calibration error of thirds of the rows that were
 * left out. False where there are no rows.
 */
extern bool ml_cbpe_learn(MlCbpe *cbpe, const MlCbpeRows *held_out, const int64_t *positives);

/*
 * Estimates a metric of rows with a 95 % interval: rows are positive or not by
 * chance, and the shares of the held-out rows are known no better than these
 * are many. False where it is not defined.
 */
extern bool ml_cbpe_estimate(const MlCbpe *cbpe, const MlCbpeRows *rows, MlCbpeMetric metric,
							 double *value, double *low, double *high);

/* The same metric of rows whose positives are known; false where it is not defined. */
extern bool ml_cbpe_known(const double *rows, const double *positives, MlCbpeMetric metric, double *value);

#endif							/* ML_CBPE_H */
