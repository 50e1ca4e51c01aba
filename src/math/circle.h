/*
 * circle.h - sine and cosine of whole parts of a turn, with the same bits on every processor.
 */
#ifndef ML_CIRCLE_H
#define ML_CIRCLE_H

/* Sine and cosine of 2 pi k / n, for 0 <= k < n <= 2^20; errors below 1 ulp of 1, exact at quarters. */
extern void ml_circle(int k, int n, double *sine, double *cosine);

#endif							/* ML_CIRCLE_H */
