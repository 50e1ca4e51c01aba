/*
 * elementary.h - exp, log and the logistic functions with the same bits on every processor.
 *
 * A libm answers differently from version to version and from processor to
 * processor; a model that must be reproduced byte for byte can't use it. The
 * scalar functions and the block functions below agree in every bit.
 */
#ifndef ML_ELEMENTARY_H
#define ML_ELEMENTARY_H

/* exp(x), error below 1 ulp; 0 and denormals below, inf above, NaN for NaN. */
extern double ml_exp(double x);

/* exp(x) - 1, relative error below 3 ulp also near 0. */
extern double ml_expm1(double x);

/* Natural log(x), error below 1 ulp; -inf at 0, NaN for x < 0 and NaN. */
extern double ml_log(double x);

/* log(1 + x), relative error below 2 ulp also near 0; -inf at -1, NaN below. */
extern double ml_log1p(double x);

/* log(1 + exp(x)), relative error below 3 ulp, never overflows. */
extern double ml_log1p_exp(double x);

/* 1 / (1 + exp(-x)), relative error below 3 ulp in both tails. */
extern double ml_sigmoid(double x);

/* The same for count values; out may be x itself. */
extern void ml_exp_block(int count, const double *x, double *out);
extern void ml_log_block(int count, const double *x, double *out);
extern void ml_log1p_exp_block(int count, const double *x, double *out);
extern void ml_sigmoid_block(int count, const double *x, double *out);

#endif							/* ML_ELEMENTARY_H */
