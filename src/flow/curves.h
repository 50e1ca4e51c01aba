/*
 * curves.h - what stands behind the metrics of a classification: which class was taken for which, the receiver
 * operating characteristic, and how far probabilities keep their word.
 *
 * Each scores the rows of a source that carry the truth, asks for the right
 * to use the model, and hands its rows to a sink. target is NULL for the
 * column the version was trained on.
 */
#ifndef ML_CURVES_H
#define ML_CURVES_H

/* The most bins of a calibration. */
#define ML_CALIBRATION_BINS_MAX		1000

/* Receives how many rows of one class were given another; actual need not be a class of the model. */
typedef void (*MlConfusionSink) (void *ctx, const char *actual, const char *predicted, int64 n);

/* Receives a point; a rate is NaN where there is no row of its class. */
typedef void (*MlRocSink) (void *ctx, double threshold, double false_positive_rate, double true_positive_rate);

/* The rows whose probability is from p_low up to, but without, p_high; of the last bin with it. */
typedef struct MlCalibrationBand
{
	int			bin;			/* from 1 */
	double		p_low;
	double		p_high;
	double		mean_probability;	/* these four are NaN without rows */
	double		observed_share;
	double		low;
	double		high;
	int64		n;
} MlCalibrationBand;

typedef void (*MlCalibrationSink) (void *ctx, const MlCalibrationBand *band);

/*
 * All pairs of the model's classes in bytewise order, pairs without rows too;
 * then the pairs that occur of classes the model does not know.
 */
extern void ml_curves_confusion(const char *ref, const char *source, const char *target,
								MlConfusionSink sink, void *ctx);

/* The point of nothing predicted, at infinity, then every distinct score as a threshold, the greatest first. */
extern void ml_curves_roc(const char *ref, const char *source, const char *target, MlRocSink sink, void *ctx);

/* bins of equal width, at most ML_CALIBRATION_BINS_MAX, with Wilson's 95 % limits of the observed share. */
extern void ml_curves_calibration(const char *ref, const char *source, int bins, const char *target,
								  MlCalibrationSink sink, void *ctx);

#endif							/* ML_CURVES_H */
