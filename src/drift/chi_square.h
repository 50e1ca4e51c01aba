/*
 * chi_square.h - Pearson's chi-square of two samples, for those that are made of it.
 */
#ifndef ML_CHI_SQUARE_H
#define ML_CHI_SQUARE_H

#include "drift/chance.h"

/* The statistic of the table of two rows, and what chance makes of it. */
extern double ml_chi_square_of(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftChance *chance);

#endif							/* ML_CHI_SQUARE_H */
