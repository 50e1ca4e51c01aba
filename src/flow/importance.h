/*
 * importance.h - what each feature adds to a version.
 */
#ifndef ML_IMPORTANCE_H
#define ML_IMPORTANCE_H

typedef struct MlImportance
{
	const char *feature;
	double		importance;		/* NaN: not defined */
} MlImportance;

/*
 * The importance of the features of a version, most important first; needs
 * the privilege read. Methods: "gain" and "split" tell of the design columns
 * what the learner knows; "permutation" tells of the inputs how much greater
 * the mean loss is when the values of one are shuffled among the rows held
 * out in training, which are read again with the caller's rights.
 */
extern int	ml_importance_of(const char *ref, const char *method, MlImportance **features);

#endif							/* ML_IMPORTANCE_H */
